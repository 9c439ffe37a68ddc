"""Each sentence of the wearer's is captioned by the server or by his own device: by one of them."""

from collections.abc import Sequence
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.glasses.handover import MOST, SKEW, Handover
from clients.lines import Change, LineKey
from streaming.messages import Caption
from tests.clients.fakes import caption

SECOND = 16_000
Stretch = tuple[int, int]


class Glass:
    """What a display shows of a handover; the two sides make captions of stretches."""

    def __init__(self) -> None:
        self.handover = Handover()
        self.shown: dict[LineKey, Caption] = {}
        self.numbers = count(1)

    def see(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.caption is None:
                self.shown.pop(change.key, None)
            else:
                self.shown[change.key] = change.caption

    def server(self, change: Change) -> None:
        self.see(self.handover.server(change))

    def local(self, change: Change) -> None:
        self.see(self.handover.local(change))

    @property
    def words(self) -> list[str]:
        return [one.text for one in self.shown.values()]

    def finals(self) -> list[Stretch]:
        return sorted((one.start, one.end) for one in self.shown.values() if one.final)


def line(
    words: str,
    start: float,
    end: float,
    final: bool = False,
    side: str = "server",
    segment: int = 0,
) -> Change:
    """A line said in these seconds; of one segment for all that begin with the same."""
    made = caption(
        words,
        speaker="me" if side == "server" else "this device 1",
        language="es",
        segment=segment or int(start * 100) + 1,
        final=final,
        start=round(start * SECOND),
        end=round(end * SECOND),
    )
    return Change((side, *made.key), made)


def gone(change: Change) -> Change:
    return Change(change.key, None)


def test_the_device_goes_on_where_the_last_finished_sentence_ended() -> None:
    glass = Glass()
    glass.server(line("uno", 0, 2, final=True))
    glass.server(line("dos", 3, 4))
    assert glass.handover.lost() == 2 * SECOND


def test_a_sentence_that_the_server_left_open_is_replaced_when_the_device_has_words_for_it() -> (
    None
):
    glass = Glass()
    glass.server(line("buenos", 3, 4))
    glass.handover.lost()
    assert glass.words == ["buenos"]
    glass.local(line("buenos días", 3.1, 5, side="local"))
    assert glass.words == ["buenos días"]


def test_what_both_finish_is_shown_once_by_who_was_first() -> None:
    glass = Glass()
    glass.handover.lost()
    glass.local(line("hola", 1, 2, final=True, side="local"))
    glass.handover.back()
    glass.server(line("hola a todos", 1.1, 2.1))
    glass.server(line("hola a todos", 1.1, 2.1, final=True))
    assert glass.words == ["hola"]


def test_what_the_device_has_missed_comes_from_the_server() -> None:
    glass = Glass()
    glass.handover.lost()
    glass.local(line("hola", 1, 2, final=True, side="local"))
    glass.handover.back()
    glass.server(line("en voz baja", 3, 4, final=True))
    assert glass.words == ["hola", "en voz baja"]


def test_a_sentence_in_progress_is_finished_by_the_device_and_the_next_is_the_servers() -> None:
    glass = Glass()
    glass.handover.lost()
    glass.local(line("empieza", 1, 3, side="local"))
    glass.handover.back()
    glass.server(line("empieza aquí", 1, 4))
    assert glass.words == ["empieza"] and not glass.handover.rested
    glass.local(line("empieza aquí", 1, 5, final=True, side="local"))
    glass.server(line("empieza aquí", 1, 5, final=True))
    assert glass.handover.rested
    glass.local(line("otra", 6, 7, side="local"))
    glass.server(line("otra vez", 6, 7))
    assert glass.words == ["empieza aquí", "otra vez"]


def test_what_a_device_that_breaks_has_not_finished_is_shown_by_the_server() -> None:
    glass = Glass()
    glass.handover.lost()
    glass.local(line("a medias", 1, 3, side="local"))
    glass.server(line("entera", 1, 4, final=True))
    assert glass.words == ["a medias"]
    glass.see(glass.handover.over())
    assert glass.words == ["entera"]


def test_noise_that_the_device_takes_back_hides_nothing() -> None:
    glass = Glass()
    glass.handover.lost()
    noise = line("eh", 1, 3, side="local")
    glass.local(noise)
    glass.server(line("sí", 1, 2, final=True))
    glass.local(gone(noise))
    assert glass.words == ["sí"]


def test_a_server_that_makes_one_sentence_of_two_takes_none_away() -> None:
    glass = Glass()
    glass.handover.lost()
    glass.local(line("uno", 1, 4, side="local"))
    glass.handover.back()
    glass.server(line("uno", 1, 4))
    glass.local(line("uno", 1, 4, final=True, side="local"))
    glass.server(line("uno y dos", 1, 5.6))
    glass.local(line("dos", 5, 9, final=True, side="local"))
    glass.server(line("uno y dos", 1, 9, final=True))
    assert glass.words == ["uno", "dos"]


def test_another_language_of_the_same_words_is_another_matter() -> None:
    glass = Glass()
    glass.handover.lost()
    for final in (False, True):
        glass.local(line("hola", 1, 2, final=final, side="local"))
        english = caption("hello", speaker="me", final=final, start=SECOND, end=2 * SECOND)
        glass.server(Change(("server", *english.key), english))
        assert glass.words == ["hola", "hello"]


# Any conversation


@st.composite
def sentences(draw: st.DrawFn) -> list[Stretch]:
    """Stretches of speech with silences between them that every detector hears."""
    found, place = [], 0
    for _ in range(draw(st.integers(1, 8))):
        start = place + draw(st.integers(700, 3000)) * 16
        place = start + draw(st.integers(500, 12_000)) * 16
        found.append((start, place))
    return found


def heard(draw: st.DrawFn, said: Sequence[Stretch], side: str) -> list[list[Change]]:
    """What one side makes of each: it grows and is finished, the edges a little elsewhere."""
    lines = []
    for number, (start, end) in enumerate(said, 1):
        start += draw(st.integers(-SKEW // 2, SKEW // 2))
        end += draw(st.integers(-SKEW // 2, SKEW // 2))
        grown = draw(st.lists(st.integers(start + 1, end), max_size=2).map(sorted))
        lines.append(
            [line("w", start / SECOND, here / SECOND, here == -1, side, number) for here in grown]
            + [line("w", start / SECOND, end / SECOND, True, side, number)]
        )
    return lines


def flat(lines: Sequence[Sequence[Change]]) -> list[Change]:
    return [change for one in lines for change in one]


@st.composite
def absences(draw: st.DrawFn) -> tuple[list[Stretch], Glass]:
    """A server that is there, goes, and comes back; its captions and the device's in any order.

    Neither is more than a sentence ahead of the sound, as nobody is.
    """
    said = draw(sentences())
    glass = Glass()
    server, local = flat(heard(draw, said, "server")), heard(draw, said, "local")
    before = draw(st.integers(0, len(server)))
    for change in server[:before]:
        glass.server(change)
    since = glass.handover.lost()
    left = flat([one for one in local if one[-1].caption and one[-1].caption.end > since + SKEW])
    for change in _drawn(draw, left):
        glass.local(change)
    glass.handover.back()
    back = server[before:]
    while back or (left and not glass.handover.rested):
        if back and (not left or draw(st.booleans())):
            glass.server(back.pop(0))
        else:
            glass.local(left.pop(0))
    glass.see(glass.handover.over())
    return said, glass


def _drawn(draw: st.DrawFn, changes: list[Change]) -> list[Change]:
    """Some from the front, which are taken away."""
    many = draw(st.integers(0, len(changes)))
    taken = changes[:many]
    del changes[:many]
    return taken


@given(absences())
def test_every_sentence_is_shown_once_whoever_comes_when(done: tuple[list[Stretch], Glass]) -> None:
    said, glass = done
    assert all(one.final for one in glass.shown.values())
    for start, end in said:
        over = [one for one in glass.finals() if one[0] < end and start < one[1]]
        assert len(over) == 1, f"{(start, end)} is shown {len(over)} times"


@st.composite
def disasters(draw: st.DrawFn) -> tuple[list[Change], Glass]:
    """Two sides that agree in nothing, and break off where it hurts."""
    glass, finals = Glass(), list[Change]()
    sides = {side: flat(heard(draw, draw(sentences()), side)) for side in ("server", "local")}
    while any(sides.values()):
        match draw(st.integers(0, 9)):
            case 0:
                glass.handover.lost()
            case 1:
                glass.handover.back()
            case 2:
                glass.see(glass.handover.over())
            case number if number < 6 and sides["server"]:
                change = sides["server"].pop(0)
                glass.server(change)
                finals += [change] if change.caption and change.caption.final else []
            case _ if sides["local"]:
                change = sides["local"].pop(0)
                glass.local(change)
            case _:
                glass.handover.lost()
    glass.see(glass.handover.over())
    return finals, glass


@settings(suppress_health_check=[HealthCheck.large_base_example, HealthCheck.too_slow])
@given(disasters())
def test_no_final_of_the_server_is_lost_whatever_breaks(done: tuple[list[Change], Glass]) -> None:
    finals, glass = done
    for final in finals:
        assert final.caption is not None
        start, end = final.caption.start, final.caption.end
        covered, place = 0, start
        for since, until in glass.finals():
            since, until = max(since - SKEW, place), min(until + SKEW, end)
            covered += max(0, until - since)
            place = max(place, until)
        assert final.key in glass.shown or covered >= MOST * (end - start)
