"""Where an encoder–decoder looks while it writes its answer."""

from __future__ import annotations

import torch
from torch import Tensor

from seqsum.errors import UserError
from seqsum.models.encoder_decoder import EncoderDecoder
from seqsum.query.protocol import LONGEST_INSPECTED
from seqsum.query.question import Question, check_length


def attention_map(question: Question) -> Tensor:
    """Return the weights [written, source] for the model's own answer, its end included; each row sums to 1.

    Raises UserError for a network without attention.
    """
    if not isinstance(question.model, EncoderDecoder):
        raise UserError('attention: only an encoder–decoder has an attention map; see the preset "dates"')
    check_length(question.inputs, LONGEST_INSPECTED, "attention")
    with torch.inference_mode():
        return question.model.attention(question.row, question.lengths, torch.from_numpy(question.answer)[None])[0]
