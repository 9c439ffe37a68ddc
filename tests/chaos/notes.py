"""What somebody notes while he reads, line by line, as it comes: whoever is killed has noted all he
had read."""

from collections.abc import Iterable, Iterator
from typing import TextIO

import msgspec

Key = tuple[str, int, str, str]  # speaker, segment, language, kind


class Came(msgspec.Struct, tag=True, omit_defaults=True):
    """He was welcomed."""

    epoch: str
    until: int
    """The last `seq` of what was said before."""
    gap: bool = False


class Read(msgspec.Struct, tag=True, omit_defaults=True):
    """A caption came."""

    seq: int
    key: Key | None = None
    """Of a final; what follows, too."""
    text: str = ""
    untranslated: bool = False


_note = msgspec.json.Decoder(Came | Read)


def write(file: TextIO, note: Came | Read) -> None:
    """Note something, for good."""
    file.write(msgspec.json.encode(note).decode() + "\n")
    file.flush()


def read(lines: Iterable[str]) -> Iterator[Came | Read]:
    """What was noted."""
    for line in lines:
        if line.endswith("\n"):  # else he was killed while he wrote it
            yield _note.decode(line)
