"""Captions in the app: messages in, what is on the screen out."""

import time

import pytest
from msgspec.structs import replace
from textual.widgets import Footer

from clients.console import Problem
from clients.latency import Meter
from clients.tui.status import Status
from streaming.messages import State
from tests.clients.fakes import ROSTER, caption
from tests.clients.stage import WORDS, Keys, spanish, stage

pytestmark = pytest.mark.tui


async def test_a_caption_grows_with_its_draft_dim_and_its_final_replaces_it() -> None:
    async with stage() as room:
        await room.tell(spanish("buenos ", "diaz"))
        assert room.texts == ["Alan buenos diaz"]
        assert room.is_dim("diaz") and not room.is_dim("buenos")
        await room.tell(spanish("Buenos días.", final=True))
        assert room.texts == ["Alan Buenos días."]
        assert not room.is_dim("Buenos días.")


async def test_a_withdrawn_line_is_removed() -> None:
    async with stage() as room:
        await room.tell(spanish("tos"), spanish("hola", segment=2, at=900))
        await room.tell(spanish("", final=True))
        assert room.texts == ["Alan hola"]


async def test_the_name_is_there_once_a_turn() -> None:
    async with stage() as room:
        await room.tell(
            spanish("uno", final=True, at=1),
            spanish("dos", final=True, at=2, segment=2),
            spanish("tres", final=True, at=3, speaker="r"),
        )
        assert room.texts == ["Alan uno", "dos", "Rosa tres"]
        colours = [room.app.captions.colour(block.speaker) for block in room.blocks]
        assert colours[0] == colours[1] != colours[2]
        assert [block.top for block in room.blocks] == [0, 1, 3]


async def test_a_line_that_began_earlier_is_put_before() -> None:
    async with stage() as room:
        await room.tell(spanish("segunda", speaker="r", at=900), spanish("primera", at=100))
        assert room.texts == ["Alan primera", "Rosa segunda"]


async def test_finished_lines_neither_move_nor_change_their_height() -> None:
    async with stage(size=(40, 24)) as room:
        await room.tell(spanish(WORDS, final=True), spanish("hola", segment=2, at=5))
        before = room.screen[1:4]
        assert before[0].startswith(" Alan      one two three") and before[1]
        for count in (1, 4, 8, 13):
            text = " ".join(WORDS.split()[:count])
            await room.tell(spanish(text, " x", segment=2, at=5))
            assert room.screen[1:4] == before


async def test_an_open_line_never_becomes_shorter_until_its_final() -> None:
    async with stage(size=(40, 24)) as room:
        await room.tell(spanish("one ", WORDS))
        tall = len(room.blocks[0].rows)
        await room.tell(spanish("one ", "two"))
        assert len(room.blocks[0].rows) == tall > 1
        await room.tell(spanish("one two", final=True))
        assert len(room.blocks[0].rows) == 1


async def test_another_width_measures_anew() -> None:
    async with stage(size=(40, 24)) as room:
        await room.tell(spanish(WORDS, "x"))
        tall = len(room.blocks[0].rows)
        await room.pilot.resize_terminal(120, 24)
        await room.settled()
        await room.tell(spanish(WORDS, "y"))
        assert len(room.blocks[0].rows) < tall


async def test_the_source_is_a_dimmer_line_above_and_s_hides_it() -> None:
    keys = Keys()
    async with stage(source=True, controls=keys) as room:
        await room.tell(caption("good morning", final=True), spanish("buenos días", final=True))
        assert room.texts == ["Alan good morning\nbuenos días"]
        assert room.is_dim("good morning") and not room.is_dim("buenos días")
        await room.pilot.press("s")
        await room.settled()
        assert room.texts == ["Alan buenos días"]
        assert keys.asked == [("source", False)]


async def test_the_source_alone_waits_unseen_for_its_translation() -> None:
    async with stage(source=False) as room:
        await room.tell(caption("good morning"))
        assert room.texts == []


async def test_without_a_translation_the_words_themselves_are_read() -> None:
    async with stage() as room:
        await room.tell(replace(caption("good morning"), degraded="untranslated"))
        assert room.texts == ["Alan good morning"]
        assert "no translation from English to Spanish" in room.row("notice")


async def test_a_late_line_without_a_translation_is_read_too() -> None:
    async with stage() as room:
        await room.tell(replace(caption("good morning"), degraded="late"))
        assert room.texts == ["Alan good morning"]
        await room.tell(spanish("buenos días"))
        assert room.texts == ["Alan buenos días"]


