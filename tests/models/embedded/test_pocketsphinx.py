"""Each speaker is heard by a decoder of his own, and a process that dies costs one segment."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import jiwer
import pytest
import pytest_asyncio
import uvloop

from models.base import EngineError
from models.embedded import pocketsphinx
from models.embedded.pocketsphinx import PocketSphinx
from models.embedded.sphinx_worker import tidy
from server.offline import decoded
from streaming.values import BYTES_PER_SAMPLE, samples
from tests.models.speech import Watch, spoken

CONVERSATION = Path(__file__).parents[3] / "loadtest" / "conversation"
FAKE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("fake_sphinx.py")))
SENTENCE = "we began with a camera and a heavy battery and nobody wanted to wear it for an hour"


@asynccontextmanager
async def fake(**options: float | int) -> AsyncIterator[PocketSphinx]:
    """The engine with processes that hear nothing and start at once, two speakers in each."""
    engine = PocketSphinx(command=FAKE, **{"voices": 2, "warm": 1, **options})  # type: ignore[arg-type]
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real() -> AsyncIterator[PocketSphinx]:
    try:
        engine = PocketSphinx(deadline_s=60)
    except EngineError as error:
        pytest.skip(str(error))
    await engine.start()
    yield engine
    await engine.close()


async def heard(engine: PocketSphinx, speaker: str, *pcm: bytes) -> str:
    """A whole segment; its last piece goes with the end."""
    hearing = await engine.open(speaker, ["en"])
    try:
        for piece in pcm[:-1]:
            await hearing.hear(piece, "")
        return (await hearing.finish(pcm[-1])).text
    finally:
        await hearing.close()


def hops(pcm: bytes, ms: int = 240) -> list[bytes]:
    size = samples(ms) * BYTES_PER_SAMPLE
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


@pytest.mark.parametrize(
    ("hypothesis", "read"),
    [
        ("<s> hello(2) the(3) WORLD </s>", "hello the world"),
        ("i think i'm here <sil> and i [NOISE] ++UM++ know", "I think I'm here and I know"),
        ("it is in india i'll say", "it is in india I'll say"),
        ("<sil>", ""),
        ("", ""),
    ],
)
def test_hypotheses_are_tidied(hypothesis: str, read: str) -> None:
    assert tidy(hypothesis) == read


async def test_audio_adds_up_in_a_segment_and_starts_over_in_the_next() -> None:
    async with fake() as engine:
        assert await heard(engine, "ana", b"12", b"345", b"6") == "ana 6"
        assert await heard(engine, "ana", b"12") == "ana 2"


async def test_a_segment_that_nobody_finished_is_forgotten() -> None:
    async with fake() as engine:
        for close in (True, False):
            hearing = await engine.open("ana", ["en"])
            await hearing.hear(b"123", "")
            if close:
                await hearing.close()
                await hearing.close()
            assert await heard(engine, "ana", b"1") == "ana 1"


async def test_two_speakers_share_a_process_and_a_third_gets_another() -> None:
    async with fake() as engine:
        hearings = [await engine.open(who, ["en"]) for who in ("ana", "bo", "cy")]
        said = await asyncio.gather(
            *(hearing.finish(b"1" * n) for n, hearing in enumerate(hearings))
        )
        assert [answer.text for answer in said] == ["ana 0", "bo 1", "cy 2"]
        assert len(engine.pids) == 2


async def test_two_speakers_are_heard_by_two_processes_unless_told_otherwise() -> None:
    async with fake(voices=1, warm=2) as engine:
        warm = engine.pids
        assert await heard(engine, "ana", b"1") == "ana 1"
        assert await heard(engine, "bo", b"12") == "bo 2"
        assert engine.pids == warm and len(warm) == 2


async def test_a_speaker_who_leaves_makes_room() -> None:
    async with fake(most_speakers=2) as engine:
        await heard(engine, "ana", b"1")
        await heard(engine, "bo", b"1")
        with pytest.raises(EngineError, match="2 speakers at most"):
            await engine.open("cy", ["en"])
        await engine.leave("ana")
        await engine.leave("ana")
        assert await heard(engine, "cy", b"123") == "cy 3"
        assert len(engine.pids) == 1


async def test_only_english_is_heard() -> None:
    async with fake() as engine:
        with pytest.raises(EngineError, match="English"):
            await engine.open("ana", ["es", "zh"])
        hearing = await engine.open("ana", ["es", "en"])
        assert (await hearing.finish(b"")).language == "en"


async def test_a_refused_request_is_an_error_and_nothing_more() -> None:
    async with fake() as engine:
        hearing = await engine.open("ana", ["en"])
        await hearing.hear(b"12", "")
        with pytest.raises(EngineError, match="told to"):
            await hearing.hear(b"refuse", "")
        assert (await hearing.finish(b"3")).text == "ana 3"


async def test_a_crash_is_an_error_and_the_next_segment_is_heard() -> None:
    async with fake() as engine:
        (before,) = engine.pids
        watched = Watch(before)
        hearing = await engine.open("ana", ["en"])
        with pytest.raises(EngineError, match="crashed"):
            await hearing.hear(b"crash", "")
        with pytest.raises(EngineError, match="crashed"):
            await hearing.hear(b"more", "")
        await hearing.close()
        assert watched.ended()
        assert await heard(engine, "ana", b"123") == "ana 3"
        assert before not in engine.pids and len(engine.pids) == 1


def test_a_crash_that_nobody_has_noticed_is_an_error_too() -> None:
    """The loop of `surtitle serve` does not take what is written to who is gone."""

    async def asked() -> None:
        async with fake() as engine:
            hearing = await engine.open("ana", ["en"])
            writer = engine._seats["ana"]._writer
            assert writer is not None
            writer.transport.abort()
            asking = asyncio.create_task(hearing.hear(b"1", ""))  # before anything else is done
            with pytest.raises(EngineError, match="crashed"):
                await asking
            assert await heard(engine, "ana", b"12") == "ana 2"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asked())


async def test_a_crash_disturbs_no_other_process() -> None:
    async with fake() as engine:
        hearings = [await engine.open(who, ["en"]) for who in ("ana", "bo", "cy")]
        for hearing in hearings:
            await hearing.hear(b"1", "")
        undisturbed = engine.pids[1]
        with pytest.raises(EngineError, match="crashed"):
            await hearings[0].hear(b"crash", "")
        assert (await hearings[2].finish(b"2")).text == "cy 2"
        assert undisturbed in engine.pids


async def test_a_hung_process_is_killed_at_the_deadline() -> None:
    async with fake(deadline_s=0.2) as engine:
        watched = Watch(engine.pids[0])
        with pytest.raises(EngineError, match=r"0\.2 s"):
            await heard(engine, "ana", b"hang")
        assert watched.ended()
    async with fake() as engine:
        assert await heard(engine, "ana", b"123") == "ana 3"


@pytest.mark.slow
async def test_a_process_is_late_by_its_oldest_request_and_not_by_those_it_has_answered() -> None:
    async with fake(deadline_s=2.5) as engine:
        process = engine._launch()
        await process.ready()
        process.post("join", "ana")
        first, second = (process.post("hear", "ana", b"slow") for _ in range(2))
        await first
        assert await process.ask("hear", "ana", b"slow") == "ana 0"  # asked at 1 s, answered at 3
        assert second.done() and not process.failure


async def test_callers_who_give_up_early_do_not_keep_a_hung_process_alive() -> None:
    async with fake(deadline_s=0.2) as engine:
        hearing = await engine.open("ana", ["en"])
        watched = Watch(engine.pids[0])
        while not watched.ended(0):
            with suppress(TimeoutError, EngineError):
                await asyncio.wait_for(hearing.hear(b"hang", ""), 0.05)


async def test_a_late_reply_is_not_the_next_calls_and_its_audio_counts() -> None:
    async with fake() as engine:
        hearing = await engine.open("ana", ["en"])
        os.kill(engine.pids[0], signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hearing.hear(b"12", ""), 0.01)
        os.kill(engine.pids[0], signal.SIGCONT)
        assert (await hearing.hear(b"345", "")).text == "ana 5"


@pytest.mark.parametrize("raving", [b"rave", b"json", b"type", b"huge"])
async def test_nonsense_is_an_error_and_the_process_is_replaced(raving: bytes) -> None:
    async with fake() as engine:
        watched = Watch(engine.pids[0])
        with pytest.raises(EngineError, match="nonsense"):
            await heard(engine, "ana", raving)
        assert watched.ended()
        assert await heard(engine, "ana", b"123") == "ana 3"


async def test_a_process_that_cannot_load_its_models_is_said_and_not_tried_for_ever() -> None:
    engine = PocketSphinx(command=[sys.executable, "-c", "raise SystemExit(1)"], warm=1)
    with pytest.raises(EngineError, match="crashed"):
        await engine.start()
    assert engine.pids == []
    await engine.close()
    with pytest.raises(EngineError, match="does not start"):
        await PocketSphinx(command=["/nowhere/python"]).start()


async def test_a_process_that_never_gets_ready_is_killed() -> None:
    mute = "import sys, socket; socket.socket(fileno=int(sys.argv[2])).recv(1)"
    engine = PocketSphinx(command=[sys.executable, "-c", mute], start_s=0.1, warm=1)
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(0)
    watched = Watch(engine.pids[0])
    with pytest.raises(EngineError, match="hung"):
        await starting
    assert watched.ended()
    await engine.close()


async def test_closing_leaves_no_process() -> None:
    async with fake() as engine:
        await heard(engine, "ana", b"1")
        watched = Watch(engine.pids[0])
        await engine.close()
        assert watched.ended() and engine.pids == []
        with pytest.raises(EngineError, match="closed"):
            await engine.open("ana", ["en"])


def test_a_missing_pocketsphinx_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="pip install pocketsphinx"):
        PocketSphinx()


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
async def test_speech_is_written_down_while_it_is_said(real: PocketSphinx) -> None:
    hearing = await real.open("ana", ["en"])
    said = [(await hearing.hear(hop, "")).text for hop in hops(spoken(SENTENCE))]
    final = await hearing.finish(b"")
    await hearing.close()
    assert jiwer.wer(SENTENCE, final.text) < 0.25
    assert 2 < len(said[len(said) // 2].split()) < len(final.text.split())
    await real.leave("ana")


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
async def test_two_speakers_at_once_are_not_mixed_up(real: PocketSphinx) -> None:
    one, two = "good morning everybody and thank you for coming", SENTENCE
    ana, bo = await asyncio.gather(
        heard(real, "ana", *hops(spoken(one, "awb"))), heard(real, "bo", *hops(spoken(two)))
    )
    assert jiwer.wer([one, two], [ana, bo]) < 0.25
    await real.leave("ana")
    await real.leave("bo")


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_segment_of_a_new_voice_may_come_at_once(real: PocketSphinx) -> None:
    # So it does offline, and after a crash; pocketsphinx dies of a probe of 5.5 s.
    track = b"".join(decoded(str(CONVERSATION / "rosa.flac")))
    pcm = track[2 * samples(6_600) : 2 * samples(13_600)]
    assert "workshop" in await heard(real, "eva", pcm)
    await real.leave("eva")


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
async def test_silence_and_scraps_of_audio_say_nothing(real: PocketSphinx) -> None:
    assert await heard(real, "ana", b"", b"", b"") == ""
    assert await heard(real, "ana", b"\0\0" * 100) == ""
    await real.leave("ana")


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
async def test_the_voice_before_leaves_no_trace(real: PocketSphinx) -> None:
    pcm = hops(spoken("thank you for coming"))
    fresh = await heard(real, "ana", *pcm)
    await real.leave("ana")
    await heard(real, "bo", *hops(spoken("good morning everybody", "awb")))
    await real.leave("bo")
    assert await heard(real, "cy", *pcm) == fresh
    await real.leave("cy")


@pytest.mark.engine
def test_the_processes_end_when_the_server_is_killed(real: PocketSphinx) -> None:
    code = (
        "import asyncio\n"
        "from models.embedded.pocketsphinx import PocketSphinx\n"
        "async def main():\n"
        "    engine = PocketSphinx()\n"
        "    await engine.start()\n"
        "    print(*engine.pids, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as server:
        assert server.stdout
        watched = [Watch(int(pid)) for pid in server.stdout.readline().split()]
        server.kill()
    assert watched and all(process.ended() for process in watched)
