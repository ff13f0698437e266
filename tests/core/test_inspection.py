"""What is shown of a network's inside, each number against plain PyTorch: its own modules, its autograd, and loops."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum import tasks
from seqsum.query.answering import Answerer
from seqsum.query.loading import load
from seqsum.query.registry import questions
from seqsum.runs import Run
from support.engine import PlainModel
from support.trained import preset_run, trained

NUMBERS = [1, 2, 3, 5, 1, 2, 4]
TYPED = " ".join(map(str, NUMBERS))


def weights_of(run: Run, step: int) -> dict[str, Tensor]:
    return safetensors.torch.load_file(run.checkpoints / f"step-{step}" / "model.safetensors")


def plain_of(run: Run, step: int) -> PlainModel:
    plain = PlainModel(10, run.config().model)  # type: ignore[arg-type]
    plain.load_state_dict(weights_of(run, step), strict=True)
    return plain


def asked(run: Run, what: str, **fields: Any) -> dict[str, Any]:
    return Answerer(run).ask(what, **fields)[1]["answer"]


def layers_of(plain: PlainModel) -> list[nn.RNNBase]:
    """Each layer of a stack as a PyTorch module of its own."""
    rnn, kind = plain.rnn, type(plain.rnn)
    found = []
    for layer in range(rnn.num_layers):
        alone = kind(rnn.input_size if layer == 0 else rnn.hidden_size, rnn.hidden_size, batch_first=True)
        alone.load_state_dict({
            name.replace(f"_l{layer}", "_l0"): value for name, value in rnn.state_dict().items() if f"_l{layer}" in name
        })  # fmt: skip
        found.append(alone)
    return found


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_inside_a_recurrent_network(cell: str, tmp_path: Path) -> None:
    run = trained(tmp_path, 20, model__cell=cell, model__num_layers=2)
    plain = plain_of(run, 20)
    found = asked(run, "inspect", input=TYPED)
    tokens, length = torch.tensor([NUMBERS]), len(NUMBERS)

    # Probabilities after every step: each beginning is asked by itself.
    for step in range(1, length + 1):
        expected = torch.softmax(plain(tokens[:, :step], torch.tensor([step])).double(), 1)[0]
        assert found["probabilities"][step - 1] == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-7)
    assert found["tokens"] == list(map(str, NUMBERS)) and found["truth"] == "8"
    assert found["prediction"] == str(int(np.argmax(found["probabilities"][-1])))

    # States: PyTorch's own modules, layer by layer, and step by step for the cell state.
    entering = plain.embedding(tokens)
    for layer, module in enumerate(layers_of(plain)):
        state: Any = None
        hidden, cells = [], []
        for step in range(length):
            output, state = module(entering[:, step : step + 1], state)
            hidden.append(output[0, 0].tolist())
            cells.append(state[1][0, 0].tolist() if cell == "lstm" else [])
        shown = found["layers"][layer]
        assert (shown["layer"], shown["direction"]) == (layer, "forward")
        assert np.allclose(shown["hidden"], hidden, atol=1e-5)
        assert (shown["cell"] is None) is (cell != "lstm")
        if cell == "lstm":
            assert np.allclose(shown["cell"], cells, atol=1e-5)
        check_gates(cell, module, entering[0], np.array(hidden), np.array(cells), shown["gates"])
        entering = module(entering)[0]
    assert len(found["layers"]) == 2

    # Saliency and gradient norms by autograd over the embedded input.
    entered = plain.embedding(tokens).detach().requires_grad_()
    logits = plain.head(plain.rnn(entered)[0][:, -1])
    target = int(found["prediction"])
    (by_logit,) = torch.autograd.grad(logits[0, target], entered, retain_graph=True)
    (by_loss,) = torch.autograd.grad(F.cross_entropy(logits, torch.tensor([8])), entered)
    assert found["saliency"]["target"] == str(target)
    expected_saliency = (entered * by_logit)[0].sum(1).detach()
    assert found["saliency"]["gradient_input"] == pytest.approx(expected_saliency.tolist(), rel=1e-3, abs=1e-6)
    assert found["gradient_norms"] == pytest.approx(by_loss[0].norm(dim=1).tolist(), rel=1e-3, abs=1e-8)
    whole = torch.softmax(plain(tokens, torch.tensor([length])).double(), 1)[0, target].item()
    for step in range(length):
        left = torch.tensor([NUMBERS[:step] + NUMBERS[step + 1 :]])
        without = torch.softmax(plain(left, torch.tensor([length - 1])).double(), 1)[0, target].item()
        assert found["saliency"]["leave_one_out"][step] == pytest.approx(whole - without, abs=1e-6)
    other = asked(run, "inspect", input=TYPED, target=3)["saliency"]
    (by_three,) = torch.autograd.grad(plain.head(plain.rnn(entered)[0][:, -1])[0, 3], entered)
    assert other["gradient_input"] == pytest.approx((entered * by_three)[0].sum(1).tolist(), rel=1e-3, abs=1e-6)


def check_gates(
    cell: str, module: nn.RNNBase, entering: Tensor, hidden: Any, cells: Any, gates: dict[str, list[list[float]]]
) -> None:
    """Gates by their formulas, from PyTorch's weights, written with numpy."""
    w, u, b, d = (getattr(module, name).detach().numpy().astype(float) for name in
                  ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))  # fmt: skip
    before = np.vstack([np.zeros_like(hidden[:1]), hidden[:-1]])
    x, h = entering.detach().numpy().astype(float) @ w.T + b, before @ u.T + d

    def sigmoid(value: Any) -> Any:
        return 1 / (1 + np.exp(-value))

    if cell == "lstm":
        i, f, g, o = np.split(x + h, 4, axis=1)
        expected = {"input": sigmoid(i), "forget": sigmoid(f), "candidate": np.tanh(g), "output": sigmoid(o)}
        kept = np.vstack([np.zeros_like(cells[:1]), cells[:-1]])
        assert np.allclose(expected["forget"] * kept + expected["input"] * expected["candidate"], cells, atol=1e-5)
    elif cell == "gru":
        (xr, xz, xn), (hr, hz, hn) = np.split(x, 3, axis=1), np.split(h, 3, axis=1)
        reset, update = sigmoid(xr + hr), sigmoid(xz + hz)
        expected = {"reset": reset, "update": update, "candidate": np.tanh(xn + reset * hn)}
        assert np.allclose((1 - update) * expected["candidate"] + update * before, hidden, atol=1e-5)
    else:
        expected = {}
    assert list(gates) == list(expected)
    for name, values in expected.items():
        assert np.allclose(gates[name], values, atol=1e-5), name


