"""One model's answers: words, and below them the picture that goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from seqsum_tui.charts import Chart
from seqsum_tui.charts.chart import keys_beside
from seqsum_tui.charts.legend import Note
from seqsum_tui.query.answer_list import AnswerList
from seqsum_tui.query.heat_map import Heat, HeatMap
from seqsum_tui.query.pages import PAGES, Asking, Chosen, fitting, has
from seqsum_tui.query.plane import Plane
from seqsum_tui.query.ribbons import Looks, Ribbons
from seqsum_tui.query.said import Said
from seqsum_tui.query.token_strip import TokenStrip
from seqsum_tui.query.views.answer import answer
from seqsum_tui.query.views.registry import views
from seqsum_tui.query.views.shown import QUIET, Curves, Dots, Lines, Shown, lines
from seqsum_tui.shared.key_words import key_word

HOW = (
    (("query.ask",), "asks what you typed"),
    (("query.box_random",), "asks a question such as the run is trained on"),
    (("query.random",), "does so outside the box, which esc leaves"),
    (("query.hardest",), "asks the hardest"),
    (("query.earlier",), "go through the checkpoints"),
    (("app.help",), "shows every key"),
)
"""What a person can do before anything is asked, besides turning the pages: a key, or the first and last of several."""
LOW, ROOMY = 13, 22
"""Lines below which words above a picture are cut to their first, and from which blank lines part words and picture."""
WORDS_SHARE = 0.5
"""What words above a picture may take of the height; the style below says so, too."""
NO_MODEL = (
    "It has no checkpoint, so there is no model to ask. esc goes back; r there runs it again, if it did not finish."
)


class QueryChart(Chart, inherit_bindings=False):
    """A chart whose keys leave room for the screen's, and without those that have no meaning for its curves."""

    BINDINGS: ClassVar[list[BindingType]] = keys_beside(("chart.smooth_more", "chart.smooth_less"))

    def show(self, curves: Curves) -> None:
        """Draw other curves, over all of their x."""
        self.set_x_axis(curves.x_name, curves.x_kind, curves.limits)
        self.log_y, self.spell = curves.log_y, curves.spell
        self.set_y_limits(*curves.span)
        self.set_bands(curves.bands)
        self.set_marks(curves.marks)
        self.set_series(curves.series)

    def _told(self) -> list[Note]:
        """The values in the head are those of the last x, which is the newest of steps only."""
        ends = [float(one.x[-1]) for one in self.series if one.x.size]
        if self.x_name == "step" or not ends or self.cursor_x is not None:
            return super()._told()
        return [(f"at {self.x_name} {self._x_text(max(ends))}",), *super()._told()]


PICTURES: dict[type, type[Any]] = {Heat: HeatMap, Looks: Ribbons, Curves: QueryChart, Dots: Plane, Lines: AnswerList}
"""What draws each kind of picture."""


