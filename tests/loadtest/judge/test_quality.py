"""Scores: errors by word or character, lag by the moments in which words were shown."""

from pathlib import Path

import pytest

from loadtest.judge import quality
from loadtest.judge.corpus import Recording, Said
from loadtest.judge.emissions import Emissions, Moment, Word
from loadtest.judge.main import judged, table
from loadtest.judge.seen import Heard, Seen
from streaming.measures import Reader
from streaming.messages import Caption

TALK = Recording(
    "talk",
    Path("talk.flac"),
    "en",
    (
        Said(0, 2000, {"en": "good morning", "es": "buenos días"}),
        Said(2000, 4000, {"en": "we begin now", "es": "empezamos ahora"}),
    ),
)


def caption(text: str, heard_ms: int, final: bool = False, segment: int = 0) -> Caption:
    heard = heard_ms * 16
    return Caption(1, "p1", segment, "es", "translation", text, "", final, 0, heard, heard, 0, "x")


def test_words_are_counted_where_there_are_some_and_characters_where_not() -> None:
    assert quality.error_rate("Good morning!", "good mourning", "en") == 0.5
    assert quality.error_rate("早上好。我们开始", "早上 好 我们开会", "zh") == pytest.approx(1 / 7)
    assert quality.error_rate("¡Buenos días!", "buenos dias", "es") == 0.5
    assert quality.error_rate("…", "anything", "es") is None


def test_bleu_and_chrf_of_the_reference_itself_are_all_there_is() -> None:
    text = "empezamos ahora mismo con la reunión"
    assert quality.bleu([text], [text], "es") == pytest.approx(100)
    assert quality.chrf([text], [text]) == pytest.approx(100)
    assert quality.bleu(["我们现在开始开会"], ["我们现在开始开会"], "zh") == pytest.approx(100)


def test_a_word_is_settled_by_the_last_change_at_or_before_it() -> None:
    emissions = Emissions()
    emissions.push(caption("buenas días", 800), 1000.0)
    emissions.push(caption("buenos días", 1200), 1400.0)
    emissions.push(caption("buenos días", 2000, final=True), 2200.0)
    first, second = emissions.words
    assert first == Word("buenos", Moment(1200, 1400), Moment(1200, 1400))
    assert second == Word("días", Moment(800, 1000), Moment(1200, 1400))


def test_lag_is_what_the_words_were_late_by() -> None:
    """Each word appears 500 ms after the ideal policy's moment: that is the lag."""

    def shown(text: str, at: float) -> Word:
        return Word(text, Moment(at, at + 100), Moment(at, at + 100))

    words = [
        shown("buenos", 500), shown("días", 1500), shown("empezamos", 2500), shown("ahora", 3500),
    ]  # fmt: skip
    found = quality.lag([(TALK, words, 10_000)], "es", settled=True)
    assert found is not None
    assert [round(late) for late in found] == [600, 500]


def test_without_words_there_is_no_lag() -> None:
    assert quality.lag([(TALK, [], 10_000)], "es", settled=False) is None


def test_a_table_has_a_row_for_what_was_said_and_for_each_translation() -> None:
    def seen(text: str) -> Seen:
        return Seen(text, [], Reader({}).figures())

    texts = {"en": seen("good morning we begin now"), "es": seen("buenos días empezamos")}
    heard = Heard(TALK, 4000, texts, {"apertium", "pocketsphinx"})
    alone = {"en": "good morning we again now", "es": "buenos días empezamos ahora"}
    transcript, translation = judged([heard], [alone])
    assert (transcript.errors, transcript.offline_errors) == (0.0, 0.2)
    assert translation.errors is None and translation.offline_chrf == pytest.approx(100)
    shown = table([transcript, translation], [heard])
    assert "engines: apertium, pocketsphinx" in shown
    assert "en transcript" in shown and "es translation" in shown


def test_a_server_of_somebody_else_has_no_offline_result() -> None:
    heard = Heard(TALK, 4000, {}, set())
    transcript, _ = judged([heard], [])
    assert (transcript.errors, transcript.offline_errors) == (1.0, None)
