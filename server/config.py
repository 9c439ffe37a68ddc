"""How one server is set up."""

import re
from dataclasses import astuple, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.local import places
from models.registry import AUTO, LOCAL, SERVED
from streaming import languages

from .admission import Limits

Pair = tuple[str, str]
KEYS = ("SURTITLE_TRANSLATOR_KEY", "SURTITLE_RECOGNIZER_KEY")  # never on a command line
ICE = re.compile(r"(stun|turns?):[^@/\s]+")
TURN = "SURTITLE_TURN"
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
    secret: str = field(default="", repr=False)
    """Tokens are made with it; without one nobody needs a token."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    origins: tuple[str, ...] = ()
    """Where pages may come from that join rooms here, besides from here."""
    translator: Served = Served()
    recognizer: Served = Served()
    pairs: tuple[Pair, ...] = ()
    """(source, target) languages, for models that cannot say which they know."""
    models: tuple[Path, ...] = ()
    """Folders: one of a recognizer ("auto": any number), any number of translators'."""
    webrtc: bool = False
    """Microphones may call; needs aiortc. Off loopback they may wherever it is installed."""
    ice_servers: tuple[str, ...] = ()
    """STUN and TURN, as stun:host:port or turn:host:port."""
    turn: str = field(default="", repr=False)
    """name:password for the latter."""
    private: bool = True
    """Participants may be in private networks."""
    hypotheses: str = ""
    """How SGLang is given them (models/sglang/ways.py); "" for what its server is best at."""
    journal: Path | None = None
    """Folder in which conversations are kept for a server that begins anew; by default none is."""
    journal_hours: float = 24.0
    """What is older is deleted."""
    limits: Limits = field(default_factory=Limits)
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
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("--tls-cert and --tls-key go together")
        if not self.loopback and not self.insecure and (not self.secret or self.tls_cert is None):
            raise ConfigError(
                f"whoever reaches {self.host} could listen in: name --tls-cert and --tls-key, and "
                "a secret for tokens (surtitle token --help), unless you say --insecure"
            )
        for origin in self.origins:
            if not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ConfigError(f"--origin {origin!r} is no origin: write https://talk.example")
        if min(astuple(replace(self.limits, per_slot=1.0))) < 1:
            raise ConfigError("--max-rooms, --max-speakers and the like are at least 1")
        if not 0.1 <= self.limits.per_slot <= 100:
            raise ConfigError("--per-slot: 0.1 to 100 questions for each that a model server takes")
        if not 0.1 <= self.journal_hours <= 24 * 366:
            raise ConfigError("--journal-hours: conversations are kept for 0.1 to 8784 hours")
        if self.engine in SERVED and not self.translator.urls:
            raise ConfigError(f"--engine {self.engine} needs a server's address: --translator-url")
        if self.engine not in (*SERVED, AUTO) and (self.translator.urls or self.recognizer.urls):
            raise ConfigError(
                f"--engine {self.engine} asks no server: say --engine sglang, openai or auto"
            )
        for server in self.ice_servers:
            if not ICE.fullmatch(server):
                raise ConfigError(
                    "--ice-server is stun:host:port or turn:host:port; a name and a password for "
                    f"the latter are read from ${TURN}, as name:password"
                )
            if server.startswith("turn") and ":" not in self.turn:
                raise ConfigError(f"{server} wants a name and a password: set ${TURN}")
        if self.webrtc and find_spec("aiortc") is None:
            raise ConfigError("--webrtc needs aiortc: `pip install surtitle[webrtc]`")
        if (self.engine == LOCAL and not self.models) or (
            self.engine not in (LOCAL, AUTO) and self.models
        ):
            raise ConfigError("--engine local and --models FOLDER go together")
        if len(self._recognizers) > 1 and self.engine == LOCAL:
            one, other = self._recognizers[:2]
            raise ConfigError(f"--models names two recognizers, {one} and {other}: name one")
        if self.hypotheses and self.engine != "sglang":
            raise ConfigError("--hypotheses is for --engine sglang: no other takes them")

    @property
    def hears(self) -> dict[str, Any]:
        """Options of the recognizer; of "auto", of one on a server."""
        if self.engine == LOCAL and self._recognizers:
            return {"folder": self._recognizers[0]}
        if not self.recognizer.urls:
            return {}
        known = {code for pair in self.pairs for code in pair}
        return _options(self.recognizer) | ({"languages": sorted(known)} if known else {})

    @property
    def translates(self) -> dict[str, Any]:
        """Options of the translator, likewise."""
        if self.engine == LOCAL:
            others = [folder for folder in self.models if folder not in self._recognizers]
            return {"folders": others, "pairs": self.pairs} if others else {}
        pairs: dict[str, Any] = {"pairs": self.pairs} if self.pairs else {}
        if not self.translator.urls:
            return pairs if self.engine == AUTO else {}
        way = {"way": self.hypotheses} if self.hypotheses else {}
        return _options(self.translator) | pairs | way

    @property
    def folders(self) -> tuple[Path, ...] | None:
        """Of models for "auto"; None: what lies in the usual place."""
        return self.models or None

    @property
    def _recognizers(self) -> list[Path]:
        return [folder for folder in self.models if places.hears(folder)]

    @property
    def calls(self) -> bool:
        """Microphones may come by WebRTC."""
        return self.webrtc or (not self.loopback and find_spec("aiortc") is not None)

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
