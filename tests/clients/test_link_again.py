"""A link whose connection breaks: it comes back as who it was, and goes on where it stopped."""

import asyncio
import time
from pathlib import Path
from unittest.mock import ANY

import pytest
from msgspec.structs import replace

import clients.link
from clients.backoff import Backoff
from clients.link import LOST, Link
from clients.wire import TOKEN, TOKEN_FILE, LinkError
from streaming.messages import (
    Ack,
    Caption,
    ClientMessage,
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Pcm16,
    Resume,
    ServerMessage,
    State,
    TokenExpiring,
    Welcome,
)
from tests.clients.fakes import WELCOME, Peer, caption, server

pytestmark = pytest.mark.socket

HELLO = Hello("Ana", ["es"], ["en"], Pcm16(16_000))
FRAME = b"\1\0" * 320


class House:
    """Plays one scene to each connection; notes what each said."""

    def __init__(self, *welcomes: Welcome) -> None:
        self.welcomes = list(welcomes)
        self.heard: list[list[ClientMessage | bytes]] = []
        self.peers: list[Peer] = []
        self.news = asyncio.Condition()

    async def __call__(self, peer: Peer) -> None:
        heard: list[ClientMessage | bytes] = []
        heard.append(await peer.hear())
        await peer.tell(self.welcomes[min(len(self.heard), len(self.welcomes) - 1)])
        self.heard.append(heard)
        self.peers.append(peer)
        while True:
            async with self.news:
                self.news.notify_all()
            if isinstance(heard[-1], End):
                await peer.tell(State("connection", "drained"))
                return
            heard.append(await peer.hear())

    async def has(self, number: int, count: int) -> list[ClientMessage | bytes]:
        """What a connection has said, once it is so much."""
        async with self.news, asyncio.timeout(10):
            await self.news.wait_for(
                lambda: len(self.heard) > number and len(self.heard[number]) >= count
            )
        return self.heard[number]

    def cut(self, number: int) -> None:
        """Break a connection, without a word."""
        self.peers[number].socket.transport.abort()


def link(url: str, hello: Hello = HELLO, patience: float = 10.0) -> Link:
    return Link(url, "lab", hello, patience=patience, backoff=Backoff(first=0.001, longest=0.001))


class Reading:
    """Reads a link in the background."""

    def __init__(self, link: Link) -> None:
        self.told: list[ServerMessage] = []
        self.news = asyncio.Condition()
        self.task = asyncio.create_task(self.read(link))

    async def read(self, link: Link) -> None:
        async for message in link:
            self.told.append(message)
            async with self.news:
                self.news.notify_all()

    async def until(self, kind: type, count: int = 1) -> None:
        """So many messages of a kind have come."""
        async with self.news, asyncio.timeout(10):
            await self.news.wait_for(
                lambda: sum(isinstance(one, kind) for one in self.told) >= count
            )


async def test_who_comes_back_is_who_it_was_and_has_seen_what_it_saw() -> None:
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await house.peers[0].tell(caption("hola", seq=41), Ack(0))
        await reading.until(Ack)
        house.cut(0)
        (hello,) = await house.has(1, 1)
        assert hello == replace(HELLO, resume=Resume("e1", 41, "me", "secret"))
        await reading.until(State, 2)
        assert isinstance(reading.told[0], Caption)
        down, welcome, up = reading.told[2:]
        assert isinstance(down, State) and (down.scope, down.level) == ("connection", "down")
        assert isinstance(welcome, Welcome)
        assert up == State("connection", "ok")


async def test_what_was_said_meanwhile_is_sent_from_where_the_server_stopped_hearing() -> None:
    house = House(WELCOME, replace(WELCOME, audio_at=400))
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        for _ in range(2):
            await one.send_audio(FRAME)
        await house.has(0, 3)
        house.cut(0)
        await reading.until(State)
        await one.send_audio(FRAME)
        await one.gap(960, 2_000)
        await one.send_audio(FRAME)
        await one.end()
        said = (await house.has(1, 6))[1:]
        assert said == [FRAME[160:], FRAME, Gap(960, 2_000), FRAME, End()]
        await reading.task


async def test_in_a_new_epoch_it_says_where_it_is_and_what_is_lost_is_said() -> None:
    new = replace(WELCOME, epoch="e2", participant="p9", audio_at=None, gap=True, replay_from=7)
    house = House(WELCOME, new, new)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await one.send_audio(FRAME)
        await house.has(0, 2)
        await house.peers[0].tell(Ack(320), caption("hola", seq=1_000))
        await reading.until(Caption)
        house.cut(0)
        await one.send_audio(FRAME)
        assert (await house.has(1, 3))[1:] == [Gap(0, 320), FRAME]
        await reading.until(State, 2)
        assert reading.told[-1] == State("connection", "ok", LOST)
        house.cut(1)
        (hello, *_) = await house.has(2, 1)
        assert isinstance(hello, Hello) and hello.resume is not None
        assert (hello.resume.epoch, hello.resume.seq) == ("e2", 7)
        assert hello.resume.participant == "p9"


