"""What readers and speakers do in a benchmark: one says it all, one writes down what comes when."""

import time
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from clients.audio import Pace
from clients.link import Link
from loadtest.people import drained
from streaming.measures import Figures, Percentiles, Reader, Schedule
from streaming.messages import Caption
from streaming.values import SAMPLE_RATE, AudioFrame


@dataclass(slots=True)
class Read:
    """What somebody who reads both languages was sent, and when."""

    captions: list[tuple[float, Caption]] = field(default_factory=list)

    def figures(
        self, schedules: Mapping[str, Pace], kinds: Sequence[str] = ("transcript", "translation")
    ) -> Figures:
        """Of all lines of these kinds."""
        wanted = [(now, caption) for now, caption in self.captions if caption.kind in kinds]
        reader = Reader(
            {speaker: self._heard(speaker, pace) for speaker, pace in schedules.items()}
        )
        for now, caption in wanted:
            reader.push(caption, now)
        return reader.figures()

    def _heard(self, speaker: str, pace: Pace) -> Schedule:
        """When positions were captured; those before the first of these lines count as its start:
        what was said before is not theirs to show."""
        starts = (caption.start for _, caption in self.captions if caption.speaker == speaker)
        first = min(starts, default=0)
        return lambda position: pace.captured(max(position, first))

    def part(self, start: float, end: float) -> "Read":
        """The lines that were begun between these seconds of their speaker's sound."""
        return Read(
            [
                (now, caption)
                for now, caption in self.captions
                if start <= caption.start / SAMPLE_RATE < end
            ]
        )

    def finals(self) -> list[Caption]:
        """The lines as they ended, in the order of the conversation."""
        ends = [caption for _, caption in self.captions if caption.final and caption.text]
        return sorted(ends, key=lambda caption: caption.at)


async def listened(link: Link, read: Read) -> None:
    """Read until nothing more will come."""
    async for message in link:
        if isinstance(message, Caption):
            read.captions.append((time.monotonic(), message))
        elif drained(message):
            return


async def said(link: Link, frames: AsyncIterable[AudioFrame]) -> None:
    """Say it all, and wait for the last final."""
    async with link.speaking(frames):
        async for message in link:
            if drained(message):
                return


def plain(found: Percentiles | None) -> dict[str, float] | None:
    """As JSON, in ms."""
    return {name: round(value, 1) for name, value in asdict(found).items()} if found else None


def rounded(value: float | None) -> float | None:
    """As JSON."""
    return None if value is None else round(value, 3)
