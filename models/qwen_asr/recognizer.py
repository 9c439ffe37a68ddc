"""Recognition by Qwen3-ASR on SGLang, by way of chat: not by its /v1/realtime, which waits for two
seconds of sound at a time and takes back whole words, which Chinese has none of.

The answer is made to begin with `language Chinese<asr_text>` and the words already promised, so
that only what follows is decoded. Sound is heard anew each time, by a window that moves on: the
server remembers equal sound, not what it grew from. The room's terms come first, as the model's
system message: https://github.com/QwenLM/Qwen3-ASR calls it the context.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial

from models.base import EngineError, Hints
from models.guards.loops import looped
from models.openai.windowed import dithered, wav
from models.prompts.prompts import defused
from models.qwen_asr.hearing import Answer, Question, QwenHearing
from models.qwen_asr.tongue import Tongue
from models.sglang import errors
from models.sglang.facts import Facts, facts
from models.sglang.frames import BROKEN, Chat, End
from models.sglang.servers import Servers
from streaming.languages import NAMES, base, name
from streaming.values import BYTES_PER_SAMPLE, milliseconds, samples

# https://huggingface.co/Qwen/Qwen3-ASR-1.7B
SPOKEN = (
    "zh en yue ar de fr es pt id it ko ru th vi ja tr hi ms nl sv da fi pl cs fil fa el hu mk ro"
)
LANGUAGES = tuple(SPOKEN.split())
CODES = {NAMES[code]: code for code in LANGUAGES}
NAMED = re.compile(r"\s*language\s+(?P<language>[A-Za-z ]+?)\s*(?:<asr_text>|$)")
HEADING = re.compile(r"(?:language\s+[A-Za-z ]+?\s*)?<asr_text>")
MODEL = "Qwen3-ASR"
# A word takes 300 ms: sooner, answers are of half words; later, readers wait for whole ones.
HOP_MS, SHORTEST_HOP_MS, LONGEST_HOP_MS = 320, 160, 640
DEADLINE_S = 5.0
START_S = 120.0
LOOK = 64  # characters of an answer, at which it is seen to be a loop; and twice as many, and so on
SPARE, ROOM_FOR_S = 16, 10  # tokens of an answer, and for each second: the fastest speech has 8


class QwenAsr:
    """A `Recognizer` of thirty languages, which may be `Primed`."""

    name = "qwen-asr"
    punctuates = True

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        model: str = "",
        key: str = "",
        languages: Collection[str] = LANGUAGES,
        hop_ms: int = HOP_MS,
        deadline_s: float = DEADLINE_S,
        start_s: float = START_S,
    ) -> None:
        """`urls`: of servers of the same model; `model`: its name there, by default the only one;
        `hop_ms`: of new sound for an update; `deadline_s`: for one update; `start_s`: for a server
        that is loading.

        EngineError: it hears none of `languages`, or no such hop.
        """
        if not SHORTEST_HOP_MS <= hop_ms <= LONGEST_HOP_MS:
            raise EngineError(
                f"A hop of {hop_ms} ms is not between {SHORTEST_HOP_MS} and {LONGEST_HOP_MS}."
            )
        self.on_doubt: Callable[[str], None] = lambda what: None
        self.hop_ms = hop_ms
        self.facts = Facts(model)
        self._servers = Servers(urls, key=key, deadline_s=deadline_s)
        wanted = {base(code) for code in languages}
        self._languages = tuple(code for code in LANGUAGES if code in wanted)
        if not self._languages:
            raise EngineError(f"{MODEL} hears none of {', '.join(languages)}.")
        self._start_s = start_s
        self._usual: dict[str, str] = {}  # what each speaker spoke last
        self._hints: dict[str, Hints] = {}

    @property
    def languages(self) -> Collection[str]:
        """What it can hear, of what was asked for."""
        return self._languages

    @property
    def slots(self) -> int | None:
        """Questions at a time, of all its servers; None: they do not say."""
        return self._servers.slots

    async def start(self) -> None:
        """Find out what is there, and have it hear something. EngineError; Deaf: it does not."""
        async with self._servers.starting("recognizer", self.name, self._start_s):
            self.facts = await facts(self._servers, self.facts.model)
            if self.facts.hears is False:
                raise self._deaf()
            hum = dithered(bytes(samples(500) * BYTES_PER_SAMPLE))
            await self._ask("", Question(hum, self._languages[0]), whole=True)

    def prime(self, speaker: str, hints: Hints) -> None:
        """Take what the next segments of `speaker` may be about."""
        self._hints[speaker] = hints

    async def open(self, speaker: str, languages: Sequence[str]) -> QwenHearing:
        """A segment in one of `languages`. EngineError: it hears none of them."""
        known = [code for code in languages if base(code) in self._languages]
        if not known:
            there = ", ".join(self._languages)
            raise EngineError(f"The recognizer {self.name} hears {there}, not {languages}.")
        usual = self._usual.get(speaker, "")
        return QwenHearing(
            Tongue(known, usual if usual in known else known[0]),
            self._hints.get(speaker, Hints()),
            partial(self._ask, speaker.partition("/")[0]),
            partial(self._usual.__setitem__, speaker),
            self.on_doubt,
        )

    async def leave(self, speaker: str) -> None:
        """Forget what the speaker spoke, and spoke of."""
        self._usual.pop(speaker, None)
        self._hints.pop(speaker, None)

    async def close(self) -> None:
        """Leave no connection."""
        await self._servers.close()

    async def _ask(self, room: str, question: Question, whole: bool = False) -> Answer:
        """`whole`: to its last token, which is followed by how much was heard."""
        text, body, unlooked = "", self._body(question), LOOK
        async with aclosing(
            self._servers.stream("/v1/chat/completions", body, Chat, room)
        ) as events:
            async for event in events:
                if isinstance(event, End):
                    self._check(event)
                else:
                    text += getattr(event, "text", "")
                if len(text) > unlooked and not whole:
                    if looped(text):
                        break  # it would go on to the last token it may say
                    unlooked *= 2
        return answered(text)

    def _body(self, question: Question) -> Mapping[str, object]:
        heard = {"data": b64encode(wav(question.sound)).decode(), "format": "wav"}
        said = [{"type": "input_audio", "input_audio": heard}]
        messages: list[Mapping[str, object]] = [{"role": "user", "content": said}]
        if told := context(question.hints):
            messages.insert(0, {"role": "system", "content": told})
        if question.language is not None:
            opening = f"language {name(question.language)}<asr_text>{defused(question.begin)}"
            messages.append({"role": "assistant", "content": opening})
        seconds = milliseconds(len(question.sound) // BYTES_PER_SAMPLE) / 1000
        return {
            "model": self.facts.model,
            "messages": messages,
            "continue_final_message": question.language is not None,
            "temperature": 0,
            "max_tokens": SPARE + int(ROOM_FOR_S * seconds),
            "stream_options": {"include_usage": True},
        }

    def _check(self, end: End) -> None:
        if end.reason == "abort":
            raise errors.Aborted("The server gave its answer up.")
        if not end.counts.audio:
            raise self._deaf()

    def _deaf(self) -> errors.Deaf:
        return errors.Deaf(f"The model {self.facts.model} does not hear: it ignores sound.")


def context(hints: Hints) -> str:
    """What the model is told before it hears: what changes the least comes first, as servers
    remember beginnings."""
    return defused("\n".join(filter(None, (", ".join(hints.terms), hints.said))))


def answered(text: str) -> Answer:
    """What the model says, with the language it names, if it does."""
    named = NAMED.match(text)
    language = CODES.get(named["language"].title(), "") if named else ""
    if named and named["language"].casefold() == "none":
        return Answer("")  # it hears no speech
    text = text[named.end() :] if named else text
    return Answer(HEADING.sub("", text).replace(BROKEN, ""), language)
