"""Results are kept, read again, compared and shown; a search finds the most that holds."""

import re
import wave
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from rich.console import Console

from clients.console import Problem
from loadtest import compare, main, result
from loadtest.charts import histogram, number, thinned, ticks
from loadtest.host import Host, bucket, buckets, counted, grown
from loadtest.live import Drawn, curve, line
from loadtest.load import Fault, Load, seats, shared
from loadtest.page import page
from loadtest.result import Moment, Result, ServerSaid, Soak, assembled, slope
from loadtest.runs import Found, searched
from loadtest.speech import frames
from loadtest.tally import Tally
from loadtest.told import told
from loadtest.verdict import Bars, Health, Judgement, Verdict, judged

LOAD = Load(20, 30.0, reads=("es",), faults=(Fault("stall", 12.0),))
STEADY = Health(0.5, 2.0, 5.0)


def moment(second: int, late: float = 40.0) -> Moment:
    stages = {"capture": 50.0, "transport": 2.0, "recognize": 60.0}
    return Moment(second, 20, 120, late, 2 * late, 300.0, 1.0, 6.0, 0, 44.0, 120 + second, stages)


@cache
def a_result(late: float = 80.0, bars: Bars | None = None) -> Result:
    tally, bars = Tally(), bars or Bars(300, 10)
    for n in range(100):
        for name in ("chunk_to_caption", "chunk_to_caption.transcript", "caption_age"):
            tally[name].add(late + n)
        tally["chunk_to_caption.translation"].add(late + n)
        tally["server_added"].add(2 + n / 50)
        tally["stage.capture"].add(50)
        tally["stage.recognize"].add(late)
    tally.counts["captions"] = 300
    tally.erased("transcript").push("line", "one two", final=True)
    return assembled(
        LOAD,
        bars,
        tally,
        judged(tally, bars, STEADY),
        STEADY,
        server="scripted",
        protocol="surtitle",
        machine={"cpu": "a <processor>", "cores": 2},
        said=ServerSaid(44.0, 20.0, 130.0, 3.0, 5.0, 100.0, 80.0),
        timeline=[moment(second) for second in range(1, 36)],
        broken=[],
        soak=Soak(0.5, -2.0, (80.0, 82.0), (300.0, None)),
    )


def test_a_result_is_read_as_it_was_kept(tmp_path: Path) -> None:
    kept, path = a_result(), tmp_path / "result.json"
    result.save(kept, path)
    assert result.load(path) == kept


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no result"),
        ("[1, 2]", "holds no result"),
        ('{"format": "surtitle.loadtest/1"}', "missing required field"),
    ],
)
def test_what_is_no_result_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(Problem, match=sentence):
        result.load(tmp_path / "result.json")


