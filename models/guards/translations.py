"""What language models say instead of a translation, and how to tell.

Answers are for readers only if they are translations: not the source again, not in another script,
not cut, not endless, no remarks, no refusals, nothing of our instructions. `tidied` takes away what
stands around a translation; `wrong` says in words what is wrong with what remains; `whole` holds
back half a number or name at the end of a line that still grows. All are sums and tables without
a model; they may err, so each has its exceptions, and what is refused is asked for again.
"""

import re
from difflib import SequenceMatcher
from functools import cache

from models.base import Request
from models.guards import remarks
from models.guards.scripts import HAN, KANA, LATIN, weight, words, written
from models.prompts.wordings import BRIEF, INSTRUCTIONS
from streaming.languages import UNSPACED, base, name

Words = list[tuple[str, str]]
"""Words with their scripts."""

SPARE = 60  # letters that an answer may be longer than its source: "OK." may become a sentence
LONGER, SHORTER = 4.0, 6.0  # times as much as its source says, and times as little
FOREIGN = 0.5  # of its words
SIMILAR = 0.9  # of words that are the same

# Languages so near to each other that the same words are a translation.
_NEAR = (
    {"zh", "yue"}, {"nb", "nn", "no", "da", "sv"}, {"hr", "bs", "sr", "sl", "mk", "bg"},
    {"cs", "sk"}, {"id", "ms"}, {"es", "gl", "pt", "ca", "ast"}, {"hi", "ur"}, {"uk", "be", "ru"},
    {"nl", "af"}, {"fa", "tg"}, {"tl", "fil"},
)  # fmt: skip

_MARKUP = re.compile(  # special tokens of chats, in either kind of bar: models spell them, too
    r"<[|｜｠][^<>]{0,40}[|｜｠]?>?|</?(?:think|asr_text|tool_call|s)>|\[/?INST\]|<<?/?SYS>?>"
)
_LABEL = re.compile(
    r"^\W*(?:(?:the |english |chinese |final )*translation|translated(?: text)?"
    r"|翻译(?:结果)?|译文|中文|英文|英语|翻訳|訳文|번역|traducción|traduction|übersetzung)"
    r"(?: \([^)]*\))?\s*[:：]\s*",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "「": "」", "«": "»", "『": "』", "„": "“"}
