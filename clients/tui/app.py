"""The app: messages in, captions and what there is to say of them out. It knows no socket.

Keys that change how one reads are in `reading.py`, what is read and spoken in `choosing.py`, what
opens above in `dialogs.py`; every key is listed in `keys.py`.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.events import Resize
from textual.geometry import Size
from textual.widgets import Footer, Static

from clients.console import Problem, first
from clients.latency import AGE_EVERY_MS, Captured, Meter
from clients.lines import Change
from clients.words import Troubles, sentence, untranslated
from streaming.messages import (
    Caption,
    Participant,
    Pong,
    Recording,
    Roster,
    ServerMessage,
    State,
    TokenExpiring,
    Welcome,
)

from . import panels
from .choosing import Choosing
from .controls import Controls
from .figures import Figures
from .level import Level
from .status import CONNECTION, Notice, Status, notice_row, status_line

PING_S = 5.0
LEVEL_S = 0.2
SMALLEST = (24, 7)  # columns and rows below which there is nothing to be read


class RoomApp(Choosing):
    """Follows a stream of messages until it ends or the reader leaves.

    `captured` and `meter`: see `Figures`; `level` is asked while we speak; `linger` is how many
    seconds to stay once it has ended; `colours` is off where NO_COLOR is set.
    """

    CSS = """
    Screen { layers: base above; overflow: hidden; background: $background; color: $foreground; }
    ModalScreen { background: $background 60%; }
    #status, #notice { height: 1; background: $panel; padding: 0 1; }
    #status { dock: top; }
    #notice { background: $background; color: $faint; }
    #notice.trouble { color: $warning; }
    App:nocolor #status { text-style: reverse; }
    #search { height: 1; border: none; padding: 0 1; display: none; background: $background; }
    #search:focus { border: none; background-tint: $foreground 0%; }
    #panel, #small { layer: above; display: none; }
    #panel { position: absolute; background: $panel; width: auto; height: auto;
             border: round $primary; border-title-color: $foreground; padding: 0 1;
             border-subtitle-color: $faint; }
    #small { position: absolute; width: 100%; height: 100%; background: $background; }
    """

    def __init__(
        self,
        messages: AsyncIterator[ServerMessage],
        status: Status,
        source: bool = False,
        controls: Controls | None = None,
        captured: Captured | None = None,
        meter: Meter | None = None,
        linger: float | None = None,
        level: Callable[[], Level] | None = None,
        colours: bool = True,
    ) -> None:
        super().__init__(status, source, colours)
        self.messages = messages
        self.controls = controls
        self.captured = captured
        self.figures = Figures(captured, meter)
        self.linger = linger
        self.level = level
        self.troubles = Troubles()
        self.present: Sequence[Participant] = ()
        self.others = 0  # how many more are here
        self.me = ""
        self.remark = ""
        self.window = Size(80, 24)
        self.over = False
        """Everything there was to say has been said."""
        self.status_row = Static(id="status", markup=False)
        self.notice_row = Static(id="notice", markup=False)
        self.panel = Static(id="panel", markup=False)
        self.small = Static("too small: make this window larger", id="small", markup=False)

    def compose(self) -> ComposeResult:
        yield self.status_row
        yield self.captions
        yield self.across
        yield self.notice_row
        yield self.search_row
        yield Footer(show_command_palette=False)
        yield self.panel
        yield self.small

    def on_mount(self) -> None:
        self.captions.focus()
        self.paint()
        self.run_worker(self.follow())
        self.set_interval(1, self.show_status)
        self.set_interval(PING_S, self.ask)
        self.metered = [
            self.set_interval(LEVEL_S, self.show_notice, pause=True),
            self.set_interval(AGE_EVERY_MS / 1000, self.aged, pause=True),
        ]
        self.meters_run()
        self.show_status()

    def aged(self) -> None:
        """How old is what is on the screen?"""
        self.figures.sample(time.monotonic())

    def meters_run(self) -> None:
        """Measure our own sound while there is some."""
        for timer in self.metered:
            timer.resume() if self.captured is not None else timer.pause()

    async def follow(self) -> None:
        """Take in every message; what breaks is said, and what was read stays to be read."""
        try:
            async for message in self.messages:
                self.take(message)
            ended, why = "ended", "the conversation is over"
            self.over = True
        except* Problem as group:
            ended, why = "disconnected", str(first(group))
        self.status = replace(self.status, connection=ended)
        self.remark = f"{why} · e saves, q leaves"
        self.show_status()
        if self.linger is not None:
            self.set_timer(max(0.01, self.linger), self.exit)

    def take(self, message: ServerMessage) -> None:
        """One message on the screen."""
        taken = time.monotonic()
        change = self.lines.push(message)
        match message:
            case Welcome(participant=me, pairs=pairs):
                self.me, self.pairs = me, pairs
                self.figures.listen(self.captured)
                self.status = replace(self.status, connection="connected")
                self.show_status()
                self.run_worker(self.ask())
            case Roster(participants=present, others=others):
                self.present, self.others = present, others
                self.redraw()
                self.show_notice()
            case State():
                self.troubled(message)
            case Recording(on):
                self.status = replace(self.status, kept=on)
                self.show_status()
            case TokenExpiring(in_ms):
                self.say(f"your token ends in {in_ms // 1000} s, and with it this connection")
            case Pong():
                self.figures.answered(message, taken)
            case Caption(degraded="untranslated") if self.status.reads and not self.remark:
                self.remark = untranslated(message, self.status.reads)
                self.show_notice()
        if change is not None:
            self.show(change)
            if len(self.lines) == 1:
                self.show_notice()  # it no longer says that nobody has spoken
            self.call_after_refresh(self.drawn, change, taken)

    def drawn(self, change: Change, taken: float) -> None:
        """The change is on the screen now."""
        me = self.lines.speaker(self.me)
        mine = change.caption is not None and change.caption.speaker == me
        self.figures.drawn(change, taken, time.monotonic(), mine)

    def troubled(self, state: State) -> None:
        """Something does not work, or does again."""
        if state.scope == "connection":
            self.status = replace(self.status, connection=CONNECTION[state.level])
            self.show_status()
        if self.troubles.push(state):
            self.show_notice()
            if state.level == "ok" and state.reason:
                self.say(sentence(state))

    async def ask(self) -> None:
        """How long is the way to the server and back?"""
        if self.controls is not None and not self.over:
            await self.controls.ping(time.monotonic() * 1000)

    def show_status(self) -> None:
        """Write the status line anew, and what hangs on it."""
        self.status = replace(
            self.status,
            late_ms=self.figures.late_ms(),
            end_to_end=self.figures.meter is not None,
            age_ms=self.figures.age_ms(),
        )
        self.status_row.update(status_line(self.status, self.window.width - 2), layout=False)
        self.show_notice()
        self.show_panel()

    def sentences(self) -> list[str]:
        """What does not work, in words; nothing when everything does."""
        said = [sentence(state) for state in self.troubles]
        return said or ([self.remark] if self.remark else [])

    def show_notice(self) -> None:
        """Write the row above the keys anew."""
        trouble = " · ".join(self.sentences())
        self.notice_row.set_class(bool(trouble) or self.status.muted, "trouble")
        notice = Notice(
            said=self.said,
            trouble=trouble,
            search=self.captions.search.said,
            missed=None if self.captions.following else self.captions.missed,
            speaking=panels.speaking(self.present) or self.silence(),
            level=self.level() if self.level is not None and self.status.hears else None,
            muted=self.status.muted,
        )
        self.notice_row.update(notice_row(notice, self.window.width - 2), layout=False)

    def silence(self) -> str:
        """Why there is nothing to read."""
        here = self.status.connection == "connected"
        return "nobody has spoken yet" if here and not len(self.lines) else ""

    def show_panel(self) -> None:
        """Write what the open panel says anew."""
        if not self.opened:
            return
        if self.opened == "people":
            text = panels.people(self.present, self.me, self.others)
        else:
            age = self.figures.age.meter if self.figures.age is not None else None
            text = panels.latency(self.figures.stages, self.figures.meter, age, self.sentences())
        self.panel.border_title = "Delay" if self.opened == "latency" else "People"
        self.panel.border_subtitle = "Esc closes"
        self.panel.update(text)
        width = max(len(line) for line in text.splitlines()) + 4
        self.panel.styles.offset = max(0, self.window.width - width - 2), 1

    def on_resize(self, event: Resize) -> None:
        self.window = event.size  # Textual's own is still the one before
        self.small.display = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        self.show_status()

    async def action_mute(self) -> None:
        """The m key."""
        if self.controls is None or not self.status.hears:
            return
        self.status = replace(self.status, muted=not self.status.muted)
        self.show_status()
        await self.controls.mute(self.status.muted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whoever has no microphone has no key for it."""
        return bool(self.status.hears) if action == "mute" else True