def test_a_result_of_another_version_is_said(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    result.save(changed(a_result(), format="surtitle.loadtest/9"), path)
    with pytest.raises(Problem, match=r"another version \(surtitle.loadtest/9\)"):
        result.load(path)


def test_there_is_no_such_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert re.fullmatch(r"surtitle: .*a cannot be read: no such file.*\n", capsys.readouterr().err)


def test_two_results_side_by_side() -> None:
    table = compare.table(a_result(80), changed(a_result(240), name="21 speakers"))
    assert "not the same load: 20 speakers, 1 language, then 21 speakers" in table
    row = next(line for line in table.splitlines() if "chunk to caption, p50" in line)
    assert row.split()[-4:] == ["129.02", "289.02", "2.24", "*"]
    assert "*" not in next(line for line in table.splitlines() if "server, MB" in line)


class Tags(HTMLParser):
    """Checks that every tag is closed, and collects what a browser would fetch."""

    VOID = ("meta", "rect", "line", "circle", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID[:1]:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_needs_nothing_else() -> None:
    text = page(a_result())
    tags = Tags()
    tags.feed(text)
    assert not tags.open and not tags.fetched
    assert "http" not in text and "@import" not in text and "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "a &lt;processor&gt;" in text and "<processor>" not in text


def test_a_page_of_a_run_without_a_caption() -> None:
    empty = changed(a_result(), times={}, timeline=[], erasure={})
    assert "All figures" in page(empty) and "NaN" not in page(empty)
    assert "nothing came" not in told(empty)


def test_the_lines_name_what_broke() -> None:
    text = told(a_result(late=400))
    assert "chunk to caption, p95: 494 ms of 300 ms, MISSED" in text
    assert "80 of 100 hypothesis tokens accepted (80 %)" in text
    assert "3 updates skipped" in text and "memory +0.50 MB an hour" in text


async def found(limit: int, asked: list[int], beyond: Judgement = "missed") -> Found:
    """Search on a server that holds so many."""

    async def run(speakers: int) -> Result:
        asked.append(speakers)
        verdict = Verdict("bar", 1, 1, "met" if speakers <= limit else beyond)
        return changed(a_result(), verdicts=[verdict], name=f"{speakers}")

    return await searched(10, run)


@pytest.mark.parametrize("limit", [1, 7, 10, 47, 160])
async def test_the_most_that_holds_is_found_to_a_tenth(limit: int) -> None:
    asked: list[int] = []
    it = await found(limit, asked)
    assert it.held is not None and it.sure
    assert limit / 1.1 - 1 <= int(it.held.name) <= limit < int(it.broke.name)
    assert len(asked) < 12 and len(set(asked)) == len(asked)


async def test_not_even_one_holds() -> None:
    it = await found(0, [])
    assert it.held is None and it.broke.name == "1"


async def test_a_search_that_the_tester_ended_is_not_sure() -> None:
    it = await found(20, [], "cannot tell")
    assert it.held is not None and not it.sure


def test_everybody_has_a_room_and_a_language() -> None:
    load = Load(4, readers=6, rooms=2, reads=("es", "fr"), ramp=4.0)
    people = seats(load)
    assert [seat.room for seat in people[:4]] == ["load-0", "load-1"] * 2
    assert {seat.reads for seat in people if not seat.hears} == {("es",), ("fr",)}
    begins = [seat.begins for seat in people[:4]]
    assert begins == sorted(begins) and 3 <= begins[-1] < 4
    assert seats(load) == people  # the same every time
    parts = shared(people, 5)
    assert sorted(map(len, parts)) == [5, 5]
    assert all(len({seat.room for seat in part}) == 1 for part in parts)


def test_sound_of_a_folder_as_frames(tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav"):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(name[:1].encode() * 3200)
    (tmp_path / "notes.txt").write_text("no sound")
    raw = frames(tmp_path, "ws", 50)
    assert [frame[-1:] for frame in raw] == [b"a", b"a", b"b", b"b"]
    assert all(len(frame) == 8 + 1600 for frame in raw)
    assert len(frames(tmp_path, "opus")) in (10, 11)


@pytest.mark.parametrize(
    ("files", "sentence"), [({}, "holds no sound"), ({"a.wav": b"RIFF"}, "cannot be read as audio")]
)
def test_a_folder_without_sound(tmp_path: Path, files: dict[str, bytes], sentence: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(Problem, match=sentence):
        frames(tmp_path)


PAGE = {
    "surtitle_skipped_hops": 4.0,
    'surtitle_hypothesis_tokens_total{outcome="accepted",room="a"}': 5.0,
    'surtitle_hypothesis_tokens_total{outcome="accepted",room="b"}': 2.0,
    'surtitle_hypothesis_tokens_total{outcome="offered",room="a"}': 9.0,
    'surtitle_loop_lag_seconds_bucket{le="0.001"}': 90.0,
    'surtitle_loop_lag_seconds_bucket{le="0.005"}': 99.0,
    'surtitle_loop_lag_seconds_bucket{le="+Inf"}': 100.0,
}


def test_what_a_server_says_of_itself() -> None:
    since = grown({"surtitle_skipped_hops": 1.0}, PAGE)
    assert counted(since, "surtitle_skipped_hops") == 3
    assert counted(since, "surtitle_hypothesis_tokens_total", 'outcome="accepted"') == 7
    assert counted(since, "surtitle_nothing") is None
    assert bucket(buckets(PAGE, "surtitle_loop_lag_seconds"), 0.99) == 5.0


def test_a_server_that_was_started_again_counts_from_nothing() -> None:
    name = "surtitle_captions_total"
    assert (
        grown({name: 90.0, "surtitle_rooms": 1.0}, {name: 120.0, "surtitle_rooms": 0.0})[name] == 30
    )
    assert grown({name: 90.0}, {name: 20.0})[name] == 20


def test_only_languages_that_there_are_can_be_read() -> None:
    host = Host("http://x", pairs=[("en", "fr", "e"), ("en", "es", "e"), ("es", "en", "e")])
    assert host.languages("en", None, ()) == ("es",)
    assert host.languages("en", 2, ()) == ("es", "fr")
    assert host.languages("en", None, ("fr",)) == ("fr",)
    assert Host("http://x").languages("en", None, ()) == ()
    for wanted, named in ((3, ()), (None, ("de",))):
        with pytest.raises(Problem, match=r"only to es, fr|to de"):
            host.languages("en", wanted, named)


def test_growth_is_told_of_three_points_and_more() -> None:
    assert slope([(0, 1.0), (1800, 2.0), (3600, 3.0)]) == 2.0
    assert slope([(0, 1.0), (1800, None), (3600, 3.0)]) is None


def test_a_second_in_words_and_in_the_terminal() -> None:
    assert "20 speak, 120 captions a second, chunk to caption 40 ms" in line(moment(7), LOAD)
    drawn = Drawn(Bars(budget=300))
    drawn.load, drawn.host = LOAD, Host("http://x", engine="scripted")
    drawn.moments.extend([moment(1), moment(2, late=500)])
    console = Console(width=100)
    with console.capture() as captured:
        console.print(drawn.picture())
    assert "1000 ms" in captured.get() and "recognizing" in captured.get()
    assert curve([None, 1, 300, 900], 300) == "·▁██"


def test_pictures_have_round_numbers_and_no_more_points_than_pixels() -> None:
    assert ticks(620) == [0, 200, 400, 600] and ticks(0) == [0.0]
    assert [number(value) for value in (0.1234, 12, 1234.5)] == ["0.123", "12", "1234"]
    assert len(thinned([(n, 0.0) for n in range(5000)])) <= 720
    assert "<title>0 to 1 ms: 3</title>" in histogram([3, 1], [0, 1, 2], [], "x")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--speakers 0", "'0' is too few"),
        ("--speakers many", "'many' is no number"),
        ("--budget soon", "'soon' is no time"),
        ("--fault rain@3", "'rain@3' is no fault"),
        ("--fault stall@90", "comes after the end"),
        ("--server http://x --fault kill@3", "for a server of its own"),
        ("--protocol vosk", "needs --server"),
        ("--protocol vosk --server http://x --readers 2", "has no rooms"),
        ("--speakers 2 --rooms 5", "more than there are people"),
        ("--frame 500", "no length of a frame"),
        ("--find-capacity --soak", "makes short runs"),
        ("--seconds 0", "is no number of seconds"),
        ("--volume 11", "unrecognized arguments: --volume"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(words.split())
    said = capsys.readouterr().err
    assert left.value.code == 2 and sentence in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("word", "ms"), [("300ms", 300), ("0.3s", 300), ("300", 300), ("1.5 s", 1500)]
)
def test_times_are_written_as_people_do(word: str, ms: float) -> None:
    assert main.milliseconds(word) == ms


@pytest.mark.socket
def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--server", "http://127.0.0.1:1", "--speakers", "1"]) == 1
    assert capsys.readouterr().err.startswith("surtitle: no server answers at http://127.0.0.1:1")


def test_files_are_tried_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--json", str(tmp_path / "none" / "a.json")]) == 1
    assert "cannot be written" in capsys.readouterr().err