def test_three_cells_are_fresh_networks_of_the_runs_sizes(tmp_path: Path) -> None:
    run = trained(tmp_path, 20, model__cell="gru")
    found = asked(run, "gradient_norms", input=TYPED)
    assert [(curve["cell"], curve["trained"]) for curve in found["curves"]] == [
        ("gru", True), ("rnn", False), ("lstm", False), ("gru", False)
    ]  # fmt: skip
    assert found["curves"][0]["norms"] == asked(run, "inspect", input=TYPED)["gradient_norms"]
    fresh = trained(tmp_path / "fresh", 0, model__cell="lstm", train__seed=0)
    plain = plain_of(fresh, 0)
    entered = plain.embedding(torch.tensor([NUMBERS])).detach().requires_grad_()
    loss = F.cross_entropy(plain.head(plain.rnn(entered)[0][:, -1]), torch.tensor([8]))
    (gradient,) = torch.autograd.grad(loss, entered)
    assert found["curves"][2]["norms"] == pytest.approx(gradient[0].norm(dim=1).tolist(), rel=1e-3)


def test_both_directions_of_a_tagger(tmp_path: Path) -> None:
    run = preset_run(tmp_path, "tagging_bidirectional")
    text = asked(run, "random_input", seed=4, length=6)["input"]
    found = asked(run, "inspect", input=text)
    loaded = Answerer(run).shelf.take()
    tokens = torch.from_numpy(loaded.task.parse(text))[None]
    rnn = loaded.model.rnn  # type: ignore[attr-defined]
    outputs = rnn(loaded.model.enter(tokens))[0][0]  # [steps, directions × hidden_size]
    last = [layer for layer in found["layers"] if layer["layer"] == rnn.num_layers - 1]
    assert [layer["direction"] for layer in last] == ["forward", "backward"]
    joined = np.hstack([layer["hidden"] for layer in last])
    assert np.allclose(joined, outputs.tolist(), atol=1e-5)
    logits = loaded.model.head(outputs).double()  # type: ignore[attr-defined]
    assert np.allclose(found["probabilities"], torch.softmax(logits, 1).tolist(), atol=1e-6)


