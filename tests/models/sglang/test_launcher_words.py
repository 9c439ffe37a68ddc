"""What the launcher makes of arguments, of SGLang's log and of deaths, without starting it."""

import json
import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from models.sglang.launch import checks, environment
from models.sglang.launch.cards import CARDS, ROLES, guess
from models.sglang.launch.checks import CannotLaunch
from models.sglang.launch.command import ALGORITHMS, Launch, command, flags, inherited, shown
from models.sglang.launch.main import main
from models.sglang.launch.means import LEAST_RUNNING, LEAST_SHARE, Means, Thrift, means
from models.sglang.launch.progress import Progress
from models.sglang.launch.restarts import LONGEST_S, PATIENCE, Restarts
from models.sglang.launch.shortage import Shortage, kernel_kills, shortage
from models.sglang.launch.warmup import noise

PLAIN = Launch("translator", "h200", "Qwen/Qwen3-4B-Instruct-2507", Path("/sglang/bin/python"))
TEXT = {"architectures": ["Qwen3ForCausalLM"], "max_position_embeddings": 1024}
SOUND = {
    "architectures": ["Qwen3ASRForConditionalGeneration"],
    "thinker_config": {"audio_config": {}},
}


def value(launch: Launch, flag: str) -> str:
    words = flags(launch)
    return words[words.index(flag) + 1]


def model(folder: Path, config: object = TEXT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    return folder


# --- the command line ---------------------------------------------------------------------------


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_speculation_does_not_lower_how_many_are_served(card: str, algorithm: str) -> None:
    one = replace(PLAIN, card=card, algorithm=algorithm)  # type: ignore[arg-type]
    assert value(one, "--max-running-requests") == str(CARDS[card].running)


def test_a_flag_of_ones_own_comes_last_and_so_counts() -> None:
    words = flags(replace(PLAIN, more=("--dtype", "float32")))
    assert words[-2:] == ["--dtype", "float32"]


def test_what_is_shown_is_what_is_run() -> None:
    one = replace(PLAIN, card="cpu", model="/a model/with 'quotes'")
    words = shlex.split(shown(one))
    assert words[-len(command(one)) :] == command(one)
    assert "SGLANG_USE_CPU_ENGINE=1" in words


def test_sglang_sees_neither_our_key_nor_our_python_path() -> None:
    seen = inherited({"PYTHONPATH": "/ours", "KEY": "secret", "HOME": "/home/ana"}, "KEY")
    assert seen == {"HOME": "/home/ana"}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("NVIDIA H200", "h200"),
        ("NVIDIA H100 80GB HBM3", "h200"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("NVIDIA L40S", "4090"),
        ("Tesla T4", None),
    ],
)
def test_a_card_is_known_by_its_drivers_name(name: str, row: str | None) -> None:
    assert guess(name) == row


# --- deaths -------------------------------------------------------------------------------------


def test_what_never_starts_is_given_up() -> None:
    restarts = Restarts()
    waits = [restarts.died(now, None) for now in range(PATIENCE)]
    assert waits == [1.0, 2.0, None]


def test_what_served_is_started_again_for_ever_and_ever_more_slowly() -> None:
    restarts = Restarts()
    waits = [restarts.died(now, now - 1) for now in range(8)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_S, LONGEST_S, LONGEST_S]


def test_after_a_steady_minute_old_deaths_are_forgotten() -> None:
    restarts = Restarts()
    for now in range(5):
        restarts.died(now, now)
    assert restarts.died(1000, 900) == 1.0


def test_a_start_that_worked_forgets_those_that_did_not() -> None:
    restarts = Restarts()
    waits = [restarts.died(0, None), restarts.died(0, None), restarts.died(0, 0)]
    waits += [restarts.died(0, None), restarts.died(0, None)]
    assert None not in waits


