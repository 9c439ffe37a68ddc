"""Text as Apertium wants it, and its answers as readers want them."""

import re
from collections.abc import Collection, Sequence

from models.glossary import split

RESERVED = re.compile(r"([][{}^$/\\@<>])")
SENTENCE = re.compile(r"(?<=[.?!…])\s+(?=[^a-z\d])")
WORD = re.compile(r"(?<!['\w])[^\W\d_]{2,}")
# A word that is in no dictionary comes through as it is; no language has words that begin so.
PLACEHOLDER = "xqjv"
PLACEHOLDERS = re.compile(PLACEHOLDER + r"([a-z])([a-z])", re.IGNORECASE)

# What recognizers write and the English dictionary does not know, or takes for something else.
ENGLISH = [
    (re.compile(r"\bi(?=$|[\s,;:?!']|\.(?:\s|$))"), "I"),
    (re.compile(r"(?i)\b(he|she|it|who|what|that|there|where|here|how)'s (?=been\b|got\b|had\b|"
                r"gone\b|done\b|become\b|come\b|made\b|taken\b)"), r"\1 has "),
    (re.compile(r"(?i)\b(he|she|it|who|what|that|there|where|here|how|when)'s\b"), r"\1 is"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bwanna\b"), "want to"),
    (re.compile(r"\bgotta\b"), "have to"),
]  # fmt: skip
# These write days, languages and peoples small: inside a sentence, a capital is a name's.
SMALL = {"an", "ast", "ca", "es", "fr", "gl", "it", "oc", "pt", "ro"}
FIRST_PERSON = re.compile(r"I(?:'\w+)?$")


def prepare(text: str, language: str) -> str:
    """`text` on one line, without control characters, its words as the dictionary has them."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if language == "en":
        text = text.replace("’", "'")
        for pattern, better in ENGLISH:
            text = pattern.sub(better, text)
    return text


def escape(text: str) -> str:
    """`text` with the marks of Apertium's stream format made harmless."""
    return RESERVED.sub(r"\\\1", text)


def unescape(text: str) -> str:
    """What a stream says, as text."""
    return re.sub(r"\\(.)", r"\1", text)


def hide(text: str, glossary: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    """`text` with a placeholder for each term, and what to put in their places."""
    meanings: list[str] = []
    pieces: list[str] = []
    for piece, wanted in split(text, glossary):
        if wanted is not None and len(meanings) < 26 * 26:
            high, low = divmod(len(meanings), 26)
            meanings.append(wanted)
            piece = f"{PLACEHOLDER}{chr(97 + high)}{chr(97 + low)}"
        pieces.append(piece)
    return "".join(pieces), meanings


def reveal(text: str, meanings: Sequence[str]) -> str:
    """`text` with the glossary's words where their placeholders are."""

    def meaning(match: re.Match[str]) -> str:
        number = 26 * (ord(match[1].lower()) - 97) + ord(match[2].lower()) - 97
        return meanings[number] if number < len(meanings) else match[0]

    return PLACEHOLDERS.sub(meaning, text)


def uncased(text: str) -> bool:
    """`text` is by somebody who writes no capitals but "I", as recognizers do."""
    words = PLACEHOLDERS.sub("", text).split()
    return all(word == word.lower() or FIRST_PERSON.match(word.strip("\"',;:")) for word in words)


def words(text: str) -> list[str]:
    """The words of `text` that a dictionary may have; not what an apostrophe cut off."""
    return [word for word in WORD.findall(text) if not PLACEHOLDERS.match(word)]


def strange(analysis: str) -> set[str]:
    """The words that are in no dictionary, from the analyser's answer: ^word/*word$."""
    return set(re.findall(r"\^((?:[^/$\\]|\\.)+)/\*", analysis))


def capitalize(text: str, words: Collection[str]) -> str:
    """`text` with a capital on each of `words`."""
    return WORD.sub(lambda m: m[0].capitalize() if m[0] in words else m[0], text)


def names(text: str) -> list[str]:
    """Words of `text` that are capitals' by right: not "I", and not first in a sentence."""
    inside = [word for sentence in SENTENCE.split(text) for word in sentence.split()[1:]]
    bare = (word.strip("\"'.,;:?!()") for word in inside)
    return [word for word in bare if word[:1].isupper() and not FIRST_PERSON.match(word)]


def tidy(answer: str, source: str, target: str, kept: Collection[str]) -> str:
    """`answer` with the spaces, capitals and marks of a translation of `source`.

    `kept`: words that keep their capital inside a sentence.
    """
    answer = re.sub(r"\s+([,.;:?!…])(?!\w)", r"\1", " ".join(answer.split()))
    if target == "es":  # Apertium takes many an English "I" for a numeral
        answer = re.sub(r"(?<![\w.-])I(?![\w.-])", "yo", re.sub(r"(?<![\w.-])I (?=\w)", "", answer))
    sentences = [_sentence(sentence, target, kept) for sentence in SENTENCE.split(answer)]
    if sentences and not _capital(source):
        sentences[0] = _small(sentences[0], kept)
    return " ".join(sentences)


def _sentence(sentence: str, target: str, kept: Collection[str]) -> str:
    if not sentence:
        return sentence
    first, *rest = sentence.split(" ")
    if target in SMALL:
        rest = [_small(word, kept) for word in rest]
    whole = " ".join([first[:1].upper() + first[1:], *rest])
    for closing, opening in ("?¿", "!¡"):
        if target == "es" and whole.endswith(closing) and opening not in whole:
            whole = opening + whole
    return whole


def _small(text: str, kept: Collection[str]) -> str:
    """`text` without the capital of its first word, unless that is a name or an abbreviation."""
    word = text.split(" ", 1)[0].strip("¿¡\"'.,;:?!()")
    if word in kept or word[1:].lower() != word[1:] or FIRST_PERSON.match(word):
        return text
    return text.replace(word[:1], word[:1].lower(), 1)


def _capital(source: str) -> bool:
    """The writer of `source` begins sentences with a capital, as far as one can tell."""
    first = source.split(" ", 1)[0]
    if FIRST_PERSON.match(first):
        return source[-1:] in ".?!…"
    return first[:1].isupper()
