"""The whole client, with a server that plays a scene and a display that remembers."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.glasses import main as command
from clients.glasses.display import Display
from clients.glasses.faces import Cells
from clients.glasses.figures import Figures
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.glasses.reader import Reader
from clients.glasses.wearing import Wearing
from clients.link import Link, LinkError
from clients.tui.sound import Voice
from streaming.messages import Display as Size
from streaming.messages import End, Error, Gap, Hello, Mute, Opus, Pcm16, State, WebRtc
from streaming.values import AudioFrame
from tests.clients.fakes import ROSTER, WELCOME, Peer, caption, server
from tests.clients.glasses.test_display import Wall

pytestmark = pytest.mark.socket

HELLO = Hello("glasses", reads=["en"], hears=["zh"], audio=Pcm16(16_000))
DRAINED = State("connection", "drained")
STANDS_IN = ["lab", "--reads", "en", "--hears", "zh", "--fallback", "local"]


def wearing(url: str, wall: Wall, voice: Voice | None = None) -> Wearing:
    reader = Reader(Layout(profile("terminal"), Cells()), ["en"])
    shown = Display(wall, reader, Figures(), lambda sentence: None)
    return Wearing(lambda: Link(url, "lab", HELLO), reader, shown, voice, ends=True)


def speech(frames: int, spoken: asyncio.Event | None = None) -> Voice:
    async def said() -> AsyncIterator[AudioFrame]:
        for number in range(frames):
            yield AudioFrame(number * 320, bytes(640))
        if spoken is not None:
            await spoken.wait()

    return Voice(said(), lambda position: 0.0)


async def test_it_hears_speaks_and_shows_until_the_conversation_ends() -> None:
    wall, got = Wall(), bytearray()

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME, ROSTER)
        while isinstance(heard := await peer.hear(), bytes):
            got.extend(heard)
        assert isinstance(heard, End)
        await peer.tell(caption("good morning", final=True), DRAINED)

    async with server(scene) as url, asyncio.timeout(10):
        await wearing(url, wall, speech(5)).run()
    assert len(got) == 5 * 640
    texts = [wall.screens.get_nowait().text for _ in range(wall.screens.qsize())]
    assert "A: good morning" in texts


async def test_a_display_that_never_works_keeps_no_audio_back() -> None:
    wall, got = Wall(), bytearray()
    wall.fails = "no glasses in reach"

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME)
        while isinstance(heard := await peer.hear(), bytes):
            got.extend(heard)
        await peer.tell(DRAINED)

    worn = wearing("", wall, speech(50))
    async with server(scene) as url, asyncio.timeout(10):
        worn._link = lambda: Link(url, "lab", HELLO)
        running = asyncio.create_task(worn.run())
        while len(got) < 50 * 640:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert wall.opened >= 1 and wall.screens.empty()


async def test_it_waits_for_a_server_that_is_not_there_yet_and_says_so() -> None:
    wall, said = Wall(), list[str]()
    tries = 0

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME, DRAINED)

    async with server(scene) as url, asyncio.timeout(10):

        def link() -> Link:
            nonlocal tries
            tries += 1
            return Link(url if tries > 1 else "http://127.0.0.1:9", "lab", HELLO)

        worn = wearing(url, wall)
        worn._link, worn.say = link, said.append
        await worn.run()
    assert "connecting 0 s" in wall.screens.get_nowait().text
    assert len(said) == 1 and said[0].endswith("; trying again")


async def test_what_no_retry_can_mend_ends_it_with_a_sentence() -> None:
    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(Error(4400, "hello: no such language", False))

    async with server(scene) as url, asyncio.timeout(10):
        with pytest.raises(ExceptionGroup) as ended:
            await wearing(url, Wall()).run()
    assert ended.group_contains(LinkError, match="no such language")


async def test_muting_sends_nothing_until_it_is_taken_back() -> None:
    spoken, wall = asyncio.Event(), Wall()
    heard: asyncio.Queue[object] = asyncio.Queue()

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME)
        while not isinstance(message := await peer.hear(), End):
            heard.put_nowait(message)
        await peer.tell(DRAINED)

    async with server(scene) as url, asyncio.timeout(10):
        worn = wearing(url, wall, speech(1, spoken))
        running = asyncio.create_task(worn.run())
        assert isinstance(await heard.get(), bytes)
        worn.mute()
        assert await heard.get() == Mute(True)
        await wall.showing("microphone muted")
        worn.mute()
        assert await heard.get() == Mute(False)
        spoken.set()
        await running
    assert not [message for message in _rest(heard) if isinstance(message, Gap)]


def _rest(queue: "asyncio.Queue[object]") -> list[object]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lab"], "say what to read"),
        (["lab", "--reads", "en", "--audio", "mic"], "--audio needs --hears"),
        (["lab", "--reads", "en", "--listen", "8770"], "is no address"),
        (["lab", "--reads", "klingon"], "unknown language 'klingon'"),
        (["lab", "--reads", "en", "--transport", "webrtc", "--codec", "pcm"], "carries Opus"),
        (["lab", "--reads", "en", "--fallback", "local"], "it needs --hears"),
        (["lab", "--reads", "en", "--fallback-serve", "--pairs en-es"], "is for --fallback local"),
        (
            [*STANDS_IN, "--fallback-serve", "--pairs 'zh-en"],
            "cannot be taken apart: No closing quotation",
        ),
    ],
)
def test_wrong_calls(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command.main(words)
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lab", "--reads", "en", "--profile", "g2"], "there is no profile 'g2'"),
        (["lab", "--reads", "en"], "there is no terminal here"),
        (["lab", "--reads", "ar", "--profile", "even-g1"], "cannot write Arabic"),
        (
            ["lab", "--reads", "en", "--driver", "svg", "--server", "gopher://x"],
            "is no server's address",
        ),
    ],
)
def test_what_cannot_be_worn_is_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command.main([*words, "--out", str(tmp_path / "out")]) == 1
    assert sentence in capsys.readouterr().err


def options(*words: str) -> command.Options:
    return command.parser().parse_args(["lab", "--reads", "en", *words], command.Options())


def test_sound_goes_by_the_way_that_was_asked_for() -> None:
    shown = profile("terminal")
    heard = options("--hears", "zh")
    assert command.link(heard, shown, speaks=True).hello.audio == Opus()
    heard.transport = "webrtc"
    assert command.link(heard, shown, speaks=True).hello.audio == WebRtc()
    assert command.link(heard, shown, speaks=False).hello.audio is None


def test_the_server_is_told_how_much_the_display_holds_and_what_suits_it() -> None:
    shown = profile("even-g1")
    hello = command.link(options("--profile", "even-g1"), shown, speaks=False).hello
    assert hello.display == Size(columns=48, lines=5)
    assert hello.stability == "steady"


def test_without_what_webrtc_needs_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.main(["lab", "--reads", "en", "--transport", "webrtc"]) == 1
    assert "pip install -e '.[glasses,webrtc]'" in capsys.readouterr().err


def test_without_the_servers_parts_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.main(STANDS_IN) == 1
    assert "pip install -e '.[glasses,server]'" in capsys.readouterr().err


def test_what_stands_in_listens_on_this_device_only() -> None:
    words = command.words_for_the_child("--host 0.0.0.0 --port 80 --models ~/'my models'")
    assert words[-4:] == ["--host", "127.0.0.1", "--port", "0"]
    assert "~/my models" in words


def test_what_is_worn_loads_nothing_that_weighs() -> None:
    script = """
import sys
from clients.glasses import main
from clients.glasses.profiles import profile
words = ["lab", "--reads", "en", "--hears", "zh", "--fallback", "local"]
main.link(main.parser().parse_args(words, main.Options()), profile("terminal"), True)
print(*{"aiortc", "numpy", "onnxruntime", "torch", "aiohttp"} & set(sys.modules))
"""
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == ""
