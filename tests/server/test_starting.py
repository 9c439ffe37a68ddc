"""Engines that start, that cannot, and that come later."""

import asyncio
from collections.abc import Callable

import pytest

from models.base import EngineError
from models.detectors.energy import Energy
from models.registry import Engines
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from models.sglang.errors import Absent, Refused
from server.recognizers import Recognizers
from server.starting import Starting
from server.translation import Translation

EN_ES, ZH_EN = ("en", "es"), ("zh", "en")


class Started:
    """Starts, or fails with an error of its own."""

    error: EngineError | None = None
    starts = 0
    closed = False

    async def start(self) -> None:
        self.starts += 1
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        self.closed = True


class Ear(Started, ScriptedRecognizer):
    """A recognizer of these languages."""

    def __init__(self, name: str, *languages: str, error: EngineError | None = None) -> None:
        super().__init__(languages=languages)
        self.name, self.error = name, error


class Tongue(Started, ScriptedTranslator):
    """A translator of these pairs."""

    def __init__(
        self, name: str, *pairs: tuple[str, str], error: EngineError | None = None
    ) -> None:
        super().__init__()
        self.name, self.pairs, self.error = name, list(pairs), error


class Server:
    """The engines of one server, and what was said of its directions."""

    def __init__(self, *engines: Ear | Tongue, spares: bool = True, rivals: int = 0) -> None:
        self.ears = tuple(one for one in engines if isinstance(one, Ear))
        self.tongues = tuple(one for one in engines if isinstance(one, Tongue))
        self.told: list[tuple[tuple[str, str], str]] = []
        built = Engines(
            Energy(),
            self.ears,
            self.tongues,
            (),
            spares,
            (self.ears[:rivals], self.tongues[:rivals]),
        )
        self.recognizers = Recognizers(self.ears)
        self.translation = Translation(
            self.tongues, lambda pair, level, reason: self.told.append((pair, level))
        )
        self.starting = Starting(built, self.recognizers, self.translation)
        self.starting.again_s = 0.001

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not seen():
                await asyncio.sleep(0.001)


async def test_a_named_tier_needs_its_engines_and_leaves_none_behind() -> None:
    here, gone = Ear("ear", "en"), Tongue("gone", EN_ES, error=Absent("Nobody answers."))
    server = Server(here, gone, spares=False)
    with pytest.raises(EngineError, match="Nobody answers"):
        await server.starting.start()
    await server.starting.close()
    assert here.closed and gone.closed


async def test_a_server_that_is_not_there_yet_is_taken_in_when_it_is() -> None:
    gone = Tongue("sglang", ZH_EN, EN_ES, error=Absent("Nobody answers."))
    server = Server(Ear("ear", "en"), gone, Tongue("apertium", EN_ES))
    await server.starting.start()
    assert server.translation.pairs == [(*EN_ES, "apertium"), (*ZH_EN, "sglang")]
    assert server.translation.works(*EN_ES) and not server.translation.works(*ZH_EN)
    await server.until(lambda: gone.starts > 2)
    gone.error = None
    await server.until(lambda: server.translation.works(*ZH_EN))
    assert server.translation.pairs == [(*EN_ES, "sglang"), (*ZH_EN, "sglang")]
    assert set(server.told) == {
        *((EN_ES, level) for level in ("degraded", "ok")),
        *((ZH_EN, level) for level in ("down", "ok")),
    }
    await server.starting.close()


async def test_what_cannot_be_loaded_is_done_without() -> None:
    broken = Tongue("ctranslate2", EN_ES, ZH_EN, error=EngineError("It is corrupt."))
    server = Server(Ear("ear", "en"), broken, Tongue("apertium", EN_ES))
    await server.starting.start()
    assert server.translation.pairs == [(*EN_ES, "apertium")]
    assert server.told == [] and broken.starts == 1
    await server.starting.close()


async def test_a_recognizer_is_started_only_for_what_no_better_one_hears() -> None:
    absent = Ear("qwen-asr", "zh", "en", error=Absent("Nobody answers."))
    all_ = Ear("sherpa", "zh", "en"), Ear("small", "en"), Ear("french", "fr")
    server = Server(absent, *all_)
    await server.starting.start()
    assert [one.starts for one in all_] == [1, 0, 1]
    assert server.recognizers.by == [("sherpa", ["en", "zh"]), ("french", ["fr"])]
    absent.error = None
    await server.until(lambda: server.recognizers.by[0] == ("qwen-asr", ["en", "zh"]))
    await server.starting.close()
    assert all(one.closed for one in server.ears)


async def test_without_any_recognizer_there_is_no_server() -> None:
    server = Server(Ear("sherpa", "zh", error=EngineError("It is corrupt.")), Tongue("t", EN_ES))
    with pytest.raises(EngineError, match="It is corrupt"):
        await server.starting.start()
    await server.starting.close()


async def test_of_rivals_at_one_address_the_first_that_starts_is_enough() -> None:
    both = Tongue("sglang", ZH_EN), Tongue("openai", ZH_EN)
    server = Server(Ear("ear", "en"), *both, rivals=2)
    await server.starting.start()
    (direction,) = server.translation.directions.values()
    assert [one.name for one in direction.able] == ["sglang"]
    await server.starting.close()


async def test_a_server_of_another_kind_is_asked_by_the_protocol_that_it_speaks() -> None:
    wrong = Tongue("sglang", ZH_EN, error=Refused("no such page"))
    right = Tongue("openai", ZH_EN, error=Absent("Nobody answers."))
    server = Server(Ear("ear", "en"), wrong, right, rivals=2)
    await server.starting.start()
    right.error = None
    await server.until(lambda: server.translation.works(*ZH_EN))
    assert server.translation.pairs == [(*ZH_EN, "openai")]
    assert wrong.starts == 1
    await server.starting.close()


async def test_once_one_of_the_rivals_has_come_nobody_waits_for_the_others() -> None:
    both = [Tongue(name, ZH_EN, error=Absent("Nobody answers.")) for name in ("sglang", "openai")]
    server = Server(Ear("ear", "en"), *both, rivals=2)
    await server.starting.start()
    both[0].error = None
    await server.until(lambda: server.translation.works(*ZH_EN))
    assert server.starting.awaited == {}
    assert server.translation.pairs == [(*ZH_EN, "sglang")]
    await server.starting.close()