async def test_a_scrollbar_that_appears_moves_no_words() -> None:
    async with stage(size=(40, 8)) as room:
        await room.tell(spanish(WORDS, final=True))
        before = room.app.captions.blocks.width
        await room.tell(*[spanish("hola", final=True, segment=n, at=n) for n in range(2, 12)])
        assert room.app.captions.max_scroll_y > 0
        assert room.app.captions.blocks.width == before


async def test_markup_from_the_wire_is_harmless() -> None:
    evil = "[red]a[/] [@click=app.quit]b[/] \x1b[31mc\u202e"
    async with stage() as room:
        await room.tell(
            replace(ROSTER, participants=[replace(ROSTER.participants[0], name="[b]A")])
        )
        await room.tell(spanish(evil, final=True))
        assert room.texts == ["[b]A [red]a[/] [@click=app.quit]b[/]  [31mc"]


async def test_the_view_stays_at_the_newest_line_unless_the_reader_scrolled_up() -> None:
    async with stage(size=(80, 8)) as room:
        view = room.app.captions
        lines = [spanish(f"línea {n}", final=True, segment=n, at=n) for n in range(12)]
        await room.tell(*lines)
        assert view.scroll_y == view.max_scroll_y > 0
        await room.pilot.press("pageup")
        await room.settled()
        up = view.scroll_y
        await room.tell(spanish("nueva", final=True, segment=99, at=99))
        assert view.scroll_y == up < view.max_scroll_y
        await room.pilot.press("end")
        await room.tell(spanish("más nueva", final=True, segment=100, at=100))
        assert view.scroll_y == view.max_scroll_y


async def test_a_short_conversation_begins_at_the_top() -> None:
    async with stage() as room:
        await room.tell(spanish("hola"))
        assert room.screen[1].strip() == "Alan      hola"


async def test_an_evening_of_talk_is_kept_bounded() -> None:
    async with stage() as room:
        room.app.captions.blocks.kept = 5
        await room.tell(*[spanish(f"{n}", final=True, segment=n, at=n) for n in range(8)])
        assert room.texts == ["Alan 3", "4", "5", "6", "7"]


async def test_mute_is_a_key_for_those_with_a_microphone() -> None:
    keys = Keys()
    async with stage(status=Status("kitchen", hears=["en"], reads=["es"]), controls=keys) as room:
        await room.pilot.press("m")
        assert "muted" in room.row("status")
        await room.pilot.press("m")
    assert keys.asked == [("mute", True), ("mute", False)]


async def test_mute_is_no_key_for_a_reader() -> None:
    keys = Keys()
    async with stage(controls=keys) as room:
        await room.pilot.press("m")
        shown = {held.binding.description for held in room.app.active_bindings.values()}
        assert keys.asked == [] and "Mute" not in shown
        assert {"Quit", "Help", "Search", "Newest"} <= shown
        assert room.app.query_one(Footer).region.height == 1


async def test_the_status_says_how_late_captions_are() -> None:
    meter = Meter()
    async with stage(size=(120, 24), meter=meter) as room:
        meter.add(212.0)
        room.app.show_status()
        assert "within 212 ms (budget 300)" in room.row("status")


async def test_ones_own_captions_are_timed_when_drawn() -> None:
    async with stage(captured=lambda position: time.monotonic() - 0.25) as room:
        await room.tell(spanish("mía", speaker="me"), spanish("suya", segment=2))
        assert room.app.figures.meter is not None
        assert [value > 240 for value in room.app.figures.meter.values] == [True]


async def test_troubles_are_said_while_they_last() -> None:
    async with stage() as room:
        assert room.row("notice").strip() == "nobody has spoken yet"
        await room.tell(spanish("hola"))
        assert room.row("notice").strip() == ""
        await room.tell(State("translation", "down", "[the engine] hangs", "es"))
        assert "translation into Spanish does not work: [the engine] hangs" in room.row("notice")
        await room.tell(State("translation", "ok", None, "es"))
        assert room.row("notice").strip() == ""


async def test_what_breaks_is_said_and_the_lines_stay() -> None:
    async with stage(size=(120, 24)) as room:
        await room.tell(spanish("hola"), Problem("the connection was lost"))
        assert "the connection was lost" in room.row("notice")
        assert "disconnected" in room.row("status")
        assert room.texts == ["Alan hola"] and not room.app.over


async def test_it_leaves_by_itself_when_all_has_been_said() -> None:
    async with stage(linger=0.0) as room:
        room.told.put_nowait(None)
        await room.left()
        assert room.app.over


async def test_q_leaves() -> None:
    async with stage() as room:
        await room.pilot.press("q")
        await room.left()
        assert not room.app.over
