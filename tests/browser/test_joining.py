"""People join from a browser, speak, read, lose the connection and come back."""

import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import expect

from clients.child import Ready, server, surtitle
from server import tls
from tests.browser.conftest import Visit
from tests.browser.visitor import PATIENCE, Story, line

pytestmark = pytest.mark.asyncio(loop_scope="session")

APERTIUM = shutil.which("apertium") is not None


async def test_who_opens_the_server_s_address_gets_a_room_with_a_name_to_say(visit: Visit) -> None:
    visitor = await visit("/")
    name = await visitor.page.input_value("#room-name")
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d\d", name)
    await visitor.page.click("#make button")
    await expect(visitor.page.locator("#join-title")).to_have_text(name)


async def test_a_name_that_no_room_can_have_is_refused_in_words(visit: Visit) -> None:
    visitor = await visit("/")
    await visitor.page.fill("#room-name", "../etc")
    await visitor.page.click("#make button")
    await expect(visitor.page.locator("#room-problem")).to_contain_text("digits, - and _")


async def test_a_speaker_s_words_are_captioned(visit: Visit) -> None:
    visitor = await visit("/rooms/speaker")
    await visitor.join(speak=True)
    await visitor.connected()
    await expect(visitor.page.locator("#captions .line").first).not_to_be_empty(timeout=PATIENCE)
    assert await visitor.way() in ("webrtc", "websocket")
    await expect(visitor.page.locator("#delay")).to_have_text(re.compile(r"^\d+ ms$"))
    assert visitor.complaints == []


@pytest.mark.skipif(not APERTIUM, reason="needs Apertium, which translates on this machine")
async def test_the_real_engines_caption_the_demo_in_spanish(visit: Visit) -> None:
    async with server("embedded") as ready:
        visitor = await visit("/rooms/embedded", url=ready.url)
        await visitor.join(speak=True)
        finished = visitor.page.locator('#captions .main .line.final[lang="es"]')
        await expect(finished.first).to_have_text(re.compile(r"\w+ \w+"), timeout=2 * PATIENCE)
        await visitor.page.click("#source")
        spoken = visitor.page.locator('#captions .own .line[lang="en"]')
        await expect(spoken.first).to_have_text(re.compile(r"\w+"), timeout=2 * PATIENCE)
        assert visitor.complaints == []


async def test_two_people_in_one_room_read_each_other(visit: Visit) -> None:
    speaker = await visit("/rooms/two")
    reader = await visit("/rooms/two?listen", width=390, height=844, locale="fr-FR")
    await reader.page.click("#go")
    await reader.connected()
    await speaker.join(speak=True)
    words = reader.page.locator('#captions .main .line[lang="fr"]')
    await expect(words.first).to_have_text(re.compile(r"\w+"), timeout=PATIENCE)
    await expect(reader.page.locator("#count")).to_contain_text("2 people")
    await expect(reader.page.locator(".who").first).to_have_text("Ana")


async def test_a_listen_only_link_asks_for_no_microphone(visit: Visit) -> None:
    visitor = await visit("/rooms/listen?listen", width=390, height=844)
    await expect(visitor.page.locator("#speaking")).to_be_hidden()
    asked = "navigator.mediaDevices.getUserMedia = () => { window.asked = true; }"
    await visitor.page.evaluate(f"void ({asked})")
    await visitor.page.click("#go")
    await visitor.connected()
    assert not await visitor.page.evaluate("window.asked")
    await expect(visitor.page.locator("#mute")).to_be_hidden()


async def test_a_listen_only_link_that_names_a_language_leads_straight_in(visit: Visit) -> None:
    story = Story([line("Buenos días.", final=True)])
    visitor = await visit("/rooms/lab?listen&reads=es#token=a.b", story=story)
    await visitor.sees("Buenos días.")
    assert story.said[0]["reads"] == ["es"]
    assert story.said[0]["token"] == "a.b"
    assert "audio" not in story.said[0]


