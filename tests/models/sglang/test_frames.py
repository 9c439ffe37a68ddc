"""Whatever a server's bytes are chopped into, the same is read from them; and every way to fail."""

import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sglang.frames import Chat, Counts, End, Event, Failed, Generate, Judged, Piece
from models.sglang.sse import LONGEST_LINE, Reader, Stream
from tests.models.sglang.double import FRAMES, frames, recorded, shape

Make = Callable[[], Reader]
STREAMS = sorted(path.name for path in FRAMES.glob("*.sse"))


def reader(name: str) -> Make:
    return Chat if name.startswith(("chat", "audio")) else Generate


def read(body: bytes, make: Make, cuts: list[int] | None = None) -> list[Event]:
    """The events of a body that comes in pieces."""
    stream, found = Stream(make()), []
    edges = [0, *sorted(cuts or []), len(body)]
    for start, end in pairwise(edges):
        found += stream.push(body[start:end])
    return found + stream.close()


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


def ids(events: list[Event]) -> list[int]:
    return [token for event in events if isinstance(event, Piece) for token in event.ids]


def generated(*frames: tuple[str, list[int]], end: bool = True, whole: bool = True) -> bytes:
    """A stream of /generate with these texts and tokens; `whole`: cumulative."""
    count, said = 0, []
    for n, (words, tokens) in enumerate(frames):
        count = len(tokens) if whole else count + len(tokens)
        finish = {"type": "length", "length": count} if end and n == len(frames) - 1 else None
        meta = {"finish_reason": finish, "completion_tokens": count, "prompt_tokens": 1}
        said.append({"text": words, "output_ids": tokens, "meta_info": meta})
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in said)


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_chopping_reads_the_same(name: str, data: st.DataObject) -> None:
    body = recorded(name)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=40))
    assert read(body, reader(name), cuts) == read(body, reader(name))


@pytest.mark.parametrize("name", STREAMS)
def test_line_ends_and_keep_alives_do_not_matter(name: str) -> None:
    body = recorded(name)
    noisy = b": ping\r\n\r\n" + body.replace(b"\n\n", b"\r\n\r\n: ping\r\nevent: message\r\n\r\n")
    for cuts in ([], list(range(len(noisy)))):
        assert read(noisy, reader(name), cuts) == read(body, reader(name))


def test_whole_answers_and_news_read_the_same() -> None:
    whole = generated(("a", [1]), ("a b", [1, 2]), ("a b c d", [1, 2, 3, 4]))
    news = generated(("a", [1]), (" b", [2]), (" c d", [3, 4]), whole=False)
    assert read(whole, Generate) == read(news, Generate)
    assert text(read(whole, Generate)) == "a b c d" and ids(read(whole, Generate)) == [1, 2, 3, 4]


def test_several_tokens_come_in_one_frame() -> None:
    events = read(recorded("generate_incremental.sse"), Generate)
    assert [len(event.ids) for event in events if isinstance(event, Piece)] == [1, 1, 1, 1, 2, 3, 1]
    assert events[-1] == End("length", Counts(prompt=3, completion=10, verified=6))


def test_a_chat_ends_with_its_figures() -> None:
    events = read(recorded("chat_speculative.sse"), Chat)
    assert text(events) == "\n" * 8
    assert events[-1] == End("length", Counts(prompt=12, completion=8, verified=4))


def test_the_judgement_of_a_hypothesis_comes_once_and_first() -> None:
    events = read(recorded("verify_partly.sse"), Generate)
    assert events[0] == Judged((43, 469, 1733, 292), 19)
    assert sum(isinstance(event, Judged) for event in events) == 1
    assert text(events) == "'ll succeed tomorrow."


def test_half_a_character_waits_for_its_other_half() -> None:
    events = read(generated(("a\ufffd", [1]), ("a中", [1, 2])), Generate)
    assert [event.text for event in events if isinstance(event, Piece)] == ["a", "中"]


