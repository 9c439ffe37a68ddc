"""What everybody says: real speech as frames, made and ready before the clock runs."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Literal

from clients.audio import decoded
from clients.console import Problem
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, samples

from .script import CONVERSATION
from .websocket import BINARY, frame

Transport = Literal["ws", "opus", "webrtc"]

OPUS_MS = 20  # of an Opus packet: what browsers and phones send
SOUNDS = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a", ".webm", ".aac", ".aiff")


def frames(folder: Path = CONVERSATION, transport: Transport = "ws", ms: int = 100) -> list[bytes]:
    """WebSocket frames of `ms` (Opus: of 20 ms) each, to be sent over and over; for WebRTC the
    packets themselves.

    Of the conversation that comes with this program, both tracks at once: somebody speaks nearly
    all the time. Of any other folder its files one after another. Problem if there is no sound.
    """
    pcm = mixed(folder) if folder == CONVERSATION else b"".join(joined(folder))
    if transport == "webrtc":
        return packets(pcm)
    if transport == "opus":
        return [frame(BINARY, packet) for packet in packets(pcm)]
    size = samples(ms) * BYTES_PER_SAMPLE
    cut = [frame(BINARY, pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]
    if not cut:
        raise Problem(f"{folder} holds less sound than one frame of {ms} ms")
    return cut


def mixed(folder: Path) -> bytes:
    """All tracks of a conversation at once, as long as the shortest."""
    import numpy as np

    tracks = [
        np.frombuffer(b"".join(decoded(str(path))), "<i2").astype(np.int32)
        for path in sorted(folder.glob("*.flac"))
    ]
    length = min(map(len, tracks))
    both = np.sum([track[:length] for track in tracks], axis=0).clip(-32768, 32767)
    return bytes(both.astype("<i2").tobytes())


def joined(folder: Path) -> Iterable[bytes]:
    """The sound of every file in a folder, or of one file."""
    if not folder.exists():
        raise Problem(f"there is no folder {folder}")
    found = [folder] if folder.is_file() else sorted(folder.iterdir())
    files = [path for path in found if path == folder or path.suffix.lower() in SOUNDS]
    if not files:
        raise Problem(f"{folder} holds no sound: put {', '.join(SOUNDS[:4])} or the like there")
    for path in files:
        yield from decoded(str(path))


def packets(pcm: bytes) -> list[bytes]:
    """The same sound as Opus packets, as a phone would make them."""
    import av

    encoder = av.AudioCodecContext.create("libopus", "w")
    encoder.sample_rate = SAMPLE_RATE
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.bit_rate = 24_000
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.options = {"frame_duration": str(OPUS_MS), "application": "voip"}
    size = samples(OPUS_MS)
    made: list[bytes] = []
    for at in range(0, len(pcm) - size * BYTES_PER_SAMPLE + 1, size * BYTES_PER_SAMPLE):
        sound = av.AudioFrame(format="s16", layout="mono", samples=size)
        sound.sample_rate = SAMPLE_RATE
        sound.planes[0].update(pcm[at : at + size * BYTES_PER_SAMPLE])
        sound.pts = at // BYTES_PER_SAMPLE
        made += [bytes(packet) for packet in encoder.encode(sound)]
    return made
