"""The whole of it, as a newcomer meets it: real engines, our own conversation, real time."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.socket,
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


def surtitle(*words: str, within_s: float = 180) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end, without a terminal."""
    return subprocess.run(
        [sys.executable, str(ROOT / "surtitle.py"), *words],
        capture_output=True,
        text=True,
        timeout=within_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(autouse=True)
def engines() -> None:
    if find_spec("pocketsphinx") is None:
        pytest.skip("nothing hears English here: `pip install pocketsphinx`")


def test_the_demo_captions_every_line_in_both_languages_and_says_how_well() -> None:
    if shutil.which("apertium") is None:
        pytest.skip("nothing translates here: `apt-get install apertium apertium-eng-spa`")
    done = surtitle("demo", "--plain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    rates = [float(rate) for rate in re.findall(r"word error rate (\d\.\d+)", done.stdout)]
    scores = [float(score) for score in re.findall(r"chrF (\d+\.\d+)", done.stdout)]
    assert len(rates) == 3
    assert max(rates) < 0.4
    assert len(scores) == 2
    assert min(scores) > 30


def test_a_recording_is_captioned_as_well_live_as_offline() -> None:
    track = str(ROOT / "loadtest" / "conversation" / "rosa.flac")
    offline = surtitle("captions", track, "--from", "en", "--offline")
    assert offline.returncode == 0, offline.stderr
    live = surtitle("captions", track, "--from", "en")
    assert live.returncode == 0, live.stderr
    words = [set(re.findall(r"[a-z']+", done.stdout.lower())) for done in (offline, live)]
    assert len(words[0]) > 30
    assert len(words[0] & words[1]) > 0.75 * len(words[0])