@pytest.mark.parametrize("preset", ["dates", "dates_dot"])
def test_attention_and_what_is_written(preset: str, tmp_path: Path) -> None:
    run = preset_run(tmp_path, preset)
    text = asked(run, "random_input", seed=1)["input"]
    found = asked(run, "attention", input=text)
    weights = np.array(found["weights"])
    assert weights.shape == (len(found["written"]), len(text)) and found["tokens"] == list(text)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    # The decoder once more, one token at a time, from what it wrote itself.
    loaded = Answerer(run).shelf.take()
    model: Any = loaded.model
    tokens, lengths = torch.from_numpy(loaded.task.parse(text))[None], torch.tensor([len(text)])
    inside = asked(run, "inspect", input=text)
    with torch.inference_mode():
        source, state = model.read_source(tokens, lengths)
        token, chances = torch.tensor([[model.begin]]), 0.0
        for step in range(len(weights)):
            logits, state, looked = model.write(token, state, source)
            assert np.allclose(looked[0][0, 0].tolist(), weights[step], atol=1e-5)
            shares = torch.log_softmax(logits[0, 0].double(), 0)
            assert np.allclose(inside["probabilities"][step], shares.exp().tolist(), atol=1e-6)
            token = logits[:, 0].argmax(dim=1, keepdim=True)
            chances += shares.max().item()
    assert inside["written"] == found["written"]
    # Left out: the log-probability of what was written falls by so much.
    kept = torch.cat([tokens[:, :2], tokens[:, 3:]], dim=1)
    answer = torch.from_numpy(model.decode(tokens, lengths, loaded.task.longest_answer)[0].numpy())
    answer = answer[: len(weights)][None]
    with torch.inference_mode():
        less = torch.log_softmax(model(kept, lengths - 1, answer).double(), 2).gather(2, answer.unsqueeze(2)).sum()
    assert inside["saliency"]["leave_one_out"][2] == pytest.approx(chances - less.item(), abs=1e-4)


def test_the_plane_is_that_of_most_variance(tmp_path: Path) -> None:
    run = trained(tmp_path, 20)
    found = asked(run, "trajectory", count=30, seed=2, input=TYPED)
    plain = plain_of(run, 20)
    hidden = plain.rnn(plain.embedding(torch.tensor([NUMBERS])))[0][0].detach().numpy()
    x, y = np.array(found["x"]), np.array(found["y"])
    # Principal components: centred, uncorrelated, the first at least as wide as the second.
    assert abs(x.mean()) < 1e-6 and abs(y.mean()) < 1e-6
    assert abs((x * y).mean()) < 1e-6 < y.var() <= x.var()
    assert found["explained"][0] / found["explained"][1] == pytest.approx(x.var() / y.var(), rel=1e-6)
    path = np.array([[step["x"], step["y"]] for step in found["path"]])
    # A projection on two orthogonal axes shortens, and never lengthens, the way between two states.
    for one, other in ((0, 3), (2, 6)):
        assert np.linalg.norm(path[one] - path[other]) <= np.linalg.norm(hidden[one] - hidden[other]) + 1e-6
    running = np.cumsum(NUMBERS) % 10
    assert [step["label"] for step in found["path"]] == [str(number) for number in running]
    assert found["label_is"] == "truth" and set(found["sequence"]) == set(range(30))


