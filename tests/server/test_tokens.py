"""A token lets one person into one room, in one role, for an hour at most."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import tokens
from server.config import Config, ConfigError
from server.house import House
from server.main import _config
from server.main import parser as serve_parser
from server.refused import Refused
from server.secret import SECRET, encryption, secret
from server.tokens import ALGORITHM, CLAIMS, OURS, Gate, Pass, Role, made
from streaming.messages import Error, Hello, TokenExpiring
from tests.server.sockets import SPEAKER, heard, hello, joined, refused, resuming, serving
from tests.server.stage import Stage

KEY = base64.b64encode(bytes(range(40))).decode()
NOW = 1_800_000_000.0


class Wall:
    now = NOW

    def __call__(self) -> float:
        return self.now


def gate(wall: Wall | None = None) -> Gate:
    return Gate(KEY, wall or Wall())


def token(role: Role = "speak", room: str = "kitchen", sub: str = "ana", ttl: int = 600) -> str:
    return made(KEY, room, role, ttl, sub, NOW)


def forged(key: str = KEY, algorithm: str = ALGORITHM, left_out: str = "", **claims: Any) -> str:
    """A token with these claims changed, or one left out."""
    usual: dict[str, Any] = {
        "iss": OURS, "aud": OURS, "sub": "ana", "room": "kitchen", "role": "speak",
        "iat": NOW, "exp": NOW + 60,
    }  # fmt: skip
    return jwt.encode(
        {name: value for name, value in (usual | claims).items() if name != left_out},
        key,
        algorithm,
    )


def test_what_was_made_is_admitted() -> None:
    assert gate().admit(token(), "kitchen") == Pass("ana", "kitchen", "speak", NOW + 600)
    assert gate().bearer(f"Bearer {token()}").sub == "ana"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "a.b.c",
        forged(key="another secret of the same length, and more"),
        forged(algorithm="none", key=""),
        forged(algorithm="HS512", key=KEY * 2),
        *(forged(left_out=claim) for claim in CLAIMS),
        forged(aud="another service"),
        forged(iss="somebody"),
        forged(role="owner"),
        forged(sub=7),
        forged(exp=NOW + 7_200),
        forged(iat=NOW + 3_000, exp=NOW + 6_000),
        forged(exp="soon"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(bad: str) -> None:
    with pytest.raises(Refused) as error:
        gate().admit(bad, "kitchen")
    assert error.value.error.code == 4401 and not error.value.error.retry
    assert bad not in str(error.value) or not bad


def test_a_token_for_another_room_is_forbidden_here() -> None:
    with pytest.raises(Refused) as error:
        gate().admit(token(room="garden"), "kitchen")
    assert error.value.error.code == 4403


def test_a_token_ends() -> None:
    wall = Wall()
    wall.now += 600 + tokens.LEEWAY_S + 1
    with pytest.raises(Refused, match="expired"):
        gate(wall).admit(token(), "kitchen")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_whatever_comes_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Refused):
        gate().admit(text, "kitchen")
    with pytest.raises(Refused):
        gate().bearer(text)


# In a room


def stage(wall: Wall) -> Stage:
    found = Stage()
    found.room.wall = wall
    return found


def enter(stage: Stage, who: Pass, name: str = "Ana") -> Any:
    member = stage.room.join(Hello(name, ["en"]), who)
    stage.told[member.id] = []
    return member


async def test_the_end_of_a_token_is_told_a_minute_before_and_then_it_ends() -> None:
    wall = Wall()
    at = stage(wall)
    ana = enter(at, Pass("ana", "kitchen", "listen", NOW + 100))
    await at.wait(0.1)
    assert not [one for one in at.told[ana.id] if isinstance(one, TokenExpiring)]
    wall.now += 45
    await at.wait(0.2)
    assert [one for one in at.told[ana.id] if isinstance(one, TokenExpiring)] == [
        TokenExpiring(55_000)
    ]
    wall.now += 56
    await at.wait(0.1)
    assert ana.expelled == Error.of(4401, "the token has expired: ask for a new one")


async def test_of_one_persons_connections_the_newest_counts() -> None:
    at = stage(Wall())
    ana = enter(at, Pass("ana", "kitchen", "listen", NOW + 100))
    ben = enter(at, Pass("ben", "kitchen", "listen", NOW + 100))
    again = enter(at, Pass("ana", "kitchen", "listen", NOW + 100))
    assert ana.expelled is not None and ana.expelled.code == 4409
    assert ben.expelled is None and again.expelled is None


# Over real sockets


@asynccontextmanager
async def guarded() -> AsyncIterator[tuple[House, str, Wall]]:
    async with serving() as (house, url):
        wall = Wall()
        house.config = replace(house.config, secret=KEY)
        house.gate = Gate(KEY, wall)
        yield house, url, wall


@pytest.mark.socket
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, 4401),
        ({"token": "x"}, 4401),
        ({"token": token(room="garden")}, 4403),
        ({"token": token("listen"), **SPEAKER}, 4403),
    ],
)
async def test_who_may_not_come_in_learns_nothing(said: dict[str, Any], code: int) -> None:
    async with guarded() as (house, url, _), joined(url) as link:
        await link.send(hello(**said))
        messages = [json.loads(await link.recv())]
        assert messages[0]["type"] == "error" and messages[0]["code"] == code
        assert not house.rooms


@pytest.mark.socket
async def test_a_token_opens_the_room_and_a_later_hello_brings_the_next() -> None:
    async with guarded() as (_, url, wall), joined(url) as link:
        await link.send(hello(**SPEAKER, token=token(ttl=70)))
        await heard(link, "welcome")
        wall.now += 20
        assert (await heard(link, "token.expiring"))["in_ms"] == 50_000
        await link.send(hello(reads=["en"], token=made(KEY, "kitchen", "speak", 600, "ana", NOW)))
        await link.send('{"type": "ping", "t": 1}')
        await heard(link, "pong")
        wall.now += 300
        await link.send('{"type": "ping", "t": 2}')
        await heard(link, "pong")
        wall.now += 300
        code, _, closed = await refused(link)
        assert (code, closed) == (4401, 4401)


@pytest.mark.socket
@pytest.mark.parametrize(
    "next_",
    [{"sub": "eve"}, {"role": "listen"}, {"room": "garden"}],
    ids=lambda one: next(iter(one)),
)
async def test_a_later_token_makes_nobody_somebody_else(next_: dict[str, Any]) -> None:
    async with guarded() as (_, url, _), joined(url) as link:
        await link.send(hello(**SPEAKER, token=token()))
        await heard(link, "welcome")
        await link.send(hello(token=token(**next_)))
        assert (await refused(link))[0] == 4403


@pytest.mark.socket
async def test_nobody_resumes_another_with_a_token_of_his_own() -> None:
    async with guarded() as (_, url, _), joined(url) as ana, joined(url) as eve:
        await ana.send(hello(token=token("listen")))
        welcome = await heard(ana, "welcome")
        await eve.send(hello(token=token("listen", sub="eve"), resume=resuming(welcome, 0)))
        assert (await refused(eve))[0] == 4403


async def asked(method: str, url: str, bearer: str = "") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, url, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.socket
async def test_pages_too_are_for_those_with_a_token() -> None:
    async with guarded() as (_, url, _), joined(url) as ana:
        http = url.replace("ws", "http", 1)
        await ana.send(hello(token=token("listen")))
        await heard(ana, "welcome")
        for page in ("/v1/rooms", "/v1/rooms/kitchen/transcript.txt"):
            assert (await asked("GET", http + page))[0] == 401
            assert (await asked("GET", http + page, token("listen")))[0] == 200
        assert (await asked("GET", f"{http}/v1/rooms", token(room="garden")))[1] == '{"rooms": []}'
        transcript = f"{http}/v1/rooms/kitchen/transcript.txt"
        assert (await asked("GET", transcript, token(room="garden")))[0] == 403
        assert (await asked("GET", f"{http}/livez"))[0] == 200


@pytest.mark.socket
async def test_an_admin_removes_somebody_who_does_not_come_back() -> None:
    async with guarded() as (_, url, _), joined(url) as eve:
        await eve.send(hello(token=token(sub="eve"), **SPEAKER))
        welcome = await heard(eve, "welcome")
        page = f"{url.replace('ws', 'http', 1)}/v1/rooms/kitchen/participants"
        who = f"{page}/{welcome['participant']}"
        assert (await asked("DELETE", who, token("speak")))[0] == 403
        assert (await asked("DELETE", f"{page}/p77", token("admin")))[0] == 404
        assert (await asked("DELETE", who, token("admin")))[0] == 204
        code, message, _ = await refused(eve)
        assert code == 4403 and "removed" in message
        async with joined(url) as eve:
            await eve.send(hello(token=token(sub="eve")))
            assert (await refused(eve))[0] == 4403


@pytest.mark.socket
async def test_without_tokens_nobody_is_an_admin() -> None:
    async with serving() as (_, url):
        page = f"{url.replace('ws', 'http', 1)}/v1/rooms/kitchen/participants/p1"
        assert (await asked("DELETE", page))[0] == 403


@pytest.mark.socket
async def test_a_bearer_in_the_request_is_as_good() -> None:
    async with guarded() as (_, url, _), aiohttp.ClientSession() as client:
        address = f"{url.replace('ws', 'http', 1)}/v1/rooms/kitchen"
        headers = {"Authorization": f"Bearer {token()}"}
        protocols = ("surtitle.v1",)
        async with client.ws_connect(address, headers=headers, protocols=protocols) as socket:
            await socket.send_str(hello())
            assert (await socket.receive_json())["type"] == "welcome"


# Setting up


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("short", "shorter than 32 bytes"),
        ("change-me-change-me-change-me-0123456789", "easily guessed"),
        ("abcabcabcabcabcabcabcabcabcabcabcabc", "easily guessed"),
    ],
)
def test_a_secret_that_keeps_nobody_out_is_refused(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SECRET, text)
    with pytest.raises(ConfigError, match=why) as error:
        secret(None)
    assert text == "short" or text not in str(error.value)
    file = tmp_path / "secret"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=why):
        secret(file)


def test_a_secret_is_read_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{KEY}\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        secret(file)
    file.chmod(0o600)
    assert secret(file) == KEY
    with pytest.raises(ConfigError, match="cannot be read"):
        secret(tmp_path / "none")


def test_off_loopback_a_server_wants_tls_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    def config(*words: str) -> Config:
        return _config(serve_parser().parse_args(["--host", "0.0.0.0", *words]))

    monkeypatch.delenv(SECRET, raising=False)
    with pytest.raises(ConfigError, match="whoever reaches"):
        config()
    with pytest.raises(ConfigError, match="whoever reaches"):
        config("--tls-cert", "c", "--tls-key", "k")
    monkeypatch.setenv(SECRET, KEY)
    with pytest.raises(ConfigError, match="whoever reaches"):
        config()
    with pytest.raises(ConfigError, match="go together"):
        config("--tls-cert", "c")
    with pytest.raises(ConfigError, match="is no origin"):
        config("--insecure", "--origin", "talk.example")
    assert config("--tls-cert", "c", "--tls-key", "k").secret == KEY
    assert KEY not in repr(config("--insecure"))


def test_a_certificate_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="no certificate and its key"):
        encryption(tmp_path / "cert.pem", tmp_path / "cert.pem")


def test_the_command_makes_a_token_that_the_server_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, KEY)
    assert tokens.main(["--room", "kitchen", "--role", "speak", "--ttl", "10m"]) == 0
    found = Gate(KEY).admit(capsys.readouterr().out.strip(), "kitchen")
    assert (found.room, found.role) == ("kitchen", "speak") and found.sub
    monkeypatch.delenv(SECRET)
    assert tokens.main(["--room", "kitchen"]) == 1
    assert SECRET in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--ttl", "2h"], ["--ttl", "soon"], ["--room", "a/b"]])
def test_what_no_token_can_say_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        tokens.parser().parse_args(["--room", "kitchen", *words])


@pytest.mark.socket
@pytest.mark.slow
def test_tokens_and_the_server_are_commands_of_surtitle() -> None:
    made = subprocess.run(
        [sys.executable, "surtitle.py", "token", "--room", "kitchen"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {SECRET: KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Gate(KEY).admit(made.stdout.strip(), "kitchen").role == "listen"


@pytest.mark.socket
async def test_pages_that_were_named_may_join_and_a_name_that_leads_here_for_a_moment_not() -> None:
    async with serving() as (house, url), aiohttp.ClientSession() as client:
        house.config = replace(house.config, origins=("https://talk.example",))
        address = f"{url.replace('ws', 'http', 1)}/v1/rooms/kitchen"
        for origin, host, joins in (
            ("https://talk.example", "", True),
            ("https://evil.example", "", False),
            ("http://evil.example", "evil.example", False),
        ):
            headers = {"Host": host} if host else {}
            try:
                async with client.ws_connect(
                    address, origin=origin, headers=headers, protocols=("surtitle.v1",)
                ):
                    assert joins
            except aiohttp.WSServerHandshakeError as error:
                assert not joins and error.status == 403
