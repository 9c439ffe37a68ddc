"""`surtitle models list|get|check`: what can translate and hear here, and what it takes."""

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import aiohttp

from models import mixing
from models.base import EngineError

from .catalogue import CATALOGUE, Known
from .hub import HUB, Hub
from .places import hears, places, usual

HUBS = "SURTITLE_HUB"  # the variable that names another
PATIENCE_S = 3.0  # for a hub that is only asked how large its models are
PACKAGES = ("ctranslate2", "sentencepiece", "sherpa_onnx")


def run(action: str, what: str, folder: Path | None) -> int:
    """Run "list", "get" or "check"; the exit code. `folder`: of models, by default `usual`."""
    try:
        if action == "list":
            return listed(folder or usual())
        if action == "get":
            return asyncio.run(_get(what, folder or usual()))
        return asyncio.run(_check(Path(what)))
    except EngineError as error:
        print(f"surtitle models: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsurtitle models: stopped; the same command goes on", file=sys.stderr)
        return 130


def listed(folder: Path) -> int:
    """Print what each tier has here."""
    print("embedded  pocketsphinx hears English; Apertium translates what is installed of it")
    print("          " + _embedded())
    print("local     models in folders: CTranslate2 translates, sherpa-onnx hears")
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        print(f"          not installed: {', '.join(absent)} (`pip install surtitle[local]`)")
    found = sorted(path for path in folder.glob("*") if path.is_dir()) if folder.is_dir() else []
    licences = {known.hub.partition("/")[2]: f"; {known.licence}" for known in CATALOGUE.values()}
    for path in found:
        print(f"          {path.name}: {_about(path)}{licences.get(path.name, '')}")
    if not found:
        print(f"          none in {folder}")
    print("sglang    Qwen on a GPU server: `surtitle models serve --help`")
    print("openai    any server that speaks OpenAI's protocol: `serve --translator-url`")
    _say_who_serves(folder)
    print("\nto get, by name, or any other as owner/model:")
    sizes = asyncio.run(_sizes())
    for name, known in CATALOGUE.items():
        languages = ", ".join(known.languages) or "200 languages"
        size = f", {_bytes(sizes[name])}" if name in sizes else ""
        print(f"  {name:17} {known.role}, {languages}{size}; {known.licence}")
    if not sizes:
        print(f"  how large they are, the hub did not say: {os.environ.get(HUBS, HUB)}")
    return 0


async def _sizes() -> dict[str, int]:
    """The models of the catalogue that a hub has, as far as it says so at once."""
    async with aiohttp.ClientSession(headers={"User-Agent": "surtitle"}) as session:
        hub = Hub(session, os.environ.get(HUBS, HUB))
        asked = {name: asyncio.ensure_future(hub.size(it.hub)) for name, it in CATALOGUE.items()}
        await asyncio.wait(asked.values(), timeout=PATIENCE_S)
        for answer in asked.values():
            answer.cancel()
        answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    return {name: size for name, size in zip(asked, answers, strict=True) if isinstance(size, int)}


def _say_who_serves(folder: Path) -> None:
    """What `serve` makes of all that, without a server of models. Nothing is loaded for it."""
    try:
        built = mixing.mixed({}, {}, places(folder))
    except EngineError as error:  # nothing to hear with: what there is else is listed nevertheless
        print(f"\n`surtitle serve` cannot run here: {error}")
        return
    named = "" if folder == usual() else " --models each of these folders"
    print(f"\n`surtitle serve{named}` takes for each direction the first of these that answers:")
    for engines, pairs in mixing.told(built.translators):
        print(f"  translates {pairs}: {engines}")
    if not built.translators:
        print("  translates nothing")
    for engines, languages in mixing.heard(built.recognizers):
        print(f"  hears {languages}: {engines}")
    print("and before them the models of --translator-url and --recognizer-url")
    for sentence in built.missing:
        print(f"  {sentence}")


def _embedded() -> str:
    from models.embedded import apertium

    pairs = ", ".join(f"{source}-{target}" for source, target in apertium.installed())
    return f"here: {pairs}" if pairs else f"Apertium is not installed: `{apertium.INSTALL}`"


def _about(path: Path) -> str:
    """What a folder is, by its files; or what is wrong with it."""
    try:
        if hears(path):
            from . import streams

            kind = "transducer" if streams.inspect(path).takes_hints else "CTC"
            return f"recognizer ({kind}), {_size(path)}"
        if find_spec("sentencepiece") is None:
            return "not looked into"
        from . import families

        found = families.inspect(path)
        some = ", ".join(f"{one}-{other}" for one, other in found.pairs[:4])
        more = f" and {len(found.pairs) - 4} more" if len(found.pairs) > 4 else ""
        return f"translator ({found.family}), {some}{more}, {_size(path)}"
    except EngineError as error:
        return str(error)


def _size(path: Path) -> str:
    return _bytes(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))


def _bytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size > 1e9 else f"{size / 1e6:.0f} MB"


def named(what: str) -> tuple[str, Known | None]:
    """The model of a hub that `what` names: a short name, a pair, or owner/model. EngineError."""
    if "/" in what:
        return what, None
    known = CATALOGUE.get(what)
    if known is None:
        source, _, target = what.partition("-")
        fits = [
            name
            for name, one in CATALOGUE.items()
            if one.role == "translator"
            and (not one.languages or {source, target} <= {*one.languages})
        ]
        if not (len(source) == len(target) == 2 and fits):
            names = ", ".join(CATALOGUE)
            raise EngineError(f"There is no model {what!r}: there are {names}, and owner/model.")
        known = CATALOGUE[fits[0]]
    return known.hub, known


async def _get(what: str, folder: Path) -> int:
    name, known = named(what)
    place = folder / name.partition("/")[2]
    url = os.environ.get(HUBS, HUB)
    _say(f"{name} from {url}" + (f" ({known.licence})" if known else ""))
    async with aiohttp.ClientSession(headers={"User-Agent": "surtitle"}) as session:
        size = await Hub(session, url).get(name, place, _Progress())
    _say(f"{place} is whole: {size / 1e6:.0f} MB, every file as the hub lists it")
    _say(f"try it: surtitle models check {place}")
    return 0


async def _check(folder: Path) -> int:
    for package in PACKAGES:
        if find_spec(package) is None:
            raise EngineError(f"{package} is not installed: `pip install surtitle[local]`.")
    from .trial import tried

    found = await tried(folder)
    covers = ", ".join(found.covers[:8])
    more = f" and {len(found.covers) - 8} more" if len(found.covers) > 8 else ""
    print(f"{found.role} ({found.what}): {covers}{more}")
    takes = f"{found.memory_mb:.0f} MB and {found.threads} threads"
    print(f"loaded in {found.load_ms / 1000:.1f} s, takes {takes}")
    each = "a sentence" if found.role == "translator" else "a second of sound"
    print(f"{found.each_ms:.1f} ms for {each}")
    if found.answer:
        print(f"says: {found.answer}")
    return 0


class _Progress:
    """A line that is written over in a terminal; elsewhere a line for each tenth."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, file: str, here: int, whole: int) -> None:
        share = here * 100 // max(1, whole)
        if sys.stderr.isatty():
            end = "\n" if here == whole else ""
            bar = "#" * (share // 4)
            print(f"\r{file[:40]:40} {bar:25} {share:3} %", end=end, file=sys.stderr, flush=True)
        elif (file, share // 10) != self._last:
            self._last = file, share // 10
            _say(f"{file} {share} %")


def _say(line: str) -> None:
    print(f"surtitle models: {line}", file=sys.stderr, flush=True)