def test_characters_of_several_tokens_come_whole() -> None:
    events = read(recorded("generate_han.sse"), Generate)
    assert text(events) == "蜡蝦是由式的。" and len(ids(events)) > 7
    half = read(recorded("generate_half_character.sse"), Generate)
    told = [event.text for event in half if isinstance(event, Piece)]
    assert told[-1].endswith("\ufffd") and not any("\ufffd" in piece for piece in told[:-1])


def test_a_model_that_hears_says_how_much() -> None:
    end = read(recorded("audio_chat.sse"), Chat)[-1]
    assert isinstance(end, End) and end.counts.audio > 0


def test_half_a_character_at_the_end_is_told() -> None:
    assert text(read(generated(("a", [1]), ("a\ufffd", [1, 2])), Generate)) == "a\ufffd"


def test_what_an_answer_stops_at_may_be_taken_back() -> None:
    assert text(read(generated(("a.\n", [1]), ("a.", [1])), Generate)) == "a.\n"


def test_text_that_changes_is_garbage() -> None:
    assert isinstance(read(generated(("a b", [1]), ("c b", [1, 2])), Generate)[-1], Failed)


def test_an_answer_that_was_given_up_says_so() -> None:
    for name in ("generate_aborted.sse", "chat_aborted.sse"):
        end = read(recorded(name), reader(name))[-1]
        assert isinstance(end, End) and end.reason == "abort"


@pytest.mark.parametrize(
    ("frame", "failed"),
    [
        ('{"error":{"message":"too long","code":400}}', Failed(400, "too long")),
        ('{"error": {"object": "error", "message": "full", "code": 503}}', Failed(503, "full")),
        ('{"object":"error","message":"no","code":400}', Failed(400, "no")),
        ('{"error":"overloaded"}', Failed(500, "overloaded")),
        (
            '{"error":{"message":"no such model","code":"model_not_found"}}',
            Failed(500, "no such model"),
        ),
    ],
)
@pytest.mark.parametrize("make", [Generate, Chat])
def test_errors_come_under_a_status_of_200(frame: str, failed: Failed, make: Make) -> None:
    body = f"data: {frame}\n\ndata: [DONE]\n\n".encode()
    assert read(body, make) == [failed]


@pytest.mark.parametrize(
    "body",
    [b"data: {oops\n\n", b"data: []\n\n", b'data: {"text": 3}\n\n', b'data: {"a":"\xff\xfe"}\n\n'],
)
@pytest.mark.parametrize("make", [Generate, Chat])
def test_garbage_is_said_to_be_garbage(body: bytes, make: Make) -> None:
    events = read(body + recorded("chat.sse"), make)
    assert len(events) == 1 and isinstance(events[0], Failed) and events[0].code == 0


def test_a_line_without_end_is_given_up() -> None:
    stream = Stream(Chat())
    assert not stream.push(b"x" * LONGEST_LINE)
    assert isinstance(stream.push(b"x")[0], Failed) and stream.over


@pytest.mark.parametrize("name", ["generate_cumulative.sse", "chat.sse", "verify_partly.sse"])
def test_an_answer_that_breaks_off_has_no_end(name: str) -> None:
    body = recorded(name)
    for size in range(0, body.rindex(b'"finish_reason":"' if name == "chat.sse" else b'"type"'), 7):
        events = read(body[:size], reader(name))
        assert not any(isinstance(event, End | Failed) for event in events)


def test_the_last_empty_line_and_done_may_be_missing() -> None:
    body = recorded("chat.sse")
    cut = body.removesuffix(b"data: [DONE]\n\n").rstrip(b"\n")
    assert read(cut, Chat) == read(body, Chat)


def test_frames_of_one_kind_have_one_shape() -> None:
    first, *_, last = (shape(frame) for frame in frames(recorded("generate_cumulative.sse")))
    assert first["meta_info"].keys() < last["meta_info"].keys()
    assert first == shape(frames(recorded("generate_cumulative.sse"))[1])
    assert last["meta_info"]["finish_reason"] == {"matched": "number", "type": "text"}
