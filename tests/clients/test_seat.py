"""Speaking another language: a new connection first, the old one read to its last words."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from clients.console import Problem
from clients.link import Link
from clients.tui.seat import Seat
from clients.tui.sound import Sound, Voice
from streaming.messages import (
    Caption,
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Pcm16,
    ServerMessage,
    State,
    Welcome,
)
from streaming.values import AudioFrame
from tests.clients.fakes import WELCOME, Peer, caption, server

pytestmark = pytest.mark.socket

HELLO = Hello("Ana", ["es"], ["en"], Pcm16(16_000))
FRAME = bytes(640)


class Talk:
    """Speaks a frame whenever it is told to, from position 0 on."""

    def __init__(self) -> None:
        self.wanted: asyncio.Queue[int] = asyncio.Queue()
        self.sound = Sound("file.wav")
        self.sound.said = Voice(self.frames(), lambda position: position / 16_000)

    async def frames(self) -> AsyncIterator[AudioFrame]:
        while True:
            yield AudioFrame(320 * await self.wanted.get(), FRAME)


class House:
    """Welcomes everybody; a goodbye is answered by a last final; refuses to hear Swedish."""

    def __init__(self, answers: bool = True) -> None:
        self.answers = answers
        self.heard: list[list[object]] = []
        self.news = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        number = len(self.heard)
        heard: list[object] = []
        self.heard.append(heard)
        hello = await peer.hear()
        assert isinstance(hello, Hello)
        self.note(heard, hello)
        if hello.hears == ["sv"]:
            await peer.tell(Error.of(4400, "hello: nothing here hears 'sv'"))
            return
        await peer.tell(replace(WELCOME, participant=f"p{number}"))
        while not isinstance(heard[-1], End):
            self.note(heard, await peer.hear())
        if self.answers:
            last = caption("good bye", speaker=f"p{number}", final=True)
            await peer.tell(last, State("connection", "drained"))
        else:
            await peer.socket.wait_closed()

    def note(self, heard: list[object], what: object) -> None:
        heard.append(what)
        self.news.set()

    async def has(self, number: int, count: int) -> list[object]:
        """What a connection has sent, once it is so much."""
        while len(self.heard) <= number or len(self.heard[number]) < count:
            self.news.clear()
            await self.news.wait()
        return self.heard[number]


async def until(messages: AsyncIterator[ServerMessage], kind: type) -> list[ServerMessage]:
    """What comes up to the first of this kind."""
    found: list[ServerMessage] = []
    async for message in messages:
        found.append(message)
        if isinstance(message, kind):
            break
    return found


async def test_another_language_is_spoken_without_a_word_or_a_sample_lost() -> None:
    house, talk = House(), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with seat.speaking():
            messages = seat.messages()
            await until(messages, Welcome)
            talk.wanted.put_nowait(0)
            await house.has(0, 2)
            await seat.mute(True)
            await seat.mute(False)
            assert await seat.hear(["zh", "en"]) is talk.sound.captured
            talk.wanted.put_nowait(1)
            assert (await house.has(0, 5))[1:] == [FRAME, Mute(True), Mute(False), End()]
            assert await house.has(1, 3) == [
                Hello("Ana", ["es"], ["zh", "en"], Pcm16(16_000)),
                Gap(0, 320),
                FRAME,
            ]
            last, welcome = await until(messages, Welcome)
            assert isinstance(last, Caption) and last.text == "good bye"
            assert isinstance(welcome, Welcome) and welcome.participant == "p1"


async def test_what_cannot_be_heard_is_refused_and_nothing_has_changed() -> None:
    house, talk = House(), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with seat.speaking():
            with pytest.raises(Problem, match="nothing here hears 'sv'"):
                await seat.hear(["sv"])
            talk.wanted.put_nowait(0)
            assert await house.has(0, 2) == [HELLO, FRAME]
            assert seat.link is link


async def test_who_only_reads_from_now_on_has_no_microphone() -> None:
    house, talk = House(), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with seat.speaking():
            messages = seat.messages()
            await seat.mute(True)
            assert await seat.hear([]) is None
            assert seat.sound.said is None and not seat.microphone.muted
            await house.has(1, 1)
            assert house.heard[1] == [replace(HELLO, hears=[], audio=None)]
            assert isinstance((await until(messages, Welcome))[-1], Welcome)


async def test_a_microphone_there_is_not_is_a_sentence_and_nothing_has_changed() -> None:
    house = House()
    reader = Hello("Ana", ["es"], [])
    async with server(house) as url, Link(url, "lab", reader) as link:
        seat = Seat(link, Sound(usual="/no/such/file.wav"))
        async with seat.speaking():
            with pytest.raises(Problem, match="no/such/file"):
                await seat.hear(["en"])
            assert seat.link is link and len(house.heard) == 1


async def test_a_server_that_owes_the_last_words_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clients.tui.seat.LAST_WORDS_S", 0.05)
    house, talk = House(answers=False), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with seat.speaking():
            messages = seat.messages()
            await until(messages, Welcome)
            await seat.hear(["zh"])
            with pytest.raises(Problem, match="in a moment"):
                await seat.hear(["en"])
            (welcome,) = await until(messages, Welcome)
            assert isinstance(welcome, Welcome) and welcome.participant == "p1"


async def test_who_leaves_just_then_does_not_wait_either() -> None:
    house, talk = House(answers=False), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with asyncio.timeout(1), seat.speaking():
            await seat.hear(["zh"])


async def test_where_the_conversation_is_over_nobody_joins_anew() -> None:
    house, talk = House(), Talk()
    async with server(house) as url, Link(url, "lab", HELLO) as link:
        seat = Seat(link, talk.sound)
        async with seat.speaking():
            await link.end()
            assert isinstance([message async for message in seat.messages()][-1], State)
            with pytest.raises(Problem, match="no connection any more"):
                await seat.hear(["zh"])
    assert len(house.heard) == 1
