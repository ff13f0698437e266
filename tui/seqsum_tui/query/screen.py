"""Ask the model: one question, its answer, and what happens inside; of any checkpoint, also while the run trains."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from seqsum import formatting
from seqsum.errors import UserError
from seqsum.runs.gone import RunGone
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.query.answer_list import AnswerList
from seqsum_tui.query.asker import Asker
from seqsum_tui.query.batch import MOST_QUESTIONS, mistakes_dialog, questions_dialog, series_dialog
from seqsum_tui.query.board import Board
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.checkpoint_slider import CheckpointSlider
from seqsum_tui.query.file_answers import FileAnswers
from seqsum_tui.query.film import Film
from seqsum_tui.query.film_export import FilmExport
from seqsum_tui.query.heat_map import HeatMap
from seqsum_tui.query.page_line import PageLine
from seqsum_tui.query.pages import PAGES, Asking, Chosen, has, name_of
from seqsum_tui.query.pane import QueryChart, QueryPane
from seqsum_tui.query.replay import Replay
from seqsum_tui.query.whole_file import WholeFile
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.context import OPENING, ConsoleScreen
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from textual.worker import WorkType

TEMPERATURES = (0.0, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0)
TOPS = (None, 1, 3, 10, 40)


class QueryScreen(ConsoleScreen[None]):
    """Ask a run, look inside its answer, and see how good it is.

    Args:
        run_id: the run to ask.
        step: the checkpoint to ask; None is the newest, which a run that trains saves first.
    """

    CSS_PATH = "screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.QUERY
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (72, "-broad")]  # noqa: RUF012
    HELP_TITLE = "Ask the model"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("This screen", bindings.QUERY),
        ("The box", bindings.QUERY_BOX),
        ("A heat map (tab goes to it)", bindings.HEAT_MAP),
        ("Attention (tab goes to it)", bindings.RIBBONS),
        ("A list of answers", bindings.ANSWER_LIST),
        ("A chart", QueryChart.BINDINGS),
    ]

    def __init__(self, run_id: str, step: int | None = None) -> None:
        super().__init__()
        self._run_id, self._first_step = run_id, step
        self._asker = Asker(self)
        self.replay = Replay(self, self._asker)
        self.askings = self._asker.askings
        self._film_export = FilmExport(self, self.replay)
        self._file = FileAnswers(self._asker, self._show_file)
        self._whole_file = WholeFile(self)
        self.board = Board(self.askings)

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield Static("reading the run…", id="head")
        yield CheckpointSlider()
        with Horizontal(id="ask"):
            yield Static("ask › ", id="prompt")
            yield QueryBox(id="box")
            yield Static("", id="state")
        yield Static(id="problem")
        yield Static(id="job")
        yield PageLine()
        yield self.board
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the run and load its model."""
        self.askings.append(self._asker.made(self._run_id, self._first_step))
        self.query_one(QueryBox).focus()
        asker, seconds = self._asker, 1.0 if self.console.remote else 0.5
        self.begin_reading(asker.read, asker.show_runs, asker.failed, seconds=seconds)
        self._show_pages()
        self.fill_all()
        self._whole_file.show()

    async def on_unmount(self) -> None:
        """End the query servers."""
        await self._asker.close()

    # What the asker has to tell

    def do(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, group: str, exclusive: bool = False
    ) -> None:
        """Work beside the screen. A callable, so that what is cancelled before it begins leaves no coroutine behind."""
        self.run_worker(cast("WorkType[None]", work), name=name, group=group, exclusive=exclusive)

    def learned_facts(self) -> None:
        """Offer what the run has an answer to."""
        self._show_pages()
        self.fill_all()
        self.refresh_bindings()

    def model_ready(self, ready: dict[str, Any]) -> None:
        """Take in what a question looks like."""
        box = self.query_one(QueryBox)
        box.placeholder = display.literal(str(ready.get("input_hint") or "Ask the model"))
        box.learn(ready)

    def show_state(self, text: str) -> None:
        """Say beside the box what is waited for."""
        self.query_one("#state", Static).update(Content(display.literal(text)))

    def show_problem(self, problem: Content | None) -> None:
        """Say below the box what went wrong."""
        line = self.query_one("#problem", Static)
        line.display = problem is not None
        if problem is not None:
            line.update(problem)

    @on(Input.Submitted, "#box")
    def submit(self, event: Input.Submitted) -> None:
        """Ask what stands in the box."""
        event.stop()
        if self.query_one(QueryBox).asks(event.value):
            # Not stripped: for a text that goes on, the last space counts.
            self.ask(event.value)

    def ask(self, question: str) -> None:
        """Ask every model on the screen."""
        box = self.query_one(QueryBox)
        if question:
            box.remember(question)
        box.put(question)
        self._asker.ask(question)

    @property
    def _run_name(self) -> str:
        session = self.askings[0].session
        return display.literal(session.summary.name if session.summary is not None else session.run.id)

    _head: tuple[str | tuple[str, str], ...] = ()

    def show_head(self) -> None:
        """Show what is known of the runs."""
        session = self.askings[0].session
        run, trouble = session.summary, session.trouble
        if trouble is not None:
            self._update_head((f" {self._run_name} ", display.BADGE), "  ", (_trouble(trouble), "bold $text-error"))
        if run is None or trouble is not None:
            self.query_one(CheckpointSlider).show(session.checkpoints, session.step, None, 1, session.lacks, "")
            return
        status = display.status(run.status)
        progress = f"  step {run.step:,}/{display.steps(run)}"
        accuracy = self.askings[0].accuracy
        known = f"  accuracy {formatting.percent(accuracy[1])}" if accuracy is not None else ""
        when = f" at step {accuracy[0]:,}" if accuracy is not None else ""
        share = f"  asking: {formatting.percent(session.share)} of a core" if session.live else ""
        name = f" {display.literal(run.name)} "
        # Rather than cut in its middle, it leaves out when that was measured.
        whole = cell_len(f"{name}  {status.text}{progress}{share}{known}{when}") <= self.size.width
        self._update_head(
            (name, display.BADGE), "  ", (status.text, f"bold {status.colour}"),
            progress, (share, "$foreground-muted"), known, when if whole else "",
        )  # fmt: skip
        aha, end = self.askings[0].aha, max(run.steps, run.step)
        film = str(self.replay.film or "")
        self.query_one(CheckpointSlider).show(session.checkpoints, session.step, aha, end, session.lacks, film)
        if len(self.askings) > 1:
            for asking, pane in zip(self.askings, self.board.beside, strict=False):
                pane.entitle(_name(asking))

    def _update_head(self, *parts: str | tuple[str, str]) -> None:
        # A run that rests is painted once, not at every reading.
        if parts != self._head:
            self._head = parts
            self.query_one("#head", Static).update(Content.assemble(*parts))

    # Pages and views

    def _show_pages(self) -> None:
        board, session = self.board, self.askings[0].session
        board.lay_out()
        pages = [(number, name_of(page, session)) for number, page in enumerate(PAGES, start=1)
                 if page == board.page or has(page, session)]  # fmt: skip
        self.query_one(PageLine).show_pages(pages, 0 if board.overview else PAGES.index(board.page) + 1)

    @property
    def busy(self) -> bool:
        """Whether a view is under way."""
        return self._asker.busy

    @property
    def follows(self) -> bool:
        """Whether checkpoints that come are asked at once: not what walks over all inputs."""
        return self.replay.film is None and "whole" not in self.board.pages

    def fill_all(self) -> None:
        """Show what was answered; what is missing for it is asked first."""
        board = self.board
        for asking, page, view, missing in board.fill():
            if missing is not None:
                self._asker.want(asking, missing)
            elif view is not None and asking.view(*view) is not None:
                self.console.looked_at(f"{page}: {view[0]}: {asking.session.run.id}")
        self.query_one(PageLine).show_views([] if board.overview else board.titles, board.title)
        self.show_head()

    async def on_resize(self) -> None:
        """There may be room for more, or for less."""
        await self.board.make_room()
        if self.askings:
            self._show_pages()
            self.show_head()
            self.call_after_refresh(self.fill_all)

    # What the keys do

    def copied(self) -> tuple[str, str] | None:
        """Return the words of the page, of two side by side one after the other; of the panel that has the keys."""
        panes = [self.board.front] if self.board.overview else self.board.panes
        text = "\n\n".join(filter(None, (pane.written for pane in panes)))
        return ("the words of this page", text) if text else None

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """What makes sense depends on the run and the page."""
        if not self.askings:
            return None
        # Before it is known what a run offers, keys are taken: what they ask for comes when the model is there.
        session = self.askings[0].session
        if action == "page":
            page = str(parameters[0])
            return None if has(page, session) or not session.asks else "This task has nothing for that page."
        if action in ("random", "hardest"):
            acts = session.offers(f"{action}_input") or not session.asks
            return None if acts else "No such question is known of this task."
        if action == "view":
            return None if len(self.board.titles) > 1 else "This page has one view."
        if action in ("checkpoint", "replay", "export"):
            acts = session.offers("history") and len(session.checkpoints) > 1
            return None if acts else "The run has no second checkpoint to ask."
        if action in ("halt", "film"):
            acts = self.replay.film is not None and not isinstance(self.focused, QueryBox)
            return None if acts else "No replay is under way: p begins one."
        if action in ("temperature", "top_k"):
            acts = "more" in self.board.pages and session.offers("sample")
            return None if acts else "Only where texts are written: page 5 of a language model."
        if action == "filter":
            return None if self.board.title == "Mistakes" else "That filters mistakes: page 3, then v to Mistakes."
        if action == "offset":
            acts = "more" in self.board.pages and session.offers("forecast")
            return None if acts else "That moves a forecast: page 5, of a series."
        if action == "wrong":
            acts = self.board.page == "whole" and self._file.there
            return None if acts else "Only a file's answers: b asks a file, page 3 lists them."
        return None

    def action_back(self) -> None:
        """Leave the box; end a film; from a page go back to the dashboard, from there leave the screen."""
        if isinstance(self.focused, QueryBox):
            self.set_focus(self.board.front.picture)
        elif self.replay.film is not None:
            self.action_replay()
        elif self.board.large:
            self.board.turn_back()
            self._turned()
        else:
            self.dismiss(None)

    def action_box(self) -> None:
        """Go to the box."""
        self.set_focus(self.query_one(QueryBox))

    def action_page(self, page: str) -> None:
        """Turn to a page; where it is shown large already, back to the dashboard."""
        if self.board.large and self.board.page == page:
            self.board.turn_back()
        else:
            self.board.turn(page)
        self._turned()

    def _turned(self) -> None:
        # What went wrong is tried again.
        for asking in self.askings:
            asking.refused.clear()
        self._show_pages()
        self.fill_all()
        self.refresh_bindings()
        if not isinstance(self.focused, QueryBox):
            self._focus_front()

    def _focus_front(self) -> None:
        self.call_after_refresh(lambda: self.set_focus(self.board.front.picture))

    def action_view(self, by: int) -> None:
        """Show the next view of the page, or the one before; of the dashboard's panel that has the keys, too."""
        self.board.next_view(by)
        self.fill_all()
        self._focus_front()

    def _show_view(self, page: str, view: Chosen) -> None:
        """Show another view of a page."""
        self.board.choose(page, view)
        self.fill_all()

    def action_random(self) -> None:
        """Ask a question such as the run is trained on."""
        self.do(partial(self._find, "random_input"), name="random", group="find", exclusive=True)

    def action_hardest(self) -> None:
        """Ask the question that the model is furthest from knowing."""
        self.do(partial(self._find, "hardest_input"), name="hardest", group="find", exclusive=True)

    async def _find(self, ask: str) -> None:
        asking, session = self.askings[0], self.askings[0].session
        async with self._asker.told(asking, self.show_problem):
            await session.save_now(self.show_state)
            self.show_state("looking for one…")
            found = (await session.ask(ask))["answer"]
            self.ask(str(found["input"]))
            if found.get("searched"):
                loss = formatting.number(found.get("loss"))
                self.show_problem(_quiet(f"the hardest of {found['searched']:,}: its loss is {loss}"))
        self.show_state("ready")

    def action_checkpoint(self, by: int) -> None:
        """Ask the checkpoint before, or the next."""
        session = self.askings[0].session
        steps = session.checkpoints
        if not steps:
            return
        now = session.step if session.step in steps else steps[-1]
        at = max(0, min(steps.index(now) + by, len(steps) - 1))
        self.ask_step(steps[at])

    def action_newest(self) -> None:
        """Ask the newest checkpoint again."""
        self.ask_step(None)

    @on(CheckpointSlider.Chosen)
    def ask_chosen_step(self, message: CheckpointSlider.Chosen) -> None:
        """Ask the checkpoint that was clicked."""
        self.ask_step(message.step)

    def action_replay(self) -> None:
        """Go through the checkpoints from the first to the newest, whatever is shown; or stop that."""
        if self.replay.film is not None:
            self.workers.cancel_group(self, "replay")
        else:
            self.do(self.replay.play, name="replay", group="replay", exclusive=True)

    def action_halt(self) -> None:
        """Halt the replay, or go on."""
        self.replay.press(Film.halt)

    def action_film(self, by: int) -> None:
        """Show the checkpoint before, or the next, and halt there."""
        self.replay.press(lambda film: film.step(by))

    def action_export(self) -> None:
        """Write the replay to a file, as it is seen here."""
        self._film_export.ask(self._run_name)

    def ask_step(self, step: int | None) -> None:
        self.workers.cancel_group(self, "replay")
        asking = self.askings[0]
        if step != asking.session.step:
            asking.turn_to(step)
            self._asker.ask_again(asking)

    def action_beside(self) -> None:
        """Ask two models at once, or one again."""
        if len(self.askings) > 1:
            self.do(self._alone, name="alone", group="beside")
            return
        self.do(self._choose, name="choose", group=OPENING, exclusive=True)

    async def _choose(self) -> None:
        here = self.askings[0].session
        summaries = await in_thread(self.console.workspace.summaries)
        choices = [Choice(f"{here.run.id}:{step}", f"step {step:,}", "this run") for step in reversed(here.checkpoints)]
        for run in summaries:
            if run.id != here.run.id:
                choices.append(Choice(f"{run.id}:", run.name, f"{display.status(run.status).text}  {run.id}"))

        keys = await self.app.push_screen_wait(ChooseScreen("Ask beside it", choices))
        if keys:
            run_id, _, step = keys[0].rpartition(":")
            await self._beside(run_id, int(step) if step else None)

    async def _beside(self, run_id: str, step: int | None) -> None:
        asking = self._asker.made(run_id, step)
        try:
            asking.session.summary, asking.session.checkpoints = await in_thread(asking.session.read)
        except UserError as error:
            self.show_problem(display.wrong(str(error)))
            return
        pane = QueryPane()
        await self.query_one("#panes").mount(pane)
        self.askings.append(asking)
        self._show_pages()
        self.fill_all()
        pane.say(_quiet("loading the model…"))
        self.show_head()
        self._asker.load(asking)

    async def _alone(self) -> None:
        gone = self.askings.pop()
        for worker in list(self.workers):
            if worker.group.endswith(f" {id(gone)}"):
                worker.cancel()
        await self.board.beside[-1].remove()
        await gone.session.close()
        self.board.beside[0].entitle(None)
        self._show_pages()
        self.fill_all()

    def action_temperature(self, by: int) -> None:
        """Draw texts more or less freely."""
        for asking in self.askings:
            at = min(max(TEMPERATURES.index(asking.temperature) + by, 0), len(TEMPERATURES) - 1)
            asking.temperature = TEMPERATURES[at]
        self._write_again()

    def action_top_k(self) -> None:
        """Draw among fewer tokens, or among all."""
        for asking in self.askings:
            asking.top_k = TOPS[(TOPS.index(asking.top_k) + 1) % len(TOPS)]
        self._write_again()

    def action_offset(self, by: int) -> None:
        """Forecast from earlier or later in the data."""
        for asking in self.askings:
            asking.go_back(by)
        self._show_view("more", ("Forecast", "forecast"))

    def action_filter(self) -> None:
        """List some of the wrong answers alone."""
        screen = mistakes_dialog(self.askings[0].only)
        self.app.push_screen(screen, lambda fields: None if fields is None else self.list_only(fields))

    @on(HeatMap.Chosen)
    def list_cell(self, message: HeatMap.Chosen) -> None:
        """List the wrong answers that a cell of the confusion matrix counts."""
        facts = self.askings[0].session.facts
        labels = (facts and facts.labels) or []
        truth, answered = ([*labels, ""][min(at, len(labels))] for at in (message.row, message.column))
        self.list_only({"truth": truth, **({} if message.row == message.column else {"prediction": answered})})

    @on(AnswerList.LabelChosen)
    def list_label(self, message: AnswerList.LabelChosen) -> None:
        """List the wrong answers to what has a label."""
        if self.askings[0].lists:
            self.list_only({"truth": message.label})

    @on(HeatMap.CursorMoved)
    def follow_cursor(self, message: HeatMap.CursorMoved) -> None:
        """Side by side, both cursors stand on the same cell."""
        for other in [pane.query_one(HeatMap) for pane in self.board.beside]:
            if other is not message.heat_map:
                other.move_to(message.row, message.column)

    def list_only(self, fields: dict[str, Any]) -> None:
        for asking in self.askings:
            asking.list_only(fields)
        self._show_view("whole", ("Mistakes", "mistakes"))
        self.refresh_bindings()
        self._focus_front()

    def _write_again(self) -> None:
        for asking in self.askings:
            asking.again("sample")
        self._show_view("more", ("Sample", "sample"))

    # Questions from a file

    def action_batch(self) -> None:
        """Ask every line of a file; of a run that continues series, the series in a CSV file."""
        if self.askings[0].session.answers("values"):
            task = self.askings[0].session.run.settings().get("task", {})
            self.app.push_screen(series_dialog(task), lambda typed: None if typed is None else self.ask(typed))
            return
        dialog = questions_dialog(self.query_one(QueryBox).placeholder)
        self.app.push_screen(dialog, lambda found: None if found is None else self._ask_all(found.file, found.lines))

    @on(QueryBox.LinesPasted)
    def ask_lines(self, message: QueryBox.LinesPasted) -> None:
        """Ask each line that was pasted, as those of a file."""
        chosen = tuple(message.lines[:MOST_QUESTIONS])
        left = len(message.lines) - len(chosen)
        if left:
            said = f"The first {len(chosen):,} lines are asked; {left:,} are left out."
            self.notify(said, severity="warning")
        self._ask_all("pasted lines", chosen)

    def _ask_all(self, name: str, questions: tuple[str, ...]) -> None:
        async def ask() -> None:
            self.board.turn("whole")
            self._show_pages()
            self._show_view("whole", ("File", "file"))
            await self._file.ask(name, questions)
            self.show_state("ready")

        self.do(ask, name="batch", group="batch", exclusive=True)

    def action_whole_file(self) -> None:
        """Answer a file into another, or measure the run on it, beside the console; or stop that."""
        ask = partial(self._whole_file.ask, self.askings[0].session)
        self.do(ask, name="file", group=OPENING, exclusive=True)

    def _show_file(self) -> None:
        self._show_pages()
        self.fill_all()
        self.refresh_bindings()

    def action_wrong(self) -> None:
        """List the wrong answers alone, or all."""
        self._file.turn_wrong()

    @on(AnswerList.Chosen)
    def ask_chosen(self, message: AnswerList.Chosen) -> None:
        """Ask a question of a list by itself."""
        self.board.turn_back()
        self._turned()
        self.ask(message.key)


def _quiet(text: str) -> Content:
    return Content.styled(text, "$foreground-muted")


def _trouble(error: Exception) -> str:
    """Return the status of a run that can't be read."""
    if isinstance(error, RunGone):
        return "✗ in the bin" if error.binned else "✗ gone"
    return display.status("unreadable").text


def _name(asking: Asking) -> Content:
    session, accuracy = asking.session, asking.accuracy
    parts = [display.literal(session.summary.name if session.summary is not None else session.run.id)]
    parts += [f"step {asking.step:,}"] if asking.step is not None else []
    if accuracy is not None:
        when = "" if accuracy[0] == asking.step else f" at step {accuracy[0]:,}"
        parts.append(f"accuracy {formatting.percent(accuracy[1])}{when}")
    return Content("  ".join(parts))