class QueryPane(Vertical):
    """Shows one view at a time."""

    DEFAULT_CSS = """
    QueryPane {
        width: 1fr; height: 1fr; padding: 0 1;
        & > #title { height: 1; background: $boost; text-style: bold; display: none; }
        & > #scroll { height: auto; max-height: 50%; scrollbar-size-vertical: 1; }
        & > #scroll.-alone { height: 1fr; max-height: 100%; }
        &.-waits > #scroll { align: center middle; }
        &.-waits > #scroll > #words { max-width: 60; }
        & > TokenStrip, & > HeatMap, & > Ribbons, & > QueryChart, & > Plane, & > AnswerList { display: none; }
        &.-roomy > TokenStrip, &.-roomy > HeatMap, &.-roomy > Ribbons, &.-roomy > QueryChart, &.-roomy > Plane,
        &.-roomy > AnswerList { margin-top: 1; }
        /* Beside another, on a small screen: the picture matters most. */
        &.-low > #scroll { max-height: 1; scrollbar-size-vertical: 0; }
        &.-low > #scroll.-alone { max-height: 100%; scrollbar-size-vertical: 1; }
        &.-low > TokenStrip { height: 0; }
        &.-low > TokenStrip.-text { height: auto; }
    }
    """

    BELOW = True
    """Whether the view that fits a task best stands below an answer that leaves room for it."""
    READY = True
    """Whether every kind of picture is there from the start; else each comes when it is first shown."""
    _shown: Shown | None = None
    about: tuple[str | None, str] | None = None
    """The question, and the one to the server, of what is shown."""
    _said: tuple[Said, Said | None] | None = None
    """The answer that is shown, and the one beside it."""
    _below: Shown | None = None
    """The view for below the answer."""

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield Static(id="title")
        with VerticalScroll(id="scroll", classes="-alone"):
            yield Static(id="words")
        yield TokenStrip()
        for picture in PICTURES.values() if self.READY else ():
            yield picture()

    def on_resize(self) -> None:
        """Where there is little room, the picture gets it; bars grow with the width."""
        self.set_class(self.size.height < LOW, "-low")
        self.set_class(self.size.height >= ROOMY, "-roomy")
        self._show_answer()

    @property
    def written(self) -> str:
        """The words above the picture."""
        return self._shown.words.plain if self._shown is not None else ""

    @property
    def shown_title(self) -> str:
        """The title of the view that is shown; empty where there are words alone."""
        return self._shown.title if self._shown is not None else ""

    @property
    def picture(self) -> Widget:
        """What takes the keys: the picture that is shown, else the words."""
        for widget in self.query("HeatMap, Ribbons, QueryChart, AnswerList").results(Widget):
            if widget.display:
                return widget
        return self.query_one("#scroll")

    def entitle(self, title: Content | None) -> None:
        """Say whose answers these are; None leaves the line out."""
        line = self.query_one("#title", Static)
        line.display = title is not None
        if title is not None:
            line.update(title)

    def fill(self, asking: Asking, page: str, chosen: Chosen | None, beside: Said | None = None) -> str | None:
        """Show a view of a page, or say why there is none; return the question to the server that it still takes.

        beside: what another model answered to the same question
        """
        self._said = None
        session = asking.session
        if session.lacks and not session.live and not session.checkpoints:
            self._tell(NO_MODEL)
            return None
        if page == "answer":
            if asking.reply is not None:
                self._said = asking.reply, beside
                ask = fitting(session) if self.BELOW else None
                # Also where there is no room yet: a pane that comes into view has its size later.
                self._below = next(iter(asking.made.get(ask or "", ())), None)
                self._show_answer()
                wanted = self._below is None and ask not in asking.refused and self._leaves_room(self._answer())
                return ask if wanted else None
            elif asking.question is None:
                # Which pages it has is known once the model is loaded.
                others = [page for page in PAGES[1:] if session.asks and has(page, session)]
                turn = [(("query.answer", f"query.{page}"), "turn the pages") for page in others[-1:]]
                self._wait("", [*HOW[:4], *turn, *HOW[4:]])
            return None
        if chosen is None:
            self._tell(
                "Nothing of this page makes sense for this run."
                if session.asks
                else "It comes when the model is loaded."
            )
            return None
        ask, shown = chosen[1], asking.view(*chosen)
        if shown is not None:
            self.show(shown)
            self.about = asking.question, ask
        elif ask in asking.refused:
            self.say(asking.refused[ask])
        elif views()[ask].question.needs_input and asking.question is None:
            self._wait(views()[ask].promise(session), HOW[1:3])
        else:
            if self.about != (asking.question, ask):
                self._tell(f"computing…\n{views()[ask].promise(session)}".rstrip())
            # Whether a question can be read is found out once, by its answer.
            return None if asking.waits and page != "whole" else ask
        return None

    def _answer(self, *, drawn: bool = False) -> Shown:
        assert self._said is not None
        said, beside = self._said
        return answer(said, max((self.size.width or self.screen.size.width) - 3, 20), beside, drawn=drawn)

    def _leaves_room(self, shown: Shown) -> bool:
        """Whether a picture has most of the pane below these words, its own and a blank line."""
        taken = len(shown.words.wrap(max(self.size.width - 3, 1))) + 2
        return self.size.height >= LOW and taken <= WORDS_SHARE * self.size.height

    def _show_answer(self) -> None:
        if self._said is None:
            return
        shown, below = self._answer(), self._below
        if below is not None and self._leaves_room(shown):
            self.show(replace(below, title=shown.title, words=lines(shown.words, Content(""), below.words)))
        else:
            self.show(self._answer(drawn=True))

    def show(self, shown: Shown) -> None:
        """Show a view."""
        self.about = None
        self.remove_class("-waits")
        if shown is self._shown:
            return
        picture = shown.picture
        had_keys = self.picture.has_focus
        self._shown = shown
        self.query_one("#words", Static).update(shown.words)
        self.query_one("#scroll").set_class(picture is None, "-alone")
        self.query_one(TokenStrip).show(shown.strip, shown.full, shown.counts)
        for kind, widget in PICTURES.items():
            drawn = next(iter(self.query(widget)), None)
            if isinstance(picture, kind):
                if drawn is None:
                    self.mount(drawn := widget())
                drawn.show(picture)
            if drawn is not None:
                drawn.display = isinstance(picture, kind)
        if had_keys:
            self.screen.set_focus(self.picture)

    def say(self, words: Content) -> None:
        """Show words alone."""
        if self._shown != Shown("", words):
            self.show(Shown("", words))

    def _tell(self, words: str) -> None:
        self.say(Content.styled(words, QUIET))

    def _wait(self, words: str, keys: Sequence[tuple[Sequence[str], str]]) -> None:
        """Say what comes when a question is asked, and which keys do that."""
        told = [Content.styled(f"{words}\n", QUIET)] if words else []
        for ids, does in keys:
            key = " … ".join(key_word(self.app, id) for id in ids)
            told.append(Content.assemble((f"{key:<8}", "bold $text-accent"), (f"  {does}", QUIET)))
        self.say(lines(*told))
        self.add_class("-waits")
