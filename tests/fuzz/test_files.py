"""Files that people write or disks garble: settings, profiles, glossaries, journals."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clients.console import Problem
from clients.glasses import profiles
from clients.glasses.main import parser as glasses_parser
from clients.shell import settings as shell
from clients.shell.settings import SettingsError
from clients.tui.remembered import load as remembered
from server.config import ConfigError
from server.journal import FILE, Journal
from server.main import parser as serve_parser
from streaming.glossary import GlossaryError, parse
from streaming.messages import Caption
from tests.fuzz.inputs import damaged, noise
from tests.fuzz.promise import kept

PARSERS = {"serve": serve_parser, "glasses": glasses_parser}
NESTED = b"a = " + b"[" * 200_000
DECIMAL = b"9" * 5_000  # one that Python does not read
HEXADECIMAL = b"0x" + b"f" * 8_000  # an integer that Python reads and does not write

SAID = b"""
[serve]
host = "127.0.0.1"
port = 9000
speed = 1.5
origin = ["https://a.example", "https://b.example"]
journal = "kept"
webrtc = true
"""
PROFILE = b"""
[mine]
about = "an OLED"
driver = "luma"
lines = 4
columns = 21
measure = "font"
width = 128
height = 64
font_px = 16
interval_ms = 100
dim = "none"
shapes = false
[mine.luma]
device = "ssd1306"
interface = "i2c"
address = 60
"""
GLOSSARY = '[[term]]\nen = "interpreter"\nes = "intérprete"\nzh = "口译员"\n'.encode()
JOIN = b'name = "Ana"\nhears = ["en"]\nreads = ["es", "zh"]\nmicrophone = "mic"\ndensity = 2\n'

PAGE = 4_096  # bytes: SQLite's
ALONE_S = 1.0  # for what is done before anybody is there, once

fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each try writes the file anew."""


