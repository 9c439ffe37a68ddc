"""What the launcher sees of SGLang: a log, processes below it, and a few answers over HTTP.

Started in place of an environment's Python, with its arguments. The variable FAKE_SGLANG says how
it behaves: "well", "dies" at once, "once" the first time only, "deaf" to SIGTERM, "wrong" answers,
"full": without memory where more than FAKE_SGLANG_HOLDS requests run at a time, "huge": at once.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

BEHAVES = os.environ.get("FAKE_SGLANG", "well")
HOLDS = int(os.environ.get("FAKE_SGLANG_HOLDS", "0"))
CARD = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB. GPU 0 has a total"
WEIGHTS = "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static."
HOME = Path(os.environ["FAKE_SGLANG_HOME"])


def note(name: str, text: str) -> None:
    """Leave a file for the test, whole from the first moment."""
    (HOME / f".{name}").write_text(text)
    (HOME / f".{name}").rename(HOME / name)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer({"ready": True})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(HOME / "asked", "a") as file:
            file.write(json.dumps([self.path, asked, self.headers.get("Authorization")]) + "\n")
        heard = {"prompt_tokens_details": {"audio_tokens": 26}}
        self.answer({"output_ids": [1, 2, 3], "usage": heard})

    def answer(self, body: object) -> None:
        said = json.dumps(body).encode()
        self.send_response(500 if BEHAVES == "wrong" and self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def main(words: list[str]) -> None:
    note("pid", str(os.getpid()))
    print("[2026-11-21 23:55:29] Load weight begin. avail mem=20.20 GB", flush=True)
    if BEHAVES == "dies" or (BEHAVES == "once" and not (HOME / "lived").exists()):
        note("lived", "")
        sys.exit("Traceback (most recent call last):\nValueError: this model is odd")
    with open(HOME / "starts", "a") as file:
        file.write(json.dumps(words) + "\n")
    running = max(place for place, word in enumerate(words) if word == "--max-running-requests")
    if BEHAVES == "full" and int(words[running + 1]) > HOLDS:
        sys.exit(f"Traceback (most recent call last):\n{CARD}")
    if BEHAVES == "huge":
        sys.exit(f"Traceback (most recent call last):\n{WEIGHTS}")
    if BEHAVES == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    below = os.fork()
    if below == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1000)
    note("below", str(below))
    if "--config" in words:
        note("secrets", Path(words[words.index("--config") + 1]).read_text())
    port = int(words[words.index("--port") + 1])
    HTTPServer(("127.0.0.1", port), Answers).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
