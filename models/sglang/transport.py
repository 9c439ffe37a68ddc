"""Ask one model server over HTTP: streamed, within a deadline.

Closing the iterator drops the stream: SGLang frees the slot within 0.06 s, but only after up to 4 s
if a request was not streamed. Nothing queues here: beyond `most` questions the answer is `Full`.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from hashlib import blake2b
from typing import Any

import aiohttp
import msgspec

from . import errors, slots
from .breaker import Breaker, Seen
from .errors import ServerError
from .frames import End, Event, Failed
from .sse import Reader, Stream, failure

CONNECT_S = 1.0  # a server in the same building answers in a millisecond; a black hole never does
READY_S = 2 * CONNECT_S  # it says so in a millisecond, on a machine that has one to spare
LONGEST_BODY = 4 << 20  # bytes of an answer that is not streamed
DRAIN_S = 0.05  # for the end of a body after its last event, so that its connection can be kept

Body = Mapping[str, object] | aiohttp.FormData


def now() -> float:
    """The event loop's clock, in seconds: deadlines are moments of it."""
    return asyncio.get_running_loop().time()


class Server:
    """One base URL. A deadline `due` is a moment of `now`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, most: int) -> None:
        """`most`: questions it may be at work on for us."""
        self.url = url.rstrip("/")
        self.most = most
        self.breaker = Breaker()
        self.trouble: ServerError | None = None
        """What was last wrong with it."""
        self._session = session
        self._busy = 0

    async def stream(
        self, path: str, body: Mapping[str, object], reader: Reader, room: str, due: float
    ) -> AsyncGenerator[Event, None]:
        """Events of its answer, the last of which is an `End`. ServerError."""
        self._enter()
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._begin(path, {**body, "stream": True}, room, due)
            if "event-stream" not in response.content_type:
                raise self._unexpected(await self._whole(response, due))
            stream, ended = Stream(reader), False
            while not stream.over:
                chunk = await self._read(response, due)
                for event in stream.push(chunk) if chunk else stream.close():
                    if isinstance(event, Failed):
                        raise self._failed(event)
                    ended = ended or isinstance(event, End)
                    yield event
            if not ended:
                raise errors.Cut(f"{self.url} broke its answer off.")
            self.breaker.push(Seen.WORKS, now())
            await _drain(response)
        except ServerError as error:
            self._hurt(error)
            raise
        finally:
            self._busy -= 1
            if response is not None:
                response.close()  # drops what has not been read

    async def ask(self, path: str, body: Body | None, room: str, due: float) -> bytes:
        """The body of its answer to a POST, or a GET without `body`. ServerError."""
        self._enter()
        try:
            data = await self._whole(await self._begin(path, body, room, due), due)
        except ServerError as error:
            self._hurt(error)
            raise
        finally:
            self._busy -= 1
        self.breaker.push(Seen.WORKS, now())
        return data

    async def ready(self) -> ServerError | None:
        """What stands against asking it, if anything. /ready is SGLang's; "no such page" from
        another server is an answer, too."""
        try:
            response = await self._begin("/ready", None, "", now() + READY_S)
        except errors.Refused:
            return None
        except errors.Slow:
            return errors.Loading(f"{self.url} does not say whether it is ready.")
        except ServerError as error:
            return error
        response.release()
        return None

    async def running(self) -> int | None:
        """How many requests it runs at a time; None: it does not say. ServerError: it does not
        answer, which is no reason not to ask it what it is there for."""
        due = now() + READY_S
        try:
            response = await self._begin("/server_info", None, "", due)
        except errors.Refused:
            return None
        return slots.running(await self._whole(response, due))

    def _enter(self) -> None:
        if self._busy >= self.most:
            raise errors.Full(f"{self.url} has {self.most} questions of ours already.")
        self._busy += 1

    async def _begin(
        self, path: str, body: Body | None, room: str, due: float
    ) -> aiohttp.ClientResponse:
        """The beginning of an answer whose status is 200. ServerError."""
        given: dict[str, Any] = {"headers": _routing(room)}
        if isinstance(body, Mapping):
            given["headers"]["Content-Type"] = "application/json"
            given["data"] = msgspec.json.encode(body)
        elif body is not None:
            given["data"] = body
        method = "GET" if body is None else "POST"
        try:
            async with asyncio.timeout_at(due):
                response = await self._session.request(method, self.url + path, **given)
        except TimeoutError as error:
            if now() >= due:
                raise self._slow() from error
            raise errors.Absent(f"Nobody answers at {self.url}.") from error  # CONNECT_S is over
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise errors.Absent(f"Nobody answers at {self.url}: {_said(error)}.") from error
        if response.status == 200:
            return response
        data = await self._whole(response, due)
        failed = failure(data)
        message = failed.message if failed else data[:300].decode("utf-8", "replace")
        raise errors.of_status(self.url, response.status, message)

    async def _read(self, response: aiohttp.ClientResponse, due: float) -> bytes:
        """The next bytes, b"" at the end. ServerError."""
        try:
            async with asyncio.timeout_at(due):
                return await response.content.readany()
        except TimeoutError as error:
            raise self._slow() from error
        except (aiohttp.ClientError, OSError) as error:
            raise errors.Cut(f"{self.url} broke its answer off.") from error

    async def _whole(self, response: aiohttp.ClientResponse, due: float) -> bytes:
        data = b""
        try:
            while len(data) < LONGEST_BODY and (more := await self._read(response, due)):
                data += more
        finally:
            response.close()  # nothing, if it was read to its end
        return data

    def _unexpected(self, data: bytes) -> ServerError:
        if failed := failure(data):
            return self._failed(failed)
        start = data[:60].decode("utf-8", "replace")
        return errors.Garbage(f"{self.url} does not answer like a model server: {start!r}.")

    def _failed(self, failed: Failed) -> ServerError:
        if failed.code == 0:
            return errors.Garbage(f"{self.url} answers garbage: {failed.message}.")
        return errors.of_status(self.url, failed.code, failed.message)

    def _slow(self) -> ServerError:
        return errors.Slow(f"{self.url} gave no whole answer in time.")

    def _hurt(self, error: ServerError) -> None:
        if error.hurts:
            self.trouble = error
            gone = isinstance(error, errors.Absent | errors.Loading)
            self.breaker.push(Seen.GONE if gone else Seen.FAILED, now())


def _routing(room: str) -> dict[str, str]:
    """SGLang's gateway sends equal keys to one worker, which has the room's words cached. Its log
    need not know what the room is called."""
    key = blake2b(room.encode(), digest_size=8).hexdigest()
    return {"X-SMG-Routing-Key": key} if room else {}


def _said(error: Exception) -> str:
    """What the system says about it, in a few words."""
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None)
    if isinstance(cause, OSError) and number:  # negative ones are of the name service
        return os.strerror(number).lower() if number > 0 else str(cause.strerror).lower()
    return str(error).rstrip(".") or type(error).__name__


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read what follows the last event, if it is there: the connection can be used again then."""
    try:
        async with asyncio.timeout(DRAIN_S):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError):
        pass  # it is closed then