async def test_a_browser_without_webrtc_speaks_by_the_websocket(visit: Visit) -> None:
    visitor = await visit("/rooms/socket")
    await visitor.page.evaluate("delete window.RTCPeerConnection")
    await visitor.join(speak=True)
    await visitor.connected()
    await expect(visitor.page.locator('#room[data-way="websocket"]')).to_be_attached()
    await visitor.page.click("#settings")
    await expect(visitor.page.locator("#facts")).to_contain_text("by WebSocket")


async def test_a_call_that_comes_to_nothing_goes_on_in_the_websocket(visit: Visit) -> None:
    story = Story()
    visitor = await visit("/rooms/lab", story=story)
    refusal = {"status": 503, "body": "60 calls are all this server takes"}
    await visitor.page.route("**/whip", lambda route: route.fulfill(**refusal))
    await visitor.join(speak=True)
    await expect(visitor.page.locator('#room[data-way="websocket"]')).to_be_attached()
    first, last = story.hellos
    assert first["audio"] == {"codec": "webrtc"}
    assert last["audio"] == {"codec": "pcm16", "rate": 16_000}
    assert last["resume"]["participant"] == "p9"
    await visitor.page.click("#settings")
    facts = visitor.page.locator("#facts")
    await expect(facts).to_contain_text("by WebSocket (WebRTC: 60 calls", timeout=PATIENCE)
    assert story.heard > 0


async def test_behind_a_wall_that_lets_no_call_through_sound_goes_by_the_websocket(
    visit: Visit,
) -> None:
    story = Story()
    visitor = await visit("/rooms/lab", story=story)
    # The answer comes, and then nothing: as where UDP is dropped.
    await visitor.page.evaluate(
        "void (RTCPeerConnection.prototype.setRemoteDescription = async () => {})"
    )
    await visitor.page.route("**/whip", lambda route: route.fulfill(status=201, body="v=0"))
    await visitor.join(speak=True)
    await expect(visitor.page.locator('#room[data-way="websocket"]')).to_be_attached(
        timeout=PATIENCE
    )
    assert [hello["audio"]["codec"] for hello in story.hellos] == ["webrtc", "pcm16"]


async def test_a_muted_microphone_is_not_heard_and_all_see_it(visit: Visit) -> None:
    visitor = await visit("/rooms/muted")
    await visitor.join(speak=True)
    await visitor.connected()
    await visitor.page.click("#mute")
    await expect(visitor.page.locator("#state")).to_contain_text("You are muted")
    await expect(visitor.page.locator("#roster")).to_contain_text("muted", timeout=PATIENCE)


async def test_a_cut_connection_is_seen_and_mended_where_it_broke(visit: Visit) -> None:
    story = Story([line("Buenos días.", final=True)])
    visitor = await visit("/rooms/lab?listen&reads=es", story=story)
    await visitor.sees("Buenos días.")
    await visitor.page.evaluate(
        "new MutationObserver(() => (document.body.dataset.seen ="
        " `${document.body.dataset.seen || ''} ${document.getElementById('state').dataset.name}`))"
        ".observe(document.getElementById('state'), {attributes: true})"
    )
    await story.connections[0].close(code=1011)
    await expect(visitor.page.locator("body")).to_have_attribute(
        "data-seen", re.compile("waiting connecting open"), timeout=PATIENCE
    )
    hello = story.hellos[-1]
    assert hello["resume"] == {"epoch": "e1", "seq": 1, "participant": "p9", "key": "k"}
    story.now(line("Otra vez.", segment=2, at=9))
    await visitor.sees("Otra vez.")
    await visitor.sees("Buenos días.")


async def test_a_server_that_was_started_again_is_joined_again(visit: Visit) -> None:
    async with server("scripted") as first:
        visitor = await visit("/rooms/again", url=first.url)
        await visitor.join(speak=True)
        await visitor.connected()
        port = first.url.rpartition(":")[2]
    await expect(visitor.page.locator('#state[data-name="waiting"]')).to_be_attached()
    async with server("scripted", options=["--port", port]):
        await visitor.connected()
        await expect(visitor.page.locator("#count")).to_contain_text("1 person")


