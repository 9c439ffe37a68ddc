"""Write down what pocketsphinx says of the conversation, hop by hop: `python -m bench.recording`.

The policies are measured on it without a recognizer, so that their figures do not depend on the
machine. To be done again when the recognizer or the segmenter has changed.
"""

import asyncio
import json
from typing import Any

from clients.audio import decoded
from loadtest.script import Script, read
from models import registry
from models.base import Detector, Hearing, Recognizer
from streaming.clean import clean
from streaming.framer import Framer
from streaming.segmenter import Segmenter, SegmenterConfig
from streaming.values import BYTES_PER_SAMPLE, WINDOW, SpeechSegment

from .spoken import STREAMS


async def record() -> list[dict[str, Any]]:
    """A row for every hypothesis: speaker, segment, its positions, its state, the text."""
    built = registry.build("embedded")
    (recognizer,) = built.recognizers
    await recognizer.start()
    script, rows = read(), []
    for name in script.names:
        rows += await _track(built.detector, recognizer, name, _sound(script, name))
    await recognizer.close()
    for translator in built.translators:
        await translator.close()
    return rows


def _sound(script: Script, name: str) -> bytes:
    return b"".join(decoded(str(script.track(name))))


async def _track(
    detector: Detector, recognizer: Recognizer, name: str, pcm: bytes
) -> list[dict[str, Any]]:
    framer, ear = Framer(), detector.ear()
    segmenter = Segmenter(SegmenterConfig(hop_ms=recognizer.hop_ms))
    rows: list[dict[str, Any]] = []
    hearing: Hearing | None = None
    fed = 0
    windows = [*framer.push(pcm), *framer.skip(framer.position)]
    for window in windows:
        sound = window.pcm.ljust(WINDOW * BYTES_PER_SAMPLE, b"\0")
        (likelihood,) = detector.probabilities([(ear, sound)])
        for segment in segmenter.push(window.start, window.end, likelihood):
            if hearing is None:
                hearing, fed = await recognizer.open(name, ["en"]), segment.start
            piece = pcm[fed * BYTES_PER_SAMPLE : segment.end * BYTES_PER_SAMPLE]
            fed = segment.end
            heard = await (hearing.finish(piece) if segment.final else hearing.hear(piece, ""))
            rows.append(_row(name, segment, clean(heard.text)))
            if segment.final:
                await hearing.close()
                hearing = None
    return rows


def _row(name: str, segment: SpeechSegment, text: str) -> dict[str, Any]:
    return {
        "speaker": name,
        "id": segment.id,
        "at": [segment.start, segment.onset, segment.offset, segment.end],
        "is": {"quiet": segment.quiet, "final": segment.final},
        "text": text,
    }


if __name__ == "__main__":
    found = [json.dumps(row) for row in asyncio.run(record())]
    (STREAMS / "pocketsphinx.json").write_text("[\n" + ",\n".join(found) + "\n]\n", "utf-8")
