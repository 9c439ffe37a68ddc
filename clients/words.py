"""What the server reports, in words for a reader."""

from collections.abc import Iterable, Iterator

from streaming import languages
from streaming.messages import Caption, State

from .plain import clean

LEVELS = {
    "ok": "works again",
    "degraded": "is limited",
    "down": "does not work",
    "draining": "is ending",
    "drained": "has ended",
}


def sentence(state: State) -> str:
    """A state as a sentence without a full stop: "translation into Spanish is limited: …"."""
    what = state.scope if state.scope in ("recognition", "translation") else f"the {state.scope}"
    if state.language:
        joined = "into" if state.scope == "translation" else "of"
        what += f" {joined} {languages.name(state.language)}"
    why = f": {clean(state.reason)}" if state.reason else ""
    return f"{what} {LEVELS[state.level]}{why}"


def untranslated(caption: Caption, reads: Iterable[str]) -> str:
    """What to tell a reader who gets someone's own words for want of a translation."""
    wanted = " or ".join(languages.name(code) for code in reads) or "other languages"
    return f"no translation from {languages.name(caption.language)} to {wanted}: its own words"


def kept(on: bool) -> str:
    """What to tell everybody whose conversation is written down, or is no longer."""
    return "this conversation is kept on the server" if on else "nothing more is kept of this"


class Troubles:
    """What does not work at the moment, one state for each thing; told once each."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str | None], State] = {}

    def push(self, state: State) -> bool:
        """Take in a state; whether it is news that something is wrong, or is right again."""
        key = state.scope, state.language
        before = self._states.get(key)
        if state.level in ("ok", "drained"):
            self._states.pop(key, None)
            return before is not None
        self._states[key] = state
        return before is None or (before.level, before.reason) != (state.level, state.reason)

    def __iter__(self) -> Iterator[State]:
        return iter(self._states.values())
