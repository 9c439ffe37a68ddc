"""The first-run screen: who are you, what do you speak, what do you read, which microphone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Paste
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from clients.plain import clean

from .answers import several, written
from .colours import palette
from .looks import theme
from .remembered import LONGEST_NAME, Remembered, tidy

Devices = Callable[[], Sequence[str]]
"""The names of the microphones there are; may take a second, and may raise with a sentence."""

NO_MICROPHONE = "none: I only read"
USUAL = "the one this machine uses"


class OneLine(Input):
    """Takes of what is pasted no more than it can hold."""

    def _on_paste(self, event: Paste) -> None:
        short = tidy(event.text, self.max_length or 400)
        event.stop()
        event.prevent_default()
        room = max(0, (self.max_length or 400) - len(self.value))
        self.insert_text_at_cursor(short[:room])

    def restricted(self) -> None:
        """What does not fit is left out, in silence: a bell for each of a million letters is an
        hour of bells."""


class First(App[Remembered | None]):
    """Asks, and answers with what is to be remembered; None when somebody left."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { align: center middle; }
    #card { width: 66; max-width: 100%; height: auto; max-height: 100%; padding: 0 2;
            border: round $primary; background: $panel; border-title-color: $foreground; }
    Label { color: $faint; }
    Input { height: 1; border: none; background: $background; padding: 0 1; margin-bottom: 1; }
    Input:focus { border: none; background-tint: $primary 12%; }
    OptionList { height: auto; max-height: 5; border: none; background: $background; padding: 0; }
    OptionList:focus { border: none; }
    #wrong { color: $warning; height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take", "Join", priority=True),
        Binding("escape,ctrl+c,ctrl+q", "leave", "Leave", priority=True, key_display="Esc"),
    ]

    def __init__(
        self,
        before: Remembered,
        suggested: str,
        devices: Devices | None = None,
        speaks: bool = False,
    ) -> None:
        """`speaks`: there is something to be heard whatever is answered here."""
        super().__init__()
        self.speaks = speaks
        self.before = before
        self.suggested = suggested
        self.devices = devices
        self.microphones = ["none", "mic"]
        """As in --audio, in the order of the list."""
        self.register_theme(theme(palette(before.theme)))
        self.theme = palette(before.theme).name

    def compose(self) -> ComposeResult:
        name = self.before.name or self.suggested
        with VerticalScroll(id="card", can_focus=False) as card:
            card.border_title = "Welcome to Surtitle"
            card.border_subtitle = "Enter goes on · Ctrl+S joins · Esc leaves"
            yield Label("Your name, as the others see it")
            yield OneLine(name, id="name", max_length=LONGEST_NAME, compact=True)
            yield Label("Languages you read (Spanish, or es; empty: as spoken)")
            yield OneLine(written(self.before.reads), id="reads", max_length=200, compact=True)
            yield Label("Languages you speak (several are told apart)")
            yield OneLine(written(self.before.hears), id="hears", max_length=200, compact=True)
            yield Label("Your microphone")
            yield OptionList(Option(NO_MICROPHONE), Option(USUAL), id="microphone")
            yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = int(self.before.microphone != "none")
        self.query_one("#name", Input).focus()
        if self.devices is not None:
            self.listed()

    @work(thread=True)
    def listed(self) -> None:
        """Ask which microphones there are, while the person types."""
        assert self.devices is not None
        try:
            names = [clean(name) for name in self.devices()]
        except Exception as error:  # a sound system can fail in many ways: one reads without it
            self.call_from_thread(self.remark, str(error))
            return
        self.call_from_thread(self.offer, names)

    def offer(self, names: Sequence[str]) -> None:
        """These can be chosen too."""
        shown = self.query_one(OptionList)
        for name in names:
            self.microphones.append(f"mic:{name}")
            shown.add_option(Option(Text(name)))
        if self.before.microphone in self.microphones:
            shown.highlighted = self.microphones.index(self.before.microphone)

    def remark(self, sentence: str) -> None:
        """What is wrong, or is to be known."""
        self.query_one("#wrong", Static).update(sentence)

    def on_input_submitted(self) -> None:
        self.action_focus_next()

    def on_option_list_option_selected(self) -> None:
        self.action_take()

    def action_focus_next(self) -> None:
        """The next field."""
        self.screen.focus_next()

    def action_leave(self) -> None:
        """The escape key."""
        self.exit(None)

    def action_take(self) -> None:
        """Join, if the answers will do; else say what is wrong, where it is wrong."""
        name = tidy(self.query_one("#name", Input).value)
        reads, strange = several(self.query_one("#reads", Input).value)
        hears, stranger = several(self.query_one("#hears", Input).value)
        microphone = self.microphones[self.query_one(OptionList).highlighted or 0]
        for wrong, field, sentence in (
            (not name, "name", "a name needs at least one visible character"),
            (strange, "reads", f"no language is called {', '.join(strange)}"),
            (stranger, "hears", f"no language is called {', '.join(stranger)}"),
            (len(hears) > 4, "hears", "at most four languages can be told apart"),
            (len(reads) > 8, "reads", "at most eight languages can be read at once"),
            (
                (self.speaks or microphone != "none") and not hears,
                "hears",
                "which language do you speak?",
            ),
        ):
            if wrong:
                self.remark(sentence)
                self.query_one(f"#{field}", Input).focus()
                return
        self.exit(
            replace(
                self.before,
                name=name,
                hears=tuple(hears),
                reads=tuple(reads),
                microphone=microphone,
            )
        )