@given(damaged([SAID]) | noise)
@example(NESTED)
@example(b"[serve]\nport = " + HEXADECIMAL)
@example(b"[serve]\nhost = " + HEXADECIMAL)
@example(b"[serve]\nwebrtc = " + HEXADECIMAL)
@example(b"[serve]\nspeed = inf\nport = 1e400")
@example(b"[serve]\nport = 1979-05-27")
@example(b'[serve]\n"\\u001b[2J" = 1')
@example(b'"\\u001b[2J" = 1')
@example(b'[serve]\njournal = "\\u0000"')
@fixtures
def test_settings_are_understood_or_refused_with_their_place(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "surtitle.toml"
    file.write_bytes(body)
    environ = {shell.CONFIG: str(file)}

    def read() -> None:
        said = shell.file([*PARSERS], environ, tmp_path)
        for name, parser in PARSERS.items():
            shell.settings(name, parser(), said, environ)

    kept(read, SettingsError, stall_s=ALONE_S)


@given(
    st.sampled_from(["PORT", "HOST", "SPEED", "WEBRTC", "JOURNAL", "PAIRS", "NOTHING", ""]),
    st.text(max_size=40) | st.sampled_from(["9" * 5_000, "\u0664", "nan", "inf", "\x1b[2J"]),
)
def test_so_is_the_environment(name: str, value: str) -> None:
    environ = {f"SURTITLE_SERVE_{name}": value}
    options = serve_parser()
    kept(lambda: shell.settings("serve", options, shell.File(), environ), SettingsError)


@given(damaged([PROFILE]) | noise)
@example(NESTED)
@example(PROFILE.replace(b"128", HEXADECIMAL))
@example(b'["\\u001b[2J"]\nabout = 1')
@fixtures
def test_a_display_is_described_or_it_is_said_what_is_wrong(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(body)
    kept(lambda: profiles.profile(str(file)), Problem)


@given(damaged([GLOSSARY]).map(lambda raw: raw.decode(errors="replace")) | st.text(max_size=200))
@example(NESTED.decode())
@example("[[term]]\nen = " + DECIMAL.decode())
@example("[[term]]\nen = " + HEXADECIMAL.decode())
@example('[[term]]\n"\\u001b[2J" = "a"\nes = "b"')
@example('"\\u001b[2J" = 1')
@example('[[term]]\nen = "\u202ea"\nes = "b"\n[[term]]\nen = "a"\nes = "c"')
def test_a_glossary_is_understood_or_its_line_is_named(text: str) -> None:
    kept(lambda: parse(text), GlossaryError)


@given(damaged([JOIN]) | noise)
@example(NESTED)
@example(b"density = " + HEXADECIMAL)
@example(b"density = 2.0")
@fixtures
def test_what_is_remembered_of_a_person_is_never_in_his_way(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "join.toml"
    file.write_bytes(body)
    kept(lambda: remembered(file))


def final(seq: int) -> Caption:
    """A line that has ended."""
    words, said = f"sentence {seq}", (480 * seq, 480 * seq + 400, 480 * seq + 400)
    return Caption(seq, "p1", seq, "en", "transcript", words, "", True, *said, seq, "scripted")


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of a server that died while two rooms were open."""
    folder = tmp_path_factory.mktemp("journal")
    kept_ = Journal(folder, 3_600.0)
    for room in ("kitchen", "garden"):
        kept_.opened(room, f"e-{room}")
        kept_.joined(f"e-{room}", 1, "Ana", 3)
        for seq in range(1, 20):
            kept_.final(f"e-{room}", final(seq))
            kept_.reached(f"e-{room}", seq)
    kept_.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = folder / "as-it-was"
    shutil.copy(folder / FILE, file)
    kept_.close()
    return file


def opened(folder: Path) -> list[Caption]:
    """All that a server begins with, and what it does next."""
    found = Journal(folder, 3_600.0)
    try:
        captions = [caption for room in found.rooms() for caption in room.finals]
        found.opened("attic", "e-attic")
        found.final("e-attic", final(1))
        return captions
    finally:
        found.close()


somewhere = st.floats(0, 1)
"""Of a file, from its first byte to its last."""


@given(
    st.lists(st.tuples(somewhere, st.binary(min_size=1, max_size=8)), max_size=6),
    st.none() | somewhere,
    st.none() | somewhere,
)
@fixtures
def test_a_garbled_journal_is_gone_on_with_or_refused(
    tmp_path: Path,
    journal: Path,
    written: list[tuple[float, bytes]],
    wiped: float | None,
    cut: float | None,
) -> None:
    """Bytes here and there, a page of zeros, the end cut off: as disks do."""
    body = bytearray(journal.read_bytes())
    last = len(body) - 1
    for place, raw in written:
        at = int(place * last)
        body[at : at + len(raw)] = raw
    if wiped is not None:
        page = int(wiped * last) // PAGE * PAGE
        body[page : page + PAGE] = bytes(PAGE)
    if cut is not None:
        del body[int(cut * last) :]
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    (tmp_path / FILE).write_bytes(body)
    kept(lambda: opened(tmp_path), ConfigError, stall_s=ALONE_S)


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE final SET caption = 'x' WHERE seq = 3",
        "UPDATE final SET caption = zeroblob(9)",
        "UPDATE final SET caption = NULL",
        "UPDATE room SET opened = 'yesterday'",
        "UPDATE room SET seq = 'many'",
        "UPDATE room SET name = x'ff'",
        "UPDATE room SET name = '../x'",
        "UPDATE person SET name = 7",
        "UPDATE person SET number = 'first'",
        "DROP TABLE person",
        "ALTER TABLE room DROP COLUMN ended",
        "DROP TABLE room; CREATE TABLE room (a)",
    ],
)
def test_a_journal_with_anything_in_its_tables(tmp_path: Path, journal: Path, what: str) -> None:
    shutil.copy(journal, tmp_path / FILE)
    base = sqlite3.connect(tmp_path / FILE)
    try:
        base.executescript(what)
    except sqlite3.IntegrityError:
        return  # nor can it be
    finally:
        base.close()
    kept(lambda: opened(tmp_path), ConfigError, stall_s=ALONE_S)


@given(noise)
@fixtures
def test_what_is_no_journal_at_all_is_refused(tmp_path: Path, body: bytes) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    (tmp_path / FILE).write_bytes(body)
    kept(lambda: opened(tmp_path), ConfigError, stall_s=ALONE_S)