def away(states: Any, own: Any, distance: str) -> Any:
    """The distances of states [inputs, units] from one, by their formulas."""
    if distance == "euclidean":
        return np.sqrt(((states - own) ** 2).sum(axis=1))
    return 1 - states @ own / np.sqrt((states**2).sum(axis=1) * (own**2).sum())


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_nearest_of_all_inputs(cell: str, distance: str, tmp_path: Path) -> None:
    lengths = {"task__min_length": 1, "task__max_length": 2}
    run = trained(tmp_path, 100, model__cell=cell, model__num_layers=2, **lengths)
    plain, typed = plain_of(run, 100), (3, 4)
    sequences = [(a,) for a in range(10)] + [(a, b) for a in range(10) for b in range(10)]
    states, said = [], []
    for sequence in sequences:
        state = plain.rnn(plain.embedding(torch.tensor([sequence])))[1]
        states.append((state[0] if cell == "lstm" else state)[-1, 0].tolist())
        said.append(int(plain(torch.tensor([sequence]), torch.tensor([len(sequence)])).argmax()))
    distances = away(np.array(states), np.array(states[sequences.index(typed)]), distance)
    order = [place for place in np.argsort(distances).tolist() if sequences[place] != typed][:7]

    found = asked(run, "nearest_neighbours", input="3 4", count=7, distance=distance)
    assert (found["searched"], found["exhaustive"], found["distance"]) == (110, True, distance)
    assert found["units"] == plain.rnn.hidden_size
    assert [row["distance"] for row in found["rows"]] == pytest.approx(distances[order].tolist(), rel=1e-3, abs=1e-6)
    for row, place in zip(found["rows"], order, strict=True):
        truth = sum(sequences[place]) % 10
        assert row["input"] == " ".join(map(str, sequences[place]))
        assert (row["prediction"], row["truth"]) == (str(said[place]), str(truth))
        assert row["correct"] == (said[place] == truth)


@pytest.mark.parametrize(
    ("preset", "part", "directions"),
    [
        ("tagging_bidirectional", "rnn", 2),
        ("dates", "encoder", 2),
        ("sunspots_lstm", "rnn", 1),
        ("memorise_noise", "rnn", 1),
        ("next_number_feed_forward", "layers", 1),
    ],
)
def test_the_nearest_of_what_is_held_out(preset: str, part: str, directions: int, tmp_path: Path) -> None:
    """Classes, tags, texts and values; both directions beside each other; a network without memory."""
    run = preset_run(tmp_path, preset, **({"task__features": 4} if preset == "memorise_noise" else {}))
    loaded = Answerer(run).shelf.take()
    task, model = loaded.task, loaded.model

    def state_of(inputs: Any) -> Any:
        """Of one input at a time."""
        entered = model.enter(torch.from_numpy(inputs)[None])
        read = getattr(model, part)(entered)
        if part == "layers":
            return read[0, -1].tolist()
        state = read[1][0] if isinstance(read[1], tuple) else read[1]
        return state[-directions:].flatten().tolist()

    text = asked(run, "random_input", seed=2)["input"]
    own = task.parse(text)
    every = [batch.inputs[row, : batch.lengths[row]] for batch in task.held_out() for row in range(len(batch.lengths))]
    every = every[:300] if len(every) > 2000 else every
    distances = away(np.array([state_of(one) for one in every]), np.array(state_of(own)), "euclidean")
    found = asked(run, "nearest_neighbours", input=text, count=20)
    assert found["searched"] >= len(every) and found["units"] == len(state_of(own))
    by_input = {task.render(task.echo(one)): away_by for one, away_by in zip(every, distances, strict=True)}
    shown = [row["distance"] for row in found["rows"]]
    assert shown == sorted(shown) and len(shown) == 20
    seen = [row for row in found["rows"] if row["input"] in by_input]
    for row in seen:
        assert row["distance"] == pytest.approx(by_input[row["input"]], rel=1e-3, abs=1e-5)
    # None that is nearer was left out.
    nearer = {name for name, far in by_input.items() if far < shown[-1] - 1e-5} - {task.render(task.echo(own))}
    assert nearer <= {row["input"] for row in found["rows"]}
    assert all((row["correct"] is None) is (task.answer == "values") for row in found["rows"])


