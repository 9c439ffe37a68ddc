"""A glossary's terms are found where a reader would find them, and its mistakes are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.glossary import MOST_ENTRIES, Glossary, GlossaryError, parse

GLOSSARY = """\
# the words of our trade
[[term]]
en = "interpreter"
es = "intérprete"
zh = "口译员"

[[term]]
en = "speech"
es = "habla"

[[term]]
en = "speech recognition"
es = "reconocimiento de voz"
zh = "语音识别"

[[term]]
en = "glass"
es = "vidrio"

[[term]]
zh = "识别"
en = "identify"

[[term]]
en = "C++"
es = "C más más"

[[term]]
ko = "통역사"
en = "interpreter"
"""


def sources(text: str, source: str = "en", target: str = "es") -> list[str]:
    return [form for form, _ in parse(GLOSSARY).entries_for(text, source, target)]


def test_a_term_is_given_in_both_languages() -> None:
    found = parse(GLOSSARY).entries_for("Is the interpreter here?", "en", "es")
    assert found == (("interpreter", "intérprete"),)


def test_every_pair_of_its_languages_is_served() -> None:
    assert parse(GLOSSARY).entries_for("La intérprete llegó", "es", "zh") == (
        ("intérprete", "口译员"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "INTERPRETERS",
        "the Interpreter's notes",
        "an interpreter’s notes",
        "two interpreters, please",
    ],
)
def test_case_plural_and_genitive_are_one_word(text: str) -> None:
    assert sources(text) == ["interpreter"]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("code", "we are coding"), ("code", "it was coded"), ("code", "codes"),
        ("cut", "cutting lenses"), ("polish", "it was polished by hand"),
        ("battery", "two batteries"), ("notify", "he is notified"), ("fix", "she fixes it"),
        ("speech act", "speech acts"), ("power up", "POWER UP"), ("agree", "agreed"),
    ],
)  # fmt: skip
def test_inflected_english_is_the_same_word(term: str, text: str) -> None:
    assert Glossary([{"en": term, "es": "x"}]).entries_for(text, "en-GB", "es") == ((term, "x"),)


@pytest.mark.parametrize(
    ("term", "text"),
    [("be", "a bed"), ("us", "used"), ("ring", "the string"), ("code", "a codec"), ("cut", "cute")],
)
def test_a_word_that_only_looks_inflected_is_another(term: str, text: str) -> None:
    assert Glossary([{"en": term, "es": "x"}]).entries_for(text, "en", "es") == ()


def test_other_languages_are_not_inflected_as_english_is() -> None:
    assert (
        Glossary([{"de": "Wohn", "en": "living"}]).entries_for("gewohned wohned", "de", "en") == ()
    )


def test_a_plural_in_es_is_found() -> None:
    assert sources("my glasses broke") == ["glass"]


@pytest.mark.parametrize("text", ["misinterpreter", "interpreterless", "fibreglass", "speechless"])
def test_a_part_of_a_word_is_not_the_word(text: str) -> None:
    assert sources(text) == []


def test_the_longest_term_wins() -> None:
    assert sources("speech  recognition of Speech") == ["speech recognition", "speech"]


def test_signs_belong_to_a_term() -> None:
    assert sources("vitamin C") == []
    assert sources("written in c++, mostly") == ["C++"]


def test_han_is_found_anywhere_and_longest_first() -> None:
    assert sources("我们做语音识别的", "zh", "en") == ["语音识别"]
    assert sources("他识别了口译员", "zh", "en") == ["识别", "口译员"]


def test_korean_particles_do_not_hide_a_term() -> None:
    assert sources("통역사는 어디에 있습니까", "ko", "en") == ["통역사"]


def test_a_shorter_term_serves_where_the_longer_has_no_form() -> None:
    assert sources("语音识别", "zh", "es") == ["语音识别"]
    glossary = Glossary([{"en": "speech act", "de": "Sprechakt"}, {"en": "speech", "fr": "parole"}])
    assert glossary.entries_for("a speech act", "en", "fr") == (("speech", "parole"),)


def test_a_region_finds_its_language() -> None:
    assert parse(GLOSSARY).entries_for("interpreter", "en-GB", "es-MX") == (
        ("interpreter", "intérprete"),
    )


def test_the_form_of_the_region_is_preferred() -> None:
    glossary = Glossary([{"en": "bus", "es": "autobús", "es-MX": "camión"}])
    assert glossary.entries_for("the bus", "en", "es-MX") == (("bus", "camión"),)
    assert glossary.entries_for("the bus", "en", "es") == (("bus", "autobús"),)


def test_a_prompt_is_given_few_terms() -> None:
    words = [f"w{n}" for n in range(40)]
    glossary = Glossary([{"en": word, "es": word.upper()} for word in words])
    found = glossary.entries_for(" ".join(words * 2), "en", "es")
    assert [form for form, _ in found] == words[:MOST_ENTRIES]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[term]]\nen = \n", "line 2"),
        ('[[term]]\nen = "a"\nes = "b"\n\n[[term]]\nen = "c"\n', "term 2 (line 5): needs two"),
        ('[[term]]\nen = "a"\nxx = "b"\n', "term 1 (line 1): unknown language 'xx'"),
        ('[[term]]\nen = 3\nes = "b"\n', "term 1 (line 1): en needs a word in quotes"),
        ('[[term]]\nen = "..."\nes = "b"\n', "term 1 (line 1): en needs a word in quotes"),
        (f'[[term]]\nen = "{"a" * 101}"\nes = "b"\n', "en is longer than 100 characters"),
        ('[[terms]]\nen = "a"\nes = "b"\n', "unknown key 'terms'"),
        ('term = "interpreter"\n', "terms are written [[term]]"),
        ("term = " + "[" * 5_000, "is not TOML"),
        (
            '[[term]]\nen = "bank"\nes = "banco"\n[[term]]\nen = "Bank"\nes = "orilla"\n',
            "term 2 (line 4): en 'Bank' is es 'orilla' here and 'banco' in term 1",
        ),
    ],
)
def test_a_mistake_is_named_where_it_is(text: str, sentence: str) -> None:
    with pytest.raises(GlossaryError) as error:
        parse(text)
    assert sentence in str(error.value)


def test_an_empty_glossary_knows_nothing() -> None:
    assert parse("").entries_for("interpreter", "en", "es") == ()


forms = st.text("abcdé 中文カ'-.", min_size=1, max_size=8).filter(
    lambda form: any(map(str.isalpha, form))
)


@given(st.lists(forms, max_size=8), st.text("abcdé 中文カ'-.s", max_size=60))
def test_whatever_is_found_is_in_the_glossary_and_in_the_text(words: list[str], text: str) -> None:
    glossary = Glossary([{"en": word, "zh": f"第{n}"} for n, word in enumerate(words)])
    for form, meant in glossary.entries_for(text, "en", "zh"):
        assert meant in {f"第{n}" for n, word in enumerate(words) if word == form}
        assert " ".join(form.split()) in " ".join(text.split())


@given(forms, st.sampled_from(["", "'s", "s", "es"]))
def test_every_term_is_found_standing_by_itself(form: str, ending: str) -> None:
    found = Glossary([{"en": form, "zh": "词"}]).entries_for(
        f"¿ {form.strip()}{ending} ?", "en", "zh"
    )
    if ending == "" or form.strip()[-1] in "abcdé":
        assert found == ((form, "词"),)


@given(st.binary(max_size=80).map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_is_a_glossary_or_a_sentence(text: str) -> None:
    try:
        parse(text)
    except GlossaryError as error:
        assert str(error)
