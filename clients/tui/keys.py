"""Every key: what it does, in the words of the footer and of the help screen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One of them. `keys` as Textual calls them, commas between those that do the same."""

    keys: str
    shown: str
    """As it stands on the keyboard."""
    action: str
    label: str
    """In the footer."""
    help: str
    """A sentence for the help screen."""
    footer: int = 0
    """Where it stands in the footer, from 1; 0: it does not."""


READING = "Reading"
SHOWING = "How it looks"
PEOPLE = "The room"
KEEPING = "Keeping it"

KEYS: dict[str, tuple[Key, ...]] = {
    READING: (
        Key("up,k", "↑ k", "scroll(-1)", "Up", "back one line; the view then stays where you read"),
        Key("down,j", "↓ j", "scroll(1)", "Down", "on by one line"),
        Key("pageup,ctrl+b", "PgUp", "page(-1)", "Page up", "back one page"),
        Key("pagedown,ctrl+f,space", "PgDn", "page(1)", "Page down", "on by one page"),
        Key("home", "Home", "oldest", "Oldest", "to the beginning"),
        Key("end", "End", "newest", "Newest", "to the newest line, and follow it"),
        Key("slash", "/", "search", "Search", "find words; capitals and accents do not matter", 2),
        Key("n", "n", "found(-1)", "Earlier", "to the match before"),
        Key("N", "N", "found(1)", "Later", "to the next match"),
        Key(
            "escape",
            "Esc",
            "close",
            "Close",
            "close what is open; a search returns to where you were",
        ),
    ),
    SHOWING: (
        Key("b", "b", "big", "Big", "huge letters, to be read from across the room", 6),
        Key("d", "d", "density", "Spacing", "one, two or three lines a caption"),
        Key("t", "t", "theme", "Colours", "dark, light, high contrast"),
        Key("s", "s", "source", "Source", "also the speakers' own words, or no longer"),
        Key("x", "x", "stability", "Stability", "words live, steadier, or finished lines only"),
    ),
    PEOPLE: (
        Key("g", "g", "languages", "Languages", "choose what you read, and what you speak", 3),
        Key("m", "m", "mute", "Mute", "nobody hears you, or they do again", 5),
        Key("r", "r", "panel('people')", "People", "who is here, who speaks, who is muted"),
        Key(
            "l",
            "l",
            "panel('latency')",
            "Delay",
            "how late captions are, and what takes the time",
            8,
        ),
    ),
    KEEPING: (
        Key("c", "c", "copy", "Copy", "the whole transcript to the clipboard"),
        Key("e", "e", "export", "Export", "save the transcript: SRT, VTT, TXT or JSON", 9),
        Key("question_mark,f1", "?", "help", "Help", "this page", 1),
        Key("q", "q", "quit", "Quit", "leave the room", 10),
    ),
}

NOTES = (
    "Bright words stay; dim ones may still change.",
    "Echo: if your loudspeaker is heard by your microphone, others read themselves twice."
    " Use headphones, or mute (m) while you listen.",
    "Copying goes through the terminal (OSC 52); in tmux: set -g set-clipboard on.",
)


def ordered() -> list[Key]:
    """All of them, those of the footer first and in its order."""
    every = [key for section in KEYS.values() for key in section]
    return sorted(every, key=lambda key: key.footer or len(every))
