"""How one server is set up."""

from dataclasses import dataclass
from pathlib import Path


class ConfigError(Exception):
    """The server cannot be set up like this; the text says why and what to do."""


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

    @property
    def loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")
