"""Offers of calls that are none, or more than one: refused with a sentence, or answered."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.webrtc.offer import CANDIDATES, LONGEST, Reach, Refused, checked
from server.webrtc.peer import Peer
from tests.fuzz.inputs import damaged, noise
from tests.fuzz.promise import kept, tasks_are_as_before
from tests.server.webrtc.browser import HERE
from tests.server.webrtc.test_offer import AUDIO, HEAD, candidate, offer

EVERYWHERE = Reach(loopback=True)
ODD = [
    "v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio x y z", "m=", "a=", "c=IN IP4 127.0.0.1",
    "c=IN IP9 nowhere", "b=AS:99999999999999999999", "t=x", "o=", "s=", "=", "a=mid:", "a=mid:1",
    "a=group:BUNDLE 0 1 2", "a=group:BUNDLE", "a=msid-semantic:WMS *", "a=setup:passive",
    "a=setup:", "a=setup:x", "a=fingerprint:", "a=fingerprint:sha-256", "a=fingerprint:md5 00",
    "a=fingerprint:sha-256 zz", "a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:trickle", "a=ice-lite",
    "a=rtcp:x", "a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux", "a=rtcp-fb:111", "a=rtcp-fb:* nack pli",
    "a=rtcp-fb:x y", "a=extmap:", "a=extmap:x y", "a=extmap:99999 urn:x",
    "a=extmap:1/sendonly urn:x", "a=rtpmap:", "a=rtpmap:111", "a=rtpmap:x opus/48000/2",
    "a=rtpmap:999 opus/48000/2", "a=rtpmap:111 opus", "a=rtpmap:111 opus/x",
    "a=rtpmap:0 opus/48000/2", "a=rtpmap:111 VP8/90000", "a=fmtp:", "a=fmtp:111", "a=fmtp:111 =",
    "a=fmtp:111 a=b;c;d=;", "a=fmtp:111 maxplaybackrate=x", "a=ssrc:", "a=ssrc:x cname:y",
    "a=ssrc:1", "a=ssrc:99999999999 msid:a b", "a=ssrc-group:FID 1 2", "a=ssrc-group:", "a=ptime:x",
    "a=maxptime:x", "a=sendrecv", "a=recvonly", "a=sctp-port:x", "a=sctpmap:x",
    "a=max-message-size:x", "a=candidate:", "a=candidate:1 1 udp x 10.0.0.1 5 typ host",
    "a=candidate:1 x udp 1 10.0.0.1 5 typ host", "a=candidate:1 99 udp 1 10.0.0.1 5 typ x raddr",
    "a=candidate:1 1 udp 1 10.0.0.1 5 typ host generation",
    "a=candidate:1 1 udp -1 fe80::1%x 5 typ", "a=candidate:1 1 udp 1 10.0.0.1 \u0665 typ host",
    "a=end-of-candidates", candidate(HERE), candidate("::1"), candidate("10.1.2.3"),
]  # fmt: skip


@st.composite
def offers(draw: st.DrawFn) -> bytes:
    """A good one with lines put in, left out and written over."""
    lines = [*HEAD, *AUDIO]
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(lines)))
        some = st.lists(st.sampled_from(ODD), min_size=1, max_size=3)
        lines[at : at + draw(st.integers(0, 2))] = draw(some | st.just([]))
    text = "\r\n".join([*lines, ""]).encode()
    return draw(damaged([text], most=1)) if draw(st.booleans()) else text


LARGEST = [
    *[candidate(f"10.0.0.{n}") for n in range(CANDIDATES)],
    *["a=fmtp:111 " + "a=1;" * 200] * 6,
    *[f"a=ssrc:{n} cname:x" for n in range(300)],
]


@given(offers() | noise)
@example(offer(*LARGEST))
@example(offer(*["a=rtpmap:111 opus/48000/2"] * 400))
@example(b"v=0\n" * 4_000)
@example(b"v=0\n" + b"m=audio\n" * 2_000)
@example(b"v=0\nm=" + b"x" * 9_000)
@example(b"v=0\nm=\x1b[2J\n")
def test_an_offer_is_taken_or_refused_in_a_sentence(body: bytes) -> None:
    kept(lambda: checked(body, EVERYWHERE), Refused)


ANSWER_S = 0.04  # a key, a certificate and two sockets are made for it


@pytest.mark.socket
@given(offers())
@example(offer(*LARGEST))
@example(offer(sections=["m=audio 9 UDP/TLS/RTP/SAVPF 0", *AUDIO[1:]]))
@example(offer(without="sendonly"))
@example(offer(without="sendonly").replace(b"m=audio", b"a=sendonly\r\nm=audio"))
def test_an_offer_that_was_taken_is_answered_or_refused_and_leaves_nothing(body: bytes) -> None:
    async def answered() -> None:
        text = checked(body, EVERYWHERE)
        with tasks_are_as_before():
            peer = Peer(lambda frame: None, [HERE])
            try:
                answer = await peer.answer(text)
                assert answer.startswith("v=0") and "opus/48000/2" in answer
            finally:
                await peer.close()

    with asyncio.Runner() as runner:
        kept(lambda: runner.run(answered()), Refused, stall_s=ANSWER_S)


assert len(offer(*LARGEST)) <= LONGEST
