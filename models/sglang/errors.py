"""What can go wrong with a model on a server, by whose fault it is.

All are `EngineError`: a sentence for the person who runs this server. `elsewhere`: another server
may do better with the same question. `hurts`: the server itself seems unwell.
"""

from models.base import EngineError
from streaming.clean import clean


class ServerError(EngineError):
    """A model server did not do what was asked of it."""

    elsewhere = False
    hurts = False

    @property
    def passing(self) -> bool:
        """The fault is not in the question."""
        return self.elsewhere or self.hurts


class Absent(ServerError):
    """Nobody answers there."""

    elsewhere = hurts = True


class Loading(ServerError):
    """It is there, and not ready yet."""

    elsewhere = hurts = True


class Full(ServerError):
    """It, or the way to it, takes no more questions now."""

    elsewhere = True


class Slow(ServerError):
    """No whole answer within the deadline."""

    hurts = True


class Cut(ServerError):
    """The answer broke off."""

    elsewhere = hurts = True


class Garbage(ServerError):
    """The answer is not what such a server answers."""

    elsewhere = hurts = True


class Aborted(ServerError):
    """The server gave the question up."""

    elsewhere = True


class Refused(ServerError):
    """It understood the question and will not answer it; asking again is of no use."""


class WrongKey(Refused):
    """The key is missing or wrong."""


class NoModel(Refused):
    """It does not serve the model asked for."""


class TooLong(Refused):
    """The question is longer than the model can read."""


class Deaf(Refused):
    """The model, or the template of its prompts, ignores sound."""


def of_status(where: str, status: int, message: str) -> ServerError:
    """The error that an HTTP status, or the `code` of an error frame, stands for."""
    said = clean(message, 300) or f"HTTP status {status}"
    lower = said.lower()
    if status in (401, 403):
        return WrongKey(f"{where} refuses the key: {said}")
    if status == 503 and "full" in lower:
        return Full(f"{where} is full: {said}")
    if status == 429:
        return Full(f"{where} has too much to do: {said}")
    if status == 503:
        return Loading(f"{where} is not ready: {said}")
    if "longer than" in lower or "context length" in lower:
        return TooLong(f"{where} cannot read so much: {said}")
    if "model" in lower and ("not found" in lower or "does not exist" in lower):
        return NoModel(f"{where} has no such model: {said}")
    if 400 <= status < 500:
        return Refused(f"{where} refuses the question: {said}")
    return Garbage(f"{where} failed with status {status}: {said}")
