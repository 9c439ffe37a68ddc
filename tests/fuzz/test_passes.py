"""Tokens: whatever somebody brings, it lets him in or is refused in a sentence."""

import base64
import json
from typing import Any

import jwt
from hypothesis import example, given
from hypothesis import strategies as st

from server.refused import Refused
from server.tokens import ALGORITHM, Gate
from tests.fuzz.inputs import DEEP, damaged, values
from tests.fuzz.promise import kept, said
from tests.server.test_tokens import KEY, NOW, gate, token

CLAIMS = {
    "iss": "surtitle", "aud": "surtitle", "sub": "ana", "room": "kitchen", "role": "speak",
    "iat": NOW, "exp": NOW + 60,
}  # fmt: skip


def packed(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def signed(claims: Any, **header: Any) -> str:
    """A token of our own secret that says anything."""
    body = json.dumps(claims).encode()
    return jwt.api_jws.encode(body, KEY, ALGORITHM, headers=header)


def shown(text: str) -> None:
    """Whoever has it is let in, or told why not: in the same words that do not repeat it."""
    door: Gate = gate()
    for ask in (lambda: door.admit(text, "kitchen"), lambda: door.bearer(f"Bearer {text}")):
        try:
            kept(ask, *())
        except Refused as refused:
            said(refused)
            assert refused.error.code in (4401, 4403)
            assert len(text) < 20 or text not in str(refused)


@given(
    damaged([token().encode()]).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    | st.text(max_size=300)
    | st.lists(st.binary(max_size=80), min_size=2, max_size=4).map(
        lambda parts: ".".join(map(packed, parts))
    )
)
@example(f"{packed(b'[' * DEEP)}.e30.AA")
@example(f'{packed(b"""{"alg":"HS256"}""")}.{packed(b"[" * DEEP)}.AA')
@example(f'{packed(b"""{"alg":["HS256"],"crit":1,"b64":false}""")}.e30.AA')
@example("\udcff.\udcff.\udcff")
def test_a_forged_token_is_refused_in_a_sentence(text: str) -> None:
    shown(text)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys([*CLAIMS, "nbf", "jti", "crit"], values)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(["kid", "typ", "crit", "zip"], values)),
)
@example({"iat": 10**400}, {})
@example({"exp": float("inf"), "iat": float("nan")}, {})
@example({"aud": [["surtitle"]], "iss": {}}, {})
@example({"sub": "x" * 9_000}, {})
def test_a_token_that_was_signed_here_may_say_anything(
    claims: dict[str, Any], header: dict[str, Any]
) -> None:
    try:
        text = signed(CLAIMS | claims, **header)
    except (TypeError, ValueError, jwt.InvalidTokenError):
        return  # nor could anybody else make that
    shown(text)


@given(values)
def test_a_signed_body_need_be_no_object(body: Any) -> None:
    shown(signed(body))
