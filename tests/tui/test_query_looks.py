"""Pictures of the Query screen, from answers that are the same on every machine: `pytest --snapshot-update`."""

import math
from contextlib import asynccontextmanager

import pytest

from seqsum_tui.app import Console
from seqsum_tui.query import session
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.screen import QueryScreen
from support.screens import listed, screen_text

NUMBERS = [1, 2, 3, 5, 1, 2, 4]
STEPS = range(1000, 20_001, 1000)
ASKS = ["predict", "inspect", "trajectory", "random_input", "hardest_input", "evaluate", "mistakes", "history"]


def spread(answer, share):
    """Probabilities of the digits: `share` for one, a little less for its neighbours the further they are."""
    rest = [
        0.0 if digit == answer else 1.0 / (1 + min((digit - answer) % 10, (answer - digit) % 10)) for digit in range(10)
    ]
    return [share if digit == answer else (1 - share) * value / sum(rest) for digit, value in enumerate(rest)]


def predict(step):
    right = step > 4000
    said = 8 if right else 3
    answer = {"input": NUMBERS, "prediction": said, "truth": 8, "correct": right,
              "probabilities": spread(said, 0.92 if right else 0.31), "entropy": 0.6 if right else 2.9,
              "remarks": []}  # fmt: skip
    text = {"input": " ".join(map(str, NUMBERS)), "prediction": str(said), "truth": "8"}
    return {"kind": "class", "text": text, "labels": list("0123456789"), "answer": answer}


def inspect(step):
    sums = [sum(NUMBERS[: at + 1]) % 10 for at in range(len(NUMBERS))]
    hidden = [[math.sin(1.3 * unit + 0.63 * total) for unit in range(16)] for total in sums]
    return {
        "tokens": list(map(str, NUMBERS)), "labels": list("0123456789"), "prediction": "8", "truth": "8",
        "correct": True, "probabilities": [spread(total, 0.98 - 0.04 * at) for at, total in enumerate(sums)],
        "written": None, "values": None,
        "layers": [{"layer": 0, "direction": "forward", "hidden": hidden, "cell": None, "gates": {}}],
        "saliency": {"target": "8", "gradient_input": [0.1 * at - 0.3 for at in range(7)],
                     "leave_one_out": [0.9, 0.7, 0.5, -0.2, 0.9, 0.1, None]},
        "gradient_norms": [0.01 * 1.5**at for at in range(7)],
    }  # fmt: skip


def trajectory(step):
    points = [(label, turn) for label in range(10) for turn in (-0.1, 0.0, 0.1)]
    x = [math.cos(0.628 * label + turn) for label, turn in points]
    y = [math.sin(0.628 * label + turn) for label, turn in points]
    path = [(NUMBERS[at], 0.628 * (sum(NUMBERS[: at + 1]) % 10)) for at in range(3)]
    return {
        "x": x, "y": y, "label": [str(label) for label, _ in points], "label_is": "truth", "labels": list("0123456789"),
        "step": [1] * 30, "sequence": [*range(30)], "explained": [0.447, 0.366], "layer": 2,
        "path": [{"token": str(token), "x": math.cos(at), "y": math.sin(at), "label": "0"} for token, at in path],
    }  # fmt: skip


def history(step):
    rows = []
    for at in STEPS:
        said = predict(at)["answer"]
        share = 1 / (1 + math.exp(-(at - 5000) / 1500))
        rows.append(
            {
                "step": at, "prediction": str(said["prediction"]), "correct": said["correct"], "entropy": 1.0,
                "probability": share, "probabilities": None, "accuracy": 0.1 + 0.9 * share,
            }
        )  # fmt: skip
    return {"input": "1 2 3 5 1 2 4", "truth": "8", "labels": list("0123456789"), "rows": rows, "threshold": 0.99,
            "asked": 2000, "aha": 12_000, "aha_input": 5000}  # fmt: skip


