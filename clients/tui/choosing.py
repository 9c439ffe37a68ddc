"""What is read and what is spoken, as one chooses it in the language picker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clients.console import Problem
from clients.latency import Captured
from streaming.languages import within
from streaming.messages import Participant

from .answers import offered, written
from .dialogs import Chosen, Languages
from .reading import Reading


class Choosing(Reading):
    """A reader who may speak as well."""

    present: Sequence[Participant]
    captured: Captured | None
    chosen = Chosen([], [])
    """What was read and spoken when the picker opened."""

    def spoken(self) -> list[str]:
        """The languages that somebody speaks here, and those that were."""
        hears = [code for person in self.present for code in person.hears]
        return hears + [line.language for line in self.lines if line.kind == "transcript"]

    def meters_run(self) -> None:
        """Measure our own sound while there is some."""
        raise NotImplementedError

    def action_languages(self) -> None:
        """The g key."""
        known = {*self.spoken(), *(source for source, _, _ in self.pairs)}
        # Whoever came with en-US is heard as en, and is shown as that.
        hears = list(dict.fromkeys(within(code, known) or code for code in self.status.hears))
        sources = {*hears, *known} if self.controls is not None else set()
        listed = offered(self.pairs, [*self.spoken(), *hears], self.status.reads, sources)
        if not listed:
            self.say("nobody speaks here yet, and nothing is translated here")
            return
        self.chosen = Chosen(list(self.status.reads), hears)
        self.push_screen(Languages(listed, *self.chosen, sources), self.choose)

    async def choose(self, chosen: Chosen | None) -> None:
        """These are wanted: what is read changes at once, what is spoken in a moment."""
        if chosen is None:
            return
        if chosen.reads != self.chosen.reads:
            await self.read(chosen.reads)
        if chosen.hears != self.chosen.hears:
            self.run_worker(self.hear(chosen.hears))

    async def hear(self, hears: Sequence[str]) -> None:
        """Speak these languages: it means to join anew, which may take a moment or be refused."""
        assert self.controls is not None
        before = self.status.hears
        doing = f"speak {written(hears)}" if hears else "only read"
        self.say(f"joining anew to {doing}: what you have read stays")
        try:
            self.captured = await self.controls.hear(hears)
        except Problem as problem:
            now = written(before) or "only reading"
            self.say(f"still {now}: {str(problem).removeprefix('hello: ')}")
            return
        self.status = replace(self.status, hears=hears, muted=self.status.muted and bool(hears))
        self.say(f"joined anew: you {doing} now")
        self.meters_run()
        self.refresh_bindings()
        self.show_status()

    async def read(self, reads: list[str]) -> None:
        """Read these from now on."""
        self.status = replace(self.status, reads=reads)
        self.captions.read(reads)
        self.show_status()
        self.say(f"reading {written(reads) or 'what everybody says, as spoken'}")
        if self.controls is not None:
            await self.controls.read(reads, self.captions.blocks.source or not reads)
