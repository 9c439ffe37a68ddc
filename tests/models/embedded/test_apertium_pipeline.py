"""A pipeline answers each caller his own, and is replaced when it crashes, hangs or raves."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop

from models.base import EngineError
from models.embedded.apertium_pipeline import Pipeline
from tests.models.speech import Watch

ECHO = ["cat", "-u"]


def program(body: str) -> list[str]:
    """A program that may use `ask()`, the next text without its NUL, and `say(bytes)`."""
    head = (
        "import sys, os\n"
        "def ask():\n"
        "    text = b''\n"
        "    while not text.endswith(b'\\0'):\n"
        "        more = os.read(0, 1)\n"
        "        if not more: sys.exit()\n"
        "        text += more\n"
        "    return text[:-1]\n"
        "def say(answer): os.write(1, answer + b'\\0')\n"
    )
    return [sys.executable, "-I", "-S", "-c", head + body]


@asynccontextmanager
async def running(*stages: list[str], deadline_s: float = 10.0) -> AsyncIterator[Pipeline]:
    pipeline = Pipeline(stages, deadline_s=deadline_s)
    try:
        yield pipeline
    finally:
        await pipeline.close()


async def test_a_text_goes_through_every_program_in_order() -> None:
    mark = "while True: text = ask(); say(text.replace(b'[', b'%s[', 1))"
    async with running(program(mark % "a"), ECHO, program(mark % "b")) as pipeline:
        assert await pipeline.ask("héllo ") == "héllo ab"
        assert await pipeline.ask("") == "ab"


async def test_callers_at_the_same_time_get_their_own_answers() -> None:
    async with running(ECHO, ECHO) as pipeline:
        texts = [f"text {n}" for n in range(50)]
        assert await asyncio.gather(*map(pipeline.ask, texts)) == texts


async def test_a_crash_between_two_texts_is_not_noticed() -> None:
    async with running(ECHO, ECHO, ECHO) as pipeline:
        for victim in range(3):
            await pipeline.ask("before")
            gone = Watch(pipeline.pids[victim])
            os.kill(pipeline.pids[victim], signal.SIGKILL)
            assert gone.ended()
            assert await pipeline.ask("after") == "after"


def test_nor_is_one_whose_pipe_has_closed_in_the_loop_of_the_server() -> None:
    """That loop does not take what is written to who is gone."""

    async def asked() -> None:
        async with running(ECHO, ECHO) as pipeline:
            assert await pipeline.ask("before") == "before"
            assert pipeline._running is not None
            pipeline._running.writers[0].transport.abort()
            await asyncio.sleep(0)
            assert await pipeline.ask("after") == "after"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asked())


async def test_a_text_that_crashes_it_twice_is_given_up_and_the_next_is_answered() -> None:
    touchy = program("while True: text = ask(); say(text) if b'bad' not in text else os._exit(1)")
    async with running(ECHO, touchy) as pipeline:
        assert await pipeline.ask("good") == "good"
        with pytest.raises(EngineError, match="crashed"):
            await pipeline.ask("bad")
        assert await pipeline.ask("good again") == "good again"


async def test_a_hung_program_is_killed_at_the_deadline_with_all_the_others() -> None:
    async with running(ECHO, ECHO, deadline_s=0.2) as pipeline:
        await pipeline.ask("before")
        before = pipeline.pids
        watched = [Watch(pid) for pid in before]
        os.kill(before[1], signal.SIGSTOP)
        with pytest.raises(EngineError, match=r"0\.2 s"):
            await pipeline.ask("lost")
        assert all(program.ended() for program in watched)
        assert await pipeline.ask("after") == "after"
        assert not set(pipeline.pids) & set(before)


async def test_an_answer_nobody_waits_for_is_not_the_next_callers() -> None:
    async with running(ECHO) as pipeline:
        await pipeline.ask("before")
        (pid,) = pipeline.pids
        os.kill(pid, signal.SIGSTOP)
        for text in ("lost", "lost too"):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pipeline.ask(text), 0.01)
        os.kill(pid, signal.SIGCONT)
        assert await pipeline.ask("mine") == "mine"
        assert pipeline.pids == [pid]


async def test_callers_who_give_up_early_do_not_keep_a_hung_program_alive() -> None:
    async with running(ECHO, deadline_s=0.2) as pipeline:
        await pipeline.ask("before")
        watched = Watch(pipeline.pids[0])
        os.kill(pipeline.pids[0], signal.SIGSTOP)
        while not watched.ended(0):
            with suppress(TimeoutError, EngineError):
                await asyncio.wait_for(pipeline.ask("lost"), 0.05)
        assert await pipeline.ask("after") == "after"


@pytest.mark.parametrize(
    ("raving", "what"),
    [
        ("ask(); say(b'no number')", "no number"),
        ("ask(); say(b'another [99]')", "99"),
        ("ask(); say(b'\\xff\\xfe[1]')", "nonsense"),
        ("ask(); os.write(1, b'for ever ' * 1_000_000)", "nonsense"),
        ("say(b'hello'); ask(); say(b'[1]')", "nonsense"),
    ],
)
async def test_nonsense_is_an_error_and_ends_the_programs(raving: str, what: str) -> None:
    async with running(program(f"{raving}\nwhile True: ask()")) as pipeline:
        with pytest.raises(EngineError, match=what):
            await pipeline.ask("text")
        assert pipeline.pids == []


async def test_a_program_that_is_not_there_is_said() -> None:
    async with running(ECHO, ["/nowhere/lt-proc"]) as pipeline:
        with pytest.raises(EngineError, match=r"does not start.*lt-proc"):
            await pipeline.ask("text")


async def test_closing_ends_the_programs() -> None:
    async with running(ECHO, ECHO) as pipeline:
        await pipeline.ask("text")
        watched = [Watch(pid) for pid in pipeline.pids]
        await pipeline.close()
        assert all(program.ended() for program in watched)


async def test_closing_answers_who_still_waits_and_starts_nothing_again() -> None:
    async with running(ECHO) as pipeline:
        await pipeline.ask("text")
        os.kill(pipeline.pids[0], signal.SIGSTOP)
        waiting = asyncio.create_task(pipeline.ask("lost"))
        await asyncio.sleep(0)
        await pipeline.close()
        with pytest.raises(EngineError, match="closed"):
            await waiting
        with pytest.raises(EngineError, match="closed"):
            await pipeline.ask("late")
        assert pipeline.pids == []


def test_the_programs_end_when_the_server_is_killed() -> None:
    code = (
        "import asyncio\n"
        "from models.embedded.apertium_pipeline import Pipeline\n"
        "async def main():\n"
        "    pipeline = Pipeline([['cat', '-u']] * 3)\n"
        "    await pipeline.ask('text')\n"
        "    print(*pipeline.pids, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as server:
        assert server.stdout
        watched = [Watch(int(pid)) for pid in server.stdout.readline().split()]
        server.kill()
    assert len(watched) == 3
    assert all(program.ended() for program in watched)
