"""`surtitle captions mic` and `surtitle join --audio mic`, with a sound system made up here."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from clients import captions
from clients.console import Problem
from clients.link import Link
from clients.tui import main as join
from clients.tui.seat import Seat
from clients.tui.sound import Remarks, voice
from streaming.messages import Ack, End, Gap, Hello, Pcm16, State
from tests.clients.fake_sound import Sound, microphone, tone
from tests.clients.fakes import WELCOME, Peer, caption, server

BLOCK = tone(0.02, 16_000)


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    made = Sound(microphone("Yeti"), microphone("Laptop"))
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


def parsed(*words: str) -> captions.Options:
    return captions.parser().parse_args(words, captions.Options())


class Room:
    """Hears three blocks, presses Ctrl-C, and ends when told to."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.heard: list[object] = []

    async def __call__(self, peer: Peer) -> None:
        self.heard.append(await peer.hear())
        await peer.tell(WELCOME)
        giving = asyncio.create_task(self.give())
        while not isinstance(self.heard[-1], End):
            self.heard.append(await peer.hear())
            if len(self.heard) == 4:
                await peer.tell(Ack(960))
                os.kill(os.getpid(), signal.SIGINT)
        giving.cancel()
        last = caption("good morning", speaker="me", final=True)
        await peer.tell(last, State("connection", "drained"))

    async def give(self) -> None:
        while True:
            await asyncio.to_thread(self.sound.opened().give, BLOCK)
            await asyncio.sleep(0.01)


@pytest.mark.socket
async def test_control_c_ends_a_microphone_and_the_last_lines_still_come(
    sound: Sound, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    room = Room(sound)
    async with server(room) as url:
        words = ("mic:yeti", "--from", "en", "--server", url, "--srt", str(tmp_path / "it.srt"))
        assert await captions.captioned(parsed(*words)) == 0
    assert room.heard[0] == Hello("captions", [], ["en"], Pcm16(16_000), source=True)
    assert room.heard[1:4] == [BLOCK] * 3 and room.heard[-1] == End()
    assert not [frame for frame in room.heard if isinstance(frame, Gap)]
    assert capsys.readouterr().out == "en | good morning\n"
    assert "good morning" in (tmp_path / "it.srt").read_text()
    assert sound.streams[0].closed


async def test_a_microphone_there_is_not_starts_no_server(sound: Sound) -> None:
    with pytest.raises(Problem, match="no microphone is called 'blue': there are: Yeti, ALSA"):
        await captions.captioned(parsed("mic:blue", "--from", "en"))


def test_microphones_are_listed(sound: Sound, capsys: pytest.CaptureFixture[str]) -> None:
    assert captions.main(["mic", "--list"]) == 0
    assert capsys.readouterr().out.startswith("* Yeti    ALSA, 48000 Hz\n  Laptop")


def test_no_microphone_to_list_is_a_sentence(
    sound: Sound, capsys: pytest.CaptureFixture[str]
) -> None:
    sound.rows.clear()
    assert captions.main(["mic", "--list"]) == 1
    assert capsys.readouterr().err.startswith("surtitle: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mic"], "required: --from"),
        (["mic", "--from", "en", "--offline"], "--offline is for a file"),
        (["x.wav", "--from", "en,es", "--offline"], "hears one language"),
        (["mic:yeti", "--from", "en", "--speed", "2"], "--speed is for files"),
    ],
)
def test_wrong_calls(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        captions.main(words)
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("command", [captions, join])
def test_help_explains_the_echo_of_a_loudspeaker(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Your own loudspeaker" in command.parser().format_help()  # type: ignore[attr-defined]


async def test_a_seat_speaks_what_the_microphone_hears(sound: Sound) -> None:
    told: list[str] = []
    remarks = Remarks()
    remarks.show = told.append
    async with voice("mic:laptop", remarks) as heard:
        assert heard is not None
        coming = asyncio.ensure_future(anext(aiter(heard.frames)))
        await asyncio.sleep(0)
        await asyncio.to_thread(sound.opened().give, BLOCK)
        assert (await coming).pcm == BLOCK
        assert heard.captured(0) > 0
        assert sound.streams[0].how["device"] == 1
        sound.streams[0].vanish()
        for _ in range(100):
            await asyncio.sleep(0 if told else 0.01)
    assert told == ["the microphone Laptop is gone: listening again as soon as it is back"]


async def test_a_seat_without_a_voice() -> None:
    async with voice("none", Remarks()) as heard:
        assert heard is None


@pytest.mark.socket
async def test_a_seat_shows_its_level_and_takes_acknowledgements() -> None:
    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME, Ack(320), State("connection", "drained"))

    async with server(scene) as url, Link(url, "lab", Hello("Ana", ["es"])) as link:
        seat = Seat(link)
        assert [type(message) async for message in seat.messages()][1:] == [Ack, State]
        assert seat.level().peak == -96.0