_QUOTED = re.compile("[\"“”「」«»『』„]|``|''")
_ASIDE = re.compile(r"\s*(?:[(（][^()（）]*[)）]?|\*+\s*(?:note|注)\b.*)\s*$", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://|www\.|\S@\S+\.\w")

_LOOP = re.compile(r"([^\W\d_].{0,40}?)\1{5,}", re.DOTALL)
_NUMBER = re.compile(r"\d[\d.,:/\s]*")
# At the end; not that of a name, such as GPT-4.
_LAST = re.compile(r"(?<![A-Za-z]-)(?<![A-Za-z\d.,:/])[-+$€£¥#№]?\d[\d.,:/\s]*[%°]?\W*$")


def tidied(answer: str, request: Request) -> str:
    """The translation without what stands around it: labels, quotes, asides, special tokens.

    Nothing is taken away that the source has, too.
    """
    text = (_MARKUP.split(answer)[0] if _MARKUP.search(answer) else answer).strip()
    if not re.search(r"[:：]", request.text) and not request.prefix:
        text = _LABEL.sub("", text).removeprefix(f"{name(request.target)}:").lstrip()
    if not _QUOTED.search(request.text):
        text = _unquoted(text, request)
    if not re.search(r"[()（）]", request.text) and (bare := _ASIDE.sub("", text)):
        text = bare
    return text


def wrong(answer: str, request: Request) -> str:
    """What is wrong with an answer that follows the prefix, in a word or two; '' if nothing is."""
    text = joined(request.prefix, answer, request.target)
    source = _MARKUP.sub(" ", request.text)
    if not any(char.isalnum() for char in source):
        return ""
    if not any(char.isalnum() for char in text):
        return "" if request.prefix else "empty"
    said, told = words(source), words(text)
    checks = (
        ("loop", _loops(text, told) and not _LOOP.search(source)),
        ("length", _length(weight(text), weight(source))),
        ("remark", remarks.about_the_work(text, source)),
        ("refusal", remarks.refuses(text, source)),
        ("instructions", _instructions(text, source)),
        ("address", _ADDRESS.search(text) and not _ADDRESS.search(source)),
        ("echo", _echoes(said, told, request)),
        ("script", _foreign(said, told, request) > FOREIGN),
        ("context", _repeats(text, request)),
    )
    return next((what for what, found in checks if found), "")


def whole(answer: str, request: Request) -> str:
    """The answer without a number or a term at its end of which more may come.

    "20" may be the beginning of "2026": a last number waits until its source goes on after it.
    """
    if request.final:
        return answer
    for _, meaning in request.glossary:
        if cut := _half(answer, meaning):
            return answer[:-cut].rstrip()
    found = _LAST.search(answer)
    if found is None:
        return answer
    said = _NUMBER.finditer(request.text)
    ends = (one.end() for one in said if _digits(one[0]) == _digits(found[0]))
    if any(char.isalnum() for end in ends for char in request.text[end:]):
        return answer
    return answer[: found.start()].rstrip()


def joined(prefix: str, answer: str, target: str) -> str:
    """The line that a prefix and what follows it make."""
    if not prefix or not answer or base(target) in UNSPACED or prefix[-1].isspace():
        return prefix + answer
    return f"{prefix} {answer}" if answer[0].isalnum() else prefix + answer


def _unquoted(text: str, request: Request) -> str:
    close = _QUOTES.get(text[:1])
    if close and not request.prefix:
        if text.endswith(close) and len(text) > 1:
            return text[1:-1].strip()
        if not request.final and close not in text[1:]:
            return text[1:].lstrip()
    return text


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _half(answer: str, meaning: str) -> int:
    """How many characters at the end are the beginning of a term, and not all of it."""
    known, text = meaning.casefold(), answer.casefold()
    if text.endswith(known):
        return 0
    for size in range(min(len(known) - 1, len(text)), 1, -1):
        if text.endswith(known[:size]) and not (len(text) > size and text[-size - 1].isalnum()):
            return size
    return 0


def _length(told: float, said: float) -> bool:
    return told > SPARE + LONGER * said or SPARE / 2 + SHORTER * told < said


def _grams(text: str) -> set[tuple[str, ...]]:
    said = re.findall(r"\w+", text.casefold())
    return {tuple(said[n : n + 6]) for n in range(len(said) - 5)}


_OURS = _grams(INSTRUCTIONS.replace("{source} into {target}", "")) | _grams(BRIEF)


def _instructions(text: str, source: str) -> bool:
    return not _OURS.isdisjoint(_grams(text) - _grams(source))


@cache
def _near(a: str, b: str) -> bool:
    return base(a) == base(b) or any({base(a), base(b)} <= group for group in _NEAR)


def _loops(text: str, told: Words) -> bool:
    if len(told) < 6 or 2 * len({word for word, _ in told}) > len(told):
        return False  # much faster than to look
    return bool(_LOOP.search(text))


def _echoes(said: Words, told: Words, request: Request) -> bool:
    """The source again. A name, a number or two words may be the same in both languages."""
    if _near(request.source, request.target):
        return False
    ordinary = [of for word, of in said if of and (of != LATIN or word.islower())]
    if len(ordinary) < (6 if ordinary[:1] in ([HAN], [KANA]) else 4):
        return False
    theirs = written(request.source)
    if 2 * sum(of not in theirs for _, of in said) > len(said):
        return False  # said in the reader's own language: it stays as it is
    a, b = [word.casefold() for word, _ in said], [word.casefold() for word, _ in told]
    if 2 * len(set(a) & set(b)) < len(set(a)):
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= SIMILAR


def _foreign(said: Words, told: Words, request: Request) -> float:
    """The share of words that the target is not written in; names and what was said so aside."""
    theirs, ours = written(request.source), written(request.target)
    if all(of in ours for _, of in told):
        return 0.0
    known = {word.casefold() for _, meaning in request.glossary for word, _ in words(meaning)}
    known |= {word.casefold() for word, of in said if of not in theirs}
    counted = [
        of not in ours
        for word, of in told
        if of and word.casefold() not in known and (of in ours or of != LATIN or word.islower())
    ]
    return sum(counted) / len(counted) if counted else 0.0


def _repeats(text: str, request: Request) -> bool:
    """An older line again, though something else was said."""
    told = text.casefold().strip(" .。!！?？")
    if weight(told) < SPARE / 2:
        return False
    for pair in request.context:
        ours = base(pair.source) == base(request.source)
        source, target = (pair.text, pair.translation) if ours else (pair.translation, pair.text)
        if target.casefold().strip(" .。!！?？") != told:
            continue
        if SequenceMatcher(None, source, request.text, autojunk=False).ratio() < 0.6:
            return True
    return False
