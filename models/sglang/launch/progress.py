"""SGLang's log as a few lines for people: what it is doing, and in the end why it died."""

import re
from collections import deque
from collections.abc import Callable

REMEMBERED = 40  # last lines, to explain a death

PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (
        re.compile(r"(?:Fetching \d+ files|Downloading).*?: +(\d+)%"),
        lambda found: f"downloading the model: {_tens(found[1])} %",
    ),
    (re.compile(r"Load weight begin"), lambda _: "loading weights"),
    (
        re.compile(r"Loading .*shards: +(\d+)%", re.IGNORECASE),
        lambda found: f"loading weights: {_tens(found[1])} %",
    ),
    (
        re.compile(r"Load weight end.*?elapsed=([\d.]+) s.*?mem usage=(-?[\d.]+) GB"),
        lambda found: f"weights are loaded: {_gigabytes(found[2])} in {float(found[1]):.0f} s",
    ),
    (
        re.compile(
            r"KV Cache is allocated.*?#tokens: (\d+), K size: ([\d.]+) GB, V size: ([\d.]+)"
        ),
        lambda found: f"room for {int(found[1]):,} tokens: {_gigabytes(found[2], found[3])}",
    ),
    (
        re.compile(r"Capture .*begin", re.IGNORECASE),
        lambda _: "recording CUDA graphs: a minute or two",
    ),
    (re.compile(r"Application startup complete"), lambda _: "answering for the first time"),
]

STAMP = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:]+[^\]]*\] ?")
COMPLAINT = re.compile(r"^(?:[\w.]*(?:Error|Exception|Interrupt)\b.*|launch_server\.py: error: .*)")


class Progress:
    """Lines of the log go in, news comes out. Nothing is told twice in a row."""

    def __init__(self, hidden: str = "") -> None:
        """`hidden`: a secret that SGLang writes into its log, and that nobody is to read there."""
        self.last: deque[str] = deque(maxlen=REMEMBERED)
        self._hidden = hidden
        self._told: set[str] = set()

    def push(self, line: str) -> str | None:
        """What a line means for who waits; None for most."""
        line = self.clean(line)
        if line.strip():
            self.last.append(line)
        for pattern, news in PATTERNS:
            if found := pattern.search(line):
                said = news(found)
                if said in self._told:
                    return None
                self._told.add(said)
                return said
        return None

    def clean(self, line: str) -> str:
        """The line without the secret, and of a bar that overwrites itself the newest state."""
        line = line.rstrip("\r\n").rpartition("\r")[2]
        return line.replace(self._hidden, "***") if self._hidden else line

    def reason(self) -> str:
        """The line that says best why it died; '' if none does."""
        lines = [STAMP.sub("", line).strip() for line in self.last]
        return next((line for line in reversed(lines) if COMPLAINT.match(line)), "")[:400]


def _tens(percent: str) -> int:
    return int(percent) // 10 * 10


def _gigabytes(*parts: str) -> str:
    total = max(0.0, sum(map(float, parts)))
    return f"{total:.1f} GB" if total >= 0.1 else "under 0.1 GB"
