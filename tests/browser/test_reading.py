"""What a reader sees: captions that stay where they are read, in any script, in any size."""

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Story, Visitor, line

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTEN = "/rooms/lab?listen&reads=es"
WORDS = "una frase bastante larga que ocupa más de una línea en la pantalla de un teléfono"


async def test_what_may_still_change_is_dim(visit: Visit) -> None:
    visitor = await visit(LISTEN, story=Story([line("Buenos días ", "a todos")]))
    await visitor.sees("Buenos días a todos")
    assert await visitor.lines(".draft") == ["a todos"]
    sure = await visitor.page.locator(".line > span").first.evaluate(COLOUR)
    draft = await visitor.page.locator(".draft").evaluate(COLOUR)
    assert sure != draft


COLOUR = "(element) => getComputedStyle(element).color"


async def test_words_that_are_certain_never_move_while_their_line_grows(visit: Visit) -> None:
    story = Story([line("", "Una")])
    visitor = await visit(LISTEN, story=story, width=390, height=844)
    await visitor.sees("Una")
    words, places = WORDS.split(), []
    for count in range(2, len(words) + 1):
        story.now(line(" ".join(words[: count - 1]) + " ", words[count - 1]))
        await visitor.sees(" ".join(words[:count]))
        places.append(await visitor.page.evaluate(CORNERS, " ".join(words[: count - 1])))
    for before, after in pairwise(places):
        assert after[: len(before)] == before


CORNERS = """(text) => {
  const node = document.querySelector(".main .line > span").firstChild;
  const at = [];
  for (const word of text.matchAll(/\\S+/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const box = range.getBoundingClientRect();
    at.push([Math.round(box.left), Math.round(box.top)]);
  }
  return at;
}"""


async def test_a_draft_that_gets_shorter_pulls_nothing_down(visit: Visit) -> None:
    finished = [line(WORDS, final=True, segment=count, at=count) for count in range(1, 9)]
    story = Story([*finished, line("Otra ", WORDS, segment=9, at=9)])
    visitor = await visit(LISTEN, story=story, width=390, height=844)
    await visitor.sees(f"Otra {WORDS}")
    before = await visitor.place(".block:nth-child(8)")
    story.now(line("Otra ", "", segment=9, at=9))
    await expect(visitor.page.locator(".block:nth-child(9) .draft")).to_be_empty()
    await visitor.draws()
    assert await visitor.place(".block:nth-child(8)") == before


async def test_who_has_gone_back_keeps_his_place_and_finds_the_newest_again(visit: Visit) -> None:
    finished = [line(WORDS, final=True, segment=count, at=count) for count in range(1, 20)]
    story = Story(finished)
    visitor = await visit(LISTEN, story=story, width=390, height=844)
    await expect(visitor.page.locator(".block")).to_have_count(19)
    await visitor.page.locator("#view").evaluate("(view) => { view.scrollTop = 200; }")
    await expect(visitor.page.locator("#newest")).to_be_visible()
    before = await visitor.place(".block:nth-child(3)")
    story.now(line("Lo más nuevo.", final=True, segment=50, at=50))
    await visitor.sees("Lo más nuevo.")
    assert await visitor.place(".block:nth-child(3)") == before
    await visitor.page.click("#newest")
    await expect(visitor.page.get_by_text("Lo más nuevo.").first).to_be_in_viewport()


async def test_a_long_talk_forgets_its_beginning_and_ends_at_the_bottom(visit: Visit) -> None:
    told = [line(f"{at} {WORDS}", final=True, segment=at, at=at) for at in range(1, 651)]
    visitor = await visit(LISTEN, story=Story(told), width=390, height=844)
    await visitor.sees(f"650 {WORDS}")
    blocks = visitor.page.locator(".block")
    assert await blocks.count() == 600
    last = await blocks.last.bounding_box()
    view = await visitor.place("#view")
    assert last is not None
    assert 0 <= view["y"] + view["height"] - (last["y"] + last["height"]) < 40
    assert await visitor.lines(".who") == ["Ana"]


