"""What is said over the query server's pipe: JSON Lines, one request a line and one reply a line, in turn.

The server, `python -m seqsum.query RUN_FOLDER`, first says a `Ready` line. Then each `Request` gets one `Reply` or
`Refusal` with the same `id`. It answers one at a time; a request is taken back by ending the server, which only reads.
No torch here: the console imports this.

Numbers are finite or null: what overflowed is null. Arrays are lists, outermost axis first, as in `[steps][classes]`.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Ask = Literal[
    "facts",
    "predict",
    "inspect",
    "gradient_norms",
    "attention",
    "trajectory",
    "random_input",
    "hardest_input",
    "evaluate",
    "accuracy_by_length",
    "mistakes",
    "calibration",
    "sample",
    "loss_per_character",
    "forecast",
    "history",
]

HOTTEST = 100.0
"""Highest temperature."""
LONGEST_INSPECTED = 500
"""Steps of an input that can be looked inside, saliency and gates included; a longer one is refused in a sentence."""
MOST_NUMBERS = 400_000
"""States, gates and probabilities that one reply may hold."""
LONGEST_WRITTEN = 10_000
"""Steps that a prompt or a forecast can be continued for."""
LONGEST_LINE = 1_000_000
"""Characters of a request's line; a longer one is refused."""
PAGE = 50
"""Mistakes on a page, unless `limit` says otherwise; at most ten times as many."""
STEADY = 0.99
"""Accuracy that counts as learned, unless `threshold` says otherwise."""
SECONDS = 50.0
"""After this long, what walks over many inputs gives up with a sentence."""


class Request(TypedDict):
    """A question. Everything but `ask` has a default; which fields count for which `ask` is said at its answer."""

    ask: Ask
    id: NotRequired[int | str | None]
    """Comes back with the reply."""
    checkpoint: NotRequired[int | None]
    """Step of the checkpoint that is to answer; null, or nothing: the newest whole one, looked for each time."""
    input: NotRequired[str]
    """What a person typed (a prompt, for `sample`)."""
    length: NotRequired[int | None]
    """How many steps to go on; for `random_input`, `trajectory` and the like, how long an input is."""
    temperature: NotRequired[float | None]
    """0 … 100; null or 0 takes the likeliest token."""
    top_k: NotRequired[int | None]
    """Draw among the k likeliest tokens only."""
    seed: NotRequired[int]
    """Of what is drawn; default: another at each request."""
    target: NotRequired[int | None]
    """Place of the class that saliency explains; null: the one that is answered."""
    low: NotRequired[int | None]
    high: NotRequired[int | None]
    """Lengths of the inputs asked about; null: the task's own."""
    truth: NotRequired[str | None]
    prediction: NotRequired[str | None]
    """Only mistakes with this truth, or this prediction (a label, as `Facts.labels` writes them)."""
    offset: NotRequired[int]
    limit: NotRequired[int]
    """The page of mistakes: how many to pass over, how many to give."""
    bins: NotRequired[int]
    """Of the calibration, 2 … 100; default 10."""
    count: NotRequired[int]
    """How many sequences a trajectory is made of, or among how many the hardest is looked for."""
    layer: NotRequired[int]
    """Layer of a trajectory, counted from 0; default: the last."""
    threshold: NotRequired[float]
    """Accuracy that counts as learned (`history`)."""


class Ready(TypedDict):
    """The server's first line; {"ready": false, "error": …} when it can't answer (no checkpoint yet, damaged run)."""

    ready: bool
    checkpoint_step: int
    input_hint: str
    """What to type."""
    empty: bool
    """Whether nothing at all is a question too."""
    samples: bool
    """Whether the task writes on, so that a temperature makes a difference."""


class Reply(TypedDict):
    """An answer. `answer` is the type named after the request's `ask` below."""

    id: int | str | None
    ok: Literal[True]
    ask: Ask
    checkpoint_step: int
    """The checkpoint that answered."""
    seconds: float
    """How long the server computed."""
    messages: list[str]
    """What a person should know, e.g. that a damaged checkpoint was passed over."""
    answer: Any


