"""How many questions model servers take at a time, all together.

They are asked again and again: a server that died for want of memory comes back with fewer.
"""

from collections.abc import Collection

import msgspec

from models.foreign import decoded

ASK_EVERY_S = 5.0  # a question costs a server a millisecond; one that starts anew takes far longer

MOST = 1_000_000  # of one server; more is no figure


class Slots:
    """Of the servers of one engine. `push` what each of them says."""

    def __init__(self) -> None:
        self._known: dict[str, int | None] = {}

    def push(self, url: str, slots: int | None) -> None:
        """Take what a server says; None: it does not."""
        self._known[url] = slots

    def total(self, here: Collection[str]) -> int | None:
        """Of those that are `here`; None: one of them does not say. Where none is here, it is what
        they all said last: they will be back, and whoever comes now is told that they are away."""
        counted = [self._known.get(url) for url in here or self._known]
        known = [slots for slots in counted if slots is not None]
        return sum(known) if known and len(known) == len(counted) else None


class _Scheduler(msgspec.Struct):
    effective_max_running_requests_per_dp: int | None = None
    """What is left of what was asked for, where the cache holds no more."""


class _ServerInfo(msgspec.Struct):
    max_running_requests: int | None = None
    internal_states: list[_Scheduler] = []


def running(data: bytes) -> int | None:
    """Requests at a time, by the answer to SGLang's /server_info; None: it does not say."""
    try:
        info = decoded(data, _ServerInfo)
    except ValueError:
        return None
    effective = [one.effective_max_running_requests_per_dp or 0 for one in info.internal_states]
    slots = sum(effective) if effective and all(effective) else info.max_running_requests
    return slots if slots is not None and 0 < slots <= MOST else None
