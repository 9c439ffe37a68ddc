"""Names and terms, and what each is called in other languages, as people write them down.

    [[term]]
    en = "interpreter"
    es = "intérprete"
    zh = "口译员"

A term serves every pair of its languages. Which of them occur in a text is found by the longest
match from the left: whole words where words are spaced, in any case and with an -s, -es or 's more
than the glossary has, in English also as -ed, -ing and -ies ("coding" is found by "code"); anywhere
where they are not, and in Korean, whose particles join the word.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from . import languages
from .clean import clean
from .units import joins, stands_alone

MOST_TERMS = 5_000
LONGEST = 100  # characters of one form
MOST_ENTRIES = 20  # that a prompt is given, so that they stay few beside the text itself

Term = Mapping[str, str]
"""Language code to form."""

_Known = dict[tuple[str, str, str], tuple[str, str]]
"""What a form in one language means in another, and the name of the term that says so."""

_HEADER = re.compile(r"\s*\[\[\s*term\s*\]\]")


class GlossaryError(ValueError):
    """The glossary cannot be used; the sentence names the line or the term, and what to write."""


class _Form(NamedTuple):
    """One form of a term, as it is looked for and as it was written."""

    folded: str
    written: str
    term: Term


class Glossary:
    """Terms, ready to be looked up."""

    def __init__(self, terms: Sequence[Term] = ()) -> None:
        self.terms = tuple(terms)
        self._by_start: dict[str, dict[str, list[_Form]]] = {}
        for term in terms:
            for code, form in term.items():
                starts = self._by_start.setdefault(languages.base(code), {})
                starts.setdefault(_first(form), []).append(_Form(_fold(form), form, term))
        for starts in self._by_start.values():
            for forms in starts.values():
                forms.sort(key=lambda form: -len(form.folded))

    def entries_for(self, text: str, source: str, target: str) -> tuple[tuple[str, str], ...]:
        """The terms that occur in `text`, in order, as (form in `source`, form in `target`).

        At most 20, each once; terms that have no form in `target` are passed over. A code with a
        region or script also finds the forms of its language: "pt-BR" those of "pt".
        """
        starts = self._by_start.get(languages.base(source))
        if not starts:
            return ()
        found: dict[tuple[str, str], None] = {}
        text, past = _fold(text), 0
        english = languages.base(source) == "en"
        for place, word in _words(text):
            if place < past or len(found) == MOST_ENTRIES:
                continue
            for form in _candidates(starts, word, english):
                end, meant = _ends(text, place, form.folded, english), _meant(form.term, target)
                if end and meant:
                    found[form.written, meant] = None
                    past = end
                    break
        return tuple(found)


def parse(text: str) -> Glossary:
    """Read a glossary's TOML. GlossaryError says what is wrong, and where."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, numbers of 4,300 digits
        raise GlossaryError(f"the glossary is not TOML: {error}") from error
    terms = table.pop("term", [])
    if table:
        raise GlossaryError(
            f"unknown key {next(iter(table))[:40]!r}: every term begins with [[term]]"
        )
    if not isinstance(terms, list) or not all(isinstance(term, dict) for term in terms):
        raise GlossaryError('terms are written [[term]], each followed by lines like en = "word"')
    if len(terms) > MOST_TERMS:
        raise GlossaryError(f"{len(terms)} terms are too many: at most {MOST_TERMS}")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    known: _Known = {}
    checked = []
    for number, term in enumerate(terms, 1):
        line = f" (line {lines[number - 1]})" if len(lines) == len(terms) else ""
        checked.append(_check(f"term {number}{line}", term, known))
    return Glossary(checked)


def _check(name: str, term: dict[str, object], known: _Known) -> Term:
    """The term's forms, checked by themselves and against those before it."""
    if len(term) < 2:
        raise GlossaryError(f"{name}: needs two languages or more")
    forms = {code: _checked(name, code, form) for code, form in term.items()}
    for source, form in forms.items():
        for target, meant in forms.items():
            if source != target:
                before, other = known.setdefault((source, target, _fold(form)), (meant, name))
                if before != meant:
                    raise GlossaryError(
                        f"{name}: {source} {form!r} is {target} {meant!r} here and {before!r} "
                        f"in {other}: keep one"
                    )
    return forms


def _checked(name: str, code: str, form: object) -> str:
    try:
        languages.check(code)
    except ValueError as error:
        raise GlossaryError(f"{name}: {error}") from error
    text = clean(form, LONGEST + 1) if isinstance(form, str) else ""
    if not any(map(_is_word, text)):
        raise GlossaryError(f"{name}: {code} needs a word in quotes")
    if len(text) > LONGEST:
        raise GlossaryError(f"{name}: {code} is longer than {LONGEST} characters")
    return text


def _meant(term: Term, code: str) -> str | None:
    """The term in a language: the form asked for, or any other of that language."""
    own = [form for known, form in term.items() if languages.base(known) == languages.base(code)]
    return term.get(code) or next(iter(own), None)


def _fold(text: str) -> str:
    """The text in one case and one spelling of apostrophes and spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace("’", "'").split())


def _is_word(char: str) -> bool:
    return char.isalnum() or joins(char)


def _alone(char: str) -> bool:
    """The character begins or ends a match whatever is beside it."""
    return stands_alone(char) or "\uac00" <= char <= "\ud7af"


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Where a match may begin, and the word there: a whole one, or one character standing alone."""
    place = 0
    while place < len(text):
        end = place + 1
        if _is_word(text[place]):
            if not _alone(text[place]):
                while end < len(text) and _is_word(text[end]) and not _alone(text[end]):
                    end += 1
            yield place, text[place:end]
        place = end


def _first(form: str) -> str:
    """The word that a form is found by."""
    return next(word for _, word in _words(_fold(form)))


def _stems(word: str, english: bool) -> Iterator[str]:
    """What a word may be a form of: itself first, and much that is no word at all."""
    yield word
    for ending in ("s", "es"):
        if word.endswith(ending):
            yield word.removesuffix(ending)
    if not english or len(word) < 5:
        return
    if word.endswith(("ies", "ied")):
        yield word[:-3] + "y"
    for ending in ("ed", "ing"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2:
            yield stem
            yield stem + "e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]


def _candidates(starts: Mapping[str, list[_Form]], word: str, english: bool) -> Iterator[_Form]:
    """The forms that may begin at a word, inflected or not; the longest first."""
    for stem in _stems(word, english):
        yield from starts.get(stem, ())


def _ends(text: str, place: int, form: str, english: bool) -> int | None:
    """Where a form found by the word at `place` ends; None if it is not there as whole words."""
    begin = place - next(at for at, _ in _words(form))
    last = "" if _alone(form[-1]) else _last(form)
    head = len(form) - len(last)
    if begin < 0 or not text.startswith(form[:head], begin):
        return None
    end = begin + head
    if last:
        word = next((word for at, word in _words(text[end : end + 2 * LONGEST]) if at == 0), "")
        if last not in _stems(word, english):
            return None
        end += len(word)
        return end + 2 if text.startswith("'s", end) and not _continues(text, end + 2) else end
    return end if _alone(form[-1]) or not _continues(text, end) else None


def _last(form: str) -> str:
    """The word that ends a form; '' if a sign does."""
    at, word = list(_words(form))[-1]
    return word if at + len(word) == len(form) else ""


def _continues(text: str, place: int) -> bool:
    """A spaced word goes on at `place`."""
    return place < len(text) and _is_word(text[place]) and not _alone(text[place])