async def test_a_withdrawn_line_is_gone(visit: Visit) -> None:
    story = Story([line("Ejem"), line("Hola.", segment=2, at=5)])
    visitor = await visit(LISTEN, story=story)
    await visitor.sees("Hola.")
    story.now(line("", final=True))
    await expect(visitor.page.locator(".block")).to_have_count(1)
    assert await visitor.lines() == ["Hola."]


async def test_a_name_stands_where_a_turn_begins(visit: Visit) -> None:
    story = Story(
        [
            line("Hola.", final=True),
            line("¿Qué tal?", final=True, segment=2, at=1),
            line("Bien.", final=True, speaker="p2", at=2),
        ]
    )
    visitor = await visit(LISTEN, story=story)
    await visitor.sees("Bien.")
    assert await visitor.lines(".who") == ["Ana", "Ben"]


HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


async def test_what_people_say_is_text_and_nothing_else(visit: Visit) -> None:
    roster = {
        "type": "roster",
        "participants": [{"id": "p1", "name": f"{HOSTILE} \u202eanA", "hears": [], "reads": []}],
    }
    story = Story([line(f"{HOSTILE} \u202eolleh", final=True)], roster=roster)
    visitor = await visit(LISTEN, story=story)
    await visitor.sees(HOSTILE)
    await visitor.page.click("#people")
    assert "taken" not in await visitor.page.title()
    assert await visitor.page.locator("#captions script, #captions img, #roster img").count() == 0
    # An override in a name or a line ends where it ends.
    assert await visitor.page.locator(".who bdi").count() == 1
    bidi = "(one) => getComputedStyle(one).unicodeBidi"
    assert await visitor.page.locator(".main .line").first.evaluate(bidi) == "isolate"


async def test_a_language_that_runs_from_right_to_left_does(visit: Visit) -> None:
    arabic = "صباح الخير جميعا، شكرا لكم على الحضور"
    story = Story(
        [
            line(arabic, final=True, language="ar"),
            line("Good morning, everybody.", final=True, language="en", kind="transcript"),
        ]
    )
    visitor = await visit("/rooms/lab?listen&reads=ar", story=story, width=390, height=844)
    await visitor.sees(arabic)
    await visitor.page.click("#source")
    await visitor.sees("Good morning, everybody.")
    words, view = await visitor.place(".main .line > span"), await visitor.place("#view")
    assert words["x"] + words["width"] > view["width"] - 40
    assert (await visitor.place(".own .line > span"))["x"] < 40
    assert await visitor.page.locator('.line[lang="ar"][dir="rtl"]').count() == 1


async def test_what_is_less_than_it_should_be_is_said_in_words(visit: Visit) -> None:
    story = Story(
        [
            line(
                "good morning",
                final=True,
                language="en",
                kind="transcript",
                degraded="untranslated",
            ),
            {"type": "state", "scope": "translation", "level": "down", "language": "es"},
        ]
    )
    visitor = await visit(LISTEN, story=story)
    await visitor.sees("good morning")
    assert await visitor.lines(".mark-of") == ["not translated"]
    notices = visitor.page.locator("#notices")
    await expect(notices).to_have_text("Translation (Spanish) does not work just now.")
    story.now({"type": "state", "scope": "translation", "level": "ok", "language": "es"})
    await expect(notices).to_be_empty()


async def test_the_dial_the_source_and_the_languages_are_asked_of_the_server(visit: Visit) -> None:
    story = Story()
    visitor = await visit("/rooms/lab?listen", story=story)
    await visitor.page.click("#go")
    await visitor.connected()
    await visitor.page.click("#source")
    await visitor.page.click("#settings")
    await visitor.page.get_by_text("Steady", exact=True).click()
    await visitor.page.select_option("#panel-reads-add", "fr")
    await visitor.draws()
    hello = story.hellos[-1]
    assert hello["source"] is True
    assert hello["stability"] == "steady"
    assert hello["reads"] == ["es", "fr"]
    assert "audio" not in hello
    assert "hears" not in hello