def test_the_whole_against_brute_force(tmp_path: Path) -> None:
    run = trained(tmp_path, 300, task__min_length=1, task__max_length=2)
    plain = plain_of(run, 300)
    sequences = [[a] for a in range(10)] + [[a, b] for a in range(10) for b in range(10)]
    shares = [torch.softmax(plain(torch.tensor([s]), torch.tensor([len(s)])).double(), 1)[0].tolist()
              for s in sequences]  # fmt: skip
    answers, truths = [int(np.argmax(one)) for one in shares], [sum(s) % 10 for s in sequences]
    right = [answer == truth for answer, truth in zip(answers, truths, strict=True)]
    assert 0 < sum(right) < len(right)

    found = asked(run, "evaluate")
    assert found["exhaustive"] and found["chance"] == 0.1
    # One in two sequences has one digit; of all there are, one in eleven.
    assert found["accuracy"] == pytest.approx((np.mean(right[:10]) + np.mean(right[10:])) / 2)
    assert found["metrics"] == {"accuracy_all_inputs": sum(right) / 110}
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (truths, answers), 1)
    assert found["confusion"] == confusion.tolist()

    found = asked(run, "mistakes", limit=500)
    assert (found["wrong"], found["asked"], found["total"]) == (110 - sum(right), 110, 110 - sum(right))
    expected = {
        " ".join(map(str, s)): (str(a), str(t), max(p), p[t])
        for s, a, t, p in zip(sequences, answers, truths, shares, strict=True) if a != t
    }  # fmt: skip
    for row in found["rows"]:
        prediction, truth, sure, of_truth = expected.pop(row["input"])
        assert (row["prediction"], row["truth"]) == (prediction, truth)
        assert row["probability"] == pytest.approx(sure, rel=1e-4)
        assert row["truth_probability"] == pytest.approx(of_truth, rel=1e-4)
    assert expected == {}
    assert [row["probability"] for row in found["rows"]] == sorted(
        (row["probability"] for row in found["rows"]), reverse=True
    )
    some = found["rows"][0]
    fields = {"truth": some["truth"], "prediction": some["prediction"], "length": some["length"]}
    filtered = asked(run, "mistakes", **fields, limit=500)
    assert filtered["rows"] == [row for row in found["rows"] if {key: row[key] for key in fields} == fields]

    found = asked(run, "calibration", bins=4)
    edges = [0.0, 0.25, 0.5, 0.75, 1.0]
    error = 0.0
    for low, high, one in zip(edges, edges[1:], found["bins"], strict=False):
        inside = [(max(p), r) for p, r in zip(shares, right, strict=True) if low < max(p) <= high]
        assert one["count"] == len(inside)
        if inside:
            sure, often = np.mean([p for p, _ in inside]), np.mean([r for _, r in inside])
            assert (one["confidence"], one["accuracy"]) == (pytest.approx(sure, rel=1e-4), pytest.approx(often))
            error += len(inside) / 110 * abs(sure - often)
    assert found["expected_error"] == pytest.approx(error, rel=1e-4)

    found = asked(run, "hardest_input", count=1000)
    losses = [-np.log(p[t]) for p, t in zip(shares, truths, strict=True)]
    assert found["searched"] == 110 and found["loss"] == pytest.approx(max(losses), rel=1e-4)
    assert found["input"] == " ".join(map(str, sequences[int(np.argmax(losses))]))

    found = asked(run, "accuracy_by_length", low=1, high=3)
    assert found["lengths"] == [1, 2, 3] and found["trained"] == [1, 2] and found["chance"] == 0.1
    assert found["accuracy"][:2] == [np.mean(right[:10]), np.mean(right[10:])]
    for low, share, high in zip(found["low"], found["accuracy"], found["high"], strict=True):
        assert 0 <= low <= share <= high <= 1


