"""Real calls to a real server through a network that loses, delays and reorders packets."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from clients import wire
from clients.calling import Caller
from clients.link import Link, LinkError
from streaming.messages import Caption, Hello, WebRtc
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.faraway import faraway, figures, speech
from tests.impairment import Weather, networked

pytestmark = [pytest.mark.socket, pytest.mark.slow]

LineKey = tuple[str, int, str, str]

HELLO = Hello("Ana", ["es"], ["en"], WebRtc(), source=True)
SECONDS = 8.0
DELIVERED = 0.98  # of what arrives, by which nobody's recognizer hears a difference
WEATHERS = {
    "clean": Weather(delay_ms=5),
    "2 % lost": Weather(loss=0.02, delay_ms=10, jitter_ms=15),
    "5 % lost": Weather(loss=0.05, delay_ms=10, jitter_ms=30),
}


async def said(link: Link) -> tuple[set[LineKey], dict[LineKey, list[Caption]]]:
    """The lines that were opened, and the finals of each, until all is said."""
    opened, finals = set[LineKey](), defaultdict[LineKey, list[Caption]](list)
    async for one in link:
        if isinstance(one, Caption):
            opened.add(key := (one.speaker, one.segment, one.language, one.kind))
            if one.final:
                finals[key].append(one)
    return opened, finals


async def until(seconds: float, frames: AsyncIterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
    """The frames up to there; the others can still be had."""
    async for frame in frames:
        yield frame
        if frame.end >= seconds * SAMPLE_RATE:
            return


async def test_what_a_bad_network_delivers_of_a_call_is_heard_and_captioned() -> None:
    with networked() as net:
        async with faraway(net) as ready:
            before = figures(net, ready)
            for name, weather in WEATHERS.items():
                net.change(weather)
                with net.near:
                    async with Link(ready.url, "kitchen", HELLO) as link:
                        lines = asyncio.create_task(said(link))
                        async with Caller(ready.url, "kitchen", link.welcome.key) as call:
                            frames, _ = await speech(SECONDS)
                            await call.speak(frames)
                            await call.flushed()
                            await link.end()
                            opened, finals = await lines
                after = figures(net, ready)
                came, passed, lost = (
                    after[f"call_packets_{what}"] - before[f"call_packets_{what}"]
                    for what in ("came", "heard", "lost")
                )
                before = after
                print(name, came, passed, lost)
                assert came > 0.85 * 50 * SECONDS, name
                assert passed >= DELIVERED * came, name
                assert bool(lost) == bool(weather.loss), name
                assert set(finals) == opened, name
                assert {language for _, _, language, _ in finals} == {"en", "es"}, name


async def test_who_walks_into_another_network_loses_no_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "ASKED", 1)
    monkeypatch.setattr(wire, "SILENT", 2)  # seconds: the WebSocket breaks too, and comes back
    with networked(Weather(delay_ms=5)) as net:
        async with faraway(net) as ready:
            with net.near:
                async with Link(ready.url, "kitchen", HELLO) as link:
                    lines = asyncio.create_task(said(link))
                    place, key = (ready.url, "kitchen"), link.welcome.key
                    frames, _ = await speech(2 * SECONDS)
                    async with Caller(*place, key) as call:
                        await call.speak(until(SECONDS, frames))
                        net.near.move()
                        async with Caller(*place, key) as other:
                            await other.speak(frames)
                            await other.flushed()
                            await link.end()
                            opened, finals = await lines
    assert set(finals) == opened
    assert all(len(twice) == 1 for twice in finals.values())
    moved = round(SECONDS * SAMPLE_RATE)
    ends = [one.end for found in finals.values() for one in found]
    assert min(ends) < moved < max(ends)
    assert link.welcome.gap is False


async def test_behind_a_wall_that_lets_no_datagram_through_it_is_said() -> None:
    with networked(Weather(udp=False)) as net:
        async with faraway(net) as ready:
            with net.near:
                async with Link(ready.url, "kitchen", HELLO) as link:
                    with pytest.raises(LinkError, match="is UDP blocked"):
                        async with Caller(ready.url, "kitchen", link.welcome.key):
                            pass
