"""A card's figures, without one: the computation, the tables, tiny shapes where PyTorch is."""

import importlib.util
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import gpu

PROGRAM = Path(gpu.__file__)
EVERYTHING_ELSE_MS = gpu.BEFORE_MS + gpu.POLICY_MS + gpu.AFTER_MS


def engine(first: float, step: float = 0.0, passes: int = 0, most: int = 200) -> gpu.Engine:
    """Passes cost the same at every batch."""
    return gpu.Engine(lambda _: first, lambda _: step, itertools.repeat(passes), most)


def talk(
    speakers: int,
    recognizer: gpu.Engine,
    translator: gpu.Engine,
    *,
    cards: int = 1,
    around: float = 0,
) -> gpu.Served:
    return gpu.Conversation(
        speakers,
        recognizer,
        translator,
        cards=cards,
        pass_ms=around,
        request_ms=around,
        speech=10,
    ).serve()


def test_a_lone_speaker_waits_for_every_stage_and_every_pass_once() -> None:
    served = talk(1, engine(10, 2, passes=7), engine(20, 3, passes=2), around=1)
    requests, passes = 2 * 1, (10 + 1) + 7 * (2 + 1) + (20 + 1) + 2 * (3 + 1)
    expected = EVERYTHING_ELSE_MS + requests + passes
    assert served.c2c == pytest.approx({"p50": expected, "p95": expected})
    assert served.skipped == 0


def test_the_caption_age_is_a_hop_more_than_the_way_of_a_caption() -> None:
    served = talk(1, engine(10), engine(10))
    assert served.c2c["p95"] < served.age["p95"] <= served.c2c["p95"] + gpu.HOP_MS


def test_whoever_speaks_together_shares_a_pass() -> None:
    together = talk(100, engine(5, 1, passes=7), engine(10))
    alone = talk(100, engine(5, 1, passes=7, most=1), engine(10, most=1))
    assert together.in_time
    assert not alone.in_time


def test_too_slow_a_model_skips_hops_and_its_lag_does_not_grow() -> None:
    served = talk(1, engine(1_000), engine(10))
    assert served.skipped > 0.5
    assert not served.in_time
    assert served.c2c["p95"] < 1_000 + EVERYTHING_ELSE_MS + 20


def test_too_slow_a_translation_takes_the_newest_words_next() -> None:
    served = talk(1, engine(10), engine(1_000), cards=2)
    assert served.skipped > 0.5
    assert served.c2c["p95"] < 2 * 1_000 + EVERYTHING_ELSE_MS + 20


def test_a_card_for_each_engine_does_not_wait_for_the_other() -> None:
    shared = talk(40, engine(60, most=40), engine(60, most=40))
    apart = talk(40, engine(60, most=40), engine(60, most=40), cards=2)
    assert apart.c2c["p95"] < shared.c2c["p95"]


def test_the_same_figures_give_the_same_answer() -> None:
    assert talk(7, engine(10), engine(20)) == talk(7, engine(10), engine(20))


def test_models_that_never_answer_are_not_in_time() -> None:
    served = talk(3, engine(math.inf), engine(1))
    assert not served.in_time
    assert served.figures()["c2c"] == {"p50": None, "p95": None}


@pytest.mark.parametrize("breaks", [1, 2, 10, 57, 200, 333])
def test_the_break_is_found_between_the_counts_looked_at(breaks: int) -> None:
    def served(count: int) -> gpu.Served:
        late = 299.0 if count < breaks else 301.0
        return gpu.Served({"p50": late, "p95": late}, {"p50": 0.0, "p95": 0.0}, 0.0)

    found = gpu.most_in_time(served, {count: served(count) for count in gpu.SPEAKERS})
    assert breaks * 0.98 - 1 <= found < breaks


def test_nothing_breaks_within_what_is_looked_at() -> None:
    good = gpu.Served({"p50": 1.0, "p95": 1.0}, {"p50": 1.0, "p95": 1.0}, 0.0)
    assert gpu.most_in_time(lambda _: good, dict.fromkeys(gpu.SPEAKERS, good)) >= 390


def test_percentiles_are_nearest_rank() -> None:
    assert gpu.percentiles(range(1, 101)) == {"p50": 50, "p95": 95}
    assert gpu.percentiles([7.0]) == {"p50": 7.0, "p95": 7.0}


def test_between_measured_points_a_figure_is_on_the_line_and_outside_it_is_flat() -> None:
    known = [(8, 4.0), (1, 2.0), (32, 10.0)]
    places = (0.5, 1, 4.5, 8, 20, 32, 99)
    assert [gpu.between(known, at) for at in places] == [2, 2, 3, 4, 7, 10, 10]
    assert gpu.between([(8, 4.0)], 1) == 4


