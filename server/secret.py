"""What a server keeps to itself: the secret that tokens are made with, and its TLS key.

Neither is ever named on a command line, where every process of the machine could read it.
"""

import os
import ssl
from pathlib import Path

from .config import ConfigError

SECRET = "SURTITLE_TOKEN_SECRET"
SHORTEST = 32  # bytes: as many as the hash has (RFC 7518, 3.2)
VARIED = 10  # different characters: a sample or a word again and again has fewer
SAMPLES = ("changeme", "change-me", "change_me", "example", "password", "secret", "surtitle")
MAKE_ONE = "make one with  head -c 32 /dev/urandom | base64"


def secret(file: Path | None) -> str:
    """The secret in this file, or else in the environment; "" if there is none.

    ConfigError: it cannot be read, or is none that would keep anybody out.
    """
    found = os.environ.get(SECRET, "") if file is None else _read(file)
    if not found:
        return ""
    where = f"${SECRET}" if file is None else str(file)
    if len(found.encode()) < SHORTEST:
        raise ConfigError(f"the secret in {where} is shorter than {SHORTEST} bytes: {MAKE_ONE}")
    plain = found.lower()
    if len(set(plain)) < VARIED or any(sample in plain for sample in SAMPLES):
        raise ConfigError(f"the secret in {where} is easily guessed: {MAKE_ONE}")
    return found


def encryption(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What encrypts connections; None without a certificate. ConfigError: it cannot be used."""
    if cert is None or key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{cert} and {key} are no certificate and its key: {error}") from error
    return context


def _no_password() -> str:
    raise ssl.SSLError("the key has a password, and nobody is here to type it")


def _read(file: Path) -> str:
    try:
        mode, found = file.stat().st_mode, file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the secret in {file} cannot be read: {error}") from error
    if mode & 0o007:
        raise ConfigError(f"anybody here can read the secret in {file}: chmod 600 {file}")
    if not found:
        raise ConfigError(f"{file} is empty, and no secret: {MAKE_ONE}")
    return found
