"""A server that takes calls, as a whole: the command line, a hello, and the call."""

import pytest

from server.config import TURN, Config, ConfigError
from server.main import _config, parser
from server.webrtc.taken import ice_server

HERE = Config()


def config(*words: str) -> Config:
    return _config(parser().parse_args(words))


def test_calls_are_taken_when_asked_for_and_off_loopback() -> None:
    assert not HERE.calls
    assert config("--webrtc").calls
    assert config("--host", "0.0.0.0", "--insecure").calls


@pytest.mark.parametrize(
    "server", ["stun.example:3478", "http://x", "stun:a@b", "turn:ann:secret@turn.example:3478"]
)
def test_an_ice_server_that_is_none_is_said_and_no_password_with_it(server: str) -> None:
    with pytest.raises(ConfigError, match="--ice-server is stun:host:port") as refused:
        config("--ice-server", server)
    assert "secret" not in str(refused.value)


def test_turn_has_a_name_and_a_password_that_no_process_list_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = "turn:turn.example:3478"
    with pytest.raises(ConfigError, match=TURN):
        config("--ice-server", server)
    monkeypatch.setenv(TURN, "ann:se:cret")
    said = config("--ice-server", server)
    assert "cret" not in repr(said)
    made = ice_server(server, said.turn)
    assert (made.urls, made.username, made.credential) == (server, "ann", "se:cret")
    assert ice_server("stun:stun.example:3478", said.turn).username is None