def test_what_is_to_be_started_otherwise_has_not_failed_before() -> None:
    restarts = Restarts()
    assert None not in [restarts.died(now, None, other=True) for now in range(2 * PATIENCE)]
    assert restarts.died(9, None) is not None


# --- without memory -----------------------------------------------------------------------------

DEATHS = {
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.": Shortage.CARD,
    "torch.cuda.OutOfMemoryError: CUDA out of memory.": Shortage.CARD,
    "torch.AcceleratorError: CUDA error: out of memory": Shortage.CARD,
    "RuntimeError: Triton Error [CUDA]: out of memory": Shortage.CARD,
    "[2026-11-21 23:55:29 TP0] RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED": Shortage.CARD,
    "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: "
    "mem_fraction_static=0.5": Shortage.WEIGHTS,
    "ValueError: Loaded weights leave no GPU memory for the KV cache under --mem-fraction-static="
    "0.5. Raise --mem-fraction-static above 0.7": Shortage.WEIGHTS,
    "RuntimeError: Prefill out of memory. Try to lower your batch size.": Shortage.CACHE,
    "RuntimeError: Decode out of memory. Try to lower your batch size.": Shortage.CACHE,
    "RuntimeError: alloc_req_slots runs out of memory. Please set a smaller number": Shortage.CACHE,
    "RuntimeError: [enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't "
    "allocate memory: you tried to allocate 9 bytes.": Shortage.MACHINE,
    "MemoryError": Shortage.MACHINE,
}


@pytest.mark.parametrize("line", DEATHS)
def test_a_death_for_want_of_memory_is_known_by_its_words(line: str) -> None:
    last = ["Load weight begin", "Traceback (most recent call last):", line, "Killing all"]
    assert shortage(last, killed=False, by_kernel=False) is DEATHS[line]


@pytest.mark.parametrize(
    "line",
    [
        "ValueError: this model is odd",
        "[2026-11-21 23:55:29] KV cache pool is full. Retract requests. #retracted_reqs: 1",
        "RuntimeError: Rank 0 scheduler died during initialization (exit code: -9). If exit code "
        "is -9 (SIGKILL), a common cause is the OS OOM killer. Run `dmesg -T | grep -i oom`",
    ],
)
def test_other_deaths_are_not_taken_for_one(line: str) -> None:
    assert shortage([line], killed=True, by_kernel=False) is None


def test_the_kernel_is_believed_where_it_says_that_it_has_killed_for_memory(tmp_path: Path) -> None:
    counter = tmp_path / "vmstat"
    counter.write_text("nr_free_pages 9\noom_kill 3\noom_kill_group 7\n")
    assert kernel_kills([counter, tmp_path / "not there"]) == 3
    assert shortage([], killed=True, by_kernel=True) is Shortage.MACHINE
    of_its_own = ["died during initialization (exit code: -9)"]
    assert shortage(of_its_own, killed=False, by_kernel=True) is Shortage.MACHINE
    assert shortage([], killed=False, by_kernel=True) is None, "it was somebody else"


def test_each_time_the_card_is_full_there_is_less_down_to_a_floor() -> None:
    thrift = Thrift(Means(256, 0.5))
    seen = [thrift.means]
    while thrift.push(Shortage.CARD):
        seen.append(thrift.means)
    assert all(
        after.running <= before.running and after.share <= before.share
        for before, after in pairwise(seen)
    )
    assert seen[1] == Means(128, 0.45)
    assert seen[-1] == Means(LEAST_RUNNING, LEAST_SHARE) and not thrift.push(Shortage.CARD)


@pytest.mark.parametrize("want", [Shortage.CACHE, Shortage.MACHINE])
def test_a_smaller_share_is_no_help_where_the_cache_or_the_machine_is_full(want: Shortage) -> None:
    thrift = Thrift(Means(256, 0.5))
    assert thrift.push(want) and thrift.means == Means(128, 0.5)