def test_by_length_and_evaluate_say_the_same_of_texts_of_many_lengths(tmp_path: Path) -> None:
    """A few thousand texts of 1 to 12 letters, so that more than 400 of one length are asked, against a plain loop."""
    draw, letters = random.Random(4), "abcdef"
    texts = {"".join(draw.choices(letters, k=draw.choice([*range(1, 12), *[12] * 50]))) for _ in range(3_000)}
    file = tmp_path / "texts.csv"
    file.write_text("\n".join(["text,label", *(f"{text},{text.count('a') % 2}" for text in sorted(texts))]))
    run = preset_run(tmp_path, "text_classification", task__file=str(file))
    answerer = Answerer(run)
    shares = answerer.ask("evaluate")[1]["answer"]["accuracy_by_length"]
    page = answerer.ask("accuracy_by_length")[1]["answer"]
    loaded = load(run)
    right: dict[int, list[bool]] = {}
    for part in loaded.task.held_out():
        for row, length, target in zip(part.inputs, part.lengths, part.targets, strict=True):
            with torch.no_grad():
                logits = loaded.model(torch.from_numpy(row[None, :length]), torch.tensor([length]), None)
            right.setdefault(int(length), []).append(int(logits.argmax()) == target)
    assert max(map(len, right.values())) > 400 and len(right) > 8
    expected = {str(length): pytest.approx(np.mean(found), abs=1e-12) for length, found in sorted(right.items())}
    assert shares == expected
    assert dict(zip(map(str, page["lengths"]), page["accuracy"], strict=True)) == expected
    assert page["asked"] == [len(right[length]) for length in page["lengths"]]


@pytest.mark.parametrize("rows", [None, 1, 1000])
def test_by_length_asks_as_many_as_wanted(tmp_path: Path, rows: int | None) -> None:
    """The first ones of the fixed sample of each length, whatever else is asked, against plain PyTorch."""
    run = trained(tmp_path, 300)
    task, plain = load(run).task, plain_of(run, 300)
    found = asked(run, "accuracy_by_length", low=6, high=9, rows=rows)
    assert found["asked"] == [rows or 400] * 4
    for length, accuracy in zip(range(6, 10), found["accuracy"], strict=True):
        inputs = next(iter(task.held_out(length, length))).inputs[: rows or 400]
        said = plain(torch.from_numpy(inputs), torch.full((len(inputs),), length)).argmax(1).numpy()
        assert accuracy == np.mean(said == inputs.sum(1) % 10)


def test_by_length_asks_400_of_brackets_too(tmp_path: Path) -> None:
    """Its sample of a length is smaller where it is one of many lengths."""
    run = preset_run(tmp_path, "tagging_rnn")
    assert asked(run, "accuracy_by_length", low=30, high=30)["asked"] == [400 * 30]


