"""What a recognizer may be told before a segment: the room's terms, and what was said last."""

from collections.abc import Collection, Iterable

from models.base import Hints
from streaming.glossary import Glossary
from streaming.languages import base
from streaming.messages import Caption
from streaming.units import sentences

MOST_TERMS, MOST_LETTERS = 60, 600  # of terms: more of them than that mislead as often as they help
LONGEST = 200  # characters of a sentence; of a longer one the end would be no sentence


def hints(glossary: Glossary, newest_first: Iterable[Caption], hears: Collection[str]) -> Hints:
    """For a microphone that hears these languages: the first terms of the glossary, in its order,
    so that what a model is told begins alike each time, and the last sentence."""
    wanted = {base(code) for code in hears}
    said = next((one.text for one in newest_first if base(one.language) in wanted), "")
    return Hints(tuple(_terms(glossary, wanted)), _last_sentence(said))


def _terms(glossary: Glossary, wanted: Collection[str]) -> list[str]:
    found: dict[str, None] = {}
    letters = 0
    for term in glossary.terms:
        for code, form in term.items():
            if base(code) in wanted and form not in found:
                letters += len(form)
                if len(found) == MOST_TERMS or letters > MOST_LETTERS:
                    return list(found)
                found[form] = None
    return list(found)


def _last_sentence(text: str) -> str:
    closed, rest = sentences(text)
    last = (rest or "".join(closed[-1:])).strip()
    return last if len(last) <= LONGEST else ""
