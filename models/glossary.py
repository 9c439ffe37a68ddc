"""Where a glossary's terms stand in a text: whole words, any case, the longest first."""

import re
from collections.abc import Sequence

# Scripts without spaces; and Korean, whose particles join the word.
ALONE = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"


def _whole(term: str) -> str:
    """A pattern for `term`: not part of a longer word where its script has spaces, in any spelling
    of apostrophes and spaces, and with an -s, -es or 's more than the glossary has."""
    words = (re.escape(word).replace("'", "['’]") for word in term.split())
    before = "" if re.match(ALONE, term[0]) else r"(?<!\w)"
    after = "" if re.match(ALONE, term[-1]) else r"(?:['’]s|es|s)?(?!\w)"
    return "(" + before + r"\s+".join(words) + after + ")"


def split(text: str, glossary: Sequence[tuple[str, str]]) -> list[tuple[str, str | None]]:
    """Pieces that join to `text`, each with the translation a glossary demands, or None.

    >>> split("two SLMs here", [("slm", "modulador")])
    [('two ', None), ('SLMs', 'modulador'), (' here', None)]
    """
    entries = sorted(
        ((term.strip().replace("’", "'"), meaning) for term, meaning in glossary if term.strip()),
        key=lambda entry: -len(entry[0]),
    )
    if not entries:
        return [(text, None)]
    pattern = re.compile("|".join(_whole(term) for term, _ in entries), re.IGNORECASE)
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for match in pattern.finditer(text):
        assert match.lastindex is not None, "every alternative is a group"
        pieces.append((text[end : match.start()], None))
        pieces.append((match[0], entries[match.lastindex - 1][1]))
        end = match.end()
    pieces.append((text[end:], None))
    return [piece for piece in pieces if piece[0]]
