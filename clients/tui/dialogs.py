"""What opens above the captions and waits for an answer: help, languages, export."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from clients.console import Problem
from clients.plain import columns
from streaming import languages

from . import keys, saving
from .panels import cut, padded

MOST = {"reads": 8, "hears": 4}  # languages at once, by the protocol
ROW = 63  # columns of a row in the language picker
CARD = """
    {name} {{ align: center middle; }}
    {name} > .card {{
        width: {width}; max-width: 100%; height: auto; max-height: 100%;
        background: $panel; color: $foreground; border: round $primary; padding: 0 2;
        border-title-color: $foreground; border-subtitle-color: $faint;
    }}
    {name} .hint {{ color: $faint; }}
    {name} .wrong {{ color: $warning; }}
    {name} Input {{ background: $background; border: tall $faint; height: 3; padding: 0 1; }}
    {name} Input:focus {{ border: tall $primary; }}
    {name} OptionList {{ background: $panel; border: none; height: auto; padding: 0; }}
    {name} OptionList:focus {{ border: none; background-tint: $foreground 0%; }}
"""
LEAVING: list[BindingType] = [Binding("escape", "dismiss", "Close")]


class Help(ModalScreen[None]):
    """All keys."""

    DEFAULT_CSS = CARD.format(name="Help", width=76) + "Help > .card { height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1", "dismiss", "Close"),
        Binding("down,j", "go('down')", show=False),
        Binding("up,k", "go('up')", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="card") as card:
            card.border_title = "Keys"
            card.border_subtitle = "Esc closes · ↑ ↓ scroll"
            yield Static(help_text(), markup=False)

    def action_go(self, way: str) -> None:
        """Scroll."""
        card = self.query_one(VerticalScroll)
        card.scroll_relative(y=1 if way == "down" else -1, animate=False)


def help_text() -> Text:
    """Every key and what it does, then what one should know."""
    found = Text()
    for section, listed in keys.KEYS.items():
        found.append(f"{section}\n", "bold")
        for key in listed:
            found.append(f"  {padded(key.shown, 6)}", "bold")
            found.append(f"{key.help}\n")
        found.append("\n")
    for note in keys.NOTES:
        found.append(f"{note}\n")
    return found


class Chosen(NamedTuple):
    """What somebody wants to read, and to speak."""

    reads: list[str]
    hears: list[str]


class Languages(ModalScreen[Chosen | None]):
    """What to read and what to speak: answers with the languages chosen, or None."""

    DEFAULT_CSS = (
        CARD.format(name="Languages", width=70) + "Languages OptionList { max-height: 13; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("space", "choose('reads')", "Read", priority=True),
        Binding("s", "choose('hears')", "Speak", priority=True),
        Binding("enter", "take", "Take these", priority=True),
    ]

    def __init__(
        self,
        offered: Sequence[tuple[str, str]],
        reads: Sequence[str],
        hears: Sequence[str],
        sources: Collection[str] = (),
    ) -> None:
        """Of each language its code and what there is to say of it; those read and spoken now;
        `sources`: those that may be spoken, none where that cannot be changed."""
        super().__init__()
        self.offered = offered
        self.marked = Chosen(list(reads), list(hears))
        self.sources = sources

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Languages"
            speak = " · s speak" if self.sources else ""
            card.border_subtitle = f"Space read{speak} · Enter takes these · Esc closes"
            yield Static("read   speak" if self.sources else "read", classes="hint", markup=False)
            yield OptionList(*(Option(self.line(at)) for at in range(len(self.offered))))
            yield Static(self.remark(), id="remark", classes="hint", markup=False)

    def on_mount(self) -> None:
        shown = self.query_one(OptionList)
        codes = [code for code, _ in self.offered]
        first = next((code for code in self.marked.reads if code in codes), codes[0])
        shown.highlighted = codes.index(first)
        shown.focus()

    def line(self, at: int) -> Text:
        """A language, with a mark if it is read and one if it is spoken."""
        code, why = self.offered[at]
        width = max(columns(called(one)) for one, _ in self.offered)
        marks = f" {mark(code in self.marked.reads)}   "
        if self.sources:
            marks += f"   {mark(code in self.marked.hears) if self.hearable(code) else ' '}    "
        return Text(cut(f"{marks} {padded(called(code), width)}  {why}", ROW))

    def hearable(self, code: str) -> bool:
        """Whether it may be asked for; the server has the last word."""
        return code in self.sources

    def remark(self) -> str:
        """What it means to choose nothing."""
        none = "Read none: everybody's own words."
        if not self.sources:
            return none
        anew = "To speak another, you join anew; what you have read stays."
        return f"{none} Speak none: no microphone.\n{anew}"

    def action_choose(self, which: str) -> None:
        """The space key, and s."""
        shown = self.query_one(OptionList)
        at = shown.highlighted
        if at is None or (which == "hears" and not self.sources):
            return
        code = self.offered[at][0]
        self.query_one("#remark", Static).update(self.turned(which, code) or self.remark())
        shown.replace_option_prompt_at_index(at, self.line(at))

    def turned(self, which: str, code: str) -> str:
        """Choose it, or no longer; a sentence if it cannot be chosen."""
        chosen, most = getattr(self.marked, which), MOST[which]
        if code in chosen:
            chosen.remove(code)
        elif which == "hears" and not self.hearable(code):
            return f"Nothing here hears {languages.name(code)}: it can only be read."
        elif len(chosen) == most:
            return f"No more than {most} at once."
        else:
            chosen.append(code)
        return ""

    def action_take(self) -> None:
        """The enter key."""
        self.dismiss(self.marked)


def called(code: str) -> str:
    """A language by name; a variety with its code."""
    name = languages.name(code)
    return f"{name} ({code})" if "-" in code else name


def mark(on: bool) -> str:
    """Whether something is chosen."""
    return "●" if on else "○"


class Export(ModalScreen[str | None]):
    """Which form, which file: answers with a sentence about the file written, or None."""

    DEFAULT_CSS = CARD.format(name="Export", width=64) + "Export OptionList { max-height: 9; }"
    BINDINGS: ClassVar[list[BindingType]] = LEAVING

    def __init__(
        self,
        room: str,
        choices: Sequence[saving.Choice],
        render: Callable[[saving.Choice], str],
        now: datetime,
    ) -> None:
        super().__init__()
        self.choices = choices
        self.render_as = render
        self.proposed = saving.proposed(room, choices[0].form, now)
        self.refused = ""
        """The name of a file that is there already: the next Enter replaces it."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Save the transcript"
            card.border_subtitle = "↑ ↓ form · Tab · Enter saves · Esc closes"
            yield OptionList(*(Option(Text(choice.label)) for choice in self.choices))
            yield Static("File", classes="hint")
            yield Input(self.proposed, max_length=1_000)
            yield Static("", classes="wrong", markup=False)

    def on_mount(self) -> None:
        forms = self.query_one(OptionList)
        forms.highlighted = 0
        forms.focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        name = self.query_one(Input)
        name.value = saving.renamed(name.value, self.choices[event.option_index].form)

    def on_option_list_option_selected(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        self.refused = ""
        self.query_one(".wrong", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        choice = self.choices[self.query_one(OptionList).highlighted or 0]
        try:
            again = self.refused == event.value
            path = saving.save(event.value, self.render_as(choice), replace=again)
        except Problem as problem:
            self.refused = event.value if isinstance(problem, saving.Exists) else ""
            self.query_one(".wrong", Static).update(str(problem))
            return
        self.dismiss(f"saved as {path}")
