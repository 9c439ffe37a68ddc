"""A display on a desk with a clock of its own, and whoever reads it."""

from dataclasses import dataclass, field

from clients.glasses.faces import face
from clients.glasses.layout import Layout
from clients.glasses.profiles import Profile, profile
from clients.glasses.reader import Reader, Show
from clients.glasses.screen import Screen
from streaming.messages import Participant, Roster, ServerMessage, Welcome

WELCOME = Welcome("lab", "e1", "me", "secret", 0, 0, False, 0, [])
ROSTER = Roster(
    [Participant("a", "Alan", ["en"], ["es"]), Participant("w", "王芳", ["zh"], ["en"])]
)


@dataclass
class Desk:
    """Takes every screen at once, and remembers when it came."""

    profile: Profile
    reads: tuple[str, ...] = ("en",)
    show: Show = "target"
    now: float = 0.0
    screens: list[tuple[float, Screen]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = Reader(Layout(self.profile, face(self.profile)), self.reads, self.show)
        self.reader.begin(self.now)
        self.tell(WELCOME, ROSTER)
        self.wait(1)
        self.screens.clear()

    def tell(self, *messages: ServerMessage) -> None:
        """The server says this now; the display shows what it may."""
        for message in messages:
            self.reader.push(message, self.now)
        self._look()

    def wait(self, seconds: float) -> None:
        """Time passes, and the display shows what is due."""
        end = self.now + seconds
        while (due := self.reader.due(self.now)) is not None and due <= end:
            assert due > self.now or self.reader.pacer.soonest() <= self.now, "it never rests"
            before = self.now
            self.now = max(due, self.now)
            if not self._look() and self.now == before:
                raise AssertionError("it asks to be asked, and has nothing to show")
        self.now = end

    def _look(self) -> bool:
        screen = self.reader.screen(self.now)
        if screen is not None:
            self.screens.append((self.now, screen))
            self.reader.drawn()
            self.reader.pacer.shown(screen, self.now)
        return screen is not None

    @property
    def rows(self) -> list[str]:
        """What is on the display now."""
        return [row.text for row in self.screens[-1][1].rows] if self.screens else []


def desk(name: str = "terminal", **options: object) -> Desk:
    """A desk with one of our displays."""
    return Desk(profile(name), **options)  # type: ignore[arg-type]
