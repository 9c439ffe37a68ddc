"""The app: messages in, captions and a status line out. It knows no socket."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import ClassVar, Protocol

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Footer, Static

from clients.console import Problem
from clients.latency import ChunkToCaption, Meter
from clients.lines import Change, Lines
from clients.words import Troubles, sentence, untranslated
from streaming.messages import Caption, Roster, ServerMessage, State, Welcome

from .captions import Captions
from .status import Status, status_line


class Controls(Protocol):
    """What the keys can ask of the connection."""

    async def mute(self, on: bool) -> None:
        """Whether our microphone is to be silent."""

    async def show_source(self, on: bool) -> None:
        """Whether the speakers' own words are wanted."""


class RoomApp(App[None]):
    """Follows a stream of messages until it ends or the reader leaves.

    `captured` is there when we speak: it gives the second (monotonic) at which a position of our
    own audio was captured, so that the way from microphone to screen can be measured; `meter` when
    somebody else measures that. `linger` is how many seconds to stay once it has ended.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #status { dock: top; height: 1; background: $panel; color: $text; padding: 0 1; }
    #trouble { dock: bottom; height: auto; color: $warning; padding: 0 1; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("s", "source", "Source on/off"),
        Binding("m", "mute", "Mute on/off"),
        Binding("end", "newest", "Jump to newest", priority=True),
    ]

    def __init__(
        self,
        messages: AsyncIterator[ServerMessage],
        status: Status,
        source: bool = False,
        controls: Controls | None = None,
        captured: Callable[[int], float] | None = None,
        meter: Meter | None = None,
        linger: float | None = None,
    ) -> None:
        super().__init__()
        self.messages = messages
        self.status = status
        self.controls = controls
        self.lines = Lines()
        self.captions = Captions(self.lines, status.reads, source)
        self.status_row = Static(id="status", markup=False)
        self.trouble_row = Static(id="trouble", markup=False)
        self.late = ChunkToCaption(captured) if captured else None
        self.meter = self.late.meter if self.late else meter
        self.linger = linger
        self.inside = Meter()
        """The server's own share of the latency, of captions that tell it."""
        self.troubles = Troubles()
        self.me = ""
        self.remark = ""
        self.over = False
        """Everything there was to say has been said."""

    def compose(self) -> ComposeResult:
        yield self.status_row
        yield self.captions
        yield Footer()
        yield self.trouble_row

    def on_mount(self) -> None:
        self.captions.focus()
        self.run_worker(self.follow())
        self.set_interval(1, self.show_status)
        self.show_status()

    async def follow(self) -> None:
        """Take in every message; what breaks is said, and what was read stays to be read."""
        try:
            async for message in self.messages:
                self.take(message)
            ended = "the conversation is over"
            self.over = True
        except* Problem as group:
            ended = str(group.exceptions[0])
        self.status = replace(self.status, connection=ended)
        self.show_status()
        if self.linger is not None:
            self.set_timer(max(0.01, self.linger), self.exit)

    def take(self, message: ServerMessage) -> None:
        """One message on the screen."""
        change = self.lines.push(message)
        match message:
            case Welcome(participant=me):
                self.me = me
                self.status = replace(self.status, connection="connected")
                self.show_status()
            case Roster():
                self.captions.redraw()
            case State() if self.troubles.push(message):
                self.show_troubles()
            case Caption(degraded="untranslated") if self.status.reads and not self.remark:
                self.remark = untranslated(message, self.status.reads)
                self.show_troubles()
        if change is not None:
            self.captions.show(change)
            self.call_after_refresh(self.drawn, change)

    def drawn(self, change: Change) -> None:
        """The change is on the screen now."""
        if change.caption is None or change.caption.replay:
            return
        if change.caption.latency is not None:
            self.inside.add(change.caption.latency.total)
        if self.late is not None and change.caption.speaker == self.me:
            self.late.push(change, time.monotonic())

    def show_status(self) -> None:
        """Write the status line anew."""
        late = (self.meter or self.inside).percentile(95)
        self.status = replace(self.status, late_ms=late, end_to_end=self.meter is not None)
        self.status_row.update(status_line(self.status, self.size.width - 2))

    def show_troubles(self) -> None:
        """What does not work, in words; nothing when everything does."""
        said = [sentence(state) for state in self.troubles]
        said += [self.remark] if self.remark and not said else []
        self.trouble_row.update(" · ".join(said))
        self.trouble_row.display = bool(said)

    def on_resize(self, _: Resize) -> None:
        self.show_status()

    async def action_source(self) -> None:
        """The s key."""
        on = not self.captions.blocks.source
        self.captions.show_source(on)
        if self.controls is not None:
            await self.controls.show_source(on)

    async def action_mute(self) -> None:
        """The m key."""
        if self.controls is None or not self.status.hears:
            return
        self.status = replace(self.status, muted=not self.status.muted)
        await self.controls.mute(self.status.muted)
        self.show_status()

    def action_newest(self) -> None:
        """The end key."""
        self.captions.anchor()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whoever has no microphone has no key for it."""
        return bool(self.status.hears) if action == "mute" else True
