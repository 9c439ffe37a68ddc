"""An offer from a stranger: what is taken of it, and what is said of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.webrtc.offer import CANDIDATES, LONGEST, Reach, Refused, answered, checked

HEAD = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
AUDIO = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
    "a=sendonly",
    "a=mid:0",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1",
    "a=rtpmap:0 PCMU/8000",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789abcdefghijkl",
    "a=fingerprint:sha-256 00:11",
    "a=setup:actpass",
]
INSIDE = Reach(loopback=False, private=True)


def offer(*more: str, without: str = "", sections: list[str] = AUDIO) -> bytes:
    lines = [line for line in [*HEAD, *sections, *more] if not without or without not in line]
    return "".join(f"{line}\r\n" for line in lines).encode()


def candidate(address: str, transport: str = "udp", port: str = "5000") -> str:
    return f"a=candidate:1 1 {transport} 2130706431 {address} {port} typ host"


def kept(reach: Reach, *candidates: str) -> list[str]:
    lines = checked(offer(*candidates), reach).splitlines()
    return [line for line in lines if line.startswith("a=candidate:")]


def test_a_plain_offer_is_taken_as_it_is() -> None:
    assert checked(offer(), INSIDE) == offer().decode()


@pytest.mark.parametrize(
    "bad, says, status",
    [
        (b"", "no session description", 400),
        (b"GET / HTTP/1.1", "no session description", 400),
        (b"v=0\r\n\xff\xfe", "not text", 400),
        (offer(*["a=x:" + "y" * 990] * 17), f"at most {LONGEST}", 413),
        (offer(sections=[]), "this one has none", 400),
        (offer("m=video 9 UDP/TLS/RTP/SAVPF 96"), "this one has audio, video", 400),
        (offer(sections=["m=video 9 X 96", *AUDIO[1:]]), "this one has video", 400),
        (offer(*AUDIO), "this one has audio, audio", 400),
        (offer(without="opus"), "no Opus", 406),
        (offer("a=rtpmap:111 opus/8000/1", without="opus/48000"), "no Opus", 406),
        (offer("a=recvonly", without="sendonly"), "sends no audio", 400),
        (offer("a=inactive", without="sendonly"), "sends no audio", 400),
        (offer(without="ice-ufrag"), "no ICE user name", 400),
        (offer(without="ice-pwd"), "no ICE password", 400),
        (offer(without="fingerprint"), "no fingerprint", 400),
        (offer(*[candidate(f"10.0.0.{n}") for n in range(31)]), f"at most {CANDIDATES}", 400),
    ],
)
def test_an_offer_that_is_none_gets_a_sentence(bad: bytes, says: str, status: int) -> None:
    with pytest.raises(Refused, match=says) as refused:
        checked(bad, INSIDE)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "169.254.169.254", "fe80::1", "224.0.0.251", "ff02::fb"),
        *("0.0.0.0", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "240.0.0.1"),
        *("printer.local", "3c2f-77.local", "example.com", "1.2.3", "0x7f.1", "2130706433"),
    ],
)
def test_this_server_sends_nothing_where_no_participant_can_be(address: str) -> None:
    assert kept(INSIDE, candidate(address)) == []


def test_private_networks_are_in_reach_unless_the_operator_says_no() -> None:
    private = [candidate(address) for address in ("192.168.1.7", "10.1.2.3", "fd00::7")]
    public = [candidate("8.8.8.8"), candidate("2606:4700::1111")]
    assert kept(INSIDE, *private, *public) == [*private, *public]
    assert kept(Reach(private=False), *private, *public) == public


def test_a_server_for_this_machine_alone_hears_this_machine() -> None:
    assert kept(Reach(loopback=True), candidate("127.0.0.1")) == [candidate("127.0.0.1")]


@pytest.mark.parametrize(
    "line",
    [
        candidate("192.168.1.7", transport="tcp"),
        candidate("192.168.1.7", port="0"),
        candidate("192.168.1.7", port="70000"),
        candidate("192.168.1.7", port="-1"),
        "a=candidate:",
        "a=candidate:1 1 udp",
    ],
)
def test_a_candidate_that_cannot_be_is_left_out_and_the_offer_stands(line: str) -> None:
    assert checked(offer(line), INSIDE) == offer().decode()


def test_more_candidates_may_always_be_found_by_their_own_checks() -> None:
    assert "end-of-candidates" not in checked(offer("a=end-of-candidates"), INSIDE)
    assert "end-of-candidates" not in answered(offer("a=end-of-candidates").decode())


def test_the_answer_asks_for_one_channel_without_pauses_in_transmission() -> None:
    lines = answered(offer().decode()).splitlines()
    (asked,) = [line for line in lines if line.startswith("a=fmtp:111 ")]
    assert "usedtx=0" in asked and "stereo=0" in asked and "useinbandfec=0" in asked


lines = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(st.one_of(lines, st.sampled_from([*HEAD, *AUDIO, candidate("::1")])), max_size=40))
def test_whatever_is_offered_is_taken_or_refused_with_a_sentence(offered: list[str]) -> None:
    try:
        text = checked("\r\n".join(offered).encode(), INSIDE)
    except Refused as refused:
        assert str(refused) and 400 <= refused.status < 500
    else:
        assert text.startswith("v=0\r\n")
