"""`surtitle captions --offline`: what the engines make of a file when nothing has to be quick.

Every stretch of speech is recognized once, whole, and translated once. What streaming costs in
quality is the difference between this and the live captions of the same file.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress

import av

from models import registry
from models.base import EngineError
from streaming import units
from streaming.captions import Captions, Line
from streaming.clean import clean
from streaming.framer import Framer
from streaming.languages import within
from streaming.messages import Caption, encode
from streaming.recording import Recording
from streaming.segmenter import Segmenter
from streaming.values import (
    BYTES_PER_SAMPLE,
    SAMPLE_RATE,
    WINDOW,
    AudioFrame,
    Hypothesis,
    SpeechSegment,
    milliseconds,
    samples,
)

from .clock import Clock
from .engines import Engines, started
from .telling import told_at_once
from .translation import Unusable

HOUR = samples(3_600_000)


def main(argv: Sequence[str]) -> int:
    """Print the captions of a file as JSON lines; the exit code."""
    parser = argparse.ArgumentParser(prog="surtitle offline", description=__doc__)
    parser.add_argument("file", help="any audio file")
    parser.add_argument("--from", dest="source", required=True, help="language spoken")
    parser.add_argument("--to", dest="target", help="language to translate into")
    parser.add_argument("--engine", default=registry.AUTO)
    options = parser.parse_args(argv)
    try:
        built = registry.build(options.engine)
        asyncio.run(_print(built, options.file, options.source, options.target))
    except (EngineError, av.FFmpegError, OSError) as error:
        print(f"surtitle offline: {error}", file=sys.stderr)
        return 1
    return 0


async def _print(built: registry.Engines, path: str, source: str, target: str | None) -> None:
    async with started(built, Clock(), lambda *change: None) as engines:
        if trouble := engines.recognizers.lacks([source]):
            raise EngineError(trouble)
        heard = within(source, engines.recognizers.languages) or source
        async for caption in captions(engines, decoded(path), heard, target):
            print(encode(caption).decode(), flush=True)


def decoded(path: str) -> Iterator[bytes]:
    """The file's sound as 16 kHz samples, a piece at a time. av.FFmpegError: it cannot be read."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(path) as container:
        if not container.streams.audio:
            raise EngineError(f"{path} has no sound")
        for frame in (*container.decode(audio=0), None):
            for made in resampler.resample(frame):
                yield bytes(made.planes[0])[: made.samples * BYTES_PER_SAMPLE]


async def captions(
    engines: Engines, pieces: Iterator[bytes], source: str, target: str | None
) -> AsyncIterator[Caption]:
    """The finals of a recording, in order: each transcript, then its translation."""
    book = Captions()
    recording = Recording(keep=HOUR)
    recognizer = engines.recognizers.of([source])
    assert recognizer is not None
    for segment in _segments(engines, pieces, recording):
        hearing = await recognizer.open("offline", [source])
        heard = await hearing.finish(recording.read(segment.start, segment.end))
        await hearing.close()
        text = clean(heard.text)
        lines = [_line(segment, source, Hypothesis.whole(units.pieces(text)), recognizer.name)]
        if target and text and engines.translation.direction(source, target):
            translation, before = engines.translation, Before(book)
            with suppress(Unusable):
                found, by = await told_at_once(segment, source, text, target, translation, before)
                lines.append(_line(segment, target, found, by.engine, True))
        for line in lines:
            for posted in list(book.push(line).values())[:1]:
                yield posted.plain


class Before:
    """What a translator is told besides the words: what was said before them."""

    def __init__(self, book: Captions) -> None:
        self.context = book.context

    def glossary(self, text: str, source: str, target: str) -> tuple[tuple[str, str], ...]:
        return ()

    def columns(self, target: str) -> int:
        return 0


def _segments(
    engines: Engines, pieces: Iterator[bytes], recording: Recording
) -> Iterator[SpeechSegment]:
    framer, segmenter = Framer(), Segmenter()
    detector = engines.detection.detector
    memory = detector.ear()
    for piece in pieces:
        recording.push(AudioFrame(framer.position, piece))
        for window in framer.push(piece):
            (likelihood,) = detector.probabilities([(memory, window.pcm)])
            found = segmenter.push(window.start, window.end, likelihood)
            yield from (segment for segment in found if segment.final)
    for window in framer.skip(framer.position):
        pcm = window.pcm.ljust(WINDOW * BYTES_PER_SAMPLE, b"\0")
        (likelihood,) = detector.probabilities([(memory, pcm)])
        found = segmenter.push(window.start, window.end, likelihood)
        yield from (segment for segment in found if segment.final)
    yield from segmenter.pause()


def _line(
    segment: SpeechSegment,
    language: str,
    said: Hypothesis,
    engine: str,
    translated: bool = False,
) -> Line:
    return Line(
        speaker="offline",
        segment=segment,
        language=language,
        kind="translation" if translated else "transcript",
        hypothesis=said,
        at=round(milliseconds(segment.start)),
        engine=engine,
    )
