"""Captions on their way to a reader: finals arrive, `seq` grows, lines keep their law."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from streaming.captions import Captions, Line
from streaming.messages import Caption
from streaming.outbox import Outbox
from streaming.units import units
from streaming.values import Hypothesis, SpeechSegment


def caption(seq: int, segment: int, text: str = "x", final: bool = False) -> Caption:
    return Caption(
        seq, "p1", segment, "en", "transcript", text if final else "", text, final, 0, 0, 0, 0, "e"
    )


def drain(outbox: Outbox) -> list[Caption]:
    found = []
    while (one := outbox.take()) is not None:
        found.append(one)
    return found


def test_a_newer_partial_removes_the_older_and_goes_to_the_end() -> None:
    outbox = Outbox()
    for one in (caption(1, 0), caption(2, 1), caption(3, 0)):
        outbox.put(one)
    assert [one.seq for one in drain(outbox)] == [2, 3]


def test_a_final_is_never_removed() -> None:
    outbox = Outbox()
    for one in (caption(1, 0, final=True), caption(2, 1), caption(3, 1, final=True)):
        outbox.put(one)
    assert [one.seq for one in drain(outbox)] == [1, 3]


def test_a_reader_too_far_behind_is_noticed() -> None:
    outbox = Outbox(bound=3)
    for n in range(4):
        outbox.put(caption(n, n, final=True))
    assert outbox.full


class Sending(RuleBasedStateMachine):
    """A room posts, a reader takes when it can."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.seq = 0
        self.open: set[int] = set()
        self.segments = 0
        self.finals: list[int] = []
        self.taken: list[Caption] = []

    @rule()
    def speak(self) -> None:
        self.open.add(self.segments)
        self.segments += 1

    @precondition(lambda self: self.open)
    @rule(data=st.data(), final=st.booleans())
    def post(self, data: st.DataObject, final: bool) -> None:
        segment = data.draw(st.sampled_from(sorted(self.open)))
        self.seq += 1
        self.outbox.put(caption(self.seq, segment, f"{self.seq}", final))
        if final:
            self.open.discard(segment)
            self.finals.append(self.seq)

    @rule(count=st.integers(1, 4))
    def take(self, count: int) -> None:
        for _ in range(count):
            one = self.outbox.take()
            if one is not None:
                self.taken.append(one)

    @invariant()
    def in_order(self) -> None:
        seqs = [one.seq for one in self.taken]
        assert seqs == sorted(set(seqs))

    @invariant()
    def little_waits(self) -> None:
        assert len(self.outbox) <= len(self.open) + len(self.finals)

    def teardown(self) -> None:
        self.taken += drain(self.outbox)
        assert [one.seq for one in self.taken if one.final] == self.finals
        self.in_order()


TestSending = Sending.TestCase


def line(text: str, final: bool = False, stable: int = 0, segment: int = 0) -> Line:
    found = tuple(units(text))
    known = len(found) if final else stable
    hypothesis = Hypothesis(found, known, known, final=final)
    return Line(
        "p1", SpeechSegment(segment, 0, 0, 0, 0), "en", "transcript", hypothesis, 0, "engine"
    )


def test_an_update_that_shows_nothing_new_is_no_update() -> None:
    captions = Captions()
    assert captions.push(line("one two three", stable=2))
    assert captions.push(line("one two three", stable=2)) == {}


def test_after_the_final_nothing_comes() -> None:
    captions = Captions()
    assert set(captions.push(line("one two", final=True))) == {"live", "steady", "final"}
    assert captions.push(line("one two three")) == {}
    assert captions.push(line("one", final=True)) == {}


def test_an_empty_final_withdraws_what_was_shown_from_those_who_saw_it() -> None:
    captions = Captions()
    spoken = Hypothesis(("one ", "two ", "three"), 0, 3)
    captions.push(replace(line("one two three four"), hypothesis=spoken))
    withdrawn = captions.push(line("", final=True))
    assert set(withdrawn) == {"live"}
    assert withdrawn["live"].plain.text == ""


def test_a_line_that_nobody_saw_is_withdrawn_from_nobody() -> None:
    captions = Captions()
    assert captions.push(line("", final=True)) == {}
    assert captions.seq == 0


pieces = st.lists(
    st.tuples(
        st.integers(0, 2), st.lists(st.sampled_from(["a ", "b ", "c "]), max_size=5), st.booleans()
    ),
    max_size=25,
)


@given(pieces)
def test_lines_keep_their_law_for_every_reader(steps: list[tuple[int, list[str], bool]]) -> None:
    captions, last, ended = Captions(), 0, set[int]()
    for segment, words, final in steps:
        posted = captions.push(line("".join(words), final, segment=segment))
        for setting in posted.values():
            one = setting.plain
            assert one.seq > last
            assert segment not in ended
            assert one.final == final
        if posted:
            last = max(setting.plain.seq for setting in posted.values())
        if final:
            ended.add(segment)
    assert captions.seq == last
