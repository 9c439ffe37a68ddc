"""A great audience costs the speakers nothing, and each caption is written once for all of it."""

import asyncio
from itertools import pairwise

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from server.bell import Bell
from server.encoded import Encoded, frame
from server.people import LISTED, People
from server.turns import Turns
from streaming.messages import Caption, Hello, Pcm16, Pong, encode

HELLO = Hello("Ben", ["es"])
SPEAKER = Hello("Ana", hears=["en"], audio=Pcm16(16_000))


def caption(seq: int) -> Caption:
    return Caption(
        seq=seq, speaker="p1", segment=0, language="en", kind="transcript", stable="so", draft="",
        final=False, start=0, end=1, heard=1, at=0, engine="scripted",
    )  # fmt: skip


def test_the_same_message_is_encoded_once_and_an_equal_one_for_itself() -> None:
    encoded, first, equal = Encoded(), caption(1), caption(1)
    assert encoded(first) is encoded(first) == frame(encode(first))
    assert encoded(equal) == encoded(first) and encoded(equal) is not encoded(first)


def test_what_was_encoded_long_ago_is_forgotten_and_never_mistaken() -> None:
    encoded = Encoded(kept=3)
    for t in range(20):  # whose addresses Python may use again
        assert encoded(Pong(t, 0)) == frame(encode(Pong(t, 0)))
    assert len(encoded.last) == 3


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
def test_what_is_written_is_a_frame_of_text_to_any_client(size: int) -> None:
    text = b"x" * size
    client = Protocol(CLIENT, state=OPEN, max_size=None)
    client.receive_data(frame(text))
    assert client.events_received() == [Frame(Opcode.TEXT, text)]


async def test_a_bell_wakes_its_task_only_for_what_is_not_done_at_once() -> None:
    bell, done = Bell(), [True, False]
    bell.answer = lambda: done.pop(0)
    bell.set()
    assert not bell.is_set()
    bell.set()
    assert bell.is_set()


async def test_a_few_readers_are_woken_at_once() -> None:
    turns, events = Turns(at_once=4), [asyncio.Event() for _ in range(4)]
    for event in events:
        turns.wake(event)
    assert all(event.is_set() for event in events)


async def test_many_readers_are_woken_in_turn_and_the_loop_goes_around_between() -> None:
    turns, events = Turns(at_once=4), [asyncio.Event() for _ in range(11)]
    for event in [*events, *events]:  # a second caption before the first is out
        turns.wake(event)
    woken = [sum(event.is_set() for event in events)]
    while turns.turning:
        await asyncio.sleep(0)
        woken.append(sum(event.is_set() for event in events))
    assert [n for n in woken if n] == sorted(woken)
    assert all(b - a <= 4 for a, b in pairwise(woken))
    assert woken[-1] == len(events)
    turns.wake(late := asyncio.Event())
    assert late.is_set()


async def test_of_a_great_audience_the_roster_lists_all_who_may_speak() -> None:
    people = People(["en"])
    for _ in range(LISTED + 30):
        people.add(people.new(HELLO))
    people.add(people.new(SPEAKER))
    roster = people.roster()
    assert len(roster.participants) == LISTED + 1
    assert roster.participants[-1].name == "Ana"
    assert roster.others == 30