def test_how_an_answer_came_to_be_learned(tmp_path: Path) -> None:
    run = trained(tmp_path, 0, 100, 300, task__min_length=1, task__max_length=1)
    found = asked(run, "history", input="7", threshold=0.5)
    assert [row["step"] for row in found["rows"]] == [0, 100, 300]
    good = []
    for row in found["rows"]:
        plain = plain_of(run, row["step"])
        every = torch.softmax(plain(torch.arange(10)[:, None], torch.ones(10, dtype=torch.long)).double(), 1)
        right = every.argmax(1) == torch.arange(10)
        assert row["accuracy"] == right.double().mean().item()
        assert (row["correct"], row["probability"]) == (bool(right[7]), pytest.approx(every[7, 7].item(), rel=1e-4))
        good.append((row["step"], row["accuracy"] >= 0.5, row["correct"]))

    def first(place: int) -> int | None:
        at = None
        for one in good:
            at = (one[0] if at is None else at) if one[place] else None
        return at

    assert (found["aha"], found["aha_input"]) == (first(1), first(2))
    assert found["asked"] is None
    some = trained(tmp_path / "more", 0, task__min_length=1, task__max_length=4)
    assert asked(some, "history", input="7")["asked"] == 2000


@pytest.mark.parametrize("interval", [None, 0.8])
def test_how_forecasts_became_better_is_their_mean_absolute_error(interval: float | None, tmp_path: Path) -> None:
    run = preset_run(tmp_path, "sunspots_lstm", **{"task.interval": interval})
    (row,) = asked(run, "history", input="")["rows"]
    assert row["error"] == pytest.approx(asked(run, "evaluate")["metrics"]["mae"], rel=1e-4)
    assert row["accuracy"] is None and row["prediction"]
    (other,) = asked(trained(tmp_path / "other", 1), "history", input="7")["rows"][:1]
    assert other["error"] is None and other["accuracy"] is not None


def test_texts_are_written_and_measured_by_the_models_own_distribution(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 400)
    run = preset_run(tmp_path, "character_lm", task__corpus=str(tmp_path / "text.txt"), model__hidden_size=8)
    loaded = Answerer(run).shelf.take()
    model: Any = loaded.model
    prompt = loaded.task.parse("the cat")

    def shares(tokens: list[int]) -> Tensor:
        with torch.inference_mode():
            return torch.softmax(model(torch.tensor([tokens]), torch.tensor([len(tokens)]))[0, -1].double(), 0)

    bits = asked(run, "loss_per_character", input="the cat")
    expected = [-np.log2(shares(prompt.tolist()[:at])[prompt[at]].item()) for at in range(1, len(prompt))]
    assert bits["bits"][0] is None and bits["bits"][1:] == pytest.approx(expected, rel=1e-4)
    assert bits["mean_bits"] == pytest.approx(np.mean(expected), rel=1e-4)

    greedy = asked(run, "sample", input="the cat", length=5)
    names, tokens = loaded.task.class_names(), prompt.tolist()
    for token, share in zip(greedy["tokens"], greedy["probabilities"], strict=True):
        row = shares(tokens)
        assert token == names[int(row.argmax())] and share == pytest.approx(row.max().item(), rel=1e-4)
        tokens.append(int(row.argmax()))
    free = [asked(run, "sample", input="the", length=40, temperature=1.0, top_k=2, seed=seed) for seed in (1, 1, 2)]
    assert free[0]["written"] == free[1]["written"] != free[2]["written"]
    tokens = loaded.task.parse("the").tolist()
    for token, share in zip(free[0]["tokens"], free[0]["probabilities"], strict=True):
        two = shares(tokens).topk(2)
        assert names.index(token) in two.indices.tolist()
        place = two.indices.tolist().index(names.index(token))
        assert share == pytest.approx((two.values / two.values.sum())[place].item(), rel=1e-4)
        tokens.append(names.index(token))


