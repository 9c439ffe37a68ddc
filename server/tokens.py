"""Who may do what: a token lets one person into one room for at most an hour.

`surtitle token` makes them, with the secret that the server has too. A token is a JWT (RFC 7519),
signed by HS256 and by nothing else.
"""

import argparse
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import jwt

from streaming.messages import ROOM_NAME

from .config import ConfigError
from .refused import Refused
from .secret import SECRET, secret

Role = Literal["speak", "listen", "admin"]
ALGORITHM = "HS256"
OURS = "surtitle"  # issuer and audience: a token of another service with the same secret is none
CLAIMS = ("iss", "aud", "sub", "room", "role", "iat", "exp")
LONGEST_S = 3_600
LEEWAY_S = 10  # by which clocks may differ
UNITS = {"s": 1, "m": 60, "h": 3_600}

EXAMPLES = f"""examples:
  export {SECRET}=$(head -c 32 /dev/urandom | base64)
  surtitle serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
  surtitle token --room kitchen --role speak
  SURTITLE_TOKEN=… surtitle join kitchen --server https://talk.example --hears en --reads es

A client that finds SURTITLE_TOKEN_FILE in its environment reads the token from there, and reads it
again when the token is about to end: write a new one into it in time, and nobody has to leave.
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a token says of who has it."""

    sub: str
    room: str
    role: Role
    expires: float
    """The second at which it ends, of the gate's `steady` clock."""


class Gate:
    """Checks tokens. `wall` is the time of day when somebody comes; from then on time passes by
    `steady`: nobody has to leave because the time of day was put right."""

    def __init__(
        self,
        secret: str,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._secret = secret
        self.wall, self.steady = wall, steady or wall

    def admit(self, token: str | None, room: str) -> Pass:
        """What this token allows in this room. Refused: 4401 it is none, 4403 not here."""
        if not token:
            raise Refused(4401, "this server lets nobody in without a token")
        found = self.read(token)
        if found.room != room:
            raise Refused(4403, "this token is for another room")
        return found

    def read(self, token: str) -> Pass:
        """What a token says. Refused: it is none."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=OURS,
                issuer=OURS,
                options={"require": list(CLAIMS), "verify_exp": False, "verify_iat": False},
            )
            found = _pass(claims, self.wall(), self.steady())
        except (jwt.InvalidTokenError, ValueError, TypeError, ArithmeticError) as error:
            raise Refused(4401, "the token is not one of this server's") from error
        if self.steady() > found.expires + LEEWAY_S:
            raise Refused(4401, "the token has expired: ask for a new one")
        return found

    def bearer(self, authorization: str | None) -> Pass:
        """What the token in a request's header says. Refused: there is none."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(4401, "this needs a token: Authorization: Bearer …")
        return self.read(token.strip())


def made(key: str, room: str, role: Role, ttl_s: int, sub: str, now: float) -> str:
    """A token for one person."""
    claims = {
        "iss": OURS,
        "aud": OURS,
        "sub": sub,
        "room": room,
        "role": role,
        "iat": int(now),
        "exp": int(now) + ttl_s,
    }
    return jwt.encode(claims, key, ALGORITHM)


def main(argv: Sequence[str]) -> int:
    """Print a token; its exit code."""
    options = parser().parse_args(argv)
    try:
        key = secret(options.token_secret_file)
        if not key:
            raise ConfigError(f"there is no secret: set {SECRET}, or name --token-secret-file")
        sub = options.sub or secrets.token_urlsafe(9)
        print(made(key, options.room, options.role, options.ttl, sub, time.time()))
    except ConfigError as error:
        print(f"surtitle token: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    it = argparse.ArgumentParser(
        prog="surtitle token",
        description="Let one person into one room: print a token, made with the server's secret.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    it.add_argument("--room", type=_room, required=True, metavar="NAME", help="which room")
    roles = "listen: only read; speak: also be heard; admin: also remove others (%(default)s)"
    it.add_argument("--role", choices=get_args(Role), default="listen", help=roles)
    lasts = "how long it is good for, an hour at most: 30s, 10m, 1h (1h)"
    it.add_argument("--ttl", type=_seconds, default="1h", metavar="TIME", help=lasts)
    who = "whose it is: a newer connection of the same takes the place of the older (anybody's)"
    it.add_argument("--sub", default="", metavar="NAME", help=who)
    where = f"file with the server's secret (default: it is in ${SECRET})"
    it.add_argument("--token-secret-file", type=Path, metavar="FILE", help=where)
    return it


def _pass(claims: Mapping[str, Any], now: float, steady: float) -> Pass:
    sub, room, role = (claims[name] for name in ("sub", "room", "role"))
    issued, expires = float(claims["iat"]), float(claims["exp"])
    if not all(isinstance(text, str) for text in (sub, room)) or role not in get_args(Role):
        raise ValueError("claims of the wrong kind")
    if not 0 < expires - issued <= LONGEST_S or issued > now + LEEWAY_S:
        raise ValueError("a token lasts an hour at most, from now on")
    return Pass(sub, room, role, steady + (expires - now))


def _room(text: str) -> str:
    if not ROOM_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no room: it has letters, digits, - and _")
    return text


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,5})([smh])", text)
    lasts = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < lasts <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no time up to an hour: write 30s, 10m or 1h")
    return lasts