@pytest.mark.parametrize(
    ("shape", "billions"),
    [
        (gpu.QWEN3_4B, 4.02),
        (gpu.QWEN3_2B, 1.72),
        (gpu.ASR_TEXT, 0.596),
        (gpu.ASR_AUDIO, 0.186),
    ],
)
def test_the_shapes_have_as_many_parameters_as_the_models(shape: Any, billions: float) -> None:
    assert shape.parameters / 1e9 == pytest.approx(billions, rel=0.003)


def test_every_request_has_room_for_the_longest_pass() -> None:
    for plan in (gpu.FULL, gpu.SMALL):
        longest = max(
            *plan.lengths, plan.line + 3, *(new + hypothesis for new, hypothesis in plan.prefills)
        )
        assert plan.context + longest <= plan.room
        assert plan.room % 64 == 0


def report(slow: float = 1.0) -> dict[str, Any]:
    """What a run leaves, with passes of `slow` ms a row of the batch and one for the weights."""

    def point(batch: int, **more: Any) -> gpu.Point:
        ms = 1 + slow * batch / 100
        return {"batch": batch, "p50": ms, "p95": ms} | more

    sizes = (1, 32, 200)
    verification = [point(b, length=n, graph=True) for b in sizes for n in (1, 8, 16, 32)]
    prefill = [point(b, new=16, hypothesis=n) for b in sizes for n in (0, 32)]
    heard = {"first_p50": 5.0, "first_p95": 5.0, "step_p50": 1.0, "step_p95": 1.0}
    recognition = [point(b, seconds=s, encoder_p50=1.0, **heard) for b in (1, 32) for s in (2, 12)]
    phases = {
        "check: verification": [{"check": "it is the real thing", "passed": True, "how": "fp32"}],
        "Qwen: verification": verification,
        "Qwen: prefill": prefill,
        "Qwen: decode": [point(b, tokens=25) for b in sizes],
        "recognition": recognition,
    }
    return {
        "about": {
            "card": "a card", "date": "2026-11-22", "torch": "2", "cuda": "13", "transformers": "5",
            "dtype": "bfloat16", "parameters": {"Qwen": 4_000_000}, "heard": 8, "speech": 3.0,
        },
        "sound": True,
        "phases": {name: {"points": found, "seconds": 1.0} for name, found in phases.items()},
    }  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few speakers: a table of hundreds takes seconds to compute."""
    monkeypatch.setattr(gpu, "SPEAKERS", (1, 4))
    monkeypatch.setattr(gpu, "MOST_SPEAKERS", 12)


def run_again(tmp_path: Path, found: Any, *words: str) -> int:
    kept = tmp_path / "card.json"
    kept.write_text(json.dumps(found))
    return gpu.main(["--again", str(kept), *words])


@pytest.mark.usefixtures("few")
def test_speakers_are_computed_from_an_earlier_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new.json"
    assert run_again(tmp_path, report(), "--out", str(out)) == 0
    shown = capsys.readouterr().out
    assert "1, plain, token by token" in shown
    assert "a card, 2026-11-22" in shown
    assert "Qwen, batch 200" in shown
    points = json.loads(out.read_text())["phases"]["speakers with Qwen"]["points"]
    assert {point.get("speakers") for point in points} >= set(gpu.SPEAKERS)


@pytest.mark.usefixtures("few")
def test_a_draft_serves_more_speakers_than_none() -> None:
    found = report(slow=50.0)
    gpu.compute(found, pass_ms=1, request_ms=5, speech=4)
    most = {
        point["scheme"]: point["most"]
        for point in found["phases"]["speakers with Qwen"]["points"]
        if point["cards"] == 1 and "most" in point
    }
    plain, verified, in_prefill = most.values()
    assert plain < verified <= in_prefill


@pytest.mark.usefixtures("few")
def test_a_figure_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report()
    found["phases"]["recognition"] = {"points": [], "failed": "out of memory", "seconds": 0.1}
    assert run_again(tmp_path, found) == 0
    assert "cannot be computed: no figure of 'recognition'" in capsys.readouterr().out


@pytest.mark.usefixtures("few")
def test_a_point_that_had_no_room_says_so_and_the_others_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report()
    points = found["phases"]["Qwen: verification"]["points"]
    points[-1] = {"batch": 200, "length": 32, "graph": True, "failed": "out of memory"}
    found["phases"]["Qwen: prefill"]["points"].append({"batch": 256, "failed": "no room at all"})
    assert run_again(tmp_path, found) == 0
    shown = capsys.readouterr().out
    assert "batch 200: out of memory" in shown
    assert "batch 256: no room at all" in shown
    assert "1.32 / 1.32" in shown


@pytest.mark.usefixtures("few")
def test_figures_of_something_else_are_not_shown_as_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_again(tmp_path, report() | {"sound": False}) == 1
    assert "A CHECK FAILED" in capsys.readouterr().out


@pytest.mark.usefixtures("few")
def test_a_run_cut_short_anywhere_still_has_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = report()
    whole["phases"]["ceilings"] = {"points": [{"ceiling": "copy", "tb_s": 4.0}]}
    whole["phases"]["Qwen: attention"] = {
        "points": [{"kernel": "MATH", "batch": 1, "failed": "no"}]
    }
    for phase in whole["phases"].values():
        del phase["points"][1:]
        assert run_again(tmp_path, whole) in (0, 1), capsys.readouterr().err
    assert "copy 4.00 TB/s" in capsys.readouterr().out


@pytest.mark.parametrize("found", [[], {}, {"about": {}, "phases": {}}, {"about": 1, "phases": 2}])
def test_a_file_of_something_else_gets_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], found: Any
) -> None:
    assert run_again(tmp_path, found) == 2
    assert "holds no figures of this program" in capsys.readouterr().err


def test_without_pytorch_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> None:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(gpu, "load_torch", absent)
    assert gpu.main([]) == 2
    assert capsys.readouterr().err.startswith("gpu.py: this needs PyTorch")


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gpu.main(["--out", str(tmp_path / "no" / "x.json")]) == 2
    assert "there is no folder for" in capsys.readouterr().err


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> gpu.Bench:
    nothing = SimpleNamespace(is_available=lambda: False)
    monkeypatch.setattr(gpu, "torch", SimpleNamespace(bfloat16=0, float32=0, cuda=nothing))
    return gpu.Bench(gpu.SMALL, tmp_path / "found.json", minutes=1)


def test_a_phase_that_breaks_keeps_what_it_had_and_the_next_runs(
    bench: gpu.Bench, tmp_path: Path
) -> None:
    def breaks() -> Iterator[gpu.Point]:
        yield {"batch": 1}
        raise RuntimeError("CUDA error:\n  unspecified launch failure")

    bench.phase("one", breaks())
    bench.phase("two", iter([{"batch": 2}]))
    phases = json.loads((tmp_path / "found.json").read_text())["phases"]
    assert phases["one"]["points"] == [{"batch": 1}]
    assert phases["one"]["failed"] == "RuntimeError: CUDA error: unspecified launch failure"
    assert phases["two"]["points"] == [{"batch": 2}]


def test_a_point_without_memory_is_one_point(bench: gpu.Bench) -> None:
    def measure() -> gpu.Point:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    assert bench.attempt({"batch": 200}, measure) == {"batch": 200, "failed": "out of memory"}


def test_when_the_minutes_are_over_nothing_new_begins(bench: gpu.Bench) -> None:
    bench.deadline = 0
    bench.phase("late", iter([{"batch": 1}]))
    assert bench.report["phases"]["late"]["points"] == []
    assert "out of time" in bench.report["phases"]["late"]["failed"]


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run() -> Run:
    """Runs a Python with PyTorch: that of `make contract` (SURTITLE_SGLANG), or this one."""
    python, environment = Path(sys.executable), dict(os.environ)
    if folder := os.environ.get("SURTITLE_SGLANG"):
        python = Path(folder) / "bin" / "python"
        environment["PYTHONPATH"] = str(PROGRAM.parents[1] / "models" / "sglang" / "cpu")
    elif importlib.util.find_spec("torch") is None:
        pytest.skip("no PyTorch here: `make contract` has it")
    return lambda *words: subprocess.run(
        [python, *words], env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_tiny_shapes_run_through_every_phase(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tiny.json"
    done = run(PROGRAM, "--tiny", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    phases = json.loads(out.read_text())["phases"]
    if "SURTITLE_SGLANG" not in os.environ:  # there, transformers has both models; here, who knows
        del phases["check: decoder"], phases["check: encoder"]
    for name, phase in phases.items():
        assert "failed" not in phase, (name, phase["failed"])
        assert phase["points"], name
        assert not [point for point in phase["points"] if "failed" in point], name
    assert {"speakers with tiny", "recognition", "tiny: decode"} <= phases.keys()


WRONG = {
    "a mask that looks ahead": "D.mask = staticmethod(lambda s, t, p, *m: look(s, t, p + 1, *m))",
    "one position for all": "D.__call__ = lambda s, h, p, *m: call(s, h, p[:, :1] + 0 * p, *m)",
    "a cache that is not written": "D.cache = lambda s, *size: Forgetful(cache(s, *size))",
}
CHECK = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("gpu", sys.argv[1])
gpu = sys.modules["gpu"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpu)
gpu.load_torch()
D = gpu.Decoder
look, call, cache = D.mask, D.__call__, D.cache
class Forgetful(list):
    def __iter__(self):
        return ((keys.clone(), values.clone()) for keys, values in super().__iter__())
exec(sys.argv[2])
sys.exit(not all(point["passed"] for point in gpu.check_verification()))
"""


@pytest.mark.slow
def test_the_check_passes_on_what_is_timed(run: Run) -> None:
    done = run("-c", CHECK, PROGRAM, "")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_the_check_notices(run: Run, wrong: str) -> None:
    done = run("-c", CHECK, PROGRAM, WRONG[wrong])
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
