"""The field's words, each in one or two sentences: for the form, the help, `seqsum explain` and the site alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from seqsum.errors import UserError
from seqsum.runs.verdict import RULES
from seqsum.text import one_line

MOST_NEAR = 3


@dataclass(frozen=True)
class Source:
    """One of the texts that tasks and presets follow, by the number that help texts name it by."""

    number: int
    title: str
    author: str
    link: str

    def __str__(self) -> str:
        return f"{self.title}, by {self.author}" + (f": {self.link}" if self.link else "")


SOURCES = (
    Source(
        1,
        "Archaeological RNN Tutorial (Part 2): How to Use RNN Networks for Sequence Prediction",
        "Shaohon Chen",
        "https://github.com/ShaohonChen/tutorial_with_rnn",
    ),
    Source(
        2,
        "Why RNNs handle sequences in PyTorch - Experiment to Prove It",
        "leyaa.ai",
        "https://leyaa.ai/codefly/learn/pytorch/part-2/pytorch-why-rnns-handle-sequences/project",
    ),
    Source(3, "RNNs and Sequence Models", "an author who is not named", ""),
    Source(
        4,
        "Training RNN with simple sequence dataset",
        "corochann",
        "https://corochann.com/training-rnn-with-simple-sequence-dataset-601/",
    ),
    Source(
        5,
        "Recurrent Neural Networks (RNN)",
        "tomori.io",
        "https://blog.tomori.io//algorithm/2024/11/29/%E5%BE%AA%E7%8E%AF%E7%A5%9E%E7%BB%8F%E7%BD%91%E7%BB%9C-RNN",
    ),
)

_TERMS = {
    "accuracy":
        "The share of answers that are right, 0% to 100%. It is measured on what is held out, or on every input there "
        "is.",
    "adam, adamw":
        "The usual optimizer: it gives each weight a step size of its own, from running means of its gradients. AdamW "
        "is Adam with a weight decay that is kept apart from the gradients.",
    "attention":
        "How a decoder looks back: before each token that it writes it weighs all steps of the input, and reads their "
        "weighted mean.",
    "automaton":
        "A machine with finitely many states, which each token leads from one to another. Of a network: inputs that "
        "are answered alike whatever follows are one of its states. The smallest one that adds modulo 10 has ten.",
    "autoregressive": "Foretelling the next value from the ones before: AR(p) takes a weighted sum of the last p.",
    "backend":
        "What computes the steps: PyTorch, or compiled code of our own (fused), which is many times as fast for small "
        "recurrent models.",
    "backpropagation":
        "How gradients are found: the error is handed back through the network, layer by layer and, in a recurrent "
        "one, step by step.",
    "baseline": "What something is compared with: a plain run, or in Compare the row that differences are taken from.",
    "batch": "The sequences that one step learns from at once; their mean error moves the weights.",
    "batch size": "How many sequences a step learns from. More make a step steadier, and dearer.",
    "beam width":
        "How many half-written answers a decoder keeps while it writes; the best of them wins in the end. 1 keeps "
        "only the likeliest (greedy).",
    "beta1, beta2":
        "How long Adam remembers: beta1 for the mean of the gradients, beta2 for the mean of their squares. Nearer to "
        "1 is longer.",
    "bidirectional": "Reading a sequence from both ends, so that a step knows what comes after it as well.",
    "bptt, truncated":
        "Truncated back-propagation through time: of a long text some steps are read, then the weights are moved; "
        "gradients go back no further, the hidden state is carried on.",
    "calibration":
        "Whether a model is as often right as it is sure: of the answers given with 80% probability, 80% should be "
        "right.",
    "cell":
        "What a recurrent network applies at each step: it makes the next hidden state from the last one and the "
        "input. Plain (RNN), or with gates (LSTM, GRU).",
    "chance": "The accuracy of blind guessing: 10% with ten classes. A model at chance has learned nothing yet.",
    "character error rate":
        "The edit distance for each character of the right answers: 0 when all are right, more than 1 where answers "
        "are longer than what is right.",
    "checkpoint": "Weights and all else of a moment, saved: a run can go on from there, and be asked as it was then.",
    "class": "One of a few answers to choose from; a sum modulo 10 has ten.",
    "clip norm, clip value, clipping":
        "Cutting gradients that are too long, so that one steep place can't throw the weights far away.",
    "collapsed": "It had learned, and lost it again: the accuracy fell back, mostly after a step that was too long.",
    "confusion": "Which class was answered for which: a table of how often, right answers on its diagonal.",
    "convergence, converged, converge": "Coming to rest: the loss falls no further, and stays low.",
    "cosine": "A learning rate that falls along half a wave: slowly, then faster, then slowly to its end.",
    "cross-entropy":
        "The usual loss where one of several classes is right: minus the logarithm of the probability that the right "
        "one was given. 0 is sure and right; guessing among 10 gives 2.303.",
    "counterexample":
        "An input that is answered wrongly. One is enough to show that a network is not right for every input, however "
        "many others it is right on.",
    "coverage, coverage share":
        "How often a forecast's interval held what came: near to what the interval was to hold, it can be trusted.",
    "curriculum, curriculum steps":
        "Short ones first: the longest inputs of the training grow step by step, for what is learned on short ones "
        "helps with the next.",
    "decoder": "The network that writes the answer, token by token, from what the encoder has read.",
    "diverged, diverge":
        "The loss grew to far more than it began with, or beyond every number, which ends the training: mostly, the "
        "learning rate was too high.",
    "dropout": "Silencing a random share of units at each training step, so that no unit can rely on one other.",
    "edit distance":
        "How many characters must be put in, taken out or exchanged to make the right answer of what was written "
        "(Levenshtein). A metric of that name is its mean over all answers.",
    "embedding": "The learned vector that stands for a token: what the network reads in its place.",
    "encoder": "The network that reads the input; what it found is handed to the decoder.",
    "entropy": "How unsure an answer is, in bits: 0 is sure, log2 of the number of classes (3.32 for ten) is clueless.",
    "epoch": "Once through all the training data. Tasks that draw their data for ever have none.",
    "eps, epsilon": "A tiny number that Adam and RMSprop add below the fraction, so that they never divide by zero.",
    "eval, evaluation":
        "Asking the model, now and then, what it is not trained on at that moment: on what is held out, or on the "
        "whole input space. It changes no weight.",
    "exact match": "An answer of several tokens counts only when all of them are right.",
    "f1, macro f1":
        "Precision and recall in one number, their harmonic mean: high only where both are. Macro F1 is its mean over "
        "labels, so that a rare one counts as much as a frequent one.",
    "factor": "What the learning rate is multiplied by when the schedule lets it fall.",
    "forecast": "Values that are yet to come, each fed back as if it had been seen, so that errors add up.",
    "fork": "A run that begins with another's checkpoint, and goes on with other settings.",
    "fused": "Code compiled for this very network, in place of PyTorch's general one.",
    "gate":
        "A number between 0 and 1 for each unit, with which LSTM, GRU and their like decide what to keep, to take in, "
        "to let out.",
    "generalise, generalisation": "Being right on what was never seen in training, such as longer sequences.",
    "global norm": "The length of all gradients taken as one long vector.",
    "gradient": "For each weight, how the loss would change if it grew a little. Training goes the other way.",
    "gradient norm, grad norm": "The length of the gradient of a step. A spike is a steep place; zero is a dead end.",
    "greedy": "Taking the likeliest token at each step, without looking further.",
    "gru": "A gated cell with two gates and one state: nearly an LSTM, with fewer weights.",
    "held out, validation":
        "Data that is kept away from training, to see what was understood and not learned by heart. What chooses the "
        "best checkpoint or stops a run is measured on it, so that it flatters a little: a test part does not.",
    "hidden size": "How many numbers the hidden state has: the width of the network's memory.",
    "hidden state": "What a recurrent network remembers of the steps so far: a vector that each step changes.",
    "horizon": "How many steps ahead are to be forecast.",
    "initialisation": "How the weights are drawn before the first step; the seed decides.",
    "layer": "One stage of a network; the next one reads what it gives.",
    "learning rate, lr": "How far a step moves the weights. Too low learns for ever, too high throws them about.",
    "least squares": "Finding weights at once, so that the sum of squared errors is least; there is nothing to train.",
    "linear head": "The last layer: a weighted sum of the hidden state for each class.",
    "logits":
        "The numbers a network gives for the classes before softmax makes probabilities of them: the greater, the "
        "likelier.",
    "loss": "How wrong the model is, as one number that training makes smaller.",
    "lstm": "Long short-term memory: a cell with three gates and a second state, which can keep something for long.",
    "mean squared error": "The loss where numbers are asked: the mean of the squared differences.",
    "min lr": "The learning rate at which a schedule ends.",
    "modulo, modulus": "Counting that begins again at 0: modulo 10, only the last digit counts.",
    "momentum": "Carrying on a share of the last update, as a ball rolls: it smooths the way.",
    "muon": "An optimizer that makes a step of a matrix as long in every direction: no direction outweighs another.",
    "nonlinearity, tanh, relu":
        "The bend that a layer applies to its sums (tanh squeezes them to ±1, relu cuts what is below 0): without "
        "one, many layers are no more than one.",
    "one-hot": "A token as a row of zeros with a single one, at its place.",
    "one cycle": "A learning rate that rises to its peak in the first part of the run and falls in the rest.",
    "optimizer, optimiser":
        "The rule that turns gradients into steps: SGD, Adam, AdamW, RMSprop, Muon or schedule-free AdamW.",
    "overfit, overfitting": "Learning the training data by heart: its loss falls on, that of held-out data rises.",
    "p value":
        "How often chance alone would make a difference as large as the one that was seen: 0.01 is once in a hundred "
        "times. Small ones say that a difference is real, not that it is large.",
    "parameter, weight": "A number that training changes. A small network has hundreds, a large one billions.",
    "patience": "How many evaluations without a lower loss are waited for before something is done.",
    "perplexity":
        "e to the loss of a language model: among how many tokens it wavers, as if all were as likely. 1 is sure.",
    "plateau": "A stretch in which the loss no longer falls.",
    "precision": "Of the answers that name a label, how many are right.",
    "preset": "Settings under a name, to begin from.",
    "probability": "How likely a model takes an answer to be; those of all classes sum to 100%.",
    "quartile": "The value that a quarter of the runs stay below, or above; half of them lie between the two.",
    "quantile, quantile loss":
        "The value that a given share stays below: the median is that of a half. Quantile loss makes a network learn "
        "such values, and two of them are an interval.",
    "recall": "Of the inputs that have a label, how many are answered with it.",
    "recurrent, rnn": "A network that reads a sequence step by step, and carries a hidden state from one to the next.",
    "rewind": "Taking a run back to one of its checkpoints; what came after is kept aside.",
    "rmsprop": "An optimizer that divides each weight's gradient by its usual size.",
    "saliency": "How much each input token moves the answer: the length of the answer's gradient with respect to it.",
    "schedule": "How the learning rate moves in the course of a run.",
    "schedule free":
        "An optimizer that needs no falling learning rate: what answers is the mean of all steps so far.",
    "seed":
        "The number that all chance of a run comes from: the same seed gives the same run, another one another run's "
        "luck.",
    "sgd":
        "Stochastic gradient descent: straight against the gradient of a batch, with the learning rate as the step's "
        "length.",
    "smoothing":
        "Averaging a curve over its neighbours, so that its course is seen; for RMSprop, how long it remembers.",
    "softmax": "What makes probabilities of logits: all positive, with the sum 1.",
    "step": "One update of the weights, from one batch. In a sequence: one place of it.",
    "sweep": "The same preset with many settings, each with several seeds, to see which is best.",
    "teacher forcing": "In training the decoder is given the right token before, not the one that it wrote itself.",
    "temperature": "How freely a text is drawn: below 1 nearer to the likeliest token, above 1 wilder.",
    "test, test part":
        "Data that neither trains nor chooses anything: a run asks it once, at its end, and that is the number to "
        "report.",
    "token": "One sign of a sequence: a digit, a character, a word.",
    "top k": "Drawing among the k likeliest tokens alone.",
    "trajectory": "The way that a hidden state takes while a sequence is read, drawn in a plane.",
    "unit": "One number of a hidden state, and what computes it.",
    "verdict": f"How a run went in a word: {', '.join(RULES)}.",
    "vocabulary": "The tokens there are.",
    "warmup, warm-up":
        "Raising the learning rate slowly in the first steps: the weights are random still, and a long step would "
        "throw them off.",
    "weight decay": "A pull of every weight towards zero, so that none grows without need.",
    "window": "How many past values are seen at once.",
}  # fmt: skip


_ON_SCREEN = {
    "accuracy curve": "The accuracy of the whole run so far, small, from 0 to 100%.",
    "age": "How long ago a run was started.",
    "aha": "The checkpoint from which on an answer, or nearly all of them, stays right.",
    "balanced accuracy": "The mean of each class's accuracy, so that a rare class counts as much as a frequent one.",
    "bits per character":
        "The loss of a language model per character, in bits: 0 is sure, fewer are better. Words and subwords are "
        "comparable by it: the bits of all tokens go to the text's characters, and what is unknown costs its spelling.",
    "chunk":
        "Some steps that are trained in one go, a quarter of a second's worth or one: pause, stop and changed values "
        "take effect at its end.",
    "cpu percent": "How busy the run keeps the processor: 100% is one core.",
    "eval loss, held-out loss": "The loss on what is held out, or on every input there is.",
    "explode, exploding": "Growing beyond bounds, as gradients do when a step is too long; the run has then diverged.",
    "gpu memory mb": "Memory that the run takes of its graphics card, in megabytes.",
    "gpu percent": "How busy the graphics card is, 0% to 100%.",
    "group": "Runs that belong together, such as one preset's with several seeds; they are compared by their median.",
    "left": "How long a run still needs at the speed of now.",
    "loss curve": "The loss of the whole run so far, small.",
    "mae, horizon mae":
        "Mean absolute error: by how much a forecast is off, in the data's units; with horizon, over all the steps "
        "ahead.",
    "mae seasonal naive, horizon mae seasonal naive":
        "The error of saying the value one season before (task.season): what a forecast of seasons has to beat.",
    "mae same as last, horizon mae same as last":
        "The error of saying the last value again: what a forecast has to beat.",
    "majority class accuracy":
        "The accuracy of always saying the class that is most frequent in the training part: what a model has to beat.",
    "memory mb": "Memory that the run takes, in megabytes.",
    "name": "What a run is called; its id names it as well.",
    "progress": "How much of its steps a run has done.",
    "queue, queued": "Runs that wait for a free worker, in their order.",
    "rmse": "The root of the mean squared error: as mae, but large errors count more.",
    "speed, steps per second": "How many steps are trained in a second.",
    "status": "What a run does: queued, starting, running, paused, suspended, stopped, finished, failed or died.",
    "tags": "Words of one's own that a run is marked with, to find it again.",
    "train accuracy": "The accuracy on the data that is trained on; far above the other one, it was learned by heart.",
    "train seconds": "How long a run has trained, without pauses.",
    "unigram bits per character":
        "The bits of guessing by how frequent each token is, per character: what a model has to beat.",
    "wall time": "What time it was.",
}  # fmt: skip
"""What stands on screens, in words that are everyday ones elsewhere: a text is not searched for them."""
_VERDICTS = {
    word: f"A verdict: {rule.replace('none of these', 'none of the other verdicts')}."
    for word, rule in RULES.items()
    if not any(word in names.split(", ") for names in _TERMS)
}
_NAMED = {"the tutorial": str(SOURCES[0]), **{f"document {source.number}": str(source) for source in SOURCES}}
_FOLLOWED = ", ".join(f"{one.number} {'the tutorial ' * (one is SOURCES[0])}by {one.author}" for one in SOURCES)
_DOCUMENTS = {
    "documents": f"{len(SOURCES)} public texts are followed here (seqsum explain document 1): {_FOLLOWED}. The page "
    "Sources says what follows which."
}


@dataclass(frozen=True)
class Term:
    """A word, with those that share its meaning, and what it means."""

    word: str
    others: tuple[str, ...]
    meaning: str

    @property
    def title(self) -> str:
        """All its words."""
        return ", ".join((self.word, *self.others))


def _term(names: str, meaning: str) -> Term:
    word, *others = names.split(", ")
    return Term(word, tuple(others), meaning)


TERMS = tuple(
    _term(names, meaning)
    for names, meaning in sorted({**_TERMS, **_ON_SCREEN, **_VERDICTS, **_NAMED, **_DOCUMENTS}.items())
)


def _plain(text: str) -> str:
    """A text as it is searched: "documents 1 to 5" speaks of them all."""
    return re.sub(r"\bdocuments \d to \d", "documents", re.sub(r"[-_\s]+", " ", text.lower())).strip()


_SPELLINGS = {_plain(name): term for term in TERMS for name in (term.word, *term.others)}


@cache
def _pattern() -> re.Pattern[str]:
    # The longest first: "gradient norm" is not a gradient.
    names = sorted(set(_SPELLINGS) - _EVERYDAY, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})s?(?!\w)")


_EVERYDAY = {_plain(name) for names in (*_ON_SCREEN, *_VERDICTS) for name in names.split(", ")}


def terms_in(text: str) -> list[Term]:
    """Return what the glossary explains of a text, each once, in the order in which it stands there."""
    return list(dict.fromkeys(_SPELLINGS[found[1]] for found in _pattern().finditer(_plain(text))))


def find_term(word: str) -> Term | None:
    """Return the term that a word stands under, in any spelling."""
    plain = _plain(word)
    # Of the test part a metric means what it means of the others.
    spellings = (plain, plain.removesuffix("s"), f"the {plain}", plain.removeprefix("test "))
    return next((_SPELLINGS[one] for one in spellings if one in _SPELLINGS), None)


def term_of(word: str) -> Term:
    """Return the term that a word stands under, in any spelling; raises UserError with the nearest ones."""
    found = find_term(word)
    if found is None:
        plain = _plain(word)
        near = " or ".join(f'"{one}"' for one in get_close_matches(plain, _SPELLINGS, MOST_NEAR))
        way_out = f"did you mean {near}?" if near else "without a word, seqsum explain lists all it knows"
        raise UserError(f'explain: no word "{one_line(word)}"; {way_out}')
    return found


def sources_in(text: str) -> list[str]:
    """Return `The tutorial: its title, author and link` for each source that a text names."""
    return [f"{term.word[0].upper()}{term.word[1:]}: {term.meaning}" for term in terms_in(text) if term.word in _NAMED]
