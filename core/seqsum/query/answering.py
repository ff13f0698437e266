"""What each `ask` of the protocol is answered with. The command line and the query server both answer from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqsum.evaluation.evaluate import evaluate
from seqsum.query.accuracy_by_length import accuracy_by_length, chance_of
from seqsum.query.attention import attention_map
from seqsum.query.calibration import calibration
from seqsum.query.checkpoint_cache import Shelf
from seqsum.query.examples import Deadline
from seqsum.query.facts import facts_of
from seqsum.query.forecasts import Forecaster
from seqsum.query.gradients import three_cells
from seqsum.query.history import History
from seqsum.query.input_search import MOST_SEARCHED, hardest_input, random_input
from seqsum.query.inspection import inspect, written_names
from seqsum.query.loading import Loaded
from seqsum.query.mistakes import Mistakes, find_mistakes, page_of
from seqsum.query.predictor import Predictor
from seqsum.query.protocol import LONGEST_INSPECTED, PAGE, STEADY
from seqsum.query.question import Question, check_length
from seqsum.query.reply_text import in_words
from seqsum.query.request import MOST, Fields
from seqsum.query.sampling import bits_per_token, sample
from seqsum.query.trajectory import MOST_SEQUENCES, trajectory
from seqsum.runs import Run

KEPT = 3  # lists of mistakes, and forecasters

Answer = dict[str, Any]


class Answerer:
    """Answers requests about one run; what is costly to find out is kept for the next request."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.shelf = Shelf(run)
        self._history = History(self.shelf)
        self._mistakes: dict[tuple[Loaded, int | None, int | None], Mistakes] = {}
        self._forecasters: dict[Loaded, Forecaster] = {}
        self._asked = 0
        self._by_ask: dict[str, Callable[[Fields, Loaded], Answer]] = {
            "facts": self._facts,
            "predict": self._predict,
            "inspect": self._inspect,
            "gradient_norms": self._gradient_norms,
            "attention": self._attention,
            "trajectory": self._trajectory,
            "random_input": self._random_input,
            "hardest_input": self._hardest_input,
            "evaluate": self._evaluate,
            "accuracy_by_length": self._accuracy_by_length,
            "mistakes": self._find_mistakes,
            "calibration": self._calibration,
            "sample": self._sample,
            "loss_per_character": self._loss_per_character,
            "forecast": self._forecast,
            "history": self._find_history,
        }

    def answer(self, fields: Fields) -> tuple[Loaded, Answer]:
        """Return the checkpoint that answered and the reply's fields: `answer`, and for `predict` how it reads.

        Raises UserError (InputError with its place) where there is no answer.
        """
        self._asked += 1
        loaded = self.shelf.take(fields.checkpoint)
        return loaded, self._by_ask[fields.ask](fields, loaded)

    def ask(self, what: str, **fields: Any) -> tuple[Loaded, Answer]:
        """Ask from Python: `answer` of a request with these fields."""
        return self.answer(Fields({"ask": what, **fields}))

    def _seed(self, fields: Fields) -> int:
        """Each question draws anew unless it names a seed: the same prompt twice is to give two texts."""
        seed = fields.whole("seed", 0, MOST)
        return self._asked if seed is None else seed

    def _facts(self, fields: Fields, loaded: Loaded) -> Answer:
        return {"answer": facts_of(self.run, loaded, self.shelf.steps())}

    def _predict(self, fields: Fields, loaded: Loaded) -> Answer:
        text, temperature = fields.text(), fields.temperature
        found = Predictor(self.run, loaded=loaded).predict(
            text,
            length=fields.length,
            temperature=temperature,
            top_k=fields.whole("top_k", 1, MOST),
            seed=self._seed(fields),
        )
        words = in_words(loaded.task, loaded.task.parse(text), found)
        if words["kind"] == "continuation":
            words["temperature"] = temperature
        return {"answer": found.plain(), **words}

    def _inspect(self, fields: Fields, loaded: Loaded) -> Answer:
        question = Question.typed(loaded, fields.text())
        return {"answer": inspect(question, fields.whole("target", 0, MOST))}

    def _gradient_norms(self, fields: Fields, loaded: Loaded) -> Answer:
        seed = self._seed(fields)
        text = fields.maybe_text("input")
        question = Question.typed(loaded, random_input(loaded, seed, fields.length) if text is None else text)
        check_length(question.inputs, LONGEST_INSPECTED, "gradients")
        # The first weights are the same at every request, so that a picture changes with the input alone.
        curves = three_cells(question, fields.whole("seed", 0, MOST) or 0)
        return {
            "answer": {
                "tokens": loaded.task.input_names(question.inputs),
                "curves": [{"cell": one.cell, "trained": one.trained, "norms": one.norms} for one in curves],
            }
        }

    def _attention(self, fields: Fields, loaded: Loaded) -> Answer:
        question = Question.typed(loaded, fields.text())
        weights = attention_map(question)
        return {
            "answer": {
                "tokens": loaded.task.input_names(question.inputs),
                "written": written_names(question),
                "weights": weights.double().tolist(),
            }
        }

    def _trajectory(self, fields: Fields, loaded: Loaded) -> Answer:
        text = fields.maybe_text("input")
        return {
            "answer": trajectory(
                loaded,
                fields.whole("count", 1, MOST_SEQUENCES) or 200,
                fields.length,
                fields.whole("seed", 0, MOST) or 0,  # the same picture again, unless another is asked for
                fields.whole("layer", 0, 1000),
                None if text is None else Question.typed(loaded, text),
            )
        }

    def _random_input(self, fields: Fields, loaded: Loaded) -> Answer:
        text = random_input(loaded, self._seed(fields), fields.length)
        return {"answer": {"input": text, "prediction": None, "truth": None, "loss": None, "searched": 0}}

    def _hardest_input(self, fields: Fields, loaded: Loaded) -> Answer:
        count = fields.whole("count", 1, MOST_SEARCHED) or 2_000
        return {"answer": hardest_input(loaded, self._seed(fields), count, fields.length)}

    def _evaluate(self, fields: Fields, loaded: Loaded) -> Answer:
        found = evaluate(loaded.model, loaded.task, *fields.lengths, Deadline("evaluate").check)
        names = facts_of(self.run, loaded, [])["labels"]
        return {
            "answer": {
                "accuracy": found.accuracy,
                "loss": found.loss,
                "metrics": found.metrics,
                "sequences": found.sequences,
                "exhaustive": found.exhaustive,
                "lengths_alike": loaded.task.lengths_alike and len(found.accuracy_by_length) > 1,
                "chance": chance_of(loaded),
                "accuracy_by_length": {str(length): share for length, share in found.accuracy_by_length.items()},
                "confusion": None if found.confusion is None else np.asarray(found.confusion).tolist(),
                "labels": names,
            }
        }

    def _accuracy_by_length(self, fields: Fields, loaded: Loaded) -> Answer:
        return {"answer": accuracy_by_length(loaded, *fields.lengths)}

    def _find_mistakes(self, fields: Fields, loaded: Loaded) -> Answer:
        low, high = fields.lengths
        key = (loaded, low, high)
        limit = fields.whole("limit", 1, 10 * PAGE) or PAGE
        offset = fields.whole("offset", 0, MOST) or 0
        if key not in self._mistakes:
            self._mistakes = dict([*self._mistakes.items()][-KEPT + 1 :])
            self._mistakes[key] = find_mistakes(loaded, low, high)
        page = page_of(
            loaded,
            self._mistakes[key],
            truth=fields.maybe_text("truth"),
            prediction=fields.maybe_text("prediction"),
            length=fields.length,
            offset=offset,
            limit=limit,
        )
        return {"answer": page}

    def _calibration(self, fields: Fields, loaded: Loaded) -> Answer:
        return {"answer": calibration(loaded, *fields.lengths, fields.whole("bins", 2, 100) or 10)}

    def _sample(self, fields: Fields, loaded: Loaded) -> Answer:
        seed = self._seed(fields)
        text = fields.text()
        question = Question.typed(loaded, text)
        found = sample(question, fields.length, fields.temperature, fields.whole("top_k", 1, MOST), seed)
        return {
            "answer": {
                "prompt": found.prompt,
                "written": found.written,
                "between": found.between,
                "remarks": loaded.task.remarks(text),
                "tokens": found.tokens,
                "probabilities": found.probabilities,
                "seed": seed,
            }
        }

    def _loss_per_character(self, fields: Fields, loaded: Loaded) -> Answer:
        question = Question.typed(loaded, fields.text())
        bits = bits_per_token(question)
        return {
            "answer": {
                "characters": loaded.task.input_names(question.inputs),
                "bits": bits,
                "mean_bits": float(np.mean([one for one in bits if one is not None])),
            }
        }

    def _forecast(self, fields: Fields, loaded: Loaded) -> Answer:
        if loaded not in self._forecasters:
            self._forecasters = dict([*self._forecasters.items()][-KEPT + 1 :])
            self._forecasters[loaded] = Forecaster(loaded)
        forecaster = self._forecasters[loaded]
        question, truth = forecaster.question(fields.text(), fields.whole("offset", 0, MOST))
        return {"answer": forecaster.forecast(question, fields.length, truth)}

    def _find_history(self, fields: Fields, loaded: Loaded) -> Answer:
        threshold = fields.number("threshold", 0, 1)
        return {"answer": self._history.of(fields.text(), STEADY if threshold is None else threshold)}
