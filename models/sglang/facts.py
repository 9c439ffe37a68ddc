"""What a model server says about itself, asked once when we start."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from models.foreign import decoded
from streaming.clean import clean

from . import errors
from .servers import Servers

SHOWN = 300  # characters of what is there
HYPOTHESIS = "HYPOTHESIS"  # the speculative algorithm of our plugin, as /server_info names it


@dataclass(frozen=True, slots=True)
class Facts:
    """Empty where it does not say."""

    model: str
    """What to call it in questions; an adapter of it, as model:adapter."""
    adapter: str = ""
    """The adapter that answers for it, of those the server has; "": none."""
    path: str = ""
    """Where its weights came from: a folder there, or a name known to everybody."""
    tokenizer: str = ""
    version: str = ""
    speculation: str = ""
    hears: bool | None = None
    """It understands sound."""
    longest: int = 0
    """Tokens of a prompt and its answer."""
    priorities: bool = False
    """Urgent questions may be marked."""

    @property
    def way(self) -> str:
        """The best way to use a hypothesis there (ways.py)."""
        if self.speculation == HYPOTHESIS:
            return "plugin"
        if self.speculation:  # a draft head drafts without us, and excludes log-probabilities
            return "ngram" if self.speculation == "NGRAM" else "none"
        return "logprobs"


class _Model(msgspec.Struct):
    id: str
    parent: str | None = None
    """Set: this is an adapter of that model."""
    max_model_len: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model]


class _ModelInfo(msgspec.Struct):
    model_path: str | None = None
    tokenizer_path: str | None = None
    has_audio_understanding: bool | None = None


class _ServerInfo(msgspec.Struct):
    version: str | None = None
    speculative_algorithm: str | None = None
    enable_priority_scheduling: bool | None = None


async def facts(servers: Servers, model: str) -> Facts:
    """Ask; `model` is what the operator calls it, "" for the one there is. What only SGLang says
    may be missing. ServerError: the key is wrong, there is no such model, nobody answers."""
    listed = await _models(servers)
    names = [one.id for one in listed if not one.parent]
    adapters = [one.id for one in listed if one.parent]
    adapter = _adapter(model, names, adapters)
    if adapter:
        model = model.removesuffix(adapter).removesuffix(":") or names[0]
    if model and names and model not in names:
        known = ", ".join([*names, *(f"{names[0]}:{one}" for one in sorted(adapters))])
        raise errors.NoModel(f"There is no model {model!r} there, but {clean(known, SHOWN)}.")
    if not model and len(names) != 1:
        there = (
            f"there are {clean(', '.join(names), SHOWN)}"
            if names
            else "the server does not list any"
        )
        raise errors.NoModel(f"Which model is to be asked? Say so: {there}.")
    name = model or names[0]
    info = await _optional(servers, "/model_info", _ModelInfo) or _ModelInfo()
    server = await _optional(servers, "/server_info", _ServerInfo) or _ServerInfo()
    return Facts(
        model=f"{name}:{adapter}" if adapter else name,
        adapter=adapter,
        path=info.model_path or "",
        tokenizer=info.tokenizer_path or "",
        version=server.version or "",
        speculation=server.speculative_algorithm or "",
        hears=info.has_audio_understanding,
        longest=next((one.max_model_len or 0 for one in listed if one.id == name), 0),
        priorities=bool(server.enable_priority_scheduling),
    )


def _adapter(model: str, names: Collection[str], adapters: Collection[str]) -> str:
    """The adapter in "model:adapter" or "adapter", if it is none of the colons in `names`."""
    last = model.rpartition(":")[2]
    return last if model not in names and last in adapters else ""


async def _models(servers: Servers) -> list[_Model]:
    found = await _optional(servers, "/v1/models", _Models)
    return found.data if found else []


T = TypeVar("T", bound=msgspec.Struct)


async def _optional(servers: Servers, path: str, kind: type[T]) -> T | None:
    """None where there is no such page. Garbage: it is not what it should be."""
    try:
        data = await servers.ask(path)
    except errors.WrongKey:
        raise
    except errors.Refused:
        return None
    try:
        return decoded(data, kind)
    except ValueError as error:
        raise errors.Garbage(f"{path} does not answer like a model server: {error}.") from error
