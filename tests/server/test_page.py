"""The page's files as they are served: whole, fresh, and with what browsers may do with them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.page import FOLDER, Page, policy
from tests.server.stage import Stage

pytestmark = pytest.mark.socket


@pytest.fixture
async def http() -> AsyncIterator[Any]:
    app = web.Application()
    app.add_routes(Page(Stage().house).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("address", ["/", "/rooms/kitchen", "/rooms/%3Cscript%3E?listen"])
async def test_every_address_gets_the_one_page(http: Any, address: str) -> None:
    async with http.get(address) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert await answer.read() == (FOLDER / "index.html").read_bytes()


async def test_it_may_do_no_more_than_it_must(http: Any) -> None:
    for address in ("/", "/page/app.js", "/page/room.css"):
        async with http.get(address) as answer:
            allowed = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in allowed
            assert "unsafe" not in allowed
            assert "frame-ancestors 'none'" in allowed
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Permissions-Policy"].startswith("microphone=(self)")
            assert answer.headers["Cache-Control"] == "no-cache"


def test_a_host_that_is_none_does_not_get_into_the_policy() -> None:
    assert "evil" not in policy("evil; script-src *")
    assert "ws://[::1]:8765 wss://[::1]:8765" in policy("[::1]:8765")


async def test_what_a_browser_has_is_not_sent_again(http: Any) -> None:
    async with http.get("/page/app.js") as answer:
        tag = answer.headers["ETag"]
    async with http.get("/page/app.js", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""
    async with http.get("/page/app.js", headers={"If-None-Match": '"another"'}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("file", ["package.json", "nothing.js", "..%2Fwire.py", "%2e%2e%2fwire.py"])
async def test_nothing_else_is_served(http: Any, file: str) -> None:
    async with http.get(f"/page/{file}") as answer:
        assert answer.status == 404


async def test_what_there_is_to_choose_from_is_told_before_one_joins(http: Any) -> None:
    async with http.get("/v1/languages") as answer:
        told = await answer.json()
    assert "en" in told["hears"]
    assert ["en", "es", "scripted"] in told["pairs"]


def test_every_file_that_the_page_names_is_there() -> None:
    served = {path.name for path in FOLDER.iterdir()}
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert {part.partition('"')[0] for part in text.split('"/page/')[1:]} <= served
