"""Engines that need nothing and always answer the same, for tests and load.

The recognizer says the words of a fixed text as audio arrives; the translator marks each word with
its language. Both can be told to be slow, to fail, to hang, to crash and to talk nonsense.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, islice
from zlib import crc32

from models.base import EngineError, Heard, Request
from models.glossary import split
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko", "ru", "ar")
UNSPACED = {
    "zh": "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去",
    "ja": "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよら",
}
NONSENSE = "\x00\x1b[2J\u202e" + "la" * 40 + "\ufffd\n"
TEXT = (
    "Good morning, everybody, and thank you for coming. Let me show you the new glasses first. "
    "The display is very small, but you can read a whole line of text on it. "
    "We began with a camera and a heavy battery, and nobody wanted to wear it for an hour. "
    "What does the battery weigh now? About nine grams, and it lasts for most of a working day. "
    "The words appear while somebody is talking, so you never lose the thread of a conversation. "
    "If the network goes away, a smaller model takes over, and you will hardly notice the change. "
    "Next week we are going to visit the factory, where the lenses are cut and polished by hand. "
    "Please ask your questions at any time, because it is much easier to answer them at once."
)
SPEECH = TEXT.split()
BARE = [word.strip(",.?").lower() for word in SPEECH]
CHINESE = "大家早上好感谢你们今天来这里先给你们看新眼镜屏幕很小但是可以读完整的一行字请随时提问"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, by the number of the call to the engine: 1 is its first.

    `range(3, 10**9)` is a collection too: everything from the third call on.
    """

    fail: Collection[int] = ()
    """These calls raise EngineError."""
    hang: Collection[int] = ()
    """These calls never return, and end when they are cancelled."""
    crash: Collection[int] = ()
    """These calls raise EngineError, and so does every segment that was open at the time."""
    nonsense: Collection[int] = ()
    """These calls answer control characters and repetitions."""


class _Engine:
    """Counts calls, and makes the wrong ones go wrong."""

    def __init__(self, faults: Faults) -> None:
        self.calls = 0
        """How often it has been asked, failures included."""
        self.crashes = 0
        self._faults = faults

    async def _work(self, ms: float) -> bool:
        """One call: take `ms`; False if the answer should be nonsense. EngineError: as told."""
        self.calls += 1
        call, faults = self.calls, self._faults
        if ms:
            await asyncio.sleep(ms / 1000)
        if call in faults.hang:
            await asyncio.Event().wait()
        if call in faults.crash:
            self.crashes += 1
            raise EngineError(f"The scripted engine crashed in call {call}, as it was told to.")
        if call in faults.fail:
            raise EngineError(f"The scripted engine failed in call {call}, as it was told to.")
        return call not in faults.nonsense


class ScriptedRecognizer(_Engine):
    """A `Recognizer` that hears as many words as the audio is long, whatever it sounds like."""

    name = "scripted"

    def __init__(
        self,
        segments: Sequence[Sequence[str | Heard]] = (),
        *,
        languages: Collection[str] = LANGUAGES,
        hop_ms: int = 320,
        punctuates: bool = False,
        words_per_second: float = 2.5,
        revise: int = 0,
        recognize_ms: float = 0,
        finish_ms: float = 0,
        faults: Faults | None = None,
    ) -> None:
        """`segments`: what each successive segment says, update by update, the last one for good;
        after them, and without them, words of a fixed text that differs by speaker and segment.
        `revise`: the last word of every so many updates is wrong, and right in the next; 0: never.
        """
        super().__init__(faults or Faults())
        self.languages = languages
        self.hop_ms = hop_ms
        self.punctuates = punctuates
        self.words_per_second = words_per_second
        self.revise = revise
        self.recognize_ms = recognize_ms
        self.finish_ms = finish_ms
        self._segments = iter(segments)
        self._spoken: Counter[str] = Counter()

    async def start(self) -> None:
        """Nothing to load."""

    async def open(self, speaker: str, languages: Sequence[str]) -> "ScriptedHearing":
        """A segment, in the first of `languages` unless the script says another."""
        if not languages or not set(languages) <= set(self.languages):
            raise EngineError(f"The scripted engine does not hear {languages}.")
        count = self._spoken[speaker]
        self._spoken[speaker] += 1
        # A prime stride, so that neither two segments nor two speakers say the same at once.
        first = crc32(speaker.encode()) + 13 * count
        return ScriptedHearing(self, languages[0], first, next(self._segments, ()))

    async def leave(self, speaker: str) -> None:
        """The speaker's next segment is his first again."""
        self._spoken.pop(speaker, None)

    async def close(self) -> None:
        """Nothing to stop."""