FACTS = {
    "run": "adder", "name": "adder", "task": "digit_sum", "title": "Add digits", "answer": "class", "continues": False,
    "input_hint": "digits", "empty": False, "samples": False, "labels": list("0123456789"), "checkpoints": list(STEPS),
    "asks": ASKS, "columns": [], "measured_on_files": False,
    "model": {"name": "recurrent", "cell": "rnn", "layers": 1, "hidden_size": 16, "bidirectional": False,
              "attention": None, "parameters": 728, "dtype": "float32", "classes": 10},
}  # fmt: skip


class CannedClient:
    """Answers at once, always the same."""

    pid, ended = None, False

    def __init__(self, folder, command):
        self.running = False

    async def start(self):
        self.running = True
        return {"ready": True, "input_hint": "numbers from 0 to 9, separated by spaces"}

    async def request(self, ask, *, seconds=0.0, checkpoint=20_000, **fields):
        made = {"facts": lambda step: FACTS, "inspect": inspect, "trajectory": trajectory, "history": history}
        reply = predict(checkpoint) if ask == "predict" else {"answer": made[ask](checkpoint)}
        return {"ok": True, "ask": ask, "checkpoint_step": checkpoint, "warnings": [], **reply}

    async def close(self):
        self.running = False


SIZES = [(120, 40), (160, 45), (200, 60), (80, 24), (60, 20)]


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [([], SIZES), (["["], [(60, 20)]), (["2", "v"], [(80, 24)]), (["2"], [(80, 24)]), (["4"], [(120, 40)])],
    ids=["answer", "wrong", "inside", "trajectory", "learned"],
)
async def test_looks(pictures, scene, still, until, monkeypatch, keys, sizes):
    monkeypatch.setattr(session, "QueryClient", CannedClient)
    run = scene.run("sota_warmup")
    for step in STEPS:
        (run.checkpoints / f"step-{step}").mkdir(parents=True)
    console = Console(scene.folder, now=still, remote=False)
    console.animation_level = "none"
    async with console.run_test(size=sizes[0]) as pilot:
        await until(pilot, lambda: listed(console))
        console.push_screen(screen := QueryScreen(run.id))
        await until(pilot, lambda: screen.askings and screen.askings[0].session.facts)
        asking = screen.askings[0]
        screen.query_one(QueryBox).value = "1 2 3 5 1 2 4"
        await pilot.press("enter")
        await until(pilot, lambda: asking.reply)
        await pilot.press("escape")
        for key in keys:
            if key == "[":
                screen.ask_step(4000)
                await until(pilot, lambda: asking.reply and asking.reply.step == 4000)
                continue
            await pilot.press(key)
            await until(pilot, lambda: dict(asking.titles(screen.board.page))[screen.board.title] in asking.made)
        await until(pilot, lambda: not screen.busy and screen.focused is screen.board.front.picture)
        await pictures(pilot, lambda: not screen.busy, sizes)


@pytest.fixture
def unasked(scene, still, until, monkeypatch):
    """Open the Ask screen of a run that nothing was asked yet, at a size."""

    @asynccontextmanager
    async def opened(size):
        monkeypatch.setattr(session, "QueryClient", CannedClient)
        run = scene.run("sota_warmup")
        (run.checkpoints / "step-20000").mkdir(parents=True)
        console = Console(scene.folder, now=still, remote=False)
        async with console.run_test(size=size) as pilot:
            await until(pilot, lambda: listed(console))
            console.push_screen(screen := QueryScreen(run.id))
            await until(pilot, lambda: screen.askings and screen.askings[0].session.facts)
            yield pilot, screen

    return opened


async def test_before_a_question(pictures, unasked):
    async with unasked((160, 45)) as (pilot, screen):
        screen.query_one(QueryBox).cursor_blink = False
        await pictures(pilot, lambda: not screen.busy, [(160, 45), (80, 24)])


async def test_what_comes_after_a_question_is_said_whole_however_narrow_the_screen(until, unasked):
    async with unasked((46, 30)) as (pilot, screen):
        await pilot.press("escape")
        for key in ("1", "4"):
            await pilot.press(key)
            await until(pilot, lambda key=key: screen.board.page == ("answer" if key == "1" else "learned"))
            await until(pilot, lambda: "asks a question" in screen.board.front.written)
            said = screen.board.front.written
            await until(pilot, lambda said=said: set(said.split()) <= set(screen_text(pilot.app).split()))
