"""What of a growing segment is heard again at each hop: so little that a hop costs no more at the
end of an hour than after its first seconds.

    |-- before -----|-- window: at most 12 s --------------------|
    |   words left  |  promised words  | last of them | new sound |
    |   behind      |  to be continued | said again   |           |

The model hears sound it has heard before, as its encoder needs the whole of it, but is made to
begin its answer with the words that readers were promised, so that it decodes only what follows.
When the window moves on, the words that had been promised before its first sample leave with their
sound. A promise always comes later than the sound it is about, so no sound stays whose words have
gone, which the model would write down a second time.

The newest promised words are said again rather than forced: a word may have grown longer since
("glass", "glasses"), and a sentence may go on after all. They are whole units, never model tokens,
which may end inside a character.
"""

from msgspec import Struct

from streaming.units import stands_alone, units
from streaming.values import BYTES_PER_SAMPLE, samples

LONGEST = samples(12_000)  # of a window: the audio encoder attends to 8 s at most
KEPT = samples(8_000)  # when that is reached, of the newest sound
WHOLE = samples(30_000)  # kept for the last pass: twice the longest segment
SAID_AGAIN, ALONE_AGAIN = 1, 2  # words, or characters of a script without spaces


class View(Struct, frozen=True, gc=False):
    """Sound to be heard, and the words around it."""

    sound: bytes
    before: str
    """What was said before the sound."""
    promised: str
    """What the answer is to begin with."""

    def text(self, answer: str) -> str:
        """All of the segment, given what follows `promised`."""
        if self.promised.strip():
            head = (self.before + self.promised).rstrip()
            return head + (answer.strip() if stands_alone(head[-1]) else answer.rstrip())
        answer, before = answer.strip(), self.before.rstrip()
        if not before or not answer:
            return before + answer
        apart = stands_alone(before[-1]) or stands_alone(answer[0])
        return before + ("" if apart else " ") + answer


class Window:
    """One per segment. `push` all its sound; `view` is for the next hop, `whole` for the end."""

    def __init__(self) -> None:
        self.length = 0
        """Samples so far."""
        self._pcm = bytearray()
        self._kept = 0  # position of its first sample
        self._start = 0  # position of the window's first sample
        self._committed = ""
        self._marks: list[tuple[int, int]] = []  # (samples heard, characters promised by then)

    def push(self, pcm: bytes, committed: str) -> None:
        """Take the next sound, and what readers had been promised before it came."""
        heard, fresh = self.length, len(pcm) // BYTES_PER_SAMPLE
        if len(committed) > len(self._committed):
            # Sound that comes at once, after a failure, may hold all that was promised of it.
            self._marks.append((heard or fresh, len(committed)))
        self._committed = committed
        self._pcm += pcm
        self.length += fresh
        if self.length - self._start > LONGEST:
            told = [at for at, _ in self._marks if at <= self.length - KEPT]
            self._start = max([self.length - LONGEST, *told[-1:]])
        if self.length - self._kept > WHOLE:
            del self._pcm[: (self.length - WHOLE - self._kept) * BYTES_PER_SAMPLE]
            self._kept = self.length - WHOLE
            behind = [mark for mark in self._marks if mark[0] <= self._kept]
            self._marks = [*behind[-1:], *self._marks[len(behind) :]]

    def view(self) -> View:
        """The newest sound, and the words to go on from."""
        told = self._told(self._start)
        return View(
            self._sound(self._start),
            self._committed[:told],
            said_again(self._committed[told:]),
        )

    def whole(self) -> View:
        """All of the sound, held to nothing that was said in it."""
        return View(self._sound(self._kept), self._committed[: self._told(self._kept)], "")

    def _sound(self, start: int) -> bytes:
        return bytes(self._pcm[(start - self._kept) * BYTES_PER_SAMPLE :])

    def _told(self, position: int) -> int:
        """How many characters had been promised when the sound had come to `position`."""
        told = [characters for at, characters in self._marks if at <= position]
        return min(told[-1], len(self._committed)) if told else 0


def said_again(text: str) -> str:
    """`text` without its last units, which the model is to say again."""
    found = units(text)
    if not found:
        return ""
    again = ALONE_AGAIN if stands_alone(found[-1][0]) else SAID_AGAIN
    return "".join(found[:-again])