class PredictReply(Reply):
    """The reply to `predict` says beside the answer how it reads."""

    kind: Kind
    text: Text
    labels: NotRequired[list[str]]
    """Of a class: what each of `answer.probabilities` belongs to."""
    temperature: NotRequired[float | None]
    """Of a continuation."""


class Refusal(TypedDict):
    """A question that has no answer; the server goes on."""

    id: int | str | None
    ok: Literal[False]
    error: str
    """One sentence: what is wrong and the way out."""
    place: int | None
    """Where in `input`, counted in characters from 0, it goes wrong; null where no single place is to blame."""
    end: int | None
    """The first character after the wrong part; null with `place`."""


Kind = Literal["class", "tags", "sequence", "values", "continuation"]
"""What an answer is: one class; a class at each step; tokens of their own length; numbers; what a prompt goes on to."""


class Text(TypedDict):
    """As the task writes them; a truth that nobody knows is null."""

    input: str
    prediction: str
    truth: str | None


# --- facts: what run this is and what can be asked of it. Fields: none.


class Facts(TypedDict):
    run: str
    name: str
    task: str
    title: str
    answer: Literal["class", "tags", "sequence", "values"]
    continues: bool
    """Whether an input is a prompt that is gone on from."""
    input_hint: str
    empty: bool
    samples: bool
    labels: list[str] | None
    """What each class is called; null for values, and for more than a thousand classes."""
    checkpoints: list[int]
    """Steps of the checkpoints on the disk, ascending; some may be damaged."""
    model: ModelFacts
    asks: list[Ask]
    """What this run has an answer to."""


class ModelFacts(TypedDict):
    name: str
    cell: str | None
    """rnn, lstm, gru; null for a network without cells."""
    layers: int | None
    hidden_size: int | None
    bidirectional: bool
    attention: str | None
    parameters: int
    dtype: str
    classes: int


# --- predict: what the model says. Fields: input; for a continuation length, temperature, top_k, seed.


class PredictAnswer(TypedDict):
    input: Any
    prediction: Any
    truth: Any
    """All three as the task writes them in JSON; `Text` has them as text. A truth that nobody knows is null."""
    correct: bool | None
    probabilities: list[float]
    """Of each class, when one class is asked (they sum to 1); else of the answer given at each step; of values: []."""
    entropy: float | None
    """Of `probabilities` in bits, when one class is asked: 0 sure, log2(classes) clueless."""
    remarks: list[str]
    """What to know of how the input was read, one sentence each: characters that are unknown, values left out."""


# --- inspect: what happens inside. Fields: input, target.


class InspectAnswer(TypedDict):
    tokens: list[str]
    """[steps]: each step of the input as a person reads it."""
    labels: list[str] | None
    """[classes]; null for values."""
    prediction: str
    truth: str | None
    correct: bool | None
    probabilities: list[list[float]]
    """[steps][classes]: after every step, as if the input ended there; for a sequence [written][classes], each token
    given those before it; for values: []."""
    written: list[str] | None
    """[written]: the tokens of a sequence; null for the others."""
    values: list[float] | None
    """[steps]: for values, the forecast after each step, in the data's own units; null for the others."""
    layers: list[LayerStates]
    """From the input on, both directions of a layer after each other; of an encoder–decoder: the encoder's."""
    saliency: Saliency
    gradient_norms: list[float]
    """[steps]: ‖∂loss/∂x_t‖ with x_t what entered at step t, loss the cross-entropy in nats of the truth when one class
    is asked, else of what was answered (of tags: at the last step); of values ‖∂value/∂x_t‖, standardised."""


