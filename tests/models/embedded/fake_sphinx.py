"""A stand-in for pocketsphinx's worker: hears how many bytes each segment has, and words as orders.

Audio that is text is obeyed: b"crash", b"hang", b"rave" (nonsense), b"refuse" (an error), b"slow"
(a second).
"""

import json
import os
import signal
import socket
import struct
import sys
import time

HEADER = struct.Struct("<II")
RAVINGS = {
    b"rave": json.dumps([999_999, "whose?", ""]).encode(),
    b"json": b"not JSON",
    b"type": json.dumps([1, None, 7]).encode(),
}


def send(server: socket.socket, text: bytes, size: int | None = None) -> None:
    server.sendall(HEADER.pack(len(text) if size is None else size, 0) + text)


def main() -> None:
    voices, server = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    heard: dict[str, int] = {}
    stream = server.makefile("rb")
    send(server, json.dumps([0, "", ""]).encode())
    while head := stream.read(HEADER.size):
        text, audio = HEADER.unpack(head)
        number, verb, speaker = json.loads(stream.read(text))
        pcm, error = stream.read(audio), ""
        if verb == "join":
            heard[speaker] = 0
            assert len(heard) <= voices
        elif verb == "leave":
            del heard[speaker]
        elif verb == "cut":
            heard[speaker] = 0
        elif pcm == b"crash":
            os._exit(1)
        elif pcm == b"slow":
            time.sleep(1)
        elif pcm == b"hang":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif pcm in RAVINGS:
            send(server, RAVINGS[pcm])
        elif pcm == b"huge":
            send(server, b"", 1 << 31)
        elif pcm == b"refuse":
            error = "RuntimeError: told to"
        else:
            heard[speaker] += len(pcm)
        said = f"{speaker} {heard.get(speaker)}"
        if verb == "finish":
            heard[speaker] = 0
        send(server, json.dumps([number, said, error]).encode())


main()
