"""What opens above the captions and waits for an answer: help, languages, export."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

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
from .answers import written
from .panels import padded

MOST = 8  # languages that can be read at once, by the protocol
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


class Languages(ModalScreen[list[str] | None]):
    """What to read: answers with the languages chosen, or None."""

    DEFAULT_CSS = (
        CARD.format(name="Languages", width=64) + "Languages OptionList { max-height: 15; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("space", "choose", "Choose", priority=True),
        Binding("enter", "take", "Read these", priority=True),
    ]

    def __init__(
        self, offered: Sequence[tuple[str, str]], reads: Sequence[str], hears: Sequence[str]
    ) -> None:
        """Of each language its code and what there is to say of it; those read and spoken now."""
        super().__init__()
        self.offered = offered
        self.chosen = list(reads)
        self.hears = hears

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "What do you want to read?"
            card.border_subtitle = "Space chooses · Enter reads these · Esc closes"
            yield OptionList(*(Option(self.line(at)) for at in range(len(self.offered))))
            yield Static(self.remark(), classes="hint", markup=False)

    def on_mount(self) -> None:
        shown = self.query_one(OptionList)
        codes = [code for code, _ in self.offered]
        shown.highlighted = codes.index(self.chosen[0]) if self.chosen else 0
        shown.focus()

    def line(self, at: int) -> Text:
        """A language with a mark if it is chosen."""
        code, why = self.offered[at]
        width = max(columns(languages.name(one)) for one, _ in self.offered)
        mark = "●" if code in self.chosen else "○"
        return Text(f"{mark} {padded(languages.name(code), width)}  {why}")

    def remark(self) -> str:
        """What cannot be chosen here."""
        none = "Choose none to read everybody's own words."
        return f"{none}\nYour microphone hears {written(self.hears)}." if self.hears else none

    def action_choose(self) -> None:
        """The space key."""
        shown = self.query_one(OptionList)
        at = shown.highlighted
        if at is None:
            return
        code = self.offered[at][0]
        if code in self.chosen:
            self.chosen.remove(code)
        elif len(self.chosen) < MOST:
            self.chosen.append(code)
        shown.replace_option_prompt_at_index(at, self.line(at))

    def action_take(self) -> None:
        """The enter key."""
        self.dismiss(self.chosen)


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
