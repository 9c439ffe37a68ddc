"""One process of pocketsphinx: a decoder for each of its few speakers, asked over a socket.

    request:  frame of [id, verb, speaker] + audio      reply:  frame of [id, text or error]

It is a process because the decoder never lets go of Python's lock, and because a crash of C code
must cost nobody else a sentence. It reads from a socket and decodes, in turn, until the other end
is closed, which happens however the server dies.
"""

import json
import os
import re
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct("<II")  # bytes of JSON, bytes of audio
NICE = 2  # the server, which receives the audio, goes first; more would starve the captions
# Of an unknown voice pocketsphinx gets .34 of the words wrong with its own first guess of loudness
# and colour, and .17 with the cepstral mean of the first 700 ms, taken again at 1.2 and 2.4 s (27
# clips). Each time, what was heard is heard anew.
BYTES_PER_MS = 32
RETAKES = (700 * BYTES_PER_MS, 1200 * BYTES_PER_MS, 2400 * BYTES_PER_MS)
SHORTEST = 300 * BYTES_PER_MS  # of a segment that ends before the first
SILENCE = 200 * BYTES_PER_MS  # before the words: it would say something else
# Scoring every other frame (ds) and following fewer paths (maxhmmpf) halves the cost, and what it
# loses cannot be told from 371 words (.160 wrong, .155 without); the second and third pass would
# take 400 ms after the last word.
SETTINGS = {"fwdflat": False, "bestpath": False, "ds": 2, "maxhmmpf": 5000, "loglevel": "FATAL"}

NOT_WORDS = re.compile(r"<[^>]*>|\[[^]]*\]|\+\+[^+]*\+\+")
VARIANT = re.compile(r"\(\d+\)")  # "the(2)": another way to pronounce it
FIRST_PERSON = re.compile(r"\bi(?=$|\s|')")


def tidy(hypothesis: str) -> str:
    """A hypothesis as it should be read: words alone, in lower case but for "I".

    >>> tidy("<s> i'm the(2) [NOISE] first")
    "I'm the first"
    """
    words = VARIANT.sub("", NOT_WORDS.sub(" ", hypothesis.lower())).split()
    return FIRST_PERSON.sub("I", " ".join(words))


@dataclass
class Voice:
    """A decoder, and whose voice it is getting used to."""

    decoder: Any
    speaker: str | None = None
    open: bool = False
    """The decoder has begun a segment."""
    retakes: list[int] = field(default_factory=lambda: list(RETAKES))
    """When the mean is still to be taken, in bytes heard of a segment."""
    audio: bytearray = field(default_factory=bytearray)
    """The segment, while its mean may still be taken."""

    @classmethod
    def load(cls) -> "Voice":
        """Load the model that is inside pocketsphinx's wheel: 100 MB and half a second."""
        from pocketsphinx import Decoder

        decoder = Decoder(**SETTINGS)
        decoder.add_keyphrase("probe", "hello")
        return cls(decoder)

    def belong(self, speaker: str | None) -> None:
        """Forget the last speaker; from now on it is this one's, or nobody's."""
        self.cut()
        # Not set_cmn with the mean it was born with, which would weigh as much as 5 s of speech.
        self.decoder.reinit_feat()
        self.speaker, self.retakes = speaker, list(RETAKES)

    def cut(self) -> None:
        """End the segment, if one is open, and forget what it said."""
        if self.open:
            self.decoder.end_utt()
        self.open = False
        self.audio.clear()

    def hear(self, pcm: bytes) -> str:
        """The words so far; none before there is a first mean."""
        if self.retakes:
            self.audio += pcm
            if len(self.audio) >= self.retakes[0]:
                self.retakes = [size for size in self.retakes if size > len(self.audio)]
                pcm = self._retake()
            elif self._unknown:
                return ""
        self._decode(pcm)
        return self._words()

    def finish(self, pcm: bytes) -> str:
        """The words of the whole segment, which is closed."""
        self.audio += pcm
        if self._unknown:
            pcm = self._retake() if len(self.audio) >= SHORTEST else bytes(self.audio)
        self._decode(pcm)
        words = self._end()
        self.audio.clear()
        return words

    @property
    def _unknown(self) -> bool:
        return len(self.retakes) == len(RETAKES)

    def _retake(self) -> bytes:
        """Take the mean of the segment so far, which is returned to be heard anew. A search for a
        single word, in place of the whole language, makes the decoder compute it in 30 ms a second.
        """
        if self.open:
            self._end()
        self.decoder.reinit_feat()
        self.decoder.activate_search("probe")
        self.decoder.start_utt()
        sample = bytes(self.audio[SILENCE : SILENCE + RETAKES[-1]])
        self.decoder.process_raw(sample, no_search=True, full_utt=True)
        mean = self.decoder.get_cmn()
        self.decoder.end_utt()
        self.decoder.activate_search()
        self.decoder.set_cmn(mean)
        return bytes(self.audio)

    def _end(self) -> str:
        self.decoder.end_utt()
        self.open = False
        return self._words()

    def _decode(self, pcm: bytes) -> None:
        if not self.open:
            self.decoder.start_utt()
            self.open = True
        if pcm:
            self.decoder.process_raw(pcm, no_search=False, full_utt=False)

    def _words(self) -> str:
        found = self.decoder.hyp()
        return tidy(found.hypstr) if found else ""


class Worker:
    """Answers requests one by one, each for one of its voices."""

    def __init__(self, voices: int) -> None:
        self.voices = [Voice.load() for _ in range(voices)]

    def answer(self, verb: str, speaker: str, pcm: bytes) -> str:
        """Do `verb` for `speaker`. LookupError: he has no voice here, or there is no such verb."""
        if verb == "join":
            self._voice(None).belong(speaker)
            return ""
        voice = self._voice(speaker)
        if verb == "hear":
            return voice.hear(pcm)
        if verb == "finish":
            return voice.finish(pcm)
        if verb == "cut":
            voice.cut()
        elif verb == "leave":
            voice.belong(None)
        else:
            raise LookupError(f"no verb {verb!r}")
        return ""

    def _voice(self, speaker: str | None) -> Voice:
        for voice in self.voices:
            if voice.speaker == speaker:
                return voice
        raise LookupError(f"no voice for {speaker!r}")


def pack(head: list[Any], pcm: bytes = b"") -> bytes:
    """A frame: both lengths, the head as JSON, the audio."""
    text = json.dumps(head).encode()
    return HEADER.pack(len(text), len(pcm)) + text + pcm


def serve(server: socket.socket, voices: int) -> None:
    """Say that the models are loaded, then answer until the server is gone."""
    worker = Worker(voices)
    stream = server.makefile("rb")
    with suppress(OSError):  # the server may be gone by now
        server.sendall(pack([0, "", ""]))
    while len(lengths := stream.read(HEADER.size)) == HEADER.size:
        text, audio = HEADER.unpack(lengths)
        number, verb, speaker = json.loads(stream.read(text))
        pcm = stream.read(audio)
        try:
            reply = [number, worker.answer(verb, speaker, pcm), ""]
        except (LookupError, RuntimeError, ValueError) as error:  # the decoder's own are these
            reply = [number, "", f"{type(error).__name__}: {error}"]
        try:
            server.sendall(pack(reply))
        except OSError:
            return


if __name__ == "__main__":
    os.nice(NICE)
    serve(socket.socket(fileno=int(sys.argv[2])), int(sys.argv[1]))
