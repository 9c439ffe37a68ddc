"""A certificate of this machine's own, for `--tls auto`, and the address that others join at.

Browsers give a microphone only to pages that came over HTTPS. Nobody vouches for this certificate,
so they warn of it once; the fingerprint that the server prints tells whether it is the right one.
"""

import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .config import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

LASTS = timedelta(days=397)  # what browsers take at most
LEFT = timedelta(days=30)  # with less it is made anew
NEEDS = "--tls auto needs the Python package cryptography: pip install 'surtitle[server]'"
ANYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where it lies."""

    cert: Path
    key: Path


def own(names: Sequence[str], folder: Path | None = None) -> Certificate:
    """This machine's certificate for these host names and addresses, made where there is none.

    It is made anew when it ends within 30 days, was made for other names, or cannot be read.
    ConfigError: it cannot be made or kept.
    """
    place = folder or data() / "tls"
    found = Certificate(place / "cert.pem", place / "key.pem")
    try:
        if not _serves(found, names):
            _make(found, names)
    except ImportError as error:
        raise ConfigError(NEEDS) from error
    except OSError as error:
        raise ConfigError(f"the certificate cannot be kept in {place}: {error}") from error
    return found


def data() -> Path:
    """The user's own folder for what we keep."""
    home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "surtitle"


def names(host: str) -> list[str]:
    """What a server that listens on `host` may be called by those who join."""
    here = ["localhost", "127.0.0.1", "::1"]
    if host in ANYWHERE:
        name = socket.gethostname()
        local = [name] if "." in name else [name, f"{name}.local"]
        return [*dict.fromkeys([*_addresses(), *local, *here])]
    return [*dict.fromkeys([host, *here])]


def reachable(url: str) -> str:
    """The address to tell others, of the one a server listens on: not "any", but this machine's."""
    for anywhere, own_ones in (("//0.0.0.0", 4), ("//[::]", 6)):
        if anywhere in url:
            found = [one for one in _addresses() if ipaddress.ip_address(one).version == own_ones]
            other = [f"[{one}]" if own_ones == 6 else one for one in found]
            return url.replace(anywhere, f"//{other[0] if other else 'localhost'}")
    return url


def doorplate(url: str, cert: Path | None) -> list[str]:
    """What tells others the way: the address, its QR code for phones, the fingerprint to compare.

    `url` is the address the server listens on; without the package segno there is no code.
    """
    address = reachable(url)
    shown = [f"  others join at {address}", *_code(address)]
    if cert is not None:
        shown.append(f"  its certificate's SHA-256 fingerprint: {fingerprint(cert)}")
    return shown


def fingerprint(cert: Path) -> str:
    """By what browsers show a certificate to be this one: the first of the file."""
    first = cert.read_text(encoding="ascii").partition("-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert("".join(first[:2]).strip())
    return hashlib.sha256(der).hexdigest().upper()


def _code(url: str) -> list[str]:
    """A QR code of half blocks, two rows to a line."""
    try:
        import segno
    except ImportError:
        return []
    code = segno.make(url, error="l", micro=False)
    rows = [list(row) for row in code.matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}  # bright on a dark terminal
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        lines.append("".join(blocks[pair] for pair in zip(upper, lower, strict=True)))
    return lines


def _addresses() -> list[str]:
    """This machine's own, as others reach it. Nothing is sent: the system tells its way out."""
    found = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((far, 9))
                found.append(asking.getsockname()[0].partition("%")[0])
        except OSError:
            continue  # no way out by this family
    return found


def _serves(found: Certificate, names: Sequence[str]) -> bool:
    """Whether the one there is will do."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        cert = x509.load_pem_x509_certificate(found.cert.read_bytes())
        key = load_pem_private_key(found.key.read_bytes(), None)
        made_for = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    stays = cert.not_valid_after_utc - datetime.now(UTC) > LEFT
    os.chmod(found.key, 0o600)
    return stays and key.public_key() == cert.public_key() and list(made_for) == _general(names)


def _make(found: Certificate, names: Sequence[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Surtitle on this machine")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    found.cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(found.key, private, 0o600)
    _write(found.cert, cert.public_bytes(serialization.Encoding.PEM), 0o644)


def _general(names: Sequence[str]) -> "list[GeneralName]":
    """As certificates have them. ConfigError: one cannot be in a certificate."""
    from cryptography import x509

    made: list[GeneralName] = []
    for name in names:
        try:
            made.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            try:
                made.append(x509.DNSName(name.encode("idna").decode()))
            except UnicodeError as error:
                raise ConfigError(f"{name!r} is no name that a certificate can be for") from error
    return made


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    new.replace(path)
