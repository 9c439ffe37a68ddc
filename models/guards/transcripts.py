"""Why not to believe what a recognizer wrote down. Its words stay unseen, or are taken back."""

from collections.abc import Collection, Sequence
from enum import Enum
from functools import lru_cache

from models.base import Hints
from models.guards.loops import looped, unlooped
from models.guards.phantoms import phantom, plain, voiced
from models.guards.speakable import foreign, too_much

FEW = 6  # letters that people do say twice: "Yes.", "对对对"
LISTED = 3  # terms in the order in which they were given
NO_HINTS = Hints()


class Doubt(Enum):
    """What is wrong with a text."""

    LOOP = "it goes round in circles"
    TOO_MUCH = "nobody speaks so fast"
    FOREIGN = "it is in a script that the microphone's languages are not written in"
    PHANTOM = "it thanks for watching, where there is hardly a voice"
    PARROT = "it repeats what the model was told"

    @property
    def word(self) -> str:
        """For counting: "too much"."""
        return self.name.lower().replace("_", " ")


EMPTY = frozenset({Doubt.FOREIGN, Doubt.PHANTOM})
"""At the end of a segment these mean that nothing was said; the others, that it was otherwise."""


def doubt(
    text: str, sound: bytes, ms: float, languages: Collection[str], hints: Hints
) -> Doubt | None:
    """What speaks against `text`, if anything, as what a segment of `ms` says to a microphone of
    `languages`; `sound`: as much of it as was heard this time (16 kHz mono)."""
    if looped(text):
        return Doubt.LOOP
    if too_much(text, ms):
        return Doubt.TOO_MUCH
    if foreign(text, languages):
        return Doubt.FOREIGN
    if parroted(text, hints):
        return Doubt.PARROT
    return Doubt.PHANTOM if phantom(text, sound) else None


def salvaged(text: str, sound: bytes, ms: float, languages: Collection[str]) -> str:
    """What may be left of a doubted text when no better one is to be had: up to the end of a loop's
    first round, if that can have been spoken; or ''."""
    once = unlooped(text)
    sane = voiced(once, sound) and doubt(once, sound, ms, languages, NO_HINTS) is None
    return once if sane else ""


def parroted(text: str, hints: Hints) -> bool:
    """The text is the sentence before, or a list of terms, word for word."""
    heard = plain(text)
    if len(heard) > FEW and heard == plain(hints.said):
        return True
    return any(run in heard for run in _runs(hints.terms))


@lru_cache(256)  # the rooms of a server: the same terms hop after hop
def _runs(terms: Sequence[str]) -> tuple[str, ...]:
    names = [plain(term) for term in terms]
    return tuple("".join(names[n : n + LISTED]) for n in range(len(names) - LISTED + 1))
