"""Speak script.toml: one track per speaker, as his own microphone would hear it.

    python loadtest/conversation/make.py

needs Debian's `flite` with its voices `awb` and `rms`, and the packages of the `loadtest` extra.
The tracks are committed; this is here so that anybody can change a line. Another version of flite
may speak a little differently.
"""

import subprocess
import tempfile
import tomllib
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.int16]

HERE = Path(__file__).parent
RATE = 16_000
QUIET = 100  # of 32768: what flite puts before and after the words is below this
NOISE = 1  # a microphone is never digitally silent, and recognizers are not made for it
TAIL_MS = 1_500  # after the last word: long enough for its segment to end


def main() -> None:
    script = tomllib.loads((HERE / "script.toml").read_text(encoding="utf-8"))
    lines = script["line"]
    spoken = [speak(line["text"], script["speakers"][line["speaker"]]["voice"]) for line in lines]
    ends = [
        line["start"] + 1000 * len(sound) // RATE for line, sound in zip(lines, spoken, strict=True)
    ]
    length = (max(ends) + TAIL_MS) * RATE // 1000
    for seed, speaker in enumerate(script["speakers"]):
        track = room_noise(length, seed)
        for line, sound in zip(lines, spoken, strict=True):
            if line["speaker"] == speaker:
                start = line["start"] * RATE // 1000
                track[start : start + len(sound)] += sound
        save(HERE / f"{speaker}.flac", track)
    before = 0
    for line, end in zip(lines, ends, strict=True):
        gap = line["start"] - before
        print(f"{line['start']:6} to {end:6} ms, {gap:5} after  {line['speaker']}: {line['text']}")
        before = end
    print(f"{length / RATE:.1f} s")


def speak(text: str, voice: str) -> Sound:
    """The words alone, without the silence around them."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True)
        with wave.open(file.name) as recording:
            rate = recording.getframerate()
            sound = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    if rate != RATE:
        sound = resample(sound, rate)
    audible = np.flatnonzero(np.abs(sound.astype(np.int32)) > QUIET)
    return sound[audible[0] : audible[-1] + 1]


def resample(sound: Sound, rate: int) -> Sound:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frames = [*resampler.resample(framed(sound, rate)), *resampler.resample(None)]
    return np.concatenate([frame.to_ndarray()[0].astype(np.int16) for frame in frames])


def room_noise(samples: int, seed: int) -> Sound:
    return np.random.default_rng(seed).integers(-NOISE, NOISE + 1, samples).astype(np.int16)


def save(path: Path, track: Sound) -> None:
    with av.open(path, "w") as file:
        stream = file.add_stream(
            "flac", rate=RATE, layout="mono", options={"compression_level": "12"}
        )
        stream.format = "s16"
        for packet in [*stream.encode(framed(track, RATE)), *stream.encode(None)]:
            file.mux(packet)


def framed(sound: Sound, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    frame.pts = 0
    return frame


if __name__ == "__main__":
    main()