def test_a_share_that_no_longer_holds_the_model_is_not_tried_again() -> None:
    thrift = Thrift(Means(256, 0.5))
    for want in (Shortage.CARD, Shortage.CARD, Shortage.WEIGHTS):
        assert thrift.push(want)
    assert thrift.means == Means(64, 0.45)  # 0.405 was too little for the weights
    assert thrift.push(Shortage.CARD) and thrift.means == Means(32, 0.45)


def test_a_model_that_never_fitted_gets_nothing_else() -> None:
    thrift = Thrift(Means(256, 0.5))
    assert not thrift.push(Shortage.WEIGHTS) and not thrift.lowered


def test_a_floor_never_gives_more_than_was_asked_for() -> None:
    thrift = Thrift(Means(2, 0.08))
    assert not thrift.push(Shortage.CARD) and thrift.means == Means(2, 0.08)


@pytest.mark.parametrize("card", CARDS)
def test_what_is_given_is_read_off_the_command_and_less_of_it_counts(card: str) -> None:
    one = replace(PLAIN, card=card, more=("--mem-fraction-static=0.7",))
    assert means(flags(one)) == Means(CARDS[card].running, 0.7)
    less = Means(4, 0.6).flags(flags(one))
    assert means([*flags(one), *less]) == Means(4, 0.6)
    assert ("--cuda-graph-max-bs-decode" in less) == (card != "cpu")


def test_flags_of_ones_own_that_are_no_numbers_are_a_sentence() -> None:
    with pytest.raises(CannotLaunch, match=r"--max-running-requests many .* is no number"):
        means(flags(replace(PLAIN, more=("--max-running-requests", "many"))))


# --- the log ------------------------------------------------------------------------------------

LOG = """\
[2026-11-21 23:54:42] server_args={'model_path': '/m', 'api_key': 'hush'}
[2026-11-21 23:55:29] Load weight begin. avail mem=20.20 GB
Multi-thread loading shards:   0% Completed | 0/3 [00:00<?, ?it/s]
Multi-thread loading shards:  33% Completed | 1/3 [00:00<00:00,  5.40it/s]
Multi-thread loading shards:  33% Completed | 1/3 [00:00<00:00,  5.41it/s]
[2026-11-21 23:55:29] Load weight end. elapsed=11.6 s, avail mem=120 GB, mem usage=7.61 GB.
[23:55:31] KV Cache is allocated. #tokens: 431072, K size: 29.6 GB, V size: 29.6 GB
[2026-11-21 23:55:31] INFO:     127.0.0.1:39522 - "GET /ready HTTP/1.1" 503 Service Unavailable
[2026-11-21 23:55:31] INFO:     Application startup complete."""


def test_a_log_becomes_a_few_lines_of_news() -> None:
    progress = Progress()
    news = [said for line in LOG.splitlines() if (said := progress.push(line))]
    assert news == [
        "loading weights",
        "loading weights: 0 %",
        "loading weights: 30 %",
        "weights are loaded: 7.6 GB in 12 s",
        "room for 431,072 tokens: 59.2 GB",
        "answering for the first time",
    ]


def test_the_key_in_a_log_is_not_shown() -> None:
    progress = Progress("hush")
    for line in LOG.splitlines():
        progress.push(line)
    assert "hush" not in " ".join(progress.last)
    assert "hush" not in progress.clean(LOG.splitlines()[0])


def test_the_reason_of_a_death_is_its_last_error() -> None:
    progress = Progress()
    for line in ["ValueError: first", "torch.OutOfMemoryError: CUDA out of memory.", "Killing all"]:
        progress.push(line)
    assert progress.reason() == "torch.OutOfMemoryError: CUDA out of memory."


# --- what can be said at once -------------------------------------------------------------------


def test_a_folder_is_a_model_of_its_own_length(tmp_path: Path) -> None:
    found = checks.model(str(model(tmp_path)), "translator")
    assert (found.name, found.longest) == (str(tmp_path), 1024)


