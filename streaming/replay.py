"""What a reader is shown of what was said while he was not there.

Everything keeps its `seq`, so whoever comes, or comes back, sees it grow strictly: old captions
first, then what is said from now on.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import msgspec

from .audience import Reader, foreign, wants
from .captions import RECENT, Captions
from .messages import Caption

Works = Callable[[str, str], bool]
"""Whether captions of the first language reach readers of the second translated."""
EMPTY: Mapping[Reader, int] = MappingProxyType({})


def late(
    captions: Captions,
    reader: Reader,
    works: Works,
    begun: Mapping[str, int],
    seen: Mapping[Reader, int] = EMPTY,
) -> list[Caption]:
    """For who comes now: the finals of the last segments, and the open lines.

    `begun`: as in `untold`. `seen`: whoever was another reader before, up to some `seq`, does not
    get it twice.
    """
    recent = {(said.speaker, said.segment) for said in captions.said}
    finals = [
        final
        for final in list(captions.finals.values())[-RECENT * 8 :]
        if (final.speaker, final.segment) in recent and final.text
    ]
    lines = [*finals, *_open(captions, reader, begun)]
    for before, until in seen.items():
        known = {caption.key for caption in _wanted(captions, before, works, lines)}
        lines = [line for line in lines if line.seq > until or line.key not in known]
    return _wanted(captions, reader, works, lines)


def since(
    captions: Captions, reader: Reader, seq: int, works: Works, begun: Mapping[str, int]
) -> list[Caption]:
    """For who has seen all up to `seq`: every final after it, and the open lines that changed."""
    finals = []
    for final in reversed(captions.finals.values()):
        if final.seq <= seq:
            break
        finals.append(final)
    changed = [one for one in _open(captions, reader, begun) if one.seq > seq]
    return _wanted(captions, reader, works, [*finals, *changed])


def untold(
    captions: Captions,
    reader: Reader,
    seq: int,
    translatable: Works,
    begun: Mapping[str, int],
) -> bool:
    """Whether something that was said after `seq` will not reach this reader.

    `begun` says from which `seq` on each language has been translated into without a break.
    """
    for final in reversed(captions.finals.values()):
        if final.seq <= seq:
            return False
        if final.kind != "transcript":
            continue
        for language in foreign(reader.reads, final.language):
            key = final.speaker, final.segment, language, "translation"
            if key in captions.closed or not translatable(final.language, language):
                continue
            if not final.text and key not in captions.open:  # else what was begun has no end
                continue
            if final.seq <= begun.get(language, captions.seq):
                return True
    return False


def _open(captions: Captions, reader: Reader, begun: Mapping[str, int]) -> list[Caption]:
    """The open lines; not translations for readers who all left before they were finished."""
    held = captions.open.values()
    lines = [one.posted[reader.stability].plain for one in held if reader.stability in one.posted]
    return [
        line
        for line in lines
        if line.kind == "transcript" or line.seq > begun.get(line.language, captions.seq)
    ]


def _wanted(
    captions: Captions, reader: Reader, works: Works, lines: Collection[Caption]
) -> list[Caption]:
    found = []
    for line in sorted(lines, key=lambda caption: caption.seq):
        wanted = wants(reader, line, _told(captions, line, works))
        if wanted is not None:
            found.append(msgspec.structs.replace(wanted, replay=True))
    return found


def _told(captions: Captions, line: Caption, works: Works) -> Works:
    """Whether this very line reaches readers of another language, as it did if that is known."""

    def told(spoken: str, language: str) -> bool:
        key = line.speaker, line.segment, language, "translation"
        translation = captions.finals.get(key)
        if translation is not None:
            return bool(translation.text)
        return key not in captions.closed and works(spoken, language)

    return told
