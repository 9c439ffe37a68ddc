"""Look an offer over before anything else reads it, and say what is wrong with it.

An offer (SDP, RFC 8866) comes from a stranger, and names addresses that this server then sends
packets to. So it is small, has one section of audio, and keeps only candidates (RFC 8839) that a
participant may have; a browser behind them is found by its own checks all the same. What the parser
sees after this is at most 16 KiB with 30 candidates, which takes it a few milliseconds.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from streaming.clean import clean

LONGEST = 16 * 1024  # bytes
CANDIDATES = 30
OPUS = re.compile(r"a=rtpmap:(\d{1,3}) opus/48000/2", re.IGNORECASE)
SENDS = "a=sendrecv", "a=sendonly"
ASKED = "usedtx=0;stereo=0;useinbandfec=0;maxaveragebitrate=32000"
"""Of the sender (RFC 7587, 6.1): no discontinuous transmission, which tears holes that look like
loss; one channel; no redundancy that nobody here would decode."""
NEEDED = {
    "a=ice-ufrag:": "no ICE user name",
    "a=ice-pwd:": "no ICE password",
    "a=fingerprint:": "no fingerprint of a certificate",
}

Address = IPv4Address | IPv6Address


class Refused(ValueError):
    """This offer is not taken; the text says why, `status` is HTTP's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses a participant may be at."""

    loopback: bool = False
    """This machine: for servers that listen on it alone."""
    private: bool = True
    """Private networks; not where a public server has such networks behind it."""

    def includes(self, address: Address) -> bool:
        """Packets may be sent there."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback:
            return self.loopback
        if address.is_multicast or address.is_link_local or address.is_unspecified:
            return False
        if address.is_global:
            return True
        return self.private and not address.is_reserved


def checked(offer: bytes, reach: Reach) -> str:
    """The offer, without the candidates that are out of `reach`. Refused."""
    if len(offer) > LONGEST:
        raise Refused(413, f"an offer of {len(offer)} bytes: at most {LONGEST}")
    try:
        lines = offer.decode().splitlines()
    except UnicodeDecodeError as error:
        raise Refused(400, "the offer is not text") from error
    if not lines or lines[0] != "v=0":
        raise Refused(400, "this is no session description: it does not begin with v=0")
    _check_sections(lines)
    for prefix, missing in NEEDED.items():
        if not any(line.startswith(prefix) for line in lines):
            raise Refused(400, f"the offer has {missing}")
    candidates = [line for line in lines if line.startswith("a=candidate:")]
    if len(candidates) > CANDIDATES:
        raise Refused(400, f"the offer has {len(candidates)} candidates: at most {CANDIDATES}")
    kept = {line for line in candidates if _reached(line, reach)}
    dropped = set(candidates) - kept | {"a=end-of-candidates"}
    if not any(line in SENDS for line in lines):
        lines.append(SENDS[0])  # as RFC 8866, 6.7, has it where nothing is said
    return "".join(f"{line}\r\n" for line in lines if line not in dropped)


def _check_sections(lines: list[str]) -> None:
    sections = [line[2:].split(" ")[0] for line in lines if line.startswith("m=")]
    if sections != ["audio"]:
        found = clean(", ".join(sections[:5]), 60) or "none"
        raise Refused(400, f"an offer has one section, of audio; this one has {found}")
    if any(line in ("a=recvonly", "a=inactive") for line in lines):
        raise Refused(400, "the offer sends no audio; captions come by WebSocket")
    if not any(OPUS.fullmatch(line.strip()) for line in lines):
        raise Refused(406, "the offer has no Opus at 48000 Hz, which is what is heard here")


def _reached(line: str, reach: Reach) -> bool:
    """candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE ..."""
    fields = line.split()
    if len(fields) < 8 or fields[2].lower() != "udp" or not fields[5].isdecimal():
        return False
    try:
        return reach.includes(ip_address(fields[4])) and 0 < int(fields[5]) < 0x10000
    except ValueError:
        return False  # a name: nothing is looked up for strangers


def answered(answer: str) -> str:
    """The answer, with what is asked of the sender."""
    found = OPUS.search(answer)
    assert found is not None, "an answer to an offer of Opus has Opus"
    payload = found[1]
    lines = [
        line
        for line in answer.splitlines()
        if not line.startswith(f"a=fmtp:{payload} ") and line != "a=end-of-candidates"
    ]
    at = next(place for place, line in enumerate(lines) if OPUS.fullmatch(line))
    lines.insert(at + 1, f"a=fmtp:{payload} {ASKED}")
    return "".join(f"{line}\r\n" for line in lines)
