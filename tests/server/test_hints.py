"""What a recognizer is told before a segment."""

from models.base import Hints
from models.scripted import ScriptedRecognizer
from server.hints import LONGEST, MOST_TERMS, hints
from streaming.glossary import Glossary, parse
from streaming.messages import Caption
from tests.server.stage import Stage, loud, quiet

TERMS = parse(
    '[[term]]\nen = "waveguide"\nzh = "波导"\n[[term]]\nen = "Hei Peng"\nde = "Hei Peng"\n'
)


class Listener(ScriptedRecognizer):
    """A recognizer that writes down what it is told."""

    told: list[tuple[str, Hints]]

    def prime(self, speaker: str, hints: Hints) -> None:
        self.told.append((speaker.partition("/")[2], hints))


def said(text: str, language: str = "en") -> Caption:
    return Caption(
        seq=1, speaker="p1", segment=0, language=language, kind="transcript", stable=text, draft="",
        final=True, start=0, end=1, heard=1, at=0, engine="scripted",
    )  # fmt: skip


def test_terms_are_those_in_the_microphones_languages_each_once() -> None:
    assert hints(TERMS, [], ["zh-Hant"]).terms == ("波导",)
    assert hints(TERMS, [], ["en", "de"]).terms == ("waveguide", "Hei Peng")
    assert hints(Glossary(), [], ["en"]) == Hints()


def test_of_a_long_glossary_the_first_terms_are_told() -> None:
    many = Glossary([{"en": f"term {n}"} for n in range(5_000)])
    assert hints(many, [], ["en"]).terms == tuple(f"term {n}" for n in range(MOST_TERMS))
    (one,) = hints(Glossary([{"en": "a" * 500}, {"en": "b" * 500}]), [], ["en"]).terms
    assert one == "a" * 500


def test_the_last_sentence_is_the_newest_in_a_language_of_the_microphone() -> None:
    spoken = [said("是的。", "zh"), said("Good morning. Where is it?"), said("Old.")]
    assert hints(TERMS, spoken, ["en"]).said == "Where is it?"
    assert hints(TERMS, spoken, ["zh", "en"]).said == "是的。"
    assert hints(TERMS, spoken, ["es"]).said == ""
    assert hints(TERMS, [said("word " * LONGEST)], ["en"]).said == ""


async def test_every_segment_of_a_room_begins_with_its_terms_and_what_was_said_last() -> None:
    listener = Listener([["good morning."], ["and you?"]])
    listener.told = []
    stage = Stage(listener, glossary=TERMS)
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, (loud(1_000) + quiet(1_200)) * 2)
    terms = ("waveguide", "Hei Peng")
    assert listener.told == [
        (ana.id, Hints(terms)),
        (ana.id, Hints(terms, "good morning.")),
    ]
