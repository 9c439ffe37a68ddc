"""Which of a microphone's languages a segment is spoken in: found out once, then held.

Two people may share a microphone and speak two languages. What the model makes of the first half
second is a guess, and a guess that flips turns a line into another language while it is read. So a
language is held when two answers in a row name it, and forced from then on.
"""

from collections.abc import Sequence

from streaming.languages import base

PATIENCE = 4  # answers with words in them; then the segment is in what the speaker spoke before

# Written alike, and taken for each other: what hears one of them says so of the other.
KIN = {"yue": "zh", "zh": "yue", "ms": "id", "id": "ms"}


class Tongue:
    """One per segment. `push` what each answer names; `held` is the language, once it is known."""

    def __init__(self, languages: Sequence[str], usual: str) -> None:
        """`languages`: of the microphone; `usual`: the one of them to take in doubt."""
        self.languages, self.usual = tuple(languages), usual
        self.held = self.languages[0] if len(self.languages) == 1 else None
        self._last: str | None = None
        self._answers = 0

    def push(self, named: str) -> str | None:
        """Take the language (a code, '' for none or an unknown one) of an answer that has words."""
        if self.held is None:
            found, last = self.own(named), self._last
            self._last = found
            self._answers += 1
            if found is not None and found == last:
                self.held = found
            elif self._answers >= PATIENCE:
                self.held = found or last or self.usual
        return self.held

    def settle(self) -> None:
        """The segment is over: what was named last will do, or what is usual."""
        self.held = self.held or self._last or self.usual

    def own(self, named: str) -> str | None:
        """Which of the microphone's languages is meant; None: another one."""
        for code in (base(named), KIN.get(base(named), "")):
            for language in self.languages:
                if code and base(language) == code:
                    return language
        return None
