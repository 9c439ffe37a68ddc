"""Recognition by Qwen3-ASR on SGLang, by way of chat: not by its /v1/realtime, which waits for two
seconds of sound at a time.

The answer is made to begin with `language Chinese<asr_text>` and the words already promised, so
that only what follows is decoded. The segment's sound is heard anew each time: the server remembers
equal sound, not what it grew from.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial

from models.base import EngineError, Heard
from models.prompts import defused
from models.sglang import errors
from models.sglang.facts import Facts, facts
from models.sglang.frames import Chat, End
from models.sglang.servers import Servers
from models.windowed import Windowed, hum, wav
from streaming.languages import NAMES, UNSPACED, base, name
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE

# https://huggingface.co/Qwen/Qwen3-ASR-1.7B
SPOKEN = (
    "zh en yue ar de fr es pt id it ko ru th vi ja tr hi ms nl sv da fi pl cs fil fa el hu mk ro"
)
LANGUAGES = tuple(SPOKEN.split())
CODES = {NAMES[code]: code for code in LANGUAGES}
ANSWER = re.compile(r"\s*language\s+(?P<language>[A-Za-z ]+?)\s*(?:<asr_text>|$)(?P<text>.*)", re.S)
MODEL = "Qwen3-ASR"
DEADLINE_S = 5.0
START_S = 120.0
SPARE, ROOM_FOR_S = 16, 10  # tokens of an answer, and for each second: the fastest speech has 8


class QwenAsr:
    """A `Recognizer` of thirty languages."""

    name = "qwen-asr"
    hop_ms = 320
    punctuates = True

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        model: str = "",
        key: str = "",
        languages: Collection[str] = LANGUAGES,
        deadline_s: float = DEADLINE_S,
        start_s: float = START_S,
    ) -> None:
        """`urls`: of servers of the same model; `model`: its name there, by default the only one;
        `deadline_s`: for one update; `start_s`: for a server that is loading.

        EngineError: it hears none of `languages`.
        """
        self.facts = Facts(model)
        self._servers = Servers(urls, key=key, deadline_s=deadline_s)
        wanted = {base(code) for code in languages}
        self._languages = tuple(code for code in LANGUAGES if code in wanted)
        if not self._languages:
            raise EngineError(f"{MODEL} hears none of {', '.join(languages)}.")
        self._start_s = start_s

    @property
    def languages(self) -> Collection[str]:
        """What it can hear, of what was asked for."""
        return self._languages

    async def start(self) -> None:
        """Find out what is there, and have it hear something. EngineError; Deaf: it does not."""
        async with self._servers.starting("recognizer", self.name, self._start_s):
            self.facts = await facts(self._servers, self.facts.model)
            if self.facts.hears is False:
                raise self._deaf()
            await self._say(hum(500), [self._languages[0]], "", "", 0.5)

    async def open(self, speaker: str, languages: Sequence[str]) -> Windowed:
        """A segment in one of `languages`. EngineError: it hears none of them."""
        known = [code for code in languages if base(code) in self._languages]
        if not known:
            there = ", ".join(self._languages)
            raise EngineError(f"The recognizer {self.name} hears {there}, not {languages}.")
        return Windowed(known[0], partial(self._transcribe, speaker.partition("/")[0], known))

    async def leave(self, speaker: str) -> None:
        """Nothing is kept of a voice."""

    async def close(self) -> None:
        """Leave no connection."""
        await self._servers.close()

    async def _transcribe(
        self, room: str, languages: Sequence[str], pcm: bytes, committed: str
    ) -> Heard:
        seconds = len(pcm) / (BYTES_PER_SAMPLE * SAMPLE_RATE)
        return await self._say(wav(pcm), languages, committed.rstrip(), room, seconds)

    async def _say(
        self, sound: bytes, languages: Sequence[str], committed: str, room: str, seconds: float
    ) -> Heard:
        heard = {"data": b64encode(sound).decode(), "format": "wav"}
        messages: list[Mapping[str, object]] = [
            {"role": "user", "content": [{"type": "input_audio", "input_audio": heard}]}
        ]
        # Which of several languages it is, is the model's to say; then nothing can be promised.
        opening = f"language {name(languages[0])}<asr_text>" if len(languages) == 1 else ""
        if opening:
            opening += defused(committed)
            messages.append({"role": "assistant", "content": opening})
        body = {
            "model": self.facts.model,
            "messages": messages,
            "continue_final_message": bool(opening),
            "temperature": 0,
            "max_tokens": SPARE + int(ROOM_FOR_S * seconds),
            "stream_options": {"include_usage": True},
        }
        text = ""
        async with aclosing(
            self._servers.stream("/v1/chat/completions", body, Chat, room)
        ) as events:
            async for event in events:
                if isinstance(event, End):
                    self._check(event)
                else:
                    text += getattr(event, "text", "")
        return _heard(text, languages, committed if opening else None)

    def _check(self, end: End) -> None:
        if end.reason == "abort":
            raise errors.Aborted("The server gave its answer up.")
        if not end.counts.audio:
            raise self._deaf()

    def _deaf(self) -> errors.Deaf:
        return errors.Deaf(f"The model {self.facts.model} does not hear: it ignores sound.")


def _heard(text: str, languages: Sequence[str], committed: str | None) -> Heard:
    """What an answer says; it follows `committed`, or None: it names its language first."""
    if committed is None:
        match = ANSWER.match(text)
        code = CODES.get(match["language"].title(), "") if match else ""
        language = next((asked for asked in languages if base(asked) == code), languages[0])
        return Heard(match["text"].strip() if match else text.strip(), language)
    text = text.replace("<asr_text>", "")
    if not committed or base(languages[0]) in UNSPACED:
        return Heard((committed + text).strip(), languages[0])
    return Heard(committed + text.rstrip(), languages[0])