async def test_a_server_that_stopped_and_is_back_is_not_ending_any_more() -> None:
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await house.peers[0].tell(State("room", "draining"), Error.of(4503, "bye", 1_000))
        await house.peers[0].socket.close(4503)
        await reading.until(State, 4)
        assert [(one.scope, one.level) for one in reading.told if isinstance(one, State)] == [
            ("room", "draining"),
            ("connection", "down"),
            ("room", "ok"),
            ("connection", "ok"),
        ]


async def test_what_was_changed_while_it_was_away_holds_when_it_is_back() -> None:
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await one.mute(True)
        await house.has(0, 2)
        house.cut(0)
        await reading.until(State)
        await one.change(replace(HELLO, reads=["fr"]))
        hello, mute = await house.has(1, 2)
        assert isinstance(hello, Hello) and hello.reads == ["fr"]
        assert mute == Mute(True)


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4404, 4409, 4413])
async def test_what_would_only_be_refused_again_is_not_tried_again(code: int) -> None:
    house = House(WELCOME)
    async with server(house) as url, link(url) as one:
        await house.has(0, 1)
        await house.peers[0].tell(Error.of(code, "no"))
        with pytest.raises(LinkError, match="no"):
            async for _ in one:
                pass
    assert len(house.heard) == 1


async def test_a_server_that_stays_away_is_given_up() -> None:
    house = House(WELCOME)
    async with server(house) as url:
        one = link(url, patience=0.05)
        await one.__aenter__()
        reading = Reading(one)
        await house.has(0, 1)
    with pytest.raises(LinkError, match=r"no server answers|was lost|closed"):
        await reading.task
    await one.close()


async def test_who_leaves_while_it_is_away_does_not_wait() -> None:
    house = House(WELCOME)
    async with server(house) as url:
        one = Link(url, "lab", HELLO, backoff=Backoff(first=60.0, longest=60.0, seed=1))
        await one.__aenter__()
        reading = Reading(one)
        await house.has(0, 1)
        house.cut(0)
        await reading.until(State)
        async with asyncio.timeout(5):
            await one.close()
            await reading.task
        await one.closed()


async def test_what_is_resent_comes_at_most_at_twice_the_pace_of_speech() -> None:
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        house.cut(0)
        began = time.monotonic()
        await reading.until(State)
        for _ in range(30):
            await one.send_audio(FRAME)
        await house.has(1, 31)
        assert time.monotonic() - began > 0.9 * 29 * 0.020 / 2


async def test_a_token_that_ends_is_replaced_by_the_one_that_is_there_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    monkeypatch.setenv(TOKEN_FILE, str(file))
    house = House(WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        file.write_text("second\n")
        await house.peers[0].tell(TokenExpiring(60_000))
        before, after = await house.has(0, 2)
        assert [before, after] == [replace(HELLO, token="first"), replace(HELLO, token="second")]
        await reading.until(TokenExpiring)


def test_a_token_that_cannot_be_read_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_FILE, "/no/such/token")
    with pytest.raises(LinkError, match="cannot be read"):
        Link("http://127.0.0.1:1", "lab", HELLO)
    monkeypatch.delenv(TOKEN_FILE)
    monkeypatch.setenv(TOKEN, "mine")
    assert Link("http://127.0.0.1:1", "lab", HELLO).hello.token == "mine"


async def test_a_network_that_went_away_without_a_word_is_noticed_by_who_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients.link, "GONE", 0.05)
    monkeypatch.setattr(clients.link, "QUIET", 0.0)
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await house.peers[0].tell(Ack(0))
        await reading.until(Ack)
        await one.send_audio(FRAME)
        assert not one.connected  # what comes now is kept, and sent in time
        assert await house.has(1, 2) == [replace(HELLO, resume=ANY), FRAME]


async def test_who_says_nothing_waits_for_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.link, "GONE", 0.0)
    house = House(WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await house.peers[0].tell(Ack(0))
        await reading.until(Ack)
        await one.ping(1.0)
        await house.has(0, 2)
        assert one.connected and len(house.peers) == 1


async def test_it_tells_for_how_long_the_server_has_owed_an_answer_or_been_gone() -> None:
    house = House(WELCOME, WELCOME)
    async with server(house) as url, link(url) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await house.peers[0].tell(Ack(0))
        await reading.until(Ack)
        assert one.absent == 0.0
        await one.send_audio(FRAME)
        await house.has(0, 2)
        assert 0.0 < one.absent < 10.0
        await house.peers[0].tell(Ack(320))
        await reading.until(Ack, 2)
        assert one.absent == 0.0
    assert one.absent > 0.0