async def test_a_server_that_refuses_says_why(visit: Visit) -> None:
    story = Story()
    visitor = await visit("/rooms/lab?listen&reads=es", story=story)
    await visitor.connected()
    story.now({"type": "error", "code": 4403, "message": "this room is full", "retry": False})
    await story.connections[0].close(code=4403)
    await expect(visitor.page.locator("#state")).to_have_text("This room is full.")
    await expect(visitor.page.locator("#retry")).to_have_text("Join again")


async def test_a_microphone_that_is_not_allowed_is_told_with_what_to_do(visit: Visit) -> None:
    visitor = await visit("/rooms/denied")
    for name, words in [
        ("NotAllowedError", "Allow it by the sign"),
        ("NotFoundError", "Plug one in"),
        ("NotReadableError", "Another program"),
    ]:
        await visitor.page.evaluate(
            "(name) => { navigator.mediaDevices.getUserMedia ="
            " async () => { throw new DOMException('no', name); }; }",
            name,
        )
        await visitor.page.click("#speak")
        await expect(visitor.page.locator("#microphone-problem")).to_contain_text(words)
        await expect(visitor.page.locator("#go")).to_have_text("Join and read")


async def test_a_page_that_came_without_https_says_how_to_get_a_microphone(visit: Visit) -> None:
    visitor = await visit("/rooms/insecure")
    await visitor.page.evaluate(
        "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"
        "Object.defineProperty(window, 'isSecureContext', {value: false})"
    )
    await visitor.page.click("#speak")
    await expect(visitor.page.locator("#microphone-problem")).to_contain_text("--tls auto")


async def test_the_transcript_is_saved_as_a_file(visit: Visit, scripted: Ready) -> None:
    visitor = await visit("/rooms/saved")
    await visitor.join(speak=True)
    await expect(visitor.page.locator("#captions .line.final").first).to_be_attached(
        timeout=2 * PATIENCE
    )
    await visitor.page.click("#settings")
    async with visitor.page.expect_download() as download:
        await visitor.page.click('#save button[data-form="srt"]')
    saved = await download.value
    assert saved.suggested_filename == "saved.srt"
    assert "-->" in Path(await saved.path()).read_text(encoding="utf-8")


async def test_a_page_by_this_machine_s_own_certificate_has_a_microphone(
    visit: Visit, tmp_path: Path
) -> None:
    address = next((name for name in tls.names("0.0.0.0") if name[0].isdigit()), "127.0.0.1")
    if address == "127.0.0.1":
        pytest.skip("this machine has no address but its own")
    made = tls.own([address], tmp_path)
    encrypted = ["--tls-cert", str(made.cert), "--tls-key", str(made.key)]
    async with server("scripted", options=["--host", address, "--insecure", *encrypted]) as ready:
        assert ready.url.startswith(f"https://{address}:")
        visitor = await visit("/rooms/tls", url=ready.url, ignore_https_errors=True)
        await visitor.join(speak=True)
        await visitor.connected()
        words = visitor.page.locator("#captions .line").first
        await expect(words).not_to_be_empty(timeout=PATIENCE)


async def test_a_link_with_a_token_leads_where_nobody_gets_without(
    visit: Visit, tmp_path: Path
) -> None:
    kept = tmp_path / "secret"
    kept.touch(0o600)
    kept.write_text(secrets.token_hex(32), encoding="utf-8")
    needs = ["--token-secret-file", str(kept)]
    words = surtitle("token", "--room", "private", "--role", "listen", *needs)
    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    token = re.search(r"[\w-]+\.[\w-]+\.[\w-]+", made)
    assert token is not None
    async with server("scripted", options=needs) as ready:
        stranger = await visit("/rooms/private?listen&reads=es", url=ready.url)
        await expect(stranger.page.locator("#state")).to_contain_text("token")
        await expect(stranger.page.locator("#retry")).to_have_text("Join again")
        link = f"/rooms/private?listen&reads=es#token={token[0]}"
        await (await visit(link, url=ready.url)).connected()
