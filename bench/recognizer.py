"""How late, how dear and how wrong pocketsphinx is, in our engine and by itself.

python -m bench.recognizer "clip.wav=what it says" ...
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import jiwer
import numpy as np
import psutil
from pocketsphinx import Decoder

from models.embedded.pocketsphinx import PocketSphinx
from models.embedded.sphinx_worker import SETTINGS, tidy
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, samples

QUIET = {"fwdflat": False, "bestpath": False, "loglevel": "FATAL"}


@dataclass(frozen=True, slots=True)
class Clip:
    """Something said, and what it was."""

    pcm: bytes
    text: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / BYTES_PER_SAMPLE / SAMPLE_RATE


@dataclass
class Run:
    """What one way of recognizing cost and said."""

    said: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    update_ms: list[float] = field(default_factory=list)
    finish_ms: list[float] = field(default_factory=list)


def load(argument: str) -> Clip:
    """A clip from "path=what it says"; any sound file."""
    path, _, text = argument.partition("=")
    with av.open(path) as file:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return Clip(b"".join(frame.to_ndarray().tobytes() for frame in frames), text)


def bare(clips: Sequence[Clip], hop_ms: int, settings: dict[str, object]) -> Run:
    """The decoder alone, fed as fast as it goes; a new voice with every clip."""
    run = Run()
    decoder = Decoder(**settings)
    for clip in clips:
        decoder.reinit_feat()
        began = time.process_time()
        decoder.start_utt()
        for hop in _hops(clip, hop_ms):
            decoder.process_raw(hop, no_search=False, full_utt=False)
            decoder.hyp()
        ended = time.process_time()
        decoder.end_utt()
        found = decoder.hyp()
        run.finish_ms.append((time.process_time() - ended) * 1000)
        run.cpu_s += time.process_time() - began
        run.said.append(tidy(found.hypstr) if found else "")
    return run


async def ours(
    clips: Sequence[Clip], speakers: int = 1, paced: bool = False, known: bool = False
) -> Run:
    """Our engine: each speaker says all the clips, in real time or as fast as it goes.

    `known`: the voice of a first clip that is not counted; otherwise each clip has a new one.
    """
    engine = PocketSphinx(most_speakers=speakers, deadline_s=60)
    await engine.start()
    run = Run()
    for speaker in map(str, range(speakers if known else 0)):
        await _say(engine, speaker, clips[0], False, Run())
    before = _cpu(engine.pids)
    try:
        speaking = (_speak(engine, f"{n}", clips, paced, known, run) for n in range(speakers))
        await asyncio.gather(*speaking)
        run.cpu_s = _cpu(engine.pids) - before
    finally:
        await engine.close()
    return run


async def _speak(
    engine: PocketSphinx, speaker: str, clips: Sequence[Clip], paced: bool, known: bool, run: Run
) -> None:
    for clip in clips:
        await _say(engine, speaker, clip, paced, run)
        if not known:
            await engine.leave(speaker)


async def _say(engine: PocketSphinx, speaker: str, clip: Clip, paced: bool, run: Run) -> None:
    """One clip as the server feeds it: while an update is being made, audio waits for the next."""
    loop = asyncio.get_running_loop()
    per_second = BYTES_PER_SAMPLE * SAMPLE_RATE
    hearing = await engine.open(speaker, ["en"])
    began, sent, size = loop.time(), 0, samples(engine.hop_ms) * BYTES_PER_SAMPLE
    while sent < len(clip.pcm):
        recorded = int((loop.time() - began) * per_second) // size * size if paced else 0
        end = min(len(clip.pcm), max(sent + size, recorded))
        asked = began + end / per_second if paced else loop.time()
        await asyncio.sleep(max(0.0, asked - loop.time()))
        await hearing.hear(clip.pcm[sent:end], "")
        run.update_ms.append((loop.time() - asked) * 1000)
        sent = end
    asked = loop.time()
    run.said.append((await hearing.finish(b"")).text)
    run.finish_ms.append((loop.time() - asked) * 1000)


def measure(clips: Sequence[Clip], speakers: Sequence[int] = (1, 2)) -> dict[str, object]:
    """Latency in real time, CPU for a second of audio, overhead and error rates."""
    texts = [clip.text for clip in clips]
    seconds = sum(clip.seconds for clip in clips)
    # Turn and turn about, and the cheaper of each: other work on the machine is not our overhead.
    pairs = [(bare(clips, 240, SETTINGS), asyncio.run(ours(clips, known=True))) for _ in range(2)]
    bare_s, ours_s = (min(run.cpu_s for run in runs) / seconds for runs in zip(*pairs, strict=True))
    new = asyncio.run(ours(clips))
    found: dict[str, object] = {
        "real_time_factor": {
            "bare": round(bare_s, 3),
            "ours": round(ours_s, 3),
            "ours, new voices": round(new.cpu_s / seconds, 3),
        },
        "overhead_percent": round(100 * (ours_s / bare_s - 1), 1),
        "wer": {  # of voices it has never heard
            "ours": _wer(texts, new.said),
            "bare, our settings": _wer(texts, pairs[0][0].said),
            "bare, its own": _wer(texts, bare(clips, 240, QUIET).said),
        },
    }
    for count in speakers:
        run = asyncio.run(ours(clips, count, paced=True, known=True))
        found[f"{count} in real time"] = {
            "update_ms": _percentiles(run.update_ms),
            "finish_ms": _percentiles(run.finish_ms),
            "real_time_factor": round(run.cpu_s / seconds / count, 3),
        }
    return found


def _hops(clip: Clip, hop_ms: int) -> list[bytes]:
    size = samples(hop_ms) * BYTES_PER_SAMPLE
    return [clip.pcm[at : at + size] for at in range(0, len(clip.pcm), size)]


def _cpu(pids: Sequence[int]) -> float:
    """CPU seconds of these processes and of this one."""
    times = [psutil.Process(pid).cpu_times() for pid in pids] + [psutil.Process().cpu_times()]
    return float(sum(spent.user + spent.system for spent in times))


def _wer(texts: list[str], said: list[str]) -> float | None:
    """Words that are wrong; None where nobody wrote down what is said."""
    heard = [words.lower() for words in said]
    return round(float(jiwer.wer(texts, heard)), 3) if all(texts) else None


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95)}


def main() -> None:
    """Print what was measured."""
    if not all(Path(argument.partition("=")[0]).is_file() for argument in sys.argv[1:] or ["="]):
        sys.exit(__doc__)
    clips = [load(argument) for argument in sys.argv[1:]]
    for name, value in measure(clips).items():
        print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
