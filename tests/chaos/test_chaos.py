"""What `make chaos` stands on: sentences that differ, blows, and an oracle that notices."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest

from streaming.messages import Caption
from tests.chaos.notes import Came, Read, read, write
from tests.chaos.oracle import FAULTS, Seen, Verdict, judged
from tests.chaos.plan import EVERY_S, blows
from tests.chaos.sentences import MOST, heard, sentences, sound, translated, words


def test_a_sentence_is_heard_by_its_sound_and_no_two_say_the_same() -> None:
    assert len({" ".join(words(number)) for number in range(MOST)}) == MOST
    for number in (0, 7, MOST - 1):
        pcm = bytes(3_200) + sound(number, 1_000) + bytes(3_200)
        assert heard(pcm, whole=True) == " ".join(words(number))
        assert heard(pcm[:9_600], whole=False) == words(number)[0]
        assert sentences(f"{words(1)[0]} {heard(pcm, whole=True)}", {" ".join(words(number)): 5})
    assert heard(sound(3, 500) + bytes(640) + sound(4, 500), whole=True).split() == [
        *words(3),
        *words(4),
    ]
    with pytest.raises(ValueError, match="no number"):
        sound(MOST, 100)


def test_a_translation_says_each_word_of_what_was_asked() -> None:
    assert translated("Say: alfa zulu!") == "alfaes zulues"


def test_the_same_seed_strikes_the_same_and_spares_nothing() -> None:
    assert blows(1, 600) == blows(1, 600) != blows(2, 600)
    for seconds in (60.0, 600.0):
        found = blows(3, seconds)
        assert {blow.kind for blow in found} == set(EVERY_S)
        assert [blow.at for blow in found] == sorted(blow.at for blow in found)
        assert all(blow.at < seconds for blow in found)


def caption(seq: int, segment: int, language: str = "en", text: str = "hello") -> Caption:
    kind: Any = "transcript" if language == "en" else "translation"
    said = text if language == "en" else f"{text}-es"
    return Caption(seq, "p1", segment, language, kind, said, "", True, 0, 0, 0, 0, "engine")


KEPT = [caption(1, 0), caption(2, 0, "es"), caption(3, 1), caption(4, 1, "es")]
CAME = Came("e1", 0)


def seen(*notes: Came | Read, reads: Sequence[str] = ("en", "es"), stayed: bool = True) -> Seen:
    file = StringIO()
    for note in notes:
        write(file, note)
    return Seen.of("Ana", reads, "kitchen", file.getvalue().splitlines(keepends=True), stayed)


def all_of(*captions: Caption) -> list[Read]:
    return [Read(one.seq, one.key, one.text) for one in captions]


def verdict(*people: Seen) -> Verdict:
    return judged({"kitchen": {"e1": KEPT}}, people)


def test_who_has_read_everything_has_lost_nothing() -> None:
    told = verdict(seen(CAME, *all_of(*KEPT)))
    assert told.good and told.found["owed"] == 4 and not told.missing


def test_what_was_read_before_somebody_was_killed_is_all_he_is_owed() -> None:
    told = verdict(seen(CAME, *all_of(*KEPT[:2]), stayed=False))
    assert told.good and told.found["owed"] == 2
    late = verdict(seen(Came("e1", 2), *all_of(*KEPT[2:])))
    assert late.good and late.found["owed"] == 2


@pytest.mark.parametrize(
    ("fault", "notes"),
    [
        ("lost", [*all_of(KEPT[0], *KEPT[2:])]),
        ("duplicated", [*all_of(*KEPT), Read(9, KEPT[0].key, KEPT[0].text)]),
        ("disordered", [*all_of(*KEPT), Read(4)]),
        ("invented", [*all_of(*KEPT, caption(5, 2))]),
        ("invented", [*all_of(*KEPT[:3]), Read(4, KEPT[3].key, "other words")]),
        ("epochs", [*all_of(*KEPT), Came("e2", 0)]),
    ],
)
def test_the_oracle_notices(fault: str, notes: list[Came | Read]) -> None:
    told = verdict(seen(CAME, *notes))
    assert not told.good and told.found[fault] > 0


def test_a_line_that_a_reader_got_in_no_language_he_reads_is_noticed() -> None:
    kept = [caption(1, 0)]
    reader = seen(CAME, Read(1), reads=["es"])
    told = judged({"kitchen": {"e1": kept}}, [reader])
    assert {name for name in FAULTS if told.found[name]} == {"untold"}
    plain = seen(CAME, Read(1, kept[0].key, "hello", untranslated=True), reads=["es"])
    assert judged({"kitchen": {"e1": kept}}, [plain]).good


def test_a_note_that_was_cut_short_is_none() -> None:
    assert list(read(['{"type":"Read","seq":7}\n', '{"type":"Read","se'])) == [Read(7)]