class LayerStates(TypedDict):
    layer: int
    direction: Literal["forward", "backward"]
    hidden: list[list[float]]
    """[steps][units]: the hidden state after each step; of a network without memory, what the hidden layer gives."""
    cell: list[list[float]] | None
    """[steps][units]: an LSTM's cell state."""
    gates: dict[str, list[list[float]]]
    """name → [steps][units]. LSTM: input, forget, candidate, output. GRU: reset, update, candidate. Else {}."""


class Saliency(TypedDict):
    target: str
    """Which class (or answer) is explained."""
    gradient_input: list[float]
    """[steps]: Σ over the width of x_t · ∂score/∂x_t. score is the logit of the target class (of tags: of the last
    step's; of a sequence: the log-probability of what was written; of values: the standardised forecast)."""
    leave_one_out: list[float | None]
    """[steps]: by how much the target's probability falls when step t is left out (of a sequence: the log-probability;
    of values: the standardised forecast with that value at the mean). Null where nothing would be left."""


# --- gradient_norms: three cells compared (document 3). Fields: input; without one, length and seed of a random one.


class GradientNormsAnswer(TypedDict):
    tokens: list[str]
    curves: list[GradientCurve]
    """The run's own network first, then a fresh rnn, lstm and gru of its sizes."""


class GradientCurve(TypedDict):
    cell: str
    trained: bool
    """False: first weights, as drawn."""
    norms: list[float]
    """[steps]: ‖∂loss/∂x_t‖, loss the cross-entropy at the end."""


# --- attention: where an encoder–decoder looks. Fields: input.


class AttentionAnswer(TypedDict):
    tokens: list[str]
    """[source]"""
    written: list[str]
    """[written], the end written as "⏎"."""
    weights: list[list[float]]
    """[written][source]; each row sums to 1."""


# --- trajectory: hidden states of many sequences in the plane of most variance. Fields: count, length, seed, layer;
#     input: a sequence whose path is to be drawn in that plane.


class TrajectoryAnswer(TypedDict):
    x: list[float]
    y: list[float]
    """[points]: first and second principal component of the hidden state after each step of each sequence."""
    label: list[str]
    """[points]: the right answer had the sequence ended there (the running sum), or what the model says there."""
    label_is: Literal["truth", "prediction"]
    labels: list[str]
    """All labels, in the order of the classes."""
    step: list[int]
    """[points], from 1."""
    sequence: list[int]
    """[points]: which of the sequences."""
    explained: list[float]
    """Share of the variance along x and along y."""
    layer: int
    path: list[TrajectoryStep]
    """Of `input`; [] without one."""


class TrajectoryStep(TypedDict):
    token: str
    x: float
    y: float
    label: str


# --- random_input, hardest_input: something to ask. Fields: length, seed; hardest: count.


class InputAnswer(TypedDict):
    input: str
    """As one would type it."""
    prediction: str | None
    truth: str | None
    loss: float | None
    """Hardest: cross-entropy in nats per token asked, or squared error. Null for a random one, as are the two above."""
    searched: int
    """Among how many it is the hardest; 0 for a random one."""


# --- evaluate: how good it is. Fields: low, high.


class EvaluateAnswer(TypedDict):
    accuracy: float | None
    loss: float
    metrics: dict[str, float]
    sequences: int
    exhaustive: bool
    """Whether that is the whole input space."""
    chance: float | None
    """Accuracy of guessing: 1/classes; null for sequences and values."""
    lengths_alike: bool
    """Whether accuracy and loss are means over lengths, each counted alike."""
    accuracy_by_length: dict[str, float]
    confusion: list[list[int]] | None
    """[truth][prediction]: how often; null for sequences, values and more than a hundred classes."""
    labels: list[str] | None


# --- accuracy_by_length: how far what was learned carries. Fields: low, high (default 500 where the task goes so far).


