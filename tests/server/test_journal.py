"""What is kept on disk when it was asked for: enough to go on, and no longer than needed."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from models.scripted import ScriptedRecognizer
from server.config import Config, ConfigError
from server.house import EMPTY_S
from server.journal import FILE, Journal
from server.member import Member
from streaming.messages import Caption, Hello, Recording, Resume, Welcome
from tests.server.stage import Stage, loud, quiet

DAY = 86_400.0


class Wall:
    """The time of day, moved by hand."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def kept(folder: Path, wall: Wall | None = None) -> tuple[Stage, Journal]:
    """A server that goes on with what the journal in this folder has."""
    stage = Stage(ScriptedRecognizer([[f"sentence {n}"] for n in range(20)]))
    stage.house.rooms.clear()
    journal = Journal(folder, DAY, wall or Wall())
    stage.house.keep(journal)
    stage.room = stage.house.room("kitchen")
    return stage, journal


async def say(stage: Stage, member: Member) -> None:
    await stage.speak(member, loud(1_200) + quiet(1_200))


def back(stage: Stage, welcome: Welcome, seq: int, **more: object) -> tuple[Member, Welcome]:
    resume = Resume(welcome.epoch, seq, welcome.participant, welcome.key)
    member = stage.room.join(Hello("Ben", ["es"], resume=resume, **more))  # type: ignore[arg-type]
    stage.told[member.id] = []
    stage.read()
    found = stage.told[member.id][0]
    assert isinstance(found, Welcome)
    return member, found


def welcome(stage: Stage, member: Member) -> Welcome:
    stage.read()
    found = stage.told[member.id][0]
    assert isinstance(found, Welcome)
    return found


async def test_after_a_restart_in_order_everybody_goes_on_and_nothing_is_missing(
    tmp_path: Path,
) -> None:
    stage, journal = kept(tmp_path)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    first = welcome(stage, ben)
    await say(stage, ana)
    seq = max(one.seq for one in stage.captions(ben))
    await say(stage, ana)
    journal.close()
    stage, journal = kept(tmp_path)
    ben, again = back(stage, first, seq)
    assert (again.epoch, again.gap) == (first.epoch, False)
    assert [one.text for one in stage.captions(ben)] == ["sentence-es 1-es"]
    eva = stage.join("Eva", hears="en", reads="es")
    assert eva.id not in (first.participant, "p1")
    await say(stage, eva)
    new = stage.captions(ben)[-1]
    assert new.final and new.seq > first.replay_to + 4
    journal.close()


async def test_after_a_crash_no_final_is_missing_and_the_open_lines_are_a_gap(
    tmp_path: Path,
) -> None:
    stage, journal = kept(tmp_path)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    first = welcome(stage, ben)
    await say(stage, ana)
    await stage.speak(ana, loud(1_200))
    seen = max(one.seq for one in stage.captions(ben))
    os.close(journal.held)  # what the system does for a process that is killed
    stage, journal = kept(tmp_path)
    ben, again = back(stage, first, 0)
    assert (again.epoch, again.gap) == (first.epoch, True)
    assert [one.text for one in stage.captions(ben)] == ["sentence-es 0-es"]
    assert stage.room.captions.seq > seen
    journal.close()


async def test_a_crash_is_told_even_if_the_server_was_stopped_before_anybody_was_back(
    tmp_path: Path,
) -> None:
    first, journal = kept(tmp_path)
    ana, ben = first.join(hears="en"), first.join("Ben", reads="es")
    await first.speak(ana, loud(1_000))
    before, seq = welcome(first, ben), first.room.captions.seq
    journal.base.close()  # as a crash: nothing is said of the end
    os.close(journal.held)
    _, journal = kept(tmp_path)
    journal.close()
    after, journal = kept(tmp_path)
    _, told = back(after, before, seq)
    assert (told.epoch, told.gap) == (before.epoch, True)
    journal.close()


async def test_names_and_times_survive_for_the_transcript(tmp_path: Path) -> None:
    wall = Wall()
    stage, journal = kept(tmp_path, wall)
    ana = stage.join("Ana", hears="en", reads="en")
    await say(stage, ana)
    before = stage.room.conversation()
    journal.close()
    wall.now += 60
    stage, journal = kept(tmp_path, wall)
    assert stage.room.conversation() == before
    assert stage.room.at(stage.clock.now()) == 60_000
    journal.close()


async def test_a_room_that_is_over_is_forgotten(tmp_path: Path) -> None:
    stage, journal = kept(tmp_path)
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    stage.room.leave(ana, dropped=False)
    ana.session = None
    await stage.wait(1.0)
    stage.clock.advance(EMPTY_S + 1)
    await stage.house.tick(roster=False)
    assert stage.house.rooms == {}
    assert journal.rooms() == []
    journal.close()
    assert b"sentence 0" not in (tmp_path / FILE).read_bytes()


async def test_what_was_forgotten_is_in_no_file_while_the_server_runs(tmp_path: Path) -> None:
    stage, journal = kept(tmp_path)
    await say(stage, stage.join(hears="en", reads="en"))
    journal.closed(stage.room.epoch)
    tidying = asyncio.create_task(journal.keep_tidy(every_s=0))
    async with asyncio.timeout(10):
        while any(b"sentence 0" in file.read_bytes() for file in tmp_path.iterdir()):
            await asyncio.sleep(0)
    tidying.cancel()
    await asyncio.gather(tidying, return_exceptions=True)
    journal.close()


async def test_what_is_older_than_it_is_kept_is_forgotten(tmp_path: Path) -> None:
    wall = Wall()
    stage, journal = kept(tmp_path, wall)
    await say(stage, stage.join(hears="en", reads="en"))
    journal.close()
    wall.now += DAY + 1
    journal = Journal(tmp_path, DAY, wall)
    assert journal.rooms() == []
    journal.close()


async def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    stage, journal = kept(tmp_path / "new")
    await say(stage, stage.join(hears="en", reads="en"))
    files = list((tmp_path / "new").iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    journal.close()


async def test_everybody_is_told_that_it_is_kept_and_when_it_no_longer_is(tmp_path: Path) -> None:
    stage, journal = kept(tmp_path)
    ana = stage.join(hears="en", reads="en")
    stage.read()
    assert Recording(True) in stage.told[ana.id]
    journal.base.close()  # as a full disk: nothing can be written any more
    await say(stage, ana)
    await say(stage, ana)
    assert Recording(False) in stage.told[ana.id]
    finals = [one for one in stage.told[ana.id] if isinstance(one, Caption) and one.final]
    assert [one.text for one in finals] == ["sentence 0", "sentence 1"]
    assert not journal.works


async def test_nothing_is_kept_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stage = Stage()
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    assert not [one for one in stage.told[ana.id] if isinstance(one, Recording)]
    assert list(tmp_path.iterdir()) == []


def test_two_servers_do_not_share_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, DAY)
    with pytest.raises(ConfigError, match="another server"):
        Journal(tmp_path, DAY)
    journal.close()


def test_where_nothing_can_be_kept_the_server_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept"):
        Journal(tmp_path / "file", DAY)
    with pytest.raises(ConfigError, match=r"0\.1 to 8784"):
        Config(journal_hours=0)