def test_forecasts_beside_ar_and_the_truth(tmp_path: Path) -> None:
    run = preset_run(tmp_path, "sunspots_lstm")
    found = asked(run, "forecast", offset=11, length=11)
    loaded = Answerer(run).shelf.take()
    task: Any = loaded.task
    scale = task.data_facts()
    window = (np.array(found["history"]) - scale["mean"]) / scale["deviation"]
    model, rows = loaded.model, torch.tensor(window, dtype=torch.float32)[None, :, None]
    values = []
    with torch.inference_mode():
        for _ in range(11):
            value = model(rows, torch.tensor([rows.shape[1]]))[:, :1]
            values.append(value.item() * scale["deviation"] + scale["mean"])
            rows = torch.cat([rows[:, 1:], value[:, None]], dim=1)
    assert found["forecast"] == pytest.approx(values, rel=1e-3, abs=0.05)
    assert found["truth"] == pytest.approx(sunspots()[-11:], rel=1e-6)
    years = len(found["history"]) + 11
    assert found["time"] == {"name": "year", "unit": "", "at": [float(year) for year in range(2009 - years, 2009)]}
    assert asked(run, "forecast")["time"]["at"] == [float(year) for year in range(2009 - 24, 2009 + 11)]
    assert asked(run, "forecast", input="3 4 5")["time"] is None
    # AR(9) by numpy's least squares on the training part.
    batch = task.batches(0, 0, 1, round(task.steps_per_epoch(1)))
    lags = batch.inputs[0, :, -9:, 0].astype(float)
    design = np.hstack([lags, np.ones((len(lags), 1))])
    solution = np.linalg.lstsq(design, batch.targets[0][:, 0].astype(float), rcond=None)[0]
    series = window.tolist()
    for _ in range(11):
        series.append(float(np.array([*series[-9:], 1.0]) @ solution))
    expected = np.array(series[-11:]) * scale["deviation"] + scale["mean"]
    assert found["order"] == 9 and found["autoregressive"] == pytest.approx(expected.tolist(), rel=1e-3, abs=0.05)
    errors = found["error_by_horizon"]
    assert len(errors["model"]) == len(errors["autoregressive"]) == len(errors["same_as_last"])


def sunspots() -> list[float]:
    """The series as its file has it."""
    file = Path(tasks.__file__).with_name("data") / "sunspots.csv"
    rows = [line.split(",") for line in file.read_text().splitlines() if not line.startswith("#")]
    return [float(row[-1]) for row in rows[1:]]


def test_random_questions_are_of_the_tasks_kind(tmp_path: Path) -> None:
    run, draw = trained(tmp_path, 5), random.Random(3)
    for _ in range(5):
        length = draw.randrange(1, 30)
        numbers = asked(run, "random_input", seed=draw.randrange(1000), length=length)["input"].split()
        assert len(numbers) == length and set(numbers) <= set("0123456789")
    # Of what is held out beyond the lengths trained on, none comes by itself.
    far = preset_run(tmp_path, "parity_check_rnn", task__min_length=2, task__max_length=9)
    lengths = {len(asked(far, "random_input", seed=seed)["input"].split()) for seed in range(20)}
    assert lengths <= set(range(2, 10)) and len(lengths) > 3
    assert len(asked(far, "random_input", seed=1, length=200)["input"].split()) == 200


@pytest.mark.parametrize(
    "preset", ["memorise_noise", "next_number_strides_lstm", "countdown", "counting_rnn2", "sunspots_ar"]
)
def test_every_ask_that_is_offered_has_an_answer(preset: str, tmp_path: Path) -> None:
    run = preset_run(tmp_path, preset, **({"task__features": 4} if preset == "memorise_noise" else {}))
    answerer = Answerer(run)
    asks = answerer.ask("facts")[1]["answer"]["asks"]
    text = answerer.ask("random_input", seed=1)[1]["answer"]["input"]
    for ask in asks:
        fields = {"input": text} if questions()[ask].needs_input or ask == "sample" else {}
        assert answerer.ask(ask, **fields)[1]["answer"], ask
    assert ("accuracy_by_length" in asks) is False
