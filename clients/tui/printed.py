"""A room where no screen can be drawn: finished lines, one under another, and what goes wrong."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

from clients.console import say
from clients.lines import Lines
from clients.pages import Page
from clients.words import Troubles, kept, sentence
from streaming.messages import Recording, ServerMessage, State


def unable() -> str:
    """Why no screen can be drawn on this terminal, "" if it can."""
    if os.environ.get("TERM") in (None, "", "dumb"):
        return "this terminal cannot be drawn on (TERM is not set, or dumb)"
    if not sys.stdin.isatty():
        return "standard input is not the terminal, so there are no keys"
    if not sys.stderr.isatty():
        return "standard error is not the terminal, and the screen is drawn there"
    if "utf" not in (sys.stderr.encoding or "").lower().replace("-", ""):
        return f"this terminal's locale is {sys.stderr.encoding}, not UTF-8"
    return ""


async def printed(
    messages: AsyncIterator[ServerMessage], reads: Sequence[str], source: bool, out: TextIO
) -> None:
    """Print what is read as it is finished, until the conversation is over."""
    lines, troubles = Lines(), Troubles()
    page, recorded = Page(out, lines.name), False
    async for message in messages:
        if isinstance(message, State) and troubles.push(message):
            say(sentence(message))
        if isinstance(message, Recording) and message.on != recorded:
            recorded = message.on
            say(kept(recorded))
        change = lines.push(message)
        if change is None or change.caption is None:
            continue
        caption = change.caption
        if source or not reads or caption.language in reads or caption.degraded:
            page.show(change)
