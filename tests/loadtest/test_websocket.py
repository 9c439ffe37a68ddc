"""Bytes in, messages out: a WebSocket without a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from loadtest.websocket import BINARY, CLOSE, PONG, TEXT, Incoming, Refused, frame, request

SHAKEN = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Protocol: surtitle.v1\r\n\r\n"
)


def opened(subprotocol: str | None = "surtitle.v1") -> Incoming:
    it = Incoming(subprotocol)
    assert it.push(SHAKEN) == [] and it.open
    return it


def from_server(opcode: Opcode, payload: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=False)


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.integers(1, 999))
def test_messages_are_whole_however_their_bytes_come(said: list[bytes], size: int) -> None:
    it = opened()
    stream = b"".join(from_server(Opcode.TEXT, payload) for payload in said)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    if len(pieces) > 200:
        pieces = [stream]
    assert [message for piece in pieces for message in it.push(piece)] == said


def test_what_follows_the_handshake_at_once_is_not_lost() -> None:
    it = Incoming("surtitle.v1")
    whole = SHAKEN + from_server(Opcode.TEXT, b"hello")
    assert it.push(whole[:40]) == [] and not it.open
    assert it.push(whole[40:]) == [b"hello"] and it.open


def test_fragments_are_one_message_and_a_ping_between_them_is_answered() -> None:
    it = opened()
    assert it.push(from_server(Opcode.TEXT, b"hel", fin=False)) == []
    assert it.push(from_server(Opcode.PING, b"there?")) == []
    assert it.push(from_server(Opcode.CONT, b"lo")) == [b"hello"]
    assert it.answers == [frame(PONG, b"there?")]


def test_a_goodbye_says_why() -> None:
    it = opened()
    it.push(from_server(Opcode.CLOSE, (4408).to_bytes(2, "big") + b"too slow"))
    assert it.closed == (4408, "too slow")
    assert it.answers == [frame(CLOSE, (4408).to_bytes(2, "big"))]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_our_frames_are_those_of_the_standard(opcode: int, size: int) -> None:
    """As another implementation reads them."""
    reader = StreamReader()
    reader.feed_data(frame(opcode, b"x" * size))
    parsing = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    read = done.value.value
    assert (read.opcode, read.data, read.fin) == (Opcode(opcode), b"x" * size, True)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\nno seats\n", "refused with 403 Forbidden: no seats"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no WebSocket server"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "does not speak surtitle.v1"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 4000, "no WebSocket server"),
    ],
)
def test_who_does_not_go_along_is_said(answer: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Incoming("surtitle.v1").push(answer)


def test_a_request_names_all_it_wants() -> None:
    asked = request("host:1", "/v1/listen?a=b&c=d e", "surtitle.v1", {"Authorization": "Token k"})
    head, *fields, _, _ = asked.decode().split("\r\n")
    assert head == "GET /v1/listen?a=b&c=d%20e HTTP/1.1"
    assert {"Host: host:1", "Authorization: Token k", "Sec-WebSocket-Protocol: surtitle.v1"} <= {
        *fields
    }
