"""The tester is right: what a server is known to do is what is measured."""

import asyncio
import time
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.crowd import Crowd
from loadtest.load import Fault, Load, seats
from loadtest.speech import frames
from loadtest.verdict import Bars, Health, judged
from tests.loadtest.fake_server import Known, known

pytestmark = pytest.mark.socket
WITHIN = 0.05  # of what is known
FRAME_MS = 25


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A second of something, in a folder."""
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 125)
    return tmp_path


def short(
    sound: Path, speakers: int = 4, seconds: float = 0.8, faults: tuple[Fault, ...] = ()
) -> Load:
    return Load(
        speakers, seconds, warm=0.2, cool=0.1, frame_ms=FRAME_MS, audio=sound, faults=faults
    )


async def put(
    url: str,
    load: Load,
    bars: Bars | None = None,
    tick: Callable[[float], None] | None = None,
) -> Crowd:
    """The load on the server there."""
    sound = frames(load.audio, load.transport, load.frame_ms)
    crowd = Crowd(url, load, seats(load), sound, bars=bars)

    def work() -> None:
        crowd.join()
        crowd.run(time.monotonic() + 0.05, tick)
        crowd.end(within=2.0)

    await asyncio.to_thread(work)
    return crowd


def near(known: float) -> object:
    return pytest.approx(known, rel=WITHIN)


async def test_a_known_delay_is_the_delay_that_is_measured(sound: Path) -> None:
    async with known(Known(delay_s=0.2)) as url:
        crowd = await put(url, short(sound))
    shown, ages = crowd.tally["chunk_to_caption"], crowd.tally["caption_age"]
    assert shown.percentile(50) == near(200)
    # Words are 200 ms old when they come, and a frame more when the next ones do.
    assert 200 <= ages.percentile(50) <= (200 + FRAME_MS) * (1 + WITHIN)


async def test_the_time_inside_engines_is_not_the_servers(sound: Path) -> None:
    async with known(Known(delay_s=0.3, recognize_ms=60, translate_ms=40)) as url:
        crowd = await put(url, short(sound))
    assert crowd.tally["server_added"].percentile(50) == near(200)
    assert crowd.tally["stage.recognize"].percentile(50) == near(60)


async def test_what_is_lost_or_doubled_is_counted(sound: Path) -> None:
    it = Known(never_final=(1, 3), twice=(2,))
    async with known(it) as url:
        crowd = await put(url, short(sound))
    counts = crowd.tally.counts
    assert counts["finals_lost"] == 2 * it.speakers
    assert counts["finals_doubled"] == it.speakers
    assert counts["finals"] == it.finals and it.finals >= 5 * it.speakers


async def test_what_is_taken_back_is_the_erasure(sound: Path) -> None:
    it = Known(mistaken=(0, 2, 4))
    async with known(it) as url:
        crowd = await put(url, short(sound))
    erasure = crowd.tally.erased("transcript")
    assert it.erased == 3 * it.speakers
    assert (erasure.erased, erasure.written) == (it.erased, it.written)


async def test_a_stalled_server_is_charged_for_all_it_delays(sound: Path) -> None:
    """No coordinated omission: frames are due while nobody answers."""
    it = Known()
    load = short(sound, speakers=1, seconds=1.5)

    def stall(now: float) -> None:
        loop.call_soon_threadsafe(spin, 0.4)

    loop = asyncio.get_running_loop()
    async with known(it) as url:
        crowd = await put(url, load, tick=stall)
    late = crowd.tally["answer"]
    frames_due = round(load.seconds / load.period)
    assert late.histogram.total_count >= frames_due  # finals come on top
    # Those that were due in the first 300 ms of it waited for 100 ms and more.
    assert late.buckets([100.0])[1] >= 300 / FRAME_MS


async def test_a_tester_that_cannot_keep_up_says_so(sound: Path) -> None:
    bars = Bars(budget=100, budget_server=10)
    async with known(Known(delay_s=0.15)) as url:
        load = short(sound, seconds=1.5)
        crowd = await put(url, load, bars, tick=lambda now: spin(0.5))
    late = crowd.tally["tester.late"]
    tester = Health(late.percentile(99), late.percentile(100), 50.0)
    assert tester.late_p99 > 300
    found = {verdict.bar: verdict.judgement for verdict in judged(crowd.tally, bars, tester)}
    assert found["chunk to caption, p95"] == "cannot tell"
    assert found["server added, p99"] == "cannot tell"


async def test_who_is_thrown_out_goes_on_where_he_was(sound: Path) -> None:
    """What was lost on the way is said again, and nothing is lost or comes twice."""
    it = Known(resumes=True)
    load = short(sound, speakers=2, faults=(Fault("loss", 0.5),))
    async with known(it) as url:
        crowd = await put(url, load)
    counts = crowd.tally.counts
    assert counts["broken"] == counts["rejoined"] == counts["resumed"] == 1
    assert it.speakers == 2 and not crowd.lost
    assert len(set(it.positions.values())) == 1  # one has said as much as the other
    assert counts["finals_lost"] == counts["finals_doubled"] == 0
    assert counts["finals"] == it.finals


async def test_who_may_not_go_on_joins_anew(sound: Path) -> None:
    it = Known()
    load = short(sound, speakers=2, faults=(Fault("loss", 0.3),))
    async with known(it) as url:
        crowd = await put(url, load)
    counts = crowd.tally.counts
    assert counts["broken"] == counts["rejoined"] == 1 and counts["resumed"] == 0
    assert it.speakers == 3 and not crowd.lost


async def test_a_speaker_who_is_thrown_out_is_reported(sound: Path) -> None:
    async with known(Known(break_at=8)) as url:
        crowd = await put(url, short(sound, speakers=1))
    assert crowd.lost == ["out of order"]


async def test_readers_read_what_others_say(sound: Path) -> None:
    """Their bytes are counted, and they need no voice of their own."""
    load = Load(1, 0.5, readers=3, warm=0.1, cool=0.1, frame_ms=50, audio=sound)
    async with known(Known()) as url:
        crowd = await put(url, load)
    assert crowd.tally.counts["undrained"] == 0
    assert all(link.drained for link in crowd.links) and len(crowd.links) == 4


def spin(seconds: float) -> None:
    """Be busy, as a tester without a core of its own is."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
