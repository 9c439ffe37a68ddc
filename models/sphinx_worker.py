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
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct("<II")  # bytes of JSON, bytes of audio
NICE = 2  # the server, which receives the audio, goes first; more would starve the captions
# A speaker's first half second says how loud and how coloured his microphone is. With that as the
# cepstral mean a fifth fewer words are wrong than with pocketsphinx's own first guess.
PROBE_BYTES = 16_000
# Decoding frames in pairs (ds) and following fewer paths (maxhmmpf) is cheaper and as accurate;
# the second and third pass would take 400 ms after the last word.
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
    """A decoder, and whose voice it has adapted to."""

    decoder: Any
    means: str
    """The cepstral mean it was born with."""
    speaker: str | None = None
    adapted: bool = False
    open: bool = False
    waiting: bytearray = field(default_factory=bytearray)
    """The first audio of a new speaker, until there is enough to adapt to."""

    @classmethod
    def load(cls) -> "Voice":
        """Load the model that is inside pocketsphinx's wheel: 100 MB and half a second."""
        from pocketsphinx import Decoder

        decoder = Decoder(**SETTINGS)
        decoder.add_keyphrase("probe", "hello")
        return cls(decoder, decoder.get_cmn())

    def belong(self, speaker: str | None) -> None:
        """Forget the last speaker; from now on it is this one's, or nobody's."""
        self.cut()
        self.decoder.set_cmn(self.means)
        self.speaker, self.adapted = speaker, False

    def cut(self) -> None:
        """End the segment, if one is open, and forget what it said."""
        if self.open:
            self.decoder.end_utt()
        self.open = False
        self.waiting.clear()

    def hear(self, pcm: bytes) -> str:
        """The words so far."""
        if not self.adapted:
            self.waiting += pcm
            if len(self.waiting) < PROBE_BYTES:
                return ""
            pcm = self._adapt()
        self._decode(pcm)
        return self._words()

    def finish(self, pcm: bytes) -> str:
        """The words of the whole segment, which is closed."""
        if not self.adapted:
            self.waiting += pcm
            pcm = self._adapt() if len(self.waiting) >= PROBE_BYTES else bytes(self.waiting)
        self._decode(pcm)
        self.decoder.end_utt()
        self.open = False
        self.waiting.clear()
        return self._words()

    def _adapt(self) -> bytes:
        """Take the mean of what waits, which is returned. A search for a single word, in place of
        the whole language, makes the decoder compute it in 20 ms."""
        pcm = bytes(self.waiting)
        self.waiting.clear()
        self.decoder.activate_search("probe")
        self.decoder.start_utt()
        self.decoder.process_raw(pcm[: 2 * PROBE_BYTES], no_search=True, full_utt=True)
        mean = self.decoder.get_cmn()
        self.decoder.end_utt()
        self.decoder.activate_search()
        self.decoder.set_cmn(mean)
        self.adapted = True
        return pcm

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
