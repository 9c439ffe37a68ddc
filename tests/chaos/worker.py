"""The process of a recognizer, asked as pocketsphinx's is: it hears sentences by their loudness."""

import json
import socket
import sys
from contextlib import suppress

from models.embedded.sphinx_worker import HEADER, pack
from tests.chaos.sentences import heard


def main() -> None:
    """Answer until the server is gone."""
    server = socket.socket(fileno=int(sys.argv[2]))
    stream = server.makefile("rb")
    sounds: dict[str, bytes] = {}
    with suppress(OSError):  # the server may be gone by now
        server.sendall(pack([0, "", ""]))
    while len(lengths := stream.read(HEADER.size)) == HEADER.size:
        text, audio = HEADER.unpack(lengths)
        number, verb, speaker = json.loads(stream.read(text))
        pcm, words = stream.read(audio), ""
        if verb in ("join", "cut"):
            sounds[speaker] = b""
        elif verb == "leave":
            sounds.pop(speaker, None)
        else:
            sounds[speaker] = sounds.get(speaker, b"") + pcm
            words = heard(sounds[speaker], whole=verb == "finish")
        if verb == "finish":
            sounds[speaker] = b""
        try:
            server.sendall(pack([number, words, ""]))
        except OSError:
            return


if __name__ == "__main__":
    main()
