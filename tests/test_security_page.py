"""docs/security.md promises nothing that no test holds."""

import ast
import re
from functools import cache
from pathlib import Path

from models.sglang.launch.main import parser as launcher
from server.admission import Limits
from server.connection import HELLO_S
from server.listening import ASKING_S, KEPT_S
from server.main import parser
from server.outlet import SEND_S
from server.webrtc.calls import BEGUN, MOST
from server.webrtc.offer import CANDIDATES, LONGEST
from server.webrtc.whip import COMES_S
from streaming import clean
from streaming.messages import MAX_AUDIO

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
THREATS = re.findall(r"^\| (?!threat \||---|who )([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.M)


@cache
def those_in(file: str) -> set[str]:
    """The names of the tests in a file below tests/."""
    body = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body
    return {one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_it_names_is_there() -> None:
    assert not [f"{file}::{name}" for file, name in NAMED if name not in those_in(file)]


def test_every_threat_has_a_test() -> None:
    assert len(THREATS) >= 30
    assert all("::test_" in held for _, _, held in THREATS)


def test_its_figures_are_those_of_the_code() -> None:
    for figure in (
        f"{MAX_AUDIO >> 10} KiB a frame",
        f"{LONGEST >> 10} KiB, one section of audio, {CANDIDATES} candidates",
        f"{ASKING_S:g} s to ask, {HELLO_S:g} s to say `hello`, {COMES_S:g} s for an offer",
        f"{ASKING_S:g} s for a handshake, {KEPT_S:g} s until the next request",
        f"{SEND_S:g} s for a message to leave",
        f"{Limits().address} connections of one address",
        f"{MOST} calls, {BEGUN} at once being made",
        f"one line of {clean.LONGEST:,} characters",
    ):
        assert figure in PAGE, figure


def test_every_option_and_link_is_one() -> None:
    known = {flag for it in (parser(), launcher()) for flag in it._option_string_actions}
    known |= {"--require-hashes", "--trust-remote-code", "--"}  # pip's, SGLang's
    assert set(re.findall(r"`(--[a-z-]*)", PAGE)) <= known
    assert "docs/security.md" in (ROOT / "README.md").read_text(encoding="utf-8")
