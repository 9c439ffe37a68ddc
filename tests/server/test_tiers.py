"""Several translators and recognizers at once: each direction has the best that works, and a reader
is told by whom a caption is, and when that is a lesser one than it should be."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from models.base import EngineError, Request
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.entry import check_hears
from server.recognizers import Recognizers
from server.refused import Refused
from server.translation import By, Translation, Unusable
from streaming.messages import Caption, Hello, Pcm16, State
from tests.server.stage import Stage, loud, quiet, settle

SENTENCE = loud(1_500) + quiet(1_200)


class Engine(ScriptedTranslator):
    """Says what it is called behind every word. It can be broken and mended."""

    def __init__(
        self, name: str, pairs: Collection[tuple[str, str]], forces_prefix: bool = False
    ) -> None:
        super().__init__(forces_prefix=forces_prefix)
        self.name, self.pairs = name, list(pairs)
        self.broken = self.hangs = False
        self.asked: list[Request] = []

    async def translate(self, request: Request) -> AsyncIterator[str]:
        self.asked.append(request)
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            raise EngineError("Nobody answers.")
        assert (request.source, request.target) in self.pairs
        yield f"{request.prefix and ' '}{request.text} [{self.name}]"


class Tiers(Stage):
    """A room with a good engine for one direction and a simple one for two."""

    def __init__(self, forces_prefix: bool = False) -> None:
        super().__init__()
        self.good = Engine("good", [("en", "es")], forces_prefix)
        self.plain = Engine("plain", [("en", "es"), ("en", "fr")])
        self.engines.translation.take([self.good, self.plain])

    def rested(self) -> None:
        """The time has passed for which an engine that failed is left alone."""
        for direction in self.engines.translation.directions.values():
            for one in direction.able:
                one.rested = 0.0


def by(captions: Collection[Caption]) -> set[tuple[str, str | None]]:
    """Whose the translations are."""
    return {(one.engine, one.degraded) for one in captions if one.kind == "translation"}


async def test_each_direction_is_done_by_the_best_that_knows_it() -> None:
    stage = Tiers()
    ana = stage.join(hears="en")
    ben, cleo = stage.join("Ben", reads="es"), stage.join("Cleo", reads="fr")
    await stage.speak(ana, SENTENCE)
    assert by(stage.captions(ben)) == {("good", None)}
    assert by(stage.captions(cleo)) == {("plain", None)}
    assert stage.engines.translation.pairs == [("en", "es", "good"), ("en", "fr", "plain")]
    assert stage.plain.asked and {one.target for one in stage.plain.asked} == {"fr"}


async def test_when_the_best_goes_the_next_translates_and_says_so_until_it_is_back() -> None:
    stage = Tiers()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    cleo = stage.join("Cleo", reads="fr")
    stage.good.broken = True
    await stage.speak(ana, SENTENCE)
    assert by(stage.captions(ben)) == {("plain", "fallback")}
    assert stage.finals(ben)[-1][1].endswith("[plain]")
    (state,) = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert (state.scope, state.level, state.language) == ("translation", "degraded", "es")
    assert state.reason == "en to es: plain translates instead of good: Nobody answers."
    assert not [one for one in stage.told[cleo.id] if isinstance(one, State)]
    late = stage.join("Dora", reads="es")
    stage.read()
    (told,) = [one for one in stage.told[late.id] if isinstance(one, State)]
    assert (told.level, told.since) == ("degraded", state.since)
    assert stage.engines.translation.pairs[0] == ("en", "es", "plain")
    assert b"surtitle_directions_degraded 1.0" in stage.house.metrics.page()

    stage.good.broken = False
    stage.rested()
    await stage.speak(ana, SENTENCE)
    assert [one.level for one in stage.told[ben.id] if isinstance(one, State)][1:] == ["ok"]
    before = len(stage.captions(ben))
    await stage.speak(ana, SENTENCE)
    assert by(stage.captions(ben)[before:]) == {("good", None)}
    page = stage.house.metrics.page().decode()
    assert "surtitle_directions_degraded 0.0" in page
    for level in ("degraded", "ok"):
        assert f'changes_total{{level="{level}",scope="translation"}} 1.0' in page


async def test_no_reader_waits_for_one_that_hangs_while_another_translates() -> None:
    stage = Tiers()
    translation = stage.engines.translation
    request = Request("en", "es", "good morning", final=True)
    stage.good.broken = True
    assert (await translation.translate(request))[1] == By("plain", "fallback")
    stage.good.hangs = True
    stage.rested()
    before = len(stage.good.asked)
    for _ in range(5):
        async with asyncio.timeout(1):
            assert (await translation.translate(request))[1] == By("plain", "fallback")
        await settle()
    assert len(stage.good.asked) == before + 1  # beside, and one at a time
    translation.leave()
    await settle()


async def test_what_nobody_can_translate_is_read_as_it_was_said() -> None:
    stage = Tiers()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    stage.good.broken = stage.plain.broken = True
    await stage.speak(ana, SENTENCE)
    captions = stage.captions(ben)
    assert {(one.kind, one.degraded) for one in captions} == {("transcript", "untranslated")}
    levels = [one.level for one in stage.told[ben.id] if isinstance(one, State)]
    assert levels[-1] == "down"
    stage.plain.broken = False
    stage.rested()
    await stage.speak(ana, SENTENCE)
    assert ("plain", "fallback") in by(stage.captions(ben))
    levels = [one.level for one in stage.told[ben.id] if isinstance(one, State)]
    assert levels[-1] == "degraded"


async def test_a_line_that_is_held_to_its_beginning_waits_for_its_final() -> None:
    stage = Tiers(forces_prefix=True)
    translation = stage.engines.translation
    stage.good.broken = True
    open_ = Request("en", "es", "good morning", prefix="Buenos")
    with pytest.raises(EngineError, match="Nobody answers"):
        await translation.translate(open_)
    with pytest.raises(EngineError, match="Nobody answers"):
        await translation.translate(open_)  # not even asked: it cannot go on from there
    assert stage.plain.asked == []
    final = Request("en", "es", "good morning", final=True)
    assert await translation.translate(final) == ("good morning [plain]", By("plain", "fallback"))
    direction = translation.direction("en", "es")
    assert direction is not None and not direction.forces_prefix  # new lines are not held


async def test_a_final_that_the_best_does_not_translate_is_asked_of_the_next() -> None:
    class Remarks(Engine):
        generative = True

        async def translate(self, request: Request) -> AsyncIterator[str]:
            yield "As an AI language model, I"

    translation = Translation(
        [Remarks("chatty", [("en", "es")]), Engine("plain", [("en", "es")])], lambda *change: None
    )
    with pytest.raises(Unusable):
        await translation.translate(Request("en", "es", "good morning everybody"))
    told, whose = await translation.translate(Request("en", "es", "good morning", final=True))
    assert (told, whose) == ("good morning [plain]", By("plain", "fallback"))
    assert translation.works("en", "es") and translation.pairs == [("en", "es", "chatty")]


async def test_a_variety_of_a_language_is_served_by_who_knows_the_language() -> None:
    stage = Tiers()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es-MX")
    await stage.speak(ana, SENTENCE)
    assert by(stage.captions(ben)) == {("good", None)}
    assert {one.target for one in stage.good.asked} == {"es"}
    stage.good.broken = stage.plain.broken = True
    await stage.speak(ana, SENTENCE)
    states = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert [(one.level, one.language) for one in states] == [
        ("degraded", "es-MX"),
        ("down", "es-MX"),
    ]


async def test_who_comes_and_goes_changes_what_can_be_read() -> None:
    stage = Tiers()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="de")
    stage.read()
    (none,) = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert none.reason == "en to de: no engine of this server translates that"
    stage.engines.translation.take([stage.good, stage.plain, Engine("new", [("en", "de")])])
    await stage.speak(ana, SENTENCE)
    assert by(stage.captions(ben)) == {("new", None)}
    stage.engines.translation.take([stage.good])
    assert stage.engines.translation.pairs == [("en", "es", "good")]
    before = len(stage.captions(ben))
    await stage.speak(ana, SENTENCE)
    assert {one.degraded for one in stage.captions(ben)[before:]} == {"untranslated"}


class Ear(ScriptedRecognizer):
    """Hears some languages."""

    def __init__(self, name: str, *languages: str, hop_ms: int = 320) -> None:
        super().__init__(languages=languages, hop_ms=hop_ms)
        self.name = name


async def test_each_microphone_is_heard_by_the_best_that_hears_all_of_its_languages() -> None:
    stage = Tiers()
    stage.engines.recognizers.take([Ear("good", "zh"), Ear("fair", "zh", "fr"), Ear("plain", "en")])
    told = {}
    for hears in ("zh", "zh fr", "en-US", "en"):
        member = stage.join(hears=hears, reads=hears)
        await stage.speak(member, SENTENCE)
        told[hears] = {one.engine for one in stage.captions(member) if one.speaker == member.id}
    assert told == {"zh": {"good"}, "zh fr": {"fair"}, "en-US": {"plain"}, "en": {"plain"}}


@pytest.mark.parametrize(
    ("hears", "why"),
    [
        (["zh", "en"], "nobody here hears zh and en by one microphone: good hears zh; plain hears"),
        (["sw"], "good and plain do not hear 'sw'; they hear en, zh"),
    ],
)
def test_what_cannot_be_heard_is_refused_in_a_sentence(hears: list[str], why: str) -> None:
    ears = Recognizers([Ear("good", "zh"), Ear("plain", "en")])
    with pytest.raises(Refused, match=why):
        check_hears(Hello("Ana", [], hears, Pcm16(16_000)), ears)


async def test_who_is_being_heard_goes_on_when_a_better_recognizer_comes() -> None:
    stage = Tiers()
    ears = stage.engines.recognizers
    plain, good = Ear("plain", "en"), Ear("good", "en", "zh")
    ears.take([plain])
    ana = stage.join(hears="en", reads="en")
    ears.take([good, plain])
    await stage.speak(ana, SENTENCE)
    ben = stage.join("Ben", hears="zh", reads="zh")
    await stage.speak(ben, SENTENCE)
    assert {one.engine for one in stage.captions(ana) if one.speaker == ana.id} == {"plain"}
    assert {one.engine for one in stage.captions(ben) if one.speaker == ben.id} == {"good"}
