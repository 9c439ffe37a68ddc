"""A server that takes calls, as a whole: the command line, a hello, and the call."""

import pytest

from server.config import Config, ConfigError
from server.main import _config, parser
from server.webrtc.taken import ice_server

HERE = Config()


def config(*words: str) -> Config:
    return _config(parser().parse_args(words))


def test_calls_are_taken_when_asked_for_and_off_loopback() -> None:
    assert not HERE.calls
    assert config("--webrtc").calls
    assert config("--host", "0.0.0.0", "--insecure").calls


@pytest.mark.parametrize("server", ["stun.example:3478", "http://x", "turn:host:1", "stun:a@b"])
def test_an_ice_server_that_is_none_is_said_without_its_password(server: str) -> None:
    with pytest.raises(ConfigError, match="--ice-server"):
        config("--ice-server", server)


def test_turn_has_a_name_and_a_password() -> None:
    made = ice_server("turn:ann:se:cret@turn.example:3478")
    assert (made.urls, made.username, made.credential) == (
        "turn:turn.example:3478",
        "ann",
        "se:cret",
    )
    assert ice_server("stun:stun.example:3478").urls == "stun:stun.example:3478"