def test_a_name_on_a_hub_is_left_to_sglang() -> None:
    assert checks.model("Qwen/Qwen3-1.7B", "translator").name == "Qwen/Qwen3-1.7B"


@pytest.mark.parametrize("role", ROLES)
def test_a_model_of_the_other_kind_is_refused(tmp_path: Path, role: str) -> None:
    wrong = model(tmp_path, SOUND if role == "translator" else TEXT)
    with pytest.raises(CannotLaunch, match=r"is for hearing|cannot hear"):
        checks.model(str(wrong), role)  # type: ignore[arg-type]


def test_what_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotLaunch, match="there is no folder"):
        checks.model(str(tmp_path / "qwen"), "translator")
    with pytest.raises(CannotLaunch, match=r"is no model: it has no config\.json"):
        checks.model(str(tmp_path), "translator")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CannotLaunch, match=r"its config.json is no JSON"):
        checks.model(str(tmp_path), "translator")


def test_a_missing_environment_names_the_command_that_makes_it(tmp_path: Path) -> None:
    missing = rf"`surtitle models install sglang --cpu --environment {tmp_path}` makes one"
    with pytest.raises(CannotLaunch, match=missing):
        checks.environment(tmp_path, "cpu")


def test_another_version_of_sglang_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "lib/python3.12/site-packages/sglang-0.5.16.dist-info").mkdir(parents=True)
    with pytest.raises(CannotLaunch, match=r"has SGLang 0\.5\.16"):
        checks.environment(tmp_path, "h200")


def test_hypotheses_need_our_plugin(tmp_path: Path) -> None:
    with pytest.raises(CannotLaunch, match="without our plugin"):
        checks.plugin(tmp_path, "hypothesis")
    checks.plugin(tmp_path, "ngram")


def test_a_translator_verifies_hypotheses_unless_told_otherwise() -> None:
    assert checks.suited(None, "translator") == "hypothesis"
    assert checks.suited(None, "recognizer") == "none"
    assert checks.suited("ngram", "translator") == "ngram"


def test_strangers_are_not_let_in_without_a_key() -> None:
    checks.door("0.0.0.0", "a key")
    with pytest.raises(CannotLaunch, match="SURTITLE_SGLANG_KEY"):
        checks.door("0.0.0.0", "")


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "sglang"],
        ["install", "translator"],
        ["install", "sglang", "--port", "1"],
        ["serve", "translator", "--cpu"],
        ["serve", "translator", "--memory", "40"],
    ],
)
def test_options_that_do_not_go_together_are_a_wrong_call(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_print_needs_neither_card_nor_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(model(tmp_path))
    words = ["serve", "translator", "--gpu", "h200", "--model", folder, "--print"]
    assert main([*words, "--", "--dtype", "float32"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("--dtype float32")


def test_noise_is_a_file_of_two_seconds() -> None:
    assert len(noise()) == 44 + 2 * 2 * 16_000


# --- the environment ----------------------------------------------------------------------------


def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(environment.InstallError, match="was not made by this command"):
        environment.install(tmp_path, environment.CPU, lambda line: None)
    assert (tmp_path / "a file").exists()


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("  Downloading triton-3.9.0-cp311-x86_64.whl (285.8 MB)", "  triton: 285.8 MB"),
        ("  Downloading idna-3.20-py3-none-any.whl (70 kB)", None),
        ("Collecting triton==3.9.0", None),
    ],
)
def test_of_an_install_only_what_is_large_is_told(line: str, news: str | None) -> None:
    assert environment.notable(line) == news


def test_sizes_are_asked_of_those_who_have_the_files(tmp_path: Path) -> None:
    (tmp_path / "torch.whl").write_bytes(b"x" * 1000)
    files = [(tmp_path / "torch.whl").as_uri(), (tmp_path / "missing.whl").as_uri()]
    assert environment.total(files) == 1000
