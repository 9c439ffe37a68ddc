"""Which recognizer hears a microphone: the best of those that hear all of its languages."""

from collections.abc import Collection, Sequence

from models.base import Recognizer
from streaming.languages import within


class Recognizers:
    """Those that work. `of` is its verb."""

    def __init__(self, recognizers: Sequence[Recognizer]) -> None:
        """`recognizers`: the best first."""
        self._best: dict[str, Recognizer] = {}
        self.take(recognizers)

    def take(self, recognizers: Sequence[Recognizer]) -> None:
        """These and no others from now on; who is being heard goes on being heard as before."""
        self.ranked = tuple(recognizers)
        self._best.clear()
        for recognizer in self.ranked:
            for language in recognizer.languages:
                self._best.setdefault(language, recognizer)

    @property
    def languages(self) -> Collection[str]:
        """What can be heard, by one or another; as of when it is looked at."""
        return self._best.keys()

    @property
    def by(self) -> list[tuple[str, list[str]]]:
        """Who hears what: the name of each, and the languages that none better hears."""
        found = [
            (one.name, sorted(code for code, best in self._best.items() if best is one))
            for one in self.ranked
        ]
        return [(name, codes) for name, codes in found if codes]

    def lacks(self, languages: Collection[str]) -> str | None:
        """Why a microphone of all these is heard by none, in words; None if it is."""
        if self.of(languages) is not None:
            return None
        unknown = [code for code in languages if within(code, self.languages) is None]
        if unknown:
            names = " and ".join(dict.fromkeys(one.name for one in self.ranked))
            does, they = ("do", "they hear") if " and " in names else ("does", "it hears")
            known = ", ".join(sorted(self.languages))
            return f"{names} {does} not hear {unknown[0]!r}; {they} {known}"
        each = "; ".join(f"{name} hears {', '.join(codes)}" for name, codes in self.by)
        return f"nobody here hears {' and '.join(languages)} by one microphone: {each}"

    def of(self, languages: Collection[str]) -> Recognizer | None:
        """Who hears a microphone of all these; None if nobody does."""
        return next(
            (
                one
                for one in self.ranked
                if all(within(code, one.languages) is not None for code in languages)
            ),
            None,
        )