class ScriptedHearing:
    """A `Hearing` that follows its script, or else says a word for every 400 ms."""

    def __init__(
        self, engine: ScriptedRecognizer, language: str, first: int, script: Sequence[str | Heard]
    ) -> None:
        self._engine = engine
        self._language = language
        self._first = first
        self._script = script
        self._crashes = engine.crashes
        self._updates = 0
        self._samples = 0

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """The hypothesis after `pcm`. EngineError: as told."""
        sane = await self._take(pcm, self._engine.recognize_ms)
        self._updates += 1
        if not sane:
            return Heard(NONSENSE, self._language)
        if self._script:
            return self._scripted(self._script[min(self._updates, len(self._script)) - 1])
        every = self._engine.revise
        return self._words(wrong=every > 0 and self._updates % every == 0)

    async def finish(self, pcm: bytes) -> Heard:
        """The whole segment, never with a wrong word. EngineError: as told."""
        if not await self._take(pcm, self._engine.finish_ms):
            return Heard(NONSENSE, self._language)
        return self._scripted(self._script[-1]) if self._script else self._words(wrong=False)

    async def close(self) -> None:
        """Nothing to free."""

    async def _take(self, pcm: bytes, ms: float) -> bool:
        self._samples += len(pcm) // BYTES_PER_SAMPLE
        sane = await self._engine._work(ms)
        if self._crashes != self._engine.crashes:
            raise EngineError("The scripted engine has crashed since this segment was opened.")
        return sane

    def _scripted(self, said: str | Heard) -> Heard:
        return said if isinstance(said, Heard) else Heard(said, self._language)

    def _words(self, *, wrong: bool) -> Heard:
        count = int(self._samples * self._engine.words_per_second / SAMPLE_RATE)
        source: Sequence[str] = SPEECH if self._engine.punctuates else BARE
        if self._language in UNSPACED:
            source = CHINESE
        first = self._first % len(source)
        words = [*islice(cycle(source), first, first + count)]
        if wrong and words:
            words[-1] += "的" if self._language in UNSPACED else "s"
        return Heard(("" if self._language in UNSPACED else " ").join(words), self._language)


class ScriptedTranslator(_Engine):
    """A `Translator` that marks every word: "good day." in Spanish is "good-es day-es.".

    Chinese and Japanese get one character for each word, and no spaces.
    """

    name = "scripted"

    def __init__(
        self,
        *,
        languages: Collection[str] = LANGUAGES,
        forces_prefix: bool = True,
        revise: bool = False,
        translate_ms: float = 0,
        word_ms: float = 0,
        faults: Faults | None = None,
    ) -> None:
        """`translate_ms`: until the first piece, which holds all of the hypothesis that was right;
        `word_ms`: for each word after it; 0: all comes at once. `revise`: the last word is another
        one while more may come.
        """
        super().__init__(faults or Faults())
        self.pairs: Collection[tuple[str, str]] = dict.fromkeys(
            (a, b) for a in languages for b in languages if a != b
        )
        self.forces_prefix = forces_prefix
        self.revise = revise
        self.translate_ms = translate_ms
        self.word_ms = word_ms

    async def start(self) -> None:
        """Nothing to load."""

    async def translate(self, request: Request) -> AsyncIterator[str]:
        """Word by word, after what was verified of the hypothesis. EngineError: as told."""
        if (request.source, request.target) not in self.pairs:
            raise EngineError(f"The scripted engine has no {request.source}-{request.target}.")
        if not await self._work(self.translate_ms):
            yield NONSENSE
            return
        pieces = self._pieces(request)
        if not self.word_ms:
            yield "".join(pieces)
            return
        verified, joined = 0, ""
        while verified < len(pieces) and request.hypothesis.startswith(joined + pieces[verified]):
            joined += pieces[verified]
            verified += 1
        if joined:
            yield joined
        for piece in pieces[verified:]:
            await asyncio.sleep(self.word_ms / 1000)
            yield piece

    async def close(self) -> None:
        """Nothing to stop."""

    def _pieces(self, request: Request) -> list[str]:
        """What comes after the prefix, each piece a word with the space before it."""
        words = words_of(request, revise=self.revise and not request.final)
        space = "" if request.target in UNSPACED else " "
        prefix = request.prefix if self.forces_prefix else ""
        done = len(prefix) if not space else len(prefix.split())
        rest = words[done:]
        first = space if prefix and not prefix.endswith(" ") else ""
        return [(space if n else first) + word for n, word in enumerate(rest)]


def words_of(request: Request, *, revise: bool = False) -> list[str]:
    """The translation as words, or as characters where the target has no spaces."""
    words: list[str] = []
    for piece, wanted in split(request.text, request.glossary):
        if wanted is not None:
            words += wanted if request.target in UNSPACED else wanted.split()
        elif request.source in UNSPACED:
            units = (f"u{ord(unit):x}" if unit.isalnum() else unit for unit in piece.strip())
            words += [_translated(unit, request.target) for unit in units]
        else:
            words += [_translated(word, request.target) for word in piece.split()]
    if revise and words:
        words[-1] = words[-1][::-1] if len(words[-1]) > 1 else "也"
    return words


@lru_cache(10_000)
def _translated(word: str, target: str) -> str:
    """One word, its marks left where they were."""
    if target in UNSPACED:
        letters = UNSPACED[target]
        return letters[crc32(word.strip(",.?!").lower().encode()) % len(letters)]
    return re.sub(r"\w(?:.*\w)?", lambda match: f"{match[0]}-{target}", word, count=1)