class AccuracyByLengthAnswer(TypedDict):
    lengths: list[int]
    """Every one up to 20, then ever sparser."""
    accuracy: list[float]
    low: list[float]
    high: list[float]
    """95% interval (Wilson 1927) of each accuracy, as few sequences of each length are asked."""
    asked: list[int]
    chance: float | None
    trained: list[int] | None
    """[shortest, longest] of the training, where the task says so."""


# --- mistakes: the wrong answers. Fields: low, high, truth, prediction, length, offset, limit.


class MistakesAnswer(TypedDict):
    rows: list[Mistake]
    """Surest first."""
    total: int
    """Wrong answers that pass the filters."""
    wrong: int
    asked: int
    exhaustive: bool
    truncated: bool
    """Whether there were more wrong answers than are kept; `total` then counts only the kept ones."""


class Mistake(TypedDict):
    input: str
    prediction: str
    truth: str
    length: int
    probability: float
    """What the model gave to its own answer: the class's, or the mean over the asked steps or written tokens."""
    truth_probability: float | None
    """What it gave to the truth, when one class is asked."""


# --- calibration: whether it is right as often as it is sure. Fields: low, high, bins.


class CalibrationAnswer(TypedDict):
    bins: list[CalibrationBin]
    expected_error: float
    """Mean distance between confidence and accuracy, weighted by count (Guo et al. 2017's ECE)."""
    asked: int
    exhaustive: bool


class CalibrationBin(TypedDict):
    low: float
    high: float
    count: int
    confidence: float | None
    """Mean probability of the answers in this bin; null when it is empty, as is `accuracy`."""
    accuracy: float | None


# --- sample: writing on. Fields: input, temperature, top_k, length, seed.


class SampleAnswer(TypedDict):
    prompt: str
    written: str
    between: str
    """What stands between the two: nothing in a text, a space where they are numbers."""
    remarks: list[str]
    """As for `predict`."""
    tokens: list[str]
    probabilities: list[float]
    """[tokens]: the probability each had when it was drawn, after temperature and top_k."""
    seed: int


# --- loss_per_character: how much of a text was expected. Fields: input.


class LossPerCharacterAnswer(TypedDict):
    characters: list[str]
    bits: list[float | None]
    """−log2 p(character | those before); null for the first, before which nothing was read."""
    mean_bits: float
    """Over all but the first."""


# --- forecast: what comes next in a series. Fields: input (nothing: the end of the data), length; offset: forecast from
#     so many steps before the data's end, so that the true continuation is known.


class ForecastAnswer(TypedDict):
    history: list[float]
    """The window, oldest first, in the data's units, as are all values here."""
    forecast: list[float]
    truth: list[float] | None
    """The values that did follow, as far as the data goes; null when nobody can know them."""
    autoregressive: list[float]
    """What AR(p), fitted by least squares to the training part, forecasts."""
    order: int
    """p"""
    error_by_horizon: HorizonErrors | None
    """Null when the data is gone or changed, or too little is held out."""


class HorizonErrors(TypedDict):
    """Mean absolute error [horizon], one step ahead first, over the held-out windows."""

    model: list[float]
    autoregressive: list[float]
    same_as_last: list[float]
    windows: int


# --- history: how an answer came to be learned. Fields: input, threshold.


class HistoryAnswer(TypedDict):
    input: str
    truth: str | None
    labels: list[str] | None
    rows: list[HistoryRow]
    """One for each whole checkpoint, ascending."""
    threshold: float
    aha: int | None
    """Step of the first checkpoint from which accuracy stays at `threshold` or above to the last."""
    aha_input: int | None
    """Step of the first checkpoint from which this input is answered right to the last."""


class HistoryRow(TypedDict):
    step: int
    prediction: str
    correct: bool | None
    probability: float | None
    """Of the truth where one class is asked and the truth is known; else of what was answered (a mean over tokens)."""
    entropy: float | None
    probabilities: list[float] | None
    """[classes], when one class is asked."""
    accuracy: float | None
    """On the whole input space or on a fixed part of what is held out, at most 2,000 sequences; null for values."""