async def test_what_a_reader_has_chosen_is_remembered(visit: Visit) -> None:
    visitor = await visit("/rooms/lab", story=Story())
    await visitor.join(name="Ana")
    await visitor.connected()
    await visitor.page.click("#settings")
    await visitor.page.get_by_text("High contrast", exact=True).click()
    await visitor.page.locator("#size").fill("180")
    await visitor.page.reload()
    assert await visitor.page.input_value("#name") == "Ana"
    html = visitor.page.locator("html")
    await expect(html).to_have_attribute("data-theme", "contrast")
    await expect(html).to_have_css("--size", "1.8")


async def test_glasses_show_three_large_lines_on_black_and_nothing_else(visit: Visit) -> None:
    story = Story([line(f"{WORDS} {WORDS} ", "y lo último", final=False)])
    visitor = await visit("/rooms/lab?display=glasses&reads=es", story=story, width=640, height=480)
    await visitor.sees("y lo último")
    view = await visitor.place("#view")
    height = await visitor.page.locator(".main .line").first.evaluate(
        "(line) => parseFloat(getComputedStyle(line).lineHeight)"
    )
    assert round(view["height"] / height) == 3
    await expect(visitor.page.locator("body")).to_have_css("background-color", "rgb(0, 0, 0)")
    await expect(visitor.page.locator(".draft")).to_be_in_viewport()
    for chrome in ("#title", "#settings", "#leave", "#state", "#mute"):
        await expect(visitor.page.locator(chrome)).to_be_hidden()
    assert story.said[0]["display"] == {"columns": 30, "lines": 3}


async def test_a_screen_reader_is_read_what_is_finished_once(visit: Visit) -> None:
    story = Story([line("Buenos ", "días")])
    visitor = await visit(LISTEN, story=story)
    await visitor.sees("Buenos días")
    log = visitor.page.locator("#announced")
    await expect(log).to_be_empty()
    story.now(line("Buenos días a todos.", final=True))
    await expect(log).to_have_text("Ana: Buenos días a todos.")
    assert await log.get_attribute("aria-live") == "polite"


async def test_the_keyboard_reaches_everything_in_order(visit: Visit) -> None:
    visitor = await visit(LISTEN, story=Story([line("Hola.", final=True)]))
    await visitor.connected()
    reached = []
    for _ in range(6):
        await visitor.page.keyboard.press("Tab")
        reached.append(await visitor.page.evaluate("document.activeElement.id"))
    assert reached == ["people", "source", "full", "settings", "view", "leave"]
    await visitor.page.focus("#settings")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.locator("#settings-panel")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.page.locator("#settings-panel")).to_be_hidden()
    assert await visitor.page.evaluate("document.activeElement.id") == "settings"


AXE = Path(os.environ.get("SURTITLE_BROWSER", ".")) / "node_modules/axe-core/axe.min.js"


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core, which npm brings")
@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
async def test_there_is_no_serious_barrier(visit: Visit, theme: str) -> None:
    kept = f'localStorage.setItem("surtitle", JSON.stringify({{theme: "{theme}", source: true}}))'
    story = Story(
        [
            line("Buenos días ", "a todos"),
            line("good morning everybody", language="en", kind="transcript"),
            line("hola", final=True, speaker="p2", at=5, degraded="late"),
        ]
    )
    for address in ("/", "/rooms/lab", LISTEN):
        visitor = await visit(address, story=story, reduced_motion="reduce")
        await visitor.page.evaluate(kept)
        await visitor.page.reload()
        if address == LISTEN:
            await visitor.sees("hola")
            await _search(visitor)
            await visitor.page.click("#settings")
            await _search(visitor)
            await visitor.page.keyboard.press("Escape")
            await visitor.page.click("#people")
        await _search(visitor)


async def _search(visitor: Visitor) -> None:
    await visitor.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await visitor.page.evaluate("axe.run()")
    barriers = [
        f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes']]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert barriers == []


async def test_the_page_may_do_no_more_than_it_must(visit: Visit) -> None:
    visitor = await visit("/")
    answer = await visitor.page.request.get(visitor.page.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    tried = "Function('document.title = \"taken\"')()"
    with pytest.raises(Exception, match=re.compile("unsafe-eval|Trusted|CSP|Content Security")):
        await visitor.page.add_script_tag(content=tried)
        raise AssertionError(await visitor.page.title())
    assert await visitor.page.title() != "taken"
