"""What rooms have said, on disk, so that a server that begins anew goes on with it.

Only where it was asked for (`--journal DIR`). A final is written before anybody is shown it, so
that none is lost with the process. Nothing is kept for longer than needed: a room that closes is
deleted, and so is what is older than the time to keep it. No sound is ever written.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from streaming.clean import clean
from streaming.messages import ROOM_NAME, Caption

from .config import ConfigError

log = logging.getLogger(__name__)

FILE = "journal.sqlite3"
AHEAD = 10_000  # `seq` reserved at once: so many updates never come between two looks
TABLES = """
CREATE TABLE IF NOT EXISTS room (
    epoch TEXT PRIMARY KEY, name TEXT NOT NULL, opened REAL NOT NULL, touched REAL NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0 -- in order: 1 + `crashed`
);
CREATE TABLE IF NOT EXISTS final (
    epoch TEXT NOT NULL, seq INTEGER NOT NULL, said REAL NOT NULL, caption BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS final_said ON final (said);
CREATE TABLE IF NOT EXISTS person (
    epoch TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
    repeated INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (epoch, number)
) WITHOUT ROWID;
"""

_caption = msgspec.json.Decoder(Caption)
_Name = Annotated[str, msgspec.Meta(pattern=f"^{ROOM_NAME.pattern}$")]
_Room = tuple[_Name, str, float, int, int]
"""As in the table: name, epoch, opened, seq, ended."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a room from before."""

    name: str
    epoch: str
    age_s: float
    """Since it was opened."""
    seq: int
    """No caption before had a greater one."""
    crashed: int
    """Up to this `seq` something may be lacking: a line was open when a server was killed."""
    finals: list[Caption] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    """By the number of each participant."""
    repeated: dict[int, int] = field(default_factory=dict)
    """`seq` of the last caption that was sent to one participant alone."""


class Journal:
    """One per server. Whatever the disk does, captions go on: then `on_lost` is called, once."""

    def __init__(self, folder: Path, keep_s: float, wall: Callable[[], float] = time.time) -> None:
        """ConfigError: nothing can be kept there."""
        self.wall = wall
        self.keep_s = keep_s
        self.path = folder / FILE
        self.on_lost: Callable[[], None] = lambda: None
        self.works = True
        self.reserved: dict[str, int] = {}
        self.crashed: dict[str, int] = {}
        with ExitStack() as undone:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.held = os.open(folder, os.O_RDONLY)
                undone.callback(os.close, self.held)
                fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
                self.path.chmod(0o600)  # what SQLite puts beside it has the same mode
                self.base = sqlite3.connect(self.path, isolation_level=None, timeout=0.2)
                undone.callback(self.base.close)
                self._set_up()
                self._forget_older(wall() - keep_s)
            except BlockingIOError as error:
                raise ConfigError(f"another server keeps its journal in {folder}") from error
            except (sqlite3.DatabaseError, UnicodeError) as error:  # the latter in its own words
                if isinstance(error, sqlite3.OperationalError):  # the disk, not what is on it
                    raise self._unusable("cannot be kept", error) from error
                raise self._damaged(error) from error
            except OSError as error:
                raise self._unusable("cannot be kept", error) from error
            undone.pop_all()

    def rooms(self) -> list[Kept]:
        """What was being said when the server ended. ConfigError: it cannot be told any more."""
        try:
            rows = msgspec.convert(
                self.base.execute("SELECT name, epoch, opened, seq, ended FROM room").fetchall(),
                list[_Room],
            )
            found = [
                Kept(
                    name,
                    epoch,
                    max(0.0, self.wall() - opened),
                    seq,
                    ended - 1 if ended else seq,
                    *self._of(epoch),
                )
                for name, epoch, opened, seq, ended in rows
            ]
        except (sqlite3.Error, ValueError, RecursionError) as error:
            raise self._damaged(error) from error
        self.reserved = {room.epoch: room.seq for room in found}
        self.crashed = {room.epoch: room.crashed for room in found}
        self._write("UPDATE room SET ended = 0")
        return found

    def opened(self, name: str, epoch: str) -> None:
        """A room begins."""
        self._write(
            "INSERT INTO room (epoch, name, opened, touched) VALUES (?, ?, ?, ?)",
            (epoch, name, self.wall(), self.wall()),
        )

    def closed(self, epoch: str) -> None:
        """A room is over, and forgotten."""
        self._forget(epoch)

    def joined(self, epoch: str, number: int, name: str, repeated: int) -> None:
        """A participant has this name, and was last sent something of its own as `repeated`."""
        self._write(
            "INSERT INTO person VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " name = excluded.name, repeated = excluded.repeated",
            (epoch, number, name, repeated),
        )

    def final(self, epoch: str, caption: Caption) -> None:
        """A line has ended."""
        self._write(
            "INSERT INTO final VALUES (?, ?, ?, ?)",
            (epoch, caption.seq, self.wall(), msgspec.json.encode(caption)),
        )

    def reached(self, epoch: str, seq: int) -> None:
        """The newest caption, final or not: its `seq` is never given again."""
        if seq + AHEAD // 2 > self.reserved.get(epoch, 0):
            self.reserved[epoch] = seq + AHEAD
            self._write(
                "UPDATE room SET seq = ?, touched = ? WHERE epoch = ?",
                (seq + AHEAD, self.wall(), epoch),
            )

    async def keep_tidy(self, every_s: float = 60.0) -> None:
        """Keep the file small until cancelled, without holding up the event loop."""
        while self.works:
            await asyncio.sleep(every_s)
            self._write("DELETE FROM final WHERE said < ?", (self.wall() - self.keep_s,))
            await asyncio.to_thread(self._fold)
            self._write("PRAGMA wal_checkpoint(TRUNCATE)")  # quick now, and nothing old is left

    def close(self, finished: bool = True) -> None:
        """The server ends in order; `finished`: after the last finals."""
        for epoch in self.reserved:
            ended = 1 + self.crashed.get(epoch, 0) if finished else 0
            row = ended, self.wall(), epoch
            self._write("UPDATE room SET ended = ?, touched = ? WHERE epoch = ?", row)
        self.base.close()
        os.close(self.held)

    def _set_up(self) -> None:
        for setting in (
            "journal_mode = WAL",
            "synchronous = NORMAL",  # what was written outlives the process, if not the power
            "wal_autocheckpoint = 0",  # `keep_tidy` does it, in a thread
            "secure_delete = ON",
        ):
            self.base.execute(f"PRAGMA {setting}")
        (found,) = self.base.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self.base.executescript(TABLES)

    def _unusable(self, what: str, error: Exception) -> ConfigError:
        return ConfigError(f"the journal in {self.path.parent} {what}: {clean(str(error), 200)}")

    def _damaged(self, error: Exception) -> ConfigError:
        return self._unusable(f"is damaged, move its {FILE}* away to begin anew", error)

    def _fold(self) -> None:
        try:
            base = sqlite3.connect(self.path, timeout=1.0)
            try:
                base.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                base.close()
        except sqlite3.Error as error:
            log.warning("the journal could not be tidied: %s", error)

    def _write(self, what: str, values: tuple[object, ...] = ()) -> None:
        if not self.works:
            return
        try:
            self.base.execute(what, values)
        except (sqlite3.Error, UnicodeError) as error:
            self.works = False
            log.error("nothing more is kept in the journal: %s", error)
            self.on_lost()

    def _of(self, epoch: str) -> tuple[list[Caption], dict[int, str], dict[int, int]]:
        finals = self.base.execute(
            "SELECT caption FROM final WHERE epoch = ? ORDER BY seq", (epoch,)
        )
        people = msgspec.convert(
            self.base.execute(
                "SELECT number, name, repeated FROM person WHERE epoch = ?", (epoch,)
            ).fetchall(),
            list[tuple[int, str, int]],
        )
        return (
            [_caption.decode(blob or b"") for (blob,) in finals],
            {number: name for number, name, _ in people},
            {number: repeated for number, _, repeated in people},
        )

    def _forget_older(self, moment: float) -> None:
        old = self.base.execute("SELECT epoch FROM room WHERE touched < ?", (moment,)).fetchall()
        for (epoch,) in old:
            self._forget(epoch)

    def _forget(self, epoch: str) -> None:
        for table in ("final", "person", "room"):
            self._write(f"DELETE FROM {table} WHERE epoch = ?", (epoch,))
        self.reserved.pop(epoch, None)
