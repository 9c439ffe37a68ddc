"""The keys of a reader through Textual's pilot."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.events import Paste
from textual.widgets import Input, OptionList, Static

from clients.microphone import Level
from clients.tui.first import First
from clients.tui.remembered import Remembered
from clients.tui.status import Status
from streaming.messages import Pong, Roster
from tests.clients.fakes import ROSTER, WELCOME, caption
from tests.clients.stage import WORDS, Keys, Stage, spanish, stage

pytestmark = pytest.mark.tui


async def talked(room: Stage, count: int = 16) -> None:
    """So many finished lines, a turn each."""
    lines = [
        spanish(f"línea {n} {WORDS}", final=True, segment=n, at=n, speaker="ar"[n % 2])
        for n in range(count)
    ]
    await room.tell(*lines)


async def test_what_is_read_stays_in_its_place_whatever_changes() -> None:
    async with stage(size=(60, 12)) as room:
        await talked(room)
        await room.press("home", "pagedown", "pagedown")
        top = room.screen[1]
        await room.tell(spanish("más", final=True, segment=99, at=99))
        assert room.screen[1] == top  # something new below
        await room.tell(spanish("antes", final=True, segment=98, at=-1))
        assert room.screen[1] == top  # a line that belongs above
        await room.press("d")
        assert room.screen[1].strip() == top.strip()  # another spacing
        await room.pilot.resize_terminal(90, 12)
        await room.settled()
        assert room.app.captions.held() is not None
        assert not room.app.captions.following


async def test_escape_and_end_find_the_newest_again() -> None:
    async with stage(size=(60, 12)) as room:
        await talked(room)
        for key in ("escape", "end"):
            await room.press("pageup")
            assert "reading back" in room.row("notice")
            await room.press(key)
            assert room.app.captions.following and room.row("notice").strip() == ""


async def test_a_search_marks_moves_and_returns() -> None:
    async with stage(size=(60, 12)) as room:
        await talked(room)
        await room.press("pageup")
        before = room.screen
        await room.press("slash", *"a 3 ")
        assert "línea 3 one" in "\n".join(room.screen)
        await room.press("enter")
        assert "1 of 1" in room.row("notice")
        await room.press("escape")
        assert room.screen == before
        await room.press("n", "N")  # no search: nothing happens
        assert room.screen == before


async def test_n_goes_back_and_capital_n_on() -> None:
    async with stage(size=(60, 12)) as room:
        await talked(room)
        await room.press("slash", *"thi", "enter")
        assert "16 of 16" in room.row("notice")
        await room.press("n", "n")
        assert "14 of 16" in room.row("notice")
        await room.press("N")
        assert "15 of 16" in room.row("notice")
        await room.press("slash", "enter")
        await room.press("escape")
        assert room.app.captions.following


async def test_spacing_is_one_two_or_three_lines() -> None:
    async with stage() as room:
        await room.tell(
            *[spanish("x", final=True, segment=n, at=n, speaker="ar"[n]) for n in (0, 1)]
        )
        tops = []
        for _ in range(3):
            tops.append([block.top for block in room.blocks])
            await room.press("d")
        assert tops == [[0, 2], [0, 3], [0, 1]]


async def test_the_dial_turns() -> None:
    keys = Keys()
    async with stage(controls=keys) as room:
        await room.press("x")
        assert "steadier words" in room.row("status")
        await room.press("x", "x")
        assert keys.asked == [("steady", "steady"), ("steady", "final"), ("steady", "live")]


async def test_other_languages_are_asked_for_and_what_was_read_stays() -> None:
    keys = Keys()
    async with stage(controls=keys) as room:
        await room.tell(spanish("hola", final=True))
        await room.press("g", "up", "space", "enter")
        assert keys.asked == [("read", "es", "en", False)]
        await room.press("g", "space", "down", "space", "enter")
        assert "as spoken" in room.row("status") and room.texts == ["Alan hola"]


async def test_what_one_speaks_is_chosen_beside_what_one_reads() -> None:
    keys = Keys()
    status = Status("kitchen", hears=["en-US"], reads=["fr"])
    async with stage(controls=keys, status=status, size=(110, 24)) as room:
        await room.press("g", "s")
        assert "Nothing here hears French" in "\n".join(room.screen)
        await room.press("enter")
        assert keys.asked == []  # en-US is still what is spoken, though it is heard as en
        await room.press("g", "up", "s", "down", "down", "s", "enter")
        assert keys.asked == [("hear", "es")]
        assert "speaking Spanish · reading French" in room.row("status")
        assert "joined anew: you speak Spanish now" in room.row("notice")
        await room.press("g", "down", "s", "enter")
        assert keys.asked[1:] == [("hear",)] and "speaking" not in room.row("status")


async def test_a_language_that_cannot_be_heard_is_refused_with_a_sentence() -> None:
    keys = Keys(refuses="pocketsphinx does not hear 'es'; it hears en")
    status = Status("kitchen", hears=["en"], reads=["es"])
    async with stage(controls=keys, status=status, size=(110, 24)) as room:
        await room.tell(
            replace(WELCOME, pairs=[("es", "en", "x")]), caption("hello", speaker="me", final=True)
        )
        await room.press("g", "s", "enter")
        assert "still English: pocketsphinx does not hear 'es'; it hears en" in room.row("notice")
        assert "speaking English" in room.row("status")


async def test_escape_changes_no_language() -> None:
    keys = Keys()
    async with stage(controls=keys) as room:
        await room.press("g", "space", "escape")
        assert keys.asked == [] and list(room.app.status.reads) == ["es"]


async def test_the_transcript_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with stage() as room:
        await room.press("e")
        assert "nothing to save" in room.row("notice")
        await room.tell(spanish("hola", final=True))
        await room.press("e", "down", "down", "enter", "enter")
        (file,) = tmp_path.iterdir()
        assert file.suffix == ".srt" and "hola" in file.read_text()
        assert str(file) in room.app.said


async def test_a_file_that_is_there_is_replaced_only_when_asked_twice(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    async with stage() as room:
        await room.tell(spanish("hola", final=True))
        await room.press("e", "enter")
        room.app.screen.query_one(Input).value = str(target)
        await room.press("enter")
        assert "there already" in str(room.app.screen.query_one(".wrong", Static).content)
        assert target.read_text() == "old"
        await room.press("enter")
        assert "hola" in target.read_text()


async def test_the_transcript_is_copied() -> None:
    async with stage() as room:
        await room.press("c")
        assert "nothing to copy" in room.row("notice")
        await room.tell(spanish("hola", final=True))
        await room.press("c")
        assert "hola" in room.app.clipboard and "copied 1 line" in room.row("notice")


async def test_the_microphones_level_and_its_silence() -> None:
    status = Status("kitchen", hears=["en"], reads=["es"])
    level = Level(rms=-30.0)
    async with stage(status=status, level=lambda: level, controls=Keys()) as room:
        room.app.show_notice()
        assert "mic ██████······" in room.row("notice")
        await room.press("m")
        assert "MUTED" in room.row("notice")


async def test_panels_open_and_close() -> None:
    async with stage(controls=Keys()) as room:
        await room.press("r")
        assert "Rosa" in "\n".join(room.screen)
        await room.tell(Pong(0.0, 1.0))
        await room.press("l")
        assert "network" in "\n".join(room.screen)
        await room.tell(Roster([]))
        await room.press("escape")
        assert not room.app.panel.display


async def test_help_is_one_key_away_and_says_every_key() -> None:
    async with stage(size=(80, 50)) as room:
        await room.press("question_mark")
        shown = "\n".join(room.screen)
        assert "across the room" in shown and "Echo" in shown
        await room.press("question_mark")
        assert len(room.app.screen_stack) == 1


async def test_without_colours_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(colours=False) as room:
        await room.tell(ROSTER, spanish("hola ", "amigos"))
        for line in room.app.screen._compositor.render_strips():
            for segment in line:
                colour = segment.style.color if segment.style else None
                assert colour is None or colour.is_default
        (draft,) = [
            segment
            for line in room.app.screen._compositor.render_strips()
            for segment in line
            if "amigos" in segment.text
        ]
        assert draft.style is not None and draft.style.dim
        await room.press("g")
        (chosen,) = [
            segment
            for line in room.app.screen._compositor.render_strips()
            for segment in line
            if "● " in segment.text and "Spanish" in segment.text
        ]
        assert chosen.style is not None and chosen.style.underline


async def test_a_window_resized_in_mid_caption() -> None:
    async with stage() as room:
        for width, height in ((20, 5), (1, 1), (160, 45)):
            await room.tell(spanish(WORDS, "draft", segment=width, at=width))
            await room.press("b")
            await room.pilot.resize_terminal(width, height)
            await room.settled()
            assert len(room.row("status")) <= max(0, width - 2)
            assert room.app.small.display == (width < 24)


async def first_run(before: Remembered, *keys: str) -> First:
    app = First(before, "root")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
    return app


async def test_the_first_run_asks_and_remembers() -> None:
    app = await first_run(
        Remembered(), "enter", *"es", "enter", *"english", "enter", "down", "enter"
    )
    assert app.return_value == Remembered("root", ("en",), ("es",), "mic")


async def test_what_is_wrong_is_said_where_it_is_wrong() -> None:
    app = await first_run(Remembered(), "enter", *"klingon", "ctrl+s")
    assert app.return_value is None
    app = await first_run(Remembered("Ana", (), ("es",), "mic"), "ctrl+s")
    assert app.return_value is None


async def test_a_megabyte_pasted_into_the_name_is_a_short_name() -> None:
    app = First(Remembered(), "root")
    async with app.run_test(size=(80, 24)) as pilot:
        name = app.query_one("#name", Input)
        name.post_message(Paste("x\x1b[2J" * 300_000))
        await pilot.pause()
        assert 0 < len(name.value) <= 64 and name.value.isprintable()


async def test_microphones_are_listed_or_why_not() -> None:
    app = First(Remembered("Ana", ("en",), ("es",), "mic:Yeti"), "root", lambda: ["Blue", "Yeti"])
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.query_one(OptionList).highlighted == 3
        await pilot.press("ctrl+s")
    assert app.return_value is not None and app.return_value.microphone == "mic:Yeti"


async def test_escape_leaves_the_first_run() -> None:
    assert (await first_run(Remembered(), "escape")).return_value is None
