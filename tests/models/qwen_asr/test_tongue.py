"""Two people, two languages, one microphone: which of them a segment is in."""

import pytest

from models.qwen_asr.tongue import PATIENCE, Tongue


def test_a_microphone_of_one_language_hears_that() -> None:
    assert Tongue(["zh-Hant"], "zh-Hant").held == "zh-Hant"


def test_a_language_is_held_when_two_answers_in_a_row_name_it_and_never_let_go() -> None:
    tongue = Tongue(["en", "zh"], "en")
    held = [tongue.push(named) for named in ("en", "zh", "zh", "en", "en", "en")]
    assert held == [None, None, "zh", "zh", "zh", "zh"]


@pytest.mark.parametrize(
    ("languages", "named", "meant"),
    [
        (["en", "zh"], "yue", "zh"),
        (["en", "yue", "zh"], "yue", "yue"),
        (["en", "zh-Hant"], "zh", "zh-Hant"),
        (["en", "ms"], "id", "ms"),
        (["en", "zh"], "fr", None),
        (["en", "zh"], "", None),
    ],
)
def test_kin_that_is_written_alike_counts_and_strangers_do_not(
    languages: list[str], named: str, meant: str | None
) -> None:
    assert Tongue(languages, "en").own(named) == meant


def test_after_some_answers_in_other_languages_it_is_what_the_speaker_spoke_before() -> None:
    tongue = Tongue(["en", "zh"], "zh")
    held = [tongue.push("fr") for _ in range(PATIENCE)]
    assert held == [*[None] * (PATIENCE - 1), "zh"]


def test_at_the_end_what_was_named_last_will_do() -> None:
    for named, settled in (("zh", "zh"), ("fr", "en")):
        tongue = Tongue(["en", "zh"], "en")
        tongue.push(named)
        tongue.settle()
        assert tongue.held == settled
