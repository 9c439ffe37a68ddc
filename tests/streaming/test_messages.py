"""The wire: what is said is what is heard, and nonsense is named."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.messages import (
    Caption,
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Opus,
    Pcm16,
    Ping,
    ServerMessage,
    WireError,
    decode_client,
    decode_server,
    encode,
)

language = st.sampled_from(["en", "es", "zh", "zh-Hant", "pt-BR"])
name = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
audio = st.one_of(st.none(), st.builds(Pcm16, st.integers(8_000, 48_000)), st.just(Opus()))
position = st.integers(0, 2**53)
client_messages = st.one_of(
    st.builds(
        Hello,
        name=name,
        reads=st.lists(language, max_size=8),
        hears=st.lists(language, max_size=4),
        audio=audio,
        source=st.booleans(),
        stability=st.sampled_from(["live", "steady", "final"]),
        trace=st.booleans(),
    ),
    st.builds(Mute, st.booleans()),
    st.tuples(position, position).map(lambda p: Gap(min(p), max(p))),
    st.just(End()),
    st.builds(Ping, st.floats(allow_nan=False, allow_infinity=False)),
)
text = st.text(st.characters(exclude_categories=["Cs"]))


@given(client_messages)
def test_a_clients_message_arrives_as_it_was_sent(message: object) -> None:
    assert decode_client(encode(message)) == message  # type: ignore[arg-type]


@given(
    st.builds(
        Caption,
        seq=position,
        speaker=name,
        segment=position,
        language=language,
        kind=st.sampled_from(["transcript", "translation"]),
        stable=text,
        draft=text,
        final=st.booleans(),
        start=position,
        end=position,
        heard=position,
        at=position,
        engine=name,
        degraded=st.sampled_from([None, "untranslated", "late", "fallback"]),
        replay=st.booleans(),
    )
)
def test_a_caption_arrives_as_it_was_sent(caption: Caption) -> None:
    assert decode_server(encode(caption)) == caption


@pytest.mark.parametrize("kind", ServerMessage.__args__)
def test_every_message_of_the_server_has_a_name_and_a_meaning(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.tag
    assert kind.__doc__


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "a JSON object with a `type`"),
        ("{}", "a JSON object with a `type`"),
        ('{"type": "shout"}', "unknown message type 'shout'"),
        ('{"type": "caption"}', "unknown message type 'caption'"),
        ('{"type": "hello"}', "`name`"),
        ('{"type": "hello", "name": 3}', "`name`"),
        ('{"type": "hello", "name": ""}', "`name`"),
        ('{"type": "hello", "name": "a\\u0007"}', "control characters"),
        ('{"type": "hello", "name": "a", "speed": 2}', "`speed`"),
        ('{"type": "hello", "name": "a", "reads": ["klingon"]}', "unknown language 'klingon'"),
        ('{"type": "hello", "name": "a", "reads": ["en-../x"]}', "unknown language"),
        ('{"type": "hello", "name": "a", "audio": {"codec": "mp3"}}', "'mp3'"),
        ('{"type": "hello", "name": "a", "audio": {"codec": "pcm16", "rate": 1}}', "`audio.rate`"),
        ('{"type": "mute", "on": "yes"}', "`on`"),
        ('{"type": "audio.gap", "from": 9, "to": 3}', "a gap ends"),
        ('{"type": "audio.gap", "from": -1, "to": 3}', "`from`"),
    ],
)
def test_what_is_wrong_is_named(sent: str, named: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_client(sent)
    assert named in str(refused.value)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_noise_is_a_wire_error_and_nothing_else(noise: str | bytes) -> None:
    for decode in (decode_client, decode_server):
        with contextlib.suppress(WireError):
            decode(noise)


def test_clients_ignore_what_they_do_not_know() -> None:
    assert decode_server('{"type": "weather", "sunny": true}') is None
    error = decode_server(
        '{"type": "error", "code": 4500, "message": "m", "retry": true, "colour": "red"}'
    )
    assert error == Error(4500, "m", True)


def test_every_error_says_whether_to_try_again() -> None:
    assert not Error.of(4400, "bad").retry
    assert Error.of(4503, "stopping", 1_000).retry_after_ms == 1_000
