"""What a reader sees of a connection that breaks, of a token that ends, of a room that is kept."""

import pytest

from clients.tui.status import Status, brief, full
from streaming.messages import Recording, State, TokenExpiring
from tests.clients.fakes import WELCOME
from tests.clients.stage import stage

pytestmark = pytest.mark.tui


async def test_a_lost_connection_is_seen_and_so_is_what_it_cost() -> None:
    async with stage() as room:
        await room.tell(State("connection", "down", "the connection to x was lost"))
        assert "reconnecting" in room.row("status")
        assert "was lost" in room.row("notice")
        await room.tell(WELCOME, State("connection", "ok", "some of it cannot be had any more"))
        assert "connected" in room.row("status")
        assert "works again: some of it cannot be had any more" in room.row("notice")


async def test_everybody_sees_that_a_conversation_is_kept() -> None:
    async with stage() as room:
        assert "kept" not in room.row("status")
        await room.tell(Recording(True))
        assert "kept" in room.row("status")
        await room.tell(Recording(False))
        assert "kept" not in room.row("status")


async def test_the_end_of_a_token_is_announced() -> None:
    async with stage() as room:
        await room.tell(TokenExpiring(60_000))
        assert "your token ends in 60 s" in room.row("notice")


def test_a_status_line_says_that_it_is_kept_at_any_width() -> None:
    status = Status("kitchen", kept=True)
    assert "kept on the server" in full(status) and "kept" in brief(status)
