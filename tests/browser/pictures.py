"""Draw the pictures of docs/browser.md anew: `make pictures`, then look at them."""

import asyncio
import os
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from clients.child import server
from tests.browser.conftest import chromium
from tests.browser.visitor import Story, line

DOCS = Path(__file__).parents[2] / "docs"
PEOPLE = [
    {"id": "p1", "name": "Alan", "hears": ["en"], "reads": ["en"]},
    {"id": "p2", "name": "Rosa", "hears": ["en"], "reads": ["es"], "speaking": True},
    {"id": "p3", "name": "李伟", "hears": ["zh"], "reads": ["zh"]},
    {"id": "p9", "name": "Ana", "hears": [], "reads": ["es"]},
]
SAID = [
    (
        "p1",
        "Good morning. I read about your glasses last week. I would like to see how you make them.",
        "Buenos días. La semana pasada leí sobre vuestras gafas. Me gustaría ver cómo las hacéis.",
    ),
    (
        "p2",
        "Welcome to our workshop. You can take a pair from the table and put them on.",
        "Bienvenido a nuestro taller. Puedes coger unas de la mesa y ponértelas.",
    ),
    ("p1", "They are lighter than I expected.", "Son más ligeras de lo que esperaba."),
    ("p1", "Where is the screen?", "¿Dónde está la pantalla?"),
]
LATENCY = {"detect": 1.0, "recognize": 96.0, "translate": 74.0, "queue": 2.0, "total": 173.0}


def story() -> Story:
    """The beginning of the demo's conversation, as far as Rosa's answer."""
    told: list[dict[str, Any]] = []
    for at, (speaker, english, spanish) in enumerate(SAID, 1):
        place: dict[str, Any] = {"speaker": speaker, "segment": at, "at": at, "final": True}
        told += [
            line(english, language="en", kind="transcript", latency=LATENCY, **place),
            line(spanish, **place),
        ]
    place = {"speaker": "p2", "segment": 9, "at": 9}
    english, spanish = "It is in the right lens. ", "Está en la lente derecha. "
    told += [
        line(english, "It is smaller than a", language="en", kind="transcript", **place),
        line(spanish, "Es más pequeña que", **place),
    ]
    return Story(told, roster={"type": "roster", "participants": PEOPLE})


async def draw(
    browser: Browser, url: str, name: str, address: str, size: tuple[int, int], **more: Any
) -> None:
    """One picture."""
    speak = more.pop("speak", False)
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="es-ES", **more
    )
    page = await context.new_page()
    await page.route_web_socket("**/v1/rooms/*", story().tell)
    await page.goto(url + address)
    if speak:
        await page.fill("#name", "Ana")
        await page.check("#speak")
        await page.wait_for_selector("#microphone", state="visible")
    else:
        await page.wait_for_selector(".draft:not(:empty)")
        await page.wait_for_selector("#delay:not(:empty)", state="attached")
        if "source" in name:
            await page.click("#source")
            await page.mouse.move(0, 0)
    await page.wait_for_function("document.fonts.ready.then(() => true)")
    await page.screenshot(path=str(DOCS / f"browser-{name}.png"))
    await context.close()


async def main() -> None:
    """All of them."""
    arguments = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    read, phone = "/rooms/workshop?listen&reads=es", {"device_scale_factor": 1.5}
    async with async_playwright() as playwright, server("scripted") as ready:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        url = ready.url
        await draw(browser, url, "source", read, (1280, 760), color_scheme="dark")
        await draw(browser, url, "phone", read, (390, 780), color_scheme="light", **phone)
        joining: dict[str, Any] = {"speak": True, "color_scheme": "light", **phone}
        await draw(browser, url, "join", "/rooms/workshop", (390, 780), **joining)
        glasses = "/rooms/workshop?display=glasses&reads=es"
        await draw(browser, url, "glasses", glasses, (640, 400))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
