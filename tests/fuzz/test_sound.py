"""Sound that is none: frames of every codec and rate, packets out of order, broken files."""

import io
from functools import partial
from pathlib import Path

import av
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clients.audio import AudioError as NoSound
from clients.audio import Converter, decoded
from clients.opus import Encoder
from models.openai.windowed import wav
from server.intake import AudioError, intake
from streaming.jitter import JitterBuffer, Packet
from streaming.messages import MAX_AUDIO, Opus, Pcm16
from streaming.values import SAMPLE_RATE
from tests.fuzz.inputs import damaged
from tests.fuzz.promise import kept
from tests.server.stage import loud

RATES = (8_000, 11_025, 16_000, 44_100, 48_000)
SPOKEN = list(Encoder().push(loud(400)))
"""Packets of 20 ms."""
AS_MANY = 2 * 6 * 16_000  # bytes: no packet is longer than 120 ms; a resampler holds some back


def sounds(audio: Opus | Pcm16, frames: list[bytes]) -> None:
    """What the server makes of the frames of one microphone; the rest is the microphone's fault."""
    taken = intake(audio)
    for frame in frames:
        assert len(taken.push(frame)) <= AS_MANY
    taken.flush()


@given(
    st.integers(8_000, 48_000) | st.sampled_from(RATES),
    st.lists(st.binary(min_size=1, max_size=200) | st.just(bytes(MAX_AUDIO)), max_size=5),
)
@example(44_100, [b"\0\0", b"\0"])
@example(8_001, [bytes(2)] * 9)
def test_pcm_of_any_rate_is_heard_or_refused(rate: int, frames: list[bytes]) -> None:
    kept(lambda: sounds(Pcm16(rate), frames), AudioError)


@given(
    st.lists(
        damaged(SPOKEN).filter(bool)
        | st.binary(min_size=1, max_size=300)
        | st.sampled_from(SPOKEN),
        max_size=5,
    )
)
@example([b"\xff" * 40])
@example([b"\x00", SPOKEN[0], b"\x03\xff", SPOKEN[1]])
@example([b"\xfc" + b"\0" * (MAX_AUDIO - 1)])
def test_opus_of_any_kind_is_heard_or_refused(packets: list[bytes]) -> None:
    kept(lambda: sounds(Opus(), packets), AudioError)


def test_every_kind_of_packet_that_opus_knows() -> None:
    """Bandwidths, lengths from 2.5 to 120 ms, one channel or two: RFC 6716, 3.1."""
    for kind in range(256):
        for body in (b"", b"\0", b"\x30" + bytes(120), bytes(range(200))):
            kept(partial(sounds, Opus(), [bytes([kind]) + body, SPOKEN[0]]), AudioError)


packets = st.builds(
    Packet, st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.binary(max_size=4)
)


@given(st.lists(st.tuples(packets | st.none(), st.floats(0, 5)), max_size=40))
def test_packets_in_any_order_come_out_in_order(
    arriving: list[tuple[Packet | None, float]],
) -> None:
    def play() -> None:
        buffer, now, last = JitterBuffer(), 0.0, -1
        for packet, later in arriving:
            now += later
            frames = buffer.tick(now) if packet is None else buffer.push(packet, now)
            for frame in frames:
                assert frame.start >= last, "time goes back"
                last = frame.start

    kept(play)


def encoded(container: str, codec: str, rate: int = SAMPLE_RATE) -> bytes:
    """A tenth of a second as a file of this kind."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame(format="s16", layout="mono", samples=1_600)
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        frame.planes[0].update(loud(100))
        fitting = av.AudioResampler(
            format=stream.format.name,
            layout="mono",
            rate=rate,
            frame_size=stream.codec_context.frame_size or 0,
        )
        for part in [*fitting.resample(frame), None]:
            out.mux(stream.encode(part))
    return file.getvalue()


FILES = [
    wav(loud(100)),
    encoded("flac", "flac"),
    *(encoded(*kind) for kind in (("ogg", "libopus"), ("mp4", "aac"), ("mp3", "libmp3lame"))),
]
OPENING_S = 0.1  # a file is opened once, in a thread of its own


@given(damaged(FILES) | st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_heard_or_refused(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(body)
    kept(lambda: list(decoded(str(file))), NoSound, stall_s=OPENING_S)


def test_a_file_that_was_put_together_is_heard_to_its_end(tmp_path: Path) -> None:
    """Of pieces at different rates."""
    file = tmp_path / "talk.mp3"
    pieces = [encoded("mp3", "libmp3lame", rate) for rate in (16_000, 24_000, 16_000)]
    file.write_bytes(b"".join(pieces))
    heard = kept(lambda: b"".join(decoded(str(file))), NoSound, stall_s=OPENING_S)
    assert heard is not None and len(heard) > 2 * 2 * 1_600


def test_a_wav_files_head_may_say_anything(tmp_path: Path) -> None:
    """Channels, rate, bits and lengths that cannot be."""
    file = tmp_path / "talk.wav"
    for place in range(16, 44):
        for value in (0, 1, 0x7F, 0xFF):
            body = bytearray(FILES[0])
            body[place] = value
            file.write_bytes(body)
            kept(lambda: list(decoded(str(file))), NoSound, stall_s=OPENING_S)


@given(st.integers(8_000, 192_000), st.lists(st.binary(min_size=2, max_size=100), max_size=4))
def test_raw_sound_at_any_rate_is_brought_to_16_khz(rate: int, chunks: list[bytes]) -> None:
    def converted() -> None:
        converter = Converter(rate)
        for chunk in chunks:
            converter.push(chunk[: len(chunk) // 2 * 2])
        converter.rest()

    kept(converted)
