"""docs/models.md is what the launcher, the prompts and the metrics are."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from models.base import Request
from models.prompts.prompts import FAMILIES, family
from models.prompts.wordings import interpreter
from models.qwen_asr.recognizer import LANGUAGES
from models.sglang.launch import main as launcher
from models.sglang.launch.cards import CARDS, Card
from models.sglang.launch.checks import DEFAULT_MODEL
from models.sglang.launch.environment import CUDA
from server.main import _config, parser
from server.metrics import Metrics
from streaming.values import Pair

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^surtitle (models|serve) ([^#\n]*)", PAGE, re.MULTILINE)


def block(language: str, n: int = 0) -> str:
    """What stands in the n-th fenced block of a language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found[n]


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading."""
    table = re.search(r"\n(\|.*?)\n\n", PAGE[PAGE.index(heading) :], re.DOTALL)
    assert table is not None
    lines = table[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("name", "card"), CARDS.items())
def test_the_table_of_cards_is_the_launchers(name: str, card: Card) -> None:
    (row,) = (row for row in rows("## On which card") if row[0] == f"`{name}`")
    assert row[1:] == [
        card.about,
        card.attention,
        card.quantization or "as they are",
        card.kv_cache or "as the weights",
        *(str(share) for share in (card.translator, card.recognizer)),
        *(str(count) for count in (card.running, card.drafted, card.prefill)),
    ]


def test_no_card_is_left_out() -> None:
    assert [row[0] for row in rows("## On which card")] == [f"`{name}`" for name in CARDS]


@pytest.mark.parametrize(("command", "rest"), COMMANDS)
def test_every_command_is_one(command: str, rest: str) -> None:
    words = shlex.split(rest)
    if command == "serve":
        assert _config(parser().parse_args(words)).translator.urls
    else:
        launcher.parser().parse_args(words)


def test_what_is_served_unasked_is_named() -> None:
    assert len(COMMANDS) >= 8
    assert all(model in PAGE for model in DEFAULT_MODEL.values())
    assert f"{CUDA.download_gb:g} GB to fetch, {CUDA.disk_gb:g} GB on disk" in PAGE


@pytest.mark.parametrize("row", rows("### To translate"))
def test_each_model_is_asked_in_the_wording_of_its_row(row: list[str]) -> None:
    named = re.search(r"`([\w-]+)`", row[3])
    assert named is not None and family(row[0].partition(",")[0]).name == named[1]


def test_every_wording_is_in_the_table() -> None:
    assert {name for name in FAMILIES if f"`{name}`" in PAGE} == set(FAMILIES)


def test_the_recognizers_languages_are_all_of_them() -> None:
    said = re.search(r"Qwen3-ASR's languages: ([a-z ]+)\.", PAGE)
    assert said is not None and said[1].split() == sorted(LANGUAGES)


def test_every_figure_and_file_that_it_names_is_there() -> None:
    metrics = Metrics()
    metrics.doubted("loop")
    metrics.refused("echo")
    page = metrics.page().decode()
    names = set(re.findall(r"\b(surtitle_\w+_total)", PAGE))
    assert len(names) == 3 and all(name in page for name in names)
    files = re.findall(r"`((?:models|tests|bench|docs)/[\w./]+)`", PAGE)
    assert files and all((ROOT / file).exists() for file in files)


def test_training_data_are_made_in_the_words_that_the_server_uses() -> None:
    line = json.loads(block("json"))
    later = {"source": "zh", "target": "en", "text": "好的。", "translation": "All right."}
    made = subprocess.run(
        [sys.executable, "-c", block("python")],
        input="\n".join(json.dumps(one) for one in (line, later)),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    chats = [json.loads(chat)["messages"] for chat in made.stdout.splitlines()]
    assert [chat[-1]["content"] for chat in chats] == [
        *(told for _, told in line["prefixes"]), line["translation"], "All right.",
    ]  # fmt: skip
    first, last = chats[0], chats[-1]
    assert first[0]["content"] in PAGE
    terms = tuple(map(tuple, line["glossary"]))
    shown = Request("zh", "en", line["prefixes"][0][0], glossary=terms)
    assert first[:-1] == as_chat(shown)
    pair = Pair("zh", "en", line["text"], line["translation"])
    assert last[:-1] == as_chat(Request("zh", "en", "好的。", context=(pair,)))


def as_chat(request: Request) -> list[dict[str, str]]:
    """What the model is sent for a request."""
    return [{"role": turn.role, "content": turn.text} for turn in interpreter(request)]
