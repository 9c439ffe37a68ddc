"""Mandarin, English and Spanish in one room: everybody reads all of it in his own language, whoever
interrupts whom, comes late, or changes his mind."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from itertools import groupby, pairwise

import pytest

from clients.audio import Pace, framed
from clients.link import Link
from loadtest.people import drained
from models.base import Heard, Request
from models.scripted import ScriptedHearing, ScriptedRecognizer, ScriptedTranslator, words_of
from server.member import Member
from streaming.captions import Key
from streaming.languages import UNSPACED
from streaming.messages import Caption, Hello, Pcm16, Roster
from streaming.units import units
from streaming.values import AudioFrame
from tests.server.sockets import SPEED, serving
from tests.server.stage import CHUNK, Stage, loud, quiet, settle

SAID = {
    "zh": ["屏幕很小但是可以读一行字", "电池只有九克重", "请随时提问"],
    "en": ["Can I read it outside", "How long does it last", "Show me the factory"],
    "es": ["Me gusta esta pantalla", "Las gafas pesan poco", "Vamos a la fábrica mañana"],
}
CLIENT = "Hugo"


class Polyglot(ScriptedRecognizer):
    """Hears each speaker say the lines of the first language of his microphone, word by word."""

    def __init__(self, said: Mapping[str, Sequence[str]] = SAID) -> None:
        super().__init__(words_per_second=4)
        self._lines = {language: iter(lines) for language, lines in said.items()}

    async def open(self, speaker: str, languages: Sequence[str]) -> ScriptedHearing:
        line = next(self._lines[languages[0]])
        return ScriptedHearing(self, languages[0], 0, growing(line))


def growing(line: str) -> list[str]:
    """The line after each of its words."""
    words = units(line)
    return ["".join(words[: n + 1]).strip() for n in range(len(words))]


def translated(line: str, source: str, target: str) -> str:
    """What the scripted translator makes of a whole line."""
    words = words_of(Request(source, target, line, final=True))
    return ("" if target in UNSPACED else " ").join(words)


class Table(Stage):
    """A room in which three people speak a language each, and read it."""

    def __init__(self, recognizer: ScriptedRecognizer | None = None) -> None:
        super().__init__(recognizer or Polyglot(), ScriptedTranslator())
        self.people = {code: self.join(code, hears=code, reads=code) for code in SAID}

    async def talk(self, sound: Mapping[str, bytes]) -> None:
        """Each microphone hears its own sound, all at the same time; nothing after its end."""
        longest = max(map(len, sound.values()))
        for start in range(0, longest, 2 * CHUNK):
            self.clock.advance(CHUNK / 16_000)
            for code, member in self.people.items():
                assert member.session is not None
                piece = sound.get(code, b"")[start : start + 2 * CHUNK]
                member.session.push(piece.ljust(2 * CHUNK, b"\0"))
            await settle()
            self.read()

    def lines(self, member: Member) -> dict[Key, Caption]:
        """What stands on the reader's screen: the newest caption of every line."""
        return {caption.key: caption for caption in self.captions(member)}

    def read_by(self, member: Member) -> list[tuple[str, str]]:
        """Who said what, as it ended, in the order of the conversation."""
        ends = [caption for caption in self.lines(member).values() if caption.final]
        names = {one.id: code for code, one in self.people.items()}
        return [(names[one.speaker], one.text) for one in sorted(ends, key=lambda one: one.at)]


async def test_everybody_reads_the_whole_conversation_in_his_own_language() -> None:
    table = Table()
    turns = [("zh", 0), ("en", 0), ("es", 0), ("en", 1), ("zh", 1)]
    for code, _ in turns:
        await table.talk({code: loud(2_400) + quiet(1_200)})
    for reads, member in table.people.items():
        expected = [
            (code, SAID[code][n] if code == reads else translated(SAID[code][n], code, reads))
            for code, n in turns
        ]
        assert table.read_by(member) == expected


