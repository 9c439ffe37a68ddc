"""What the models have to carry, beside what their servers say they take: questions at a time.

A microphone has at most one question open at its recognizer, and one at the translator for each
language that its words are translated into: mailboxes see to that, however fast somebody speaks.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from models.base import Bounded, Recognizer, Translator

from .engines import Engines
from .recognizers import Recognizers
from .translation import Translation

Engine = Recognizer | Translator
NOTHING: Collection[Collection[str]] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is asked of models in one room."""

    heard: Collection[Collection[str]] = NOTHING
    """For each microphone, the languages that it hears."""
    read: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Of one engine whose servers say what they take."""

    engine: str
    does: Literal["hears", "translates"]
    slots: int
    """Questions at a time."""
    asked: int
    """The most that those who are in can have open."""
    more: int = 0
    """And who wants to come in, with what his languages add to the work of others."""


def loads(
    engines: Engines,
    rooms: Iterable[Conversation],
    before: Conversation | None = None,
    after: Conversation | None = None,
) -> list[Load]:
    """Of every engine that has a bound, with these rooms; `before` would become `after`."""
    hearing, telling = engines.recognizers, engines.translation
    asked, more = Counter[Engine](), Counter[Engine]()
    for room in rooms:
        asked.update(_questions(room, hearing, telling))
    more.update(_questions(after or Conversation(), hearing, telling))
    more.subtract(_questions(before or Conversation(), hearing, telling))
    found: list[Load] = []
    for ear in hearing.ranked:
        if isinstance(ear, Bounded) and ear.slots is not None:
            found.append(Load(ear.name, "hears", ear.slots, asked[ear], more[ear]))
    for tongue in telling.best:
        if isinstance(tongue, Bounded) and tongue.slots is not None:
            found.append(Load(tongue.name, "translates", tongue.slots, asked[tongue], more[tongue]))
    return found


def _questions(room: Conversation, hearing: Recognizers, telling: Translation) -> Counter[Engine]:
    """How many may be open at the same time in a room, of each engine. Of several translators it is
    the best, though another stands in for it now: it will be back."""
    found = Counter[Engine]()
    for hears, microphones in Counter(map(tuple, room.heard)).items():  # few of them are different
        if (ear := hearing.of(hears)) is not None:
            found[ear] += microphones
        for target in room.read:
            directions = (telling.direction(source, target) for source in hears)
            for tongue in {one.able[0].translator for one in directions if one is not None}:
                found[tongue] += microphones
    return found
