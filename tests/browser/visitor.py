"""Somebody before the page, and stories that are told to it in the place of a server."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, WebSocketRoute, expect

PATIENCE = 30_000  # ms


class Visitor:
    """What somebody does with the page, and sees of it. What the page complains of is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # What the network does is no fault of the page.
        if message.type == "error" and "net::" not in message.text:
            self.complaints.append(message.text)

    async def join(self, name: str = "Ana", speak: bool = False, hears: str = "English") -> None:
        """Fill in the form and go in."""
        await self.page.fill("#name", name)
        if speak:
            await self.page.check("#speak")
            await self.page.wait_for_selector("#microphone", state="visible")
            for chosen in await self.page.locator("#hears button").all():
                await chosen.click()
            await self.page.select_option("#hears-add", label=hears)
        await self.page.click("#go")

    async def connected(self) -> None:
        """Until it is in the room."""
        await expect(self.page.locator('#state[data-name="open"]')).to_be_attached(timeout=PATIENCE)

    async def sees(self, text: str) -> None:
        """Until the captions have it."""
        await expect(self.page.locator("#captions")).to_contain_text(text, timeout=PATIENCE)

    async def lines(self, selector: str = ".main .line") -> list[str]:
        """The captions as they stand there, from top to bottom."""
        texts: list[str] = await self.page.locator(selector).all_inner_texts()
        return texts

    async def way(self) -> str:
        """How its sound travels."""
        found: str = await self.page.evaluate("document.getElementById('room').dataset.way")
        return found

    async def place(self, selector: str) -> dict[str, float]:
        """Where something is on the screen, px."""
        box: dict[str, float] | None = await self.page.locator(selector).first.bounding_box()
        assert box is not None, f"{selector} is not to be seen"
        return box

    async def draws(self) -> None:
        """Until all that was told is drawn."""
        await self.page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")


ROSTER = {
    "type": "roster",
    "participants": [
        {"id": "p1", "name": "Ana", "hears": ["en"], "reads": ["es"], "speaking": True},
        {"id": "p2", "name": "Ben", "hears": ["en"], "reads": ["en"]},
    ],
}
WELCOME = json.loads("""{
  "type": "welcome", "room": "lab", "epoch": "e1", "participant": "p9", "key": "k",
  "replay_from": 0, "replay_to": 0, "gap": false, "audio_at": 0, "pairs": [["en", "es", "qwen"]]
}""")
LINE = json.loads("""{
  "type": "caption", "speaker": "p1", "segment": 1, "language": "es", "kind": "translation",
  "start": 0, "end": 0, "heard": 0, "at": 0, "engine": "qwen"
}""")


def line(stable: str, draft: str = "", final: bool = False, **more: Any) -> dict[str, Any]:
    """A caption: of Ana's first segment, in Spanish, unless said otherwise."""
    return {**LINE, "stable": stable, "draft": draft, "final": final, **more}


@dataclass
class Story:
    """Stands in for a server: welcomes, tells what it was given, then what it is told to tell."""

    told: Sequence[dict[str, Any]] = ()
    roster: dict[str, Any] = field(default_factory=lambda: ROSTER)
    said: list[dict[str, Any]] = field(default_factory=list)
    """What the page has said."""
    connections: list[WebSocketRoute] = field(default_factory=list)
    heard: int = 0
    """Bytes of sound."""
    seq: int = 0
    welcomed: int = 0

    def tell(self, route: WebSocketRoute) -> None:
        """A page has connected."""
        self.connections.append(route)
        route.on_message(self._answer)

    def _answer(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.heard += len(data)
            return
        message = json.loads(data)
        self.said.append(message)
        if message["type"] == "ping":
            self._send({"type": "pong", "t": message["t"], "server_ms": 0})
        if message["type"] == "hello" and self.welcomed < len(self.connections):
            self.welcomed += 1
            self._send(WELCOME)
            self._send(self.roster)
            self.now(*self.told)

    @property
    def hellos(self) -> list[dict[str, Any]]:
        """Each time the page said who it is."""
        return [message for message in self.said if message["type"] == "hello"]

    def now(self, *messages: dict[str, Any]) -> None:
        """Tell this too."""
        for message in messages:
            self.seq += 1
            self._send({**message, "seq": self.seq} if message["type"] == "caption" else message)

    def _send(self, message: dict[str, Any]) -> None:
        self.connections[-1].send(json.dumps(message))
