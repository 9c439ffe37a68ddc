"""The sound of a crowd by WebRTC: its calls, in a thread with an event loop of their own.

The crowd itself has no event loop, and hands over packets that were made beforehand. Needs the
extra `webrtc`, and of the machine an address besides loopback, on which no call is made.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Any

from clients.calling import Caller
from clients.console import Problem
from clients.link import LinkError

MADE_S = 15.0  # for all calls
ENDED_S = 5.0
IN_FLIGHT_S = 0.2  # what was sent last is heard before the speaker says that it was all


class Calls:
    """`dial` for everybody who speaks, `ready`, then `say`; at last `close`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="calls", daemon=True)
        self._thread.start()
        self._made: dict[int, Future[Caller]] = {}
        self._callers: dict[int, Caller] = {}

    def dial(self, order: int, room: str, key: str) -> None:
        """Begin to call for speaker `order`, whose `welcome` had that key."""
        self._made[order] = self._within(self._called(room, key))

    def ready(self) -> None:
        """Wait until all calls are there. Problem: one of them cannot be."""
        for order, made in self._made.items():
            try:
                self._callers[order] = made.result(MADE_S)
            except LinkError as error:
                raise Problem(f"a call cannot be made: {error}") from error
            except TimeoutError as error:
                raise Problem(f"a call was not made within {MADE_S:g} s") from error

    def say(self, order: int, position: int, packet: bytes) -> None:
        """Send 20 ms that begin at a position."""
        self._loop.call_soon_threadsafe(self._callers[order].put, position, packet)

    def flush(self) -> None:
        """Wait until all of it has been heard, as far as that can be known."""
        self._within(asyncio.sleep(IN_FLIGHT_S)).result()

    def close(self) -> None:
        """Hang up everywhere."""
        if self._loop.is_closed():
            return
        with suppress(TimeoutError):  # the server is gone: so are they
            self._within(self._hung_up()).result(ENDED_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _called(self, room: str, key: str) -> Caller:
        return await Caller(self.url, room, key).__aenter__()

    async def _hung_up(self) -> None:
        leaving = (caller.__aexit__() for caller in self._callers.values())
        await asyncio.gather(*leaving, return_exceptions=True)

    def _within(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)