async def test_who_interrupts_is_a_line_of_his_own_and_nobodys_words_are_mixed() -> None:
    table = Table()
    await table.talk(
        {
            "zh": quiet(200) + loud(3_000) + quiet(1_500),
            "en": quiet(900) + loud(2_500) + quiet(1_200),
            "es": quiet(1_600) + loud(1_500) + quiet(1_200),
        }
    )
    for reads, member in table.people.items():
        told = dict(table.read_by(member))
        assert list(told) == ["zh", "en", "es"]  # by `at`: as they began, not as they ended
        for code, text in told.items():
            line = SAID[code][0]
            assert text == (line if code == reads else translated(line, code, reads))
        begun = sorted({caption.at for caption in table.captions(member)})
        assert [abs(at - begun[0] - n * 700) <= 100 for n, at in enumerate(begun)] == [True] * 3


async def test_captions_of_people_who_talk_at_once_come_in_one_order_and_each_ends_once() -> None:
    table = Table()
    await table.talk({code: loud(3_000) + quiet(1_500) for code in SAID})
    for member in table.people.values():
        captions = table.captions(member)
        assert all(after.seq > before.seq for before, after in pairwise(captions))
        ended = [caption.key for caption in captions if caption.final]
        assert len(ended) == len(set(ended)) == len(table.lines(member)) == 3
        for key in ended:
            line = [caption for caption in captions if caption.key == key]
            assert len(line) > 1 and [one.final for one in line].index(True) == len(line) - 1


async def test_a_late_joiner_ends_up_with_what_everybody_else_has() -> None:
    table = Table()
    await table.talk({"zh": loud(2_000) + quiet(1_200), "en": quiet(400) + loud(1_500)})
    await table.talk({"es": loud(1_500)})
    late = table.join(CLIENT, reads="es")
    (line,) = [one for one in table.captions(late) if not one.final]
    assert line.replay and line.speaker == table.people["es"].id
    await table.talk({"es": loud(800) + quiet(1_200)})
    assert table.read_by(late) == table.read_by(table.people["es"])
    assert len(table.read_by(late)) == 3


async def test_a_late_joiner_in_a_language_that_nobody_read_gets_what_was_said_in_it() -> None:
    table = Table()
    await table.talk({"zh": loud(2_000) + quiet(1_200)})
    await table.talk({"en": loud(2_000) + quiet(1_200)})
    late = table.join(CLIENT, reads="fr")
    await settle()
    assert table.read_by(late) == [
        (code, translated(SAID[code][0], code, "fr")) for code in ("zh", "en")
    ]
    assert all(one.replay for one in table.captions(late))


async def test_who_changes_what_he_reads_gets_all_of_it_in_the_new_language() -> None:
    table = Table()
    visitor = table.join(CLIENT, reads="en")
    await table.talk({"zh": loud(2_000) + quiet(1_200)})
    await table.talk({"es": loud(1_200)})
    before = len(table.captions(visitor))
    table.room.greet(visitor, Hello(CLIENT, ["zh"]))
    await table.talk({"es": loud(800) + quiet(1_200)})
    since = table.captions(visitor)[before:]
    assert {caption.language for caption in since} == {"zh"}
    ends = {one.speaker: one.text for one in since if one.final}
    assert ends == {
        table.people["zh"].id: SAID["zh"][0],
        table.people["es"].id: translated(SAID["es"][0], "es", "zh"),
    }


async def test_who_reads_two_languages_gets_each_line_in_both() -> None:
    table = Table()
    both = table.join(CLIENT, reads="zh es")
    await table.talk({"en": loud(2_400) + quiet(1_200), "zh": quiet(600) + loud(2_400)})
    await table.talk({"zh": quiet(1_200)})
    lines = {(one.speaker, one.language): one.text for one in table.lines(both).values()}
    zh, en = table.people["zh"].id, table.people["en"].id
    assert lines == {
        (zh, "zh"): SAID["zh"][0],
        (zh, "es"): translated(SAID["zh"][0], "zh", "es"),
        (en, "zh"): translated(SAID["en"][0], "en", "zh"),
        (en, "es"): translated(SAID["en"][0], "en", "es"),
    }


