"""The keys of a reader: going back, searching, how it looks, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, get_args

from textual.app import App
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from clients.lines import Change, Lines
from clients.plain import clean
from streaming.messages import Stability

from . import keys, saving
from .across import Across
from .captions import Captions
from .colours import DARK, PALETTES, after, palette
from .controls import Controls
from .dialogs import Export, Help
from .looks import look, theme
from .status import DIALS, Status

KEPT = 8_000  # lines to search and to export: an evening in two languages
SAID_S = 5.0  # seconds that what a key did is said
CLIPBOARD = 74_000  # bytes: more than this and some terminals drop it


class Reading(App[None]):
    """What a reader can do without anybody's help."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", show=False, priority=True),
        *(
            Binding(key.keys, key.action, key.label, show=key.footer > 0, key_display=key.shown)
            for key in keys.ordered()
        ),
    ]

    status_row: Static
    controls: Controls | None

    def __init__(self, status: Status, source: bool, colours: bool) -> None:
        super().__init__(ansi_color=None if colours else True)
        for one in PALETTES:
            self.register_theme(theme(one, colours))
        self.colours = colours
        self.palette = DARK
        self.theme = DARK.name
        self.status = status
        self.lines = Lines(KEPT)
        self.captions = Captions(self.lines, status.reads, source)
        self.across = Across(self.captions)
        self.search_row = Input(id="search", max_length=200, compact=True)
        self.pairs: Sequence[tuple[str, str, str]] = ()
        self.opened = ""
        """Which panel is open: people, latency, or none."""
        self.said = ""
        """What a key has just done."""
        self._came_from: tuple[float, bool] | None = None

    def show_status(self) -> None:
        """Write the status line anew."""
        raise NotImplementedError

    def show_notice(self) -> None:
        """Write the row above the keys anew."""
        raise NotImplementedError

    def show(self, change: Change) -> None:
        """One line, in whichever way one reads."""
        self.captions.show(change)
        if self.across.display:
            self.across.redraw()
        elif not self.captions.following:
            self.show_notice()

    def redraw(self) -> None:
        """All that is in view."""
        self.captions.redraw()
        if self.across.display:
            self.across.redraw()

    def say(self, sentence: str) -> None:
        """What a key has done, for a while."""
        self.said = sentence
        self.show_notice()
        self.set_timer(SAID_S, lambda: self.unsay(sentence))

    def unsay(self, sentence: str) -> None:
        """Long enough said, unless it is something else by now."""
        if self.said == sentence:
            self.said = ""
            self.show_notice()

    # Going back and finding the way back

    def action_scroll(self, by: int) -> None:
        """The arrow keys."""
        self.captions.go(self.captions.scroll_offset.y + by)

    def action_page(self, by: int) -> None:
        """The page keys: a page is a row less than the view, so that one finds one's place."""
        height = self.captions.scrollable_content_region.height
        self.action_scroll(by * max(1, height - 1))

    def action_oldest(self) -> None:
        """The home key."""
        self.captions.go(0)

    def action_newest(self) -> None:
        """The end key: a search ends here."""
        self._leave_search()
        self.captions.newest()

    def on_captions_moved(self) -> None:
        self.show_notice()

    # Searching

    def action_search(self) -> None:
        """The slash key."""
        if self.across.display:
            self.action_big()
        if self._came_from is None:
            self._came_from = self.captions.scroll_y, self.captions.following
        self.notice_row_shown(False)
        self.search_row.focus()

    def notice_row_shown(self, on: bool) -> None:
        """The notice and the search share a row."""
        self.query_one("#notice").display = on
        self.search_row.display = not on

    def on_input_changed(self, event: Input.Changed) -> None:
        captions, came_from = self.captions, self._came_from
        if event.input is not self.search_row or came_from is None:
            return
        captions.go(came_from[0])
        bottom = captions.scroll_offset.y + captions.scrollable_content_region.height
        captions.search.look(clean(event.value), captions.blocks.shown, bottom)
        captions.seek()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self.search_row:
            self.notice_row_shown(True)
            self.captions.focus()
            if not self.captions.search.query.strip():
                self._return()
            self.show_notice()

    def action_found(self, by: int) -> None:
        """The n and N keys."""
        self.captions.search.step(by)
        self.captions.seek()
        self.show_notice()

    def action_close(self) -> None:
        """The escape key: what was opened last closes first."""
        if self._came_from is not None:
            self._return()
        elif self.opened:
            self.action_panel(self.opened)
        elif self.across.display:
            self.action_big()
        else:
            self.captions.newest()

    def _return(self) -> None:
        """End the search where it began."""
        row, following = self._came_from or (0, True)
        self._leave_search()
        if following:
            self.captions.newest()
        else:
            self.captions.go(row)

    def _leave_search(self) -> None:
        self._came_from = None
        self.search_row.value = ""
        self.captions.search.look("", ())
        self.captions.refresh()
        self.notice_row_shown(True)
        self.captions.focus()
        self.show_notice()

    # How it looks

    def paint(self) -> None:
        """In the colours of the palette."""
        self.theme = self.palette.name
        self.captions.look = look(self.palette, self.colours)
        self.redraw()

    def dress(self, called: str, density: int) -> None:
        """The looks that are remembered, before the first drawing."""
        self.palette = palette(called)
        self.captions.density = density

    def action_theme(self) -> None:
        """The t key."""
        self.palette = after(self.palette)
        self.paint()
        self.say(f"colours: {self.palette.called}")

    def action_density(self) -> None:
        """The d key."""
        density = self.captions.density % 3 + 1
        self.captions.space(density)
        lines = {1: "one line", 2: "two lines", 3: "three lines"}[density]
        self.say(f"spacing: {lines} a caption")

    def action_big(self) -> None:
        """The b key."""
        on = not self.across.display
        self.across.display, self.captions.display = on, not on
        if not on:
            self.captions.focus()
        self.redraw()

    async def action_source(self) -> None:
        """The s key."""
        on = not self.captions.blocks.source
        self.captions.show_source(on)
        self.say("the speakers' own words are shown" if on else "translations only")
        if self.controls is not None:
            await self.controls.show_source(on or not self.status.reads)

    async def action_stability(self) -> None:
        """The x key."""
        dials = get_args(Stability)
        at = dials.index(self.status.stability)
        chosen: Stability = dials[(at + 1) % len(dials)]
        self.status = replace(self.status, stability=chosen)
        self.show_status()
        self.say(f"stability: {DIALS[chosen]}")
        if self.controls is not None:
            await self.controls.steady(chosen)

    # What opens, and what is kept

    def action_panel(self, name: str) -> None:
        """The r and l keys."""
        self.opened = "" if self.opened == name else name
        self.query_one("#panel").display = bool(self.opened)
        self.show_status()

    def action_copy(self) -> None:
        """The c key."""
        text = saving.text(self.lines, "txt")
        if not text:
            self.say("there is nothing to copy yet: no line is finished")
            return
        self.copy_to_clipboard(text)
        lines = text.count("\n")
        long = len(text.encode()) > CLIPBOARD
        self.say(f"copied {lines} lines" + (": long; if it is cut, save it with e" if long else ""))

    def action_export(self) -> None:
        """The e key."""
        finals = self.lines.finals()
        if not finals:
            self.say("there is nothing to save yet: no line is finished")
            return
        choices = saving.choices(finals, self.status.reads)
        self.push_screen(
            Export(
                self.status.room,
                choices,
                lambda choice: saving.text(self.lines, choice.form, choice.language),
                datetime.now(),
            ),
            lambda sentence: self.say(sentence) if sentence else None,
        )

    def action_help(self) -> None:
        """The question mark."""
        self.push_screen(Help())
