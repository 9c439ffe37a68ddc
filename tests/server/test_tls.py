"""`--tls auto`: a certificate that browsers can take, kept where nobody else reads its key."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server import tls
from server.config import ConfigError
from server.tls import Certificate, fingerprint, own

NAMES = ["192.168.1.5", "studio", "studio.local", "localhost", "127.0.0.1", "::1"]


def shaken(made: Certificate, name: str) -> None:
    """A handshake in memory: a server that has it, a client that trusts it, under this name."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(made.cert, made.key)
    asking = ssl.create_default_context(cafile=str(made.cert))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(down, up, server_hostname=name)
    server = serving.wrap_bio(up, down, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version()


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_that_trusts_it_takes_it_under_each_name(tmp_path: Path, name: str) -> None:
    shaken(own(NAMES, tmp_path), name)


def test_under_another_name_it_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(own(NAMES, tmp_path), "elsewhere.example")


def test_its_key_is_nobody_else_s_to_read(tmp_path: Path) -> None:
    made = own(NAMES, tmp_path / "deep" / "tls")
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert made.key.parent.stat().st_mode & 0o077 == 0


def known_by(*made_for: str, folder: Path) -> str:
    return fingerprint(own(made_for, folder).cert)


def test_it_stays_the_same_so_that_browsers_warn_once(tmp_path: Path) -> None:
    assert known_by(*NAMES, folder=tmp_path) == known_by(*NAMES, folder=tmp_path)


def test_other_names_need_another(tmp_path: Path) -> None:
    assert known_by(*NAMES, folder=tmp_path) != known_by(*NAMES, "new.local", folder=tmp_path)


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem"])
def test_what_cannot_be_read_is_made_anew(tmp_path: Path, broken: str) -> None:
    before = known_by(*NAMES, folder=tmp_path)
    (tmp_path / broken).write_text("no certificate")
    assert known_by(*NAMES, folder=tmp_path) != before
    shaken(own(NAMES, tmp_path), "localhost")


def test_one_that_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LASTS", timedelta(days=29))
    before = known_by(*NAMES, folder=tmp_path)
    monkeypatch.undo()
    assert known_by(*NAMES, folder=tmp_path) != before


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept in"):
        own(NAMES, tmp_path / "file" / "tls")


def test_a_name_that_no_certificate_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name"):
        own(["a..b"], tmp_path)


def test_a_server_on_every_address_is_known_by_those_that_others_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "_addresses", lambda: ["192.168.1.5", "2001:db8::7"])
    monkeypatch.setattr(socket, "gethostname", lambda: "studio")
    assert tls.names("0.0.0.0")[:4] == ["192.168.1.5", "2001:db8::7", "studio", "studio.local"]
    assert tls.reachable("https://0.0.0.0:8765") == "https://192.168.1.5:8765"
    assert tls.reachable("https://[::]:8765") == "https://[2001:db8::7]:8765"
    assert tls.reachable("https://talk.example") == "https://talk.example"


def test_others_are_shown_the_way_by_address_code_and_fingerprint(tmp_path: Path) -> None:
    pytest.importorskip("segno")
    cert = own(NAMES, tmp_path).cert
    address, *code, known = tls.doorplate("https://192.168.1.5:8765", cert)
    assert address.endswith("https://192.168.1.5:8765")
    assert known.endswith(fingerprint(cert))
    assert len({len(row) for row in code}) == 1
    assert len(code) < 24  # a small terminal has it whole
    assert set("".join(code)) <= set(" ▀▄█")


def test_its_life_is_one_that_browsers_take(tmp_path: Path) -> None:
    from cryptography import x509

    cert = x509.load_pem_x509_certificate(own(NAMES, tmp_path).cert.read_bytes())
    assert cert.not_valid_before_utc < datetime.now(UTC)
    assert cert.not_valid_after_utc - cert.not_valid_before_utc < timedelta(days=398)
