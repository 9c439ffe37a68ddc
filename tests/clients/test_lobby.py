"""The lobby, against servers that list their rooms, refuse to, or are none."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from clients import lobby
from clients.console import Problem
from clients.lobby import NAME, Room, entered, followed, invented, invitation, link, listing, rooms
from clients.tui import main as join

SERVER = "http://127.0.0.1:8765"
LISTED = [
    Room("kitchen", 3, 2, ["en", "es"], 12 * 60_000.0),
    Room("calm-otter-42", 1, 0, [], 3_720_000.0),
]
ANSWER = {
    "rooms": [
        {
            "name": "kitchen",
            "epoch": "e1",
            "participants": 3,
            "speakers": 2,
            "languages": ["en", "es"],
            "since_ms": 720_000,
            "unheard": "of",
        }
    ]
}


@contextmanager
def server(status: int, body: bytes) -> Iterator[str]:
    """A server with one answer; it remembers what it was asked in `asked`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    asked.clear()
    with HTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


asked: list[str] = []


@pytest.mark.socket
@pytest.mark.parametrize("scheme", ["http://", "ws://", ""])
def test_the_open_rooms_of_a_server(scheme: str) -> None:
    with server(200, json.dumps(ANSWER).encode()) as url:
        assert rooms(scheme + url.removeprefix("http://")) == [
            Room("kitchen", 3, 2, ["en", "es"], 720_000.0)
        ]
    assert asked == ["/v1/rooms"]


@pytest.mark.socket
@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (404, b"404: Not Found", "does not list its rooms: name a room, as in  surtitle join"),
        (403, b"", "keeps its rooms to itself"),
        (500, b"Traceback", "refused with 500"),
        (200, b"<html>", "is no Surtitle server"),
        (200, b'{"rooms": [{"name": "../x"}]}', "is no Surtitle server"),
        (200, b'{"rooms": 5}', "is no Surtitle server"),
        (200, b"\xff", "is no Surtitle server"),
    ],
)
def test_a_server_without_a_list_is_a_sentence(status: int, body: bytes, sentence: str) -> None:
    with server(status, body) as url, pytest.raises(Problem) as caught:
        rooms(url)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1", "no server answers at http://127.0.0.1:1"),
        ("http://nobody.invalid", "nobody.invalid"),
        ("ftp://here", "is no server's address"),
    ],
)
def test_no_server_is_a_sentence(url: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Problem, match=sentence):
        rooms(url)


def test_an_invented_name_can_be_said_and_is_a_rooms_name() -> None:
    names = {invented() for _ in range(200)}
    assert len(names) > 190
    assert all(NAME.fullmatch(name) and name.count("-") == 2 for name in names)


def test_an_invented_name_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "ADJECTIVES", ["calm"])
    monkeypatch.setattr(lobby, "ANIMALS", ["otter"])
    taken = {f"calm-otter-{number}" for number in range(10, 99)}
    assert invented(taken) == "calm-otter-99"


def test_a_link_leads_back_to_the_room() -> None:
    assert link("127.0.0.1:8765/", "lab") == "http://127.0.0.1:8765/rooms/lab"
    assert followed(link("https://host/prefix", "lab"), SERVER) == ("https://host/prefix", "lab")
    assert followed("ws://host:1/v1/rooms/lab", SERVER) == ("ws://host:1", "lab")
    assert followed("kitchen", SERVER) == (SERVER, "kitchen")


@pytest.mark.parametrize("word", ["http://host", "http://host/rooms/", "http://host/rooms/a%20b"])
def test_a_link_to_no_room_is_a_sentence(word: str) -> None:
    with pytest.raises(Problem, match="leads to no room"):
        followed(word, SERVER)


def test_how_others_come_in() -> None:
    assert invitation("http://host:8765", "lab") == (
        "others join  lab  by\n"
        "  the link     http://host:8765/rooms/lab\n"
        "  the command  surtitle join lab --server http://host:8765"
    )
    assert "from this machine only" in invitation(SERVER, "lab")


def test_the_list_for_who_cannot_choose() -> None:
    assert listing(SERVER, LISTED).splitlines() == [
        "2 rooms are open at http://127.0.0.1:8765",
        "  kitchen        3 here, 2 with a microphone (en, es), open for 12 min",
        "  calm-otter-42  1 here, 0 with a microphone, open for 1 h 2 min",
        "join one:  surtitle join kitchen --server http://127.0.0.1:8765 --reads es",
    ]
    assert listing(SERVER, []).splitlines()[0] == "no room is open at http://127.0.0.1:8765"
    assert "make one:  surtitle join " in listing(SERVER, [])


class Person:
    """Says these words, and remembers what was shown."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.shown = ""

    def ask(self, question: str) -> str:
        self.shown += question
        if not self.words:
            raise EOFError
        self.shown += "\n"
        return self.words.pop(0)

    def show(self, text: str) -> None:
        self.shown += text + "\n"

    def enters(self, listed: list[Room]) -> str | None:
        return entered(SERVER, listed, self.ask, self.show)


@pytest.mark.parametrize(
    ("word", "room"),
    [("1", "kitchen"), ("2", "calm-otter-42"), (" kitchen ", "kitchen"), ("q", None)],
)
def test_a_room_is_chosen_by_number_or_name(word: str, room: str | None) -> None:
    person = Person(word)
    assert person.enters(LISTED) == room
    assert "   1  kitchen        3 here" in person.shown
    assert ("surtitle join" in person.shown) == (room is not None)


def test_a_new_room_is_shown_before_one_goes_in() -> None:
    person = Person("", "")
    room = person.enters([])
    assert room is not None and f"the command  surtitle join {room} --server" in person.shown
    assert person.shown.rstrip().endswith("Enter to go in:")
    assert Person("lab", "").enters(LISTED) == "lab"


def test_what_is_no_room_is_asked_again() -> None:
    person = Person("0", "7", "../etc", "9" * 5000, "\N{SUPERSCRIPT TWO}", "x" * 10**6, "1")
    assert person.enters(LISTED) == "kitchen"
    assert person.shown.count("there is no room") == 4
    assert "up to 64 letters" in person.shown


def test_the_end_of_input_leaves() -> None:
    assert Person().enters(LISTED) is None
    assert Person("lab").enters(LISTED) is None


@pytest.mark.socket
def test_join_without_a_room_and_a_terminal_prints_the_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with server(200, json.dumps(ANSWER).encode()) as url:
        assert join.main(["--server", url]) == 0
    assert "one room is open at" in (shown := capsys.readouterr().out)
    assert f"surtitle join kitchen --server {url}" in shown


@pytest.mark.socket
def test_join_says_why_there_is_no_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert join.main(["--server", "http://127.0.0.1:1"]) == 1
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert join.main(["--reads", "es", "--server", "http://127.0.0.1:1"]) == 1
    assert join.main(["http://host/lab", "--reads", "es"]) == 1
    said = capsys.readouterr().err
    assert said.count("surtitle: no server answers at") == 2 and "leads to no room" in said
