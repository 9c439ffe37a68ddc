"""Recognition by any server with OpenAI's /v1/audio/transcriptions.

The whole segment is heard each time, and nothing promised can be continued.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import aiohttp
import msgspec

from models.base import EngineError, Heard
from models.foreign import decoded
from models.openai.windowed import Windowed, hum, wav
from models.sglang import errors
from models.sglang.facts import facts
from models.sglang.servers import Servers
from models.sglang.sse import failure
from streaming.languages import base

START_S = 120.0


class Transcriptions:
    """A `Recognizer` of whatever the server hears, in its own name."""

    name = "openai"
    hop_ms = 640
    punctuates = True

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        model: str = "",
        key: str = "",
        languages: Collection[str] = ("en", "zh"),
        deadline_s: float = 5.0,
        start_s: float = START_S,
    ) -> None:
        """`urls`: of servers of the same model; `model`: its name there, by default the only one;
        `languages`: what it hears, as it cannot say; `deadline_s`: for one update; `start_s`: for
        a server that is loading."""
        self.on_doubt: Callable[[str], None] = lambda what: None
        self._servers = Servers(urls, key=key, deadline_s=deadline_s)
        self._model, self._languages, self._start_s = model, tuple(languages), start_s

    @property
    def languages(self) -> Collection[str]:
        """Those asked for."""
        return self._languages

    @property
    def slots(self) -> int | None:
        """Questions at a time, of all its servers; None: they do not say."""
        return self._servers.slots

    async def start(self) -> None:
        """Find out what is there, and have it hear something. EngineError; Deaf: it cannot."""
        async with self._servers.starting("recognizer", self.name, self._start_s):
            known = await facts(self._servers, self._model)
            self._model = known.model
            if known.hears is False:
                raise errors.Deaf(f"The model {known.model} does not hear.")
            await self._say(hum(500), self._languages[0], "")

    async def open(self, speaker: str, languages: Sequence[str]) -> Windowed:
        """A segment in the first of `languages`. EngineError: it hears none of them."""
        known = [code for code in languages if {code, base(code)} & {*self._languages}]
        if not known:
            there = ", ".join(self._languages)
            raise EngineError(f"The recognizer {self.name} hears {there}, not {languages}.")
        transcribe = partial(self._transcribe, speaker.partition("/")[0], known[0])
        return Windowed(known, transcribe, self.on_doubt)

    async def leave(self, speaker: str) -> None:
        """Nothing is kept of a voice."""

    async def close(self) -> None:
        """Leave no connection."""
        await self._servers.close()

    async def _transcribe(self, room: str, language: str, pcm: bytes, committed: str) -> Heard:
        return await self._say(wav(pcm), language, room)

    async def _say(self, sound: bytes, language: str, room: str) -> Heard:
        def form() -> aiohttp.FormData:
            made = aiohttp.FormData()
            made.add_field("file", sound, filename="segment.wav", content_type="audio/wav")
            fields = {"model": self._model, "language": base(language), "temperature": "0"}
            for field, value in {**fields, "response_format": "json"}.items():
                made.add_field(field, value)
            return made

        # Not streamed: SGLang would cut the sound into pieces of two seconds and hear each of them.
        data = await self._servers.ask("/v1/audio/transcriptions", form, room)
        if failed := failure(data):
            raise errors.of_status("The recognizer", failed.code, failed.message)
        try:
            return Heard(decoded(data, _Transcript).text.strip(), language)
        except ValueError as error:
            raise errors.Garbage(f"The recognizer answers garbage: {error}.") from error


class _Transcript(msgspec.Struct):
    text: str
