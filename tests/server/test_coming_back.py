"""Over real sockets: whoever lost the connection goes on with it, and nobody else does."""

import pytest

from tests.server.sockets import (
    SPEAKER,
    heard,
    hello,
    joined,
    refused,
    rest,
    resuming,
    serving,
)
from tests.server.stage import loud

pytestmark = pytest.mark.socket


async def test_a_broken_connection_is_gone_on_with() -> None:
    async with serving() as (_, url):
        async with joined(url) as link:
            await link.send(hello(**SPEAKER))
            welcome = await heard(link, "welcome")
            for _ in range(10):
                await link.send(loud(100))
            caption = await heard(link, "caption")
            await heard(link, "audio.ack")
            link.transport.abort()
        async with joined(url) as link:
            await link.send(hello(**SPEAKER, resume=resuming(welcome, caption["seq"])))
            again = await heard(link, "welcome")
            assert (again["participant"], again["key"]) == (welcome["participant"], welcome["key"])
            assert (again["audio_at"], again["gap"]) == (16_000, False)
            for _ in range(5):
                await link.send(loud(100))
            await link.send('{"type": "end"}')
            messages = await rest(link)
            captions = [one for one in messages if one["type"] == "caption"]
            finals = [(one["segment"], one["language"]) for one in captions if one["final"]]
            assert len(finals) == len(set(finals)) > 0
            assert all(one["seq"] > caption["seq"] for one in captions)
            assert max(one["end"] for one in captions) > 22_000
            assert messages[-1]["level"] == "drained"


async def test_the_last_words_are_told_to_who_lost_the_connection_after_them() -> None:
    async with serving() as (_, url):
        async with joined(url) as link:
            await link.send(hello(**SPEAKER))
            welcome = await heard(link, "welcome")
            for _ in range(10):
                await link.send(loud(100))
            await link.send('{"type": "end"}')
            link.transport.abort()
        async with joined(url) as link:
            await link.send(hello(**SPEAKER, resume=resuming(welcome, 0)))
            await link.send('{"type": "end"}')
            messages = await rest(link)
            assert messages[-1]["level"] == "drained"


async def test_the_newer_connection_replaces_the_older() -> None:
    async with serving() as (_, url), joined(url) as old, joined(url) as new:
        await old.send(hello(**SPEAKER))
        welcome = await heard(old, "welcome")
        await new.send(hello(**SPEAKER, resume=resuming(welcome, 0)))
        assert (await heard(new, "welcome"))["participant"] == welcome["participant"]
        code, message, closed = await refused(old)
        assert (code, closed) == (4409, 4409) and "newer connection" in message
        await new.send('{"type": "end"}')
        assert (await rest(new))[-1]["level"] == "drained"


async def test_nobody_takes_the_place_of_another_without_the_key() -> None:
    async with serving() as (_, url), joined(url) as ana, joined(url) as eve:
        await ana.send(hello(**SPEAKER))
        welcome = await heard(ana, "welcome")
        await eve.send(hello(resume=resuming(welcome | {"key": "guessed"}, 0)))
        assert (await refused(eve))[::2] == (4403, 4403)
        await ana.send('{"type": "ping", "t": 1}')
        await heard(ana, "pong")
