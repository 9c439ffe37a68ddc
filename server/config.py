"""How one server is set up."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.registry import SERVED
from streaming import languages

Pair = tuple[str, str]
KEYS = ("SURTITLE_TRANSLATOR_KEY", "SURTITLE_RECOGNIZER_KEY")  # never on a command line
CODE = r"[a-z]{2,3}(?:-[A-Z][A-Za-z]+)?"


class ConfigError(Exception):
    """The server cannot be set up like this; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model on servers."""

    urls: tuple[str, ...] = ()
    model: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Checked when it is made; ConfigError names what is wrong."""

    host: str = "127.0.0.1"
    port: int = 8765
    metrics_port: int = 8766
    engine: str = "auto"
    speed: float = 1.0
    glossary: Path | None = None
    insecure: bool = False
    translator: Served = Served()
    recognizer: Served = Served()
    pairs: tuple[Pair, ...] = ()
    """(source, target) languages, for models that cannot say which they know."""
    hypotheses: str = ""
    """How SGLang is given them (models/sglang/ways.py); "" for what its server is best at."""
    ready_fd: int | None = None
    """File descriptor that gets a line of JSON once the doors are open."""
    parent_fd: int | None = None
    """File descriptor whose end of file means that nobody needs this server any more."""

    def __post_init__(self) -> None:
        for port in (self.port, self.metrics_port):
            if not 0 <= port < 65_536:
                raise ConfigError(f"{port} is no port: use 1 to 65535, or 0 for any free one")
        if not 0.1 <= self.speed <= 100:
            raise ConfigError(f"speed {self.speed:g} is out of range: use 0.1 to 100")
        if self.speed != 1 and not self.loopback:
            raise ConfigError("--speed is for files and soaks: it needs a loopback --host")
        if not self.loopback and not self.insecure:
            raise ConfigError(
                f"whoever reaches {self.host} could listen in: this version has neither TLS nor "
                "tokens, so it serves loopback only, unless you say --insecure"
            )
        if self.engine in SERVED and not self.translator.urls:
            raise ConfigError(f"--engine {self.engine} needs a server's address: --translator-url")
        if self.engine not in SERVED and (self.translator.urls or self.recognizer.urls):
            raise ConfigError(
                f"--engine {self.engine} asks no server: say --engine sglang or openai"
            )
        if self.hypotheses and self.engine != "sglang":
            raise ConfigError("--hypotheses is for --engine sglang: no other takes them")

    @property
    def hears(self) -> dict[str, Any]:
        """Options of the recognizer."""
        if not self.recognizer.urls:
            return {}
        known = {code for pair in self.pairs for code in pair}
        return _options(self.recognizer) | ({"languages": sorted(known)} if known else {})

    @property
    def translates(self) -> dict[str, Any]:
        """Options of the translator."""
        if not self.translator.urls:
            return {}
        pairs: dict[str, Any] = {"pairs": self.pairs} if self.pairs else {}
        way = {"way": self.hypotheses} if self.hypotheses else {}
        return _options(self.translator) | pairs | way

    @property
    def loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")


def urls(text: str) -> tuple[str, ...]:
    """Base URLs, apart by commas. ConfigError: one is none."""
    return tuple(_url(word.strip()) for word in text.split(",") if word.strip())


def pairs(text: str) -> tuple[Pair, ...]:
    """Languages such as "zh-en,en-zh", "none" for none. ConfigError: they are not."""
    words = [word.strip() for word in text.split(",") if word.strip() not in ("", "none")]
    return tuple(dict.fromkeys(_pair(word) for word in words))


def _url(text: str) -> str:
    if "@" in text:
        raise ConfigError(f"a key does not belong into an address: set {KEYS[0]} or {KEYS[1]}")
    try:
        found = urlsplit(text)
        right = found.scheme in ("http", "https") and found.hostname and found.port != 0
    except ValueError:
        right = False
    if not right:
        raise ConfigError(f"{text!r} is no address of a server: write http://gpu.example:30000")
    return text.rstrip("/").removesuffix("/v1")


def _pair(text: str) -> Pair:
    found = re.fullmatch(f"({CODE})-({CODE})", text)
    if found is None:
        raise ConfigError(f"{text!r} is no pair of languages: write zh-en")
    try:
        return languages.check(found[1]), languages.check(found[2])
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}") from error


def _options(served: Served) -> dict[str, Any]:
    return {"urls": served.urls, "model": served.model, "key": served.key}