@pytest.mark.socket
async def test_by_the_protocol_everybody_reads_who_interrupts_whom_in_his_own_language() -> None:
    """The same over sockets, by the client that everybody has: three people who fall into each
    other's words and stay until all of them have read it all."""
    begun = {"zh": 200, "en": 900, "es": 1_600}
    read: dict[str, list[Caption]] = {code: [] for code in SAID}
    names: dict[str, dict[str, str]] = {code: {} for code in SAID}
    heard_out = asyncio.Event()
    pace = Pace(SPEED)

    async def frames(code: str) -> AsyncIterator[AudioFrame]:
        sound = quiet(begun[code]) + loud(3_000 - begun[code] // 2) + quiet(2_000)
        async for frame in pace(framed(once(sound), code, 20)):
            yield frame
        await heard_out.wait()

    async def take_part(code: str, url: str) -> None:
        hello = Hello(code, [code], [code], Pcm16(16_000))
        async with Link(url, "table", hello) as link, link.speaking(frames(code)):
            async for message in link:
                if isinstance(message, Caption):
                    read[code].append(message)
                if isinstance(message, Roster):
                    names[code] |= {one.id: one.name for one in message.participants}
                if all(sum(one.final for one in lines) == 3 for lines in read.values()):
                    heard_out.set()
                if drained(message):
                    return

    async with (
        serving(recognizer=Polyglot()) as (_, url),
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
    ):
        for code in SAID:
            group.create_task(take_part(code, url.replace("ws", "http", 1)))

    for reads, captions in read.items():
        who = names[reads]
        assert all(one.language == reads for one in captions)
        assert all(after.seq > before.seq for before, after in pairwise(captions))
        ends = sorted((one for one in captions if one.final), key=lambda one: one.at)
        assert [(who[one.speaker], one.text) for one in ends] == [
            (code, SAID[code][0] if code == reads else translated(SAID[code][0], code, reads))
            for code in SAID
        ]
        for end in ends:  # a line grows, ends, and is no longer spoken of
            line = [one for one in captions if one.key == end.key]
            assert len(line) > 1 and line[-1] is end
        shown = [who[one.speaker] for one in captions]
        assert len([code for code, _ in groupby(shown)]) > 3, "nobody was interrupted"


async def once(sound: bytes) -> AsyncIterator[bytes]:
    yield sound


class Wavering(ScriptedRecognizer):
    """Hears two people at one microphone, and cannot keep their languages apart for long."""

    def __init__(self) -> None:
        super().__init__(
            [
                [Heard("你好", "zh"), Heard("你好 there", "en"), Heard("你好大家", "zh")],
                [
                    Heard("", "zh"),
                    Heard("good", "en"),
                    Heard("古德", "zh"),
                    Heard("good day", "en"),
                ],
            ]
        )


async def test_a_microphone_of_two_people_has_one_language_for_each_segment() -> None:
    stage = Stage(Wavering(), ScriptedTranslator())
    shared = stage.join("Ana and Bo", hears="en zh", reads="en zh")
    reader = stage.join(CLIENT, reads="es")
    await stage.speak(shared, (loud(1_800) + quiet(1_200)) * 2)
    spoken = {(one.segment, one.language) for one in transcripts(stage.captions(shared))}
    assert spoken == {(0, "zh"), (1, "en")}
    assert [text for language, text in stage.finals(reader) if language == "es"] == [
        translated("你好大家", "zh", "es"),
        translated("good day", "en", "es"),
    ]
    finals = [(one.segment, one.kind, one.text) for one in stage.captions(shared) if one.final]
    assert sorted(finals) == [
        (0, "transcript", "你好大家"),
        (0, "translation", translated("你好大家", "zh", "en")),
        (1, "transcript", "good day"),
        (1, "translation", translated("good day", "en", "zh")),
    ]


def transcripts(captions: Collection[Caption]) -> list[Caption]:
    """What was heard, of what was read."""
    return [caption for caption in captions if caption.kind == "transcript"]
