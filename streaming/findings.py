"""What a check of a machine has found, and what all of that means: the doctor's values."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "note", "wrong"]
"""Works; worth knowing, and no hindrance; something needed is missing or broken."""

TRANSCRIPTS, TRANSLATION = "transcripts", "translation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    group: str
    """What it belongs to, as a heading: "Engines"."""
    name: str
    state: State
    says: str
    """The result, in words."""
    fix: str = ""
    """The command that would mend it, ready to be copied."""
    gives: str = ""
    """What the product can do because of it, while it is ok."""
    figures: dict[str, float] = field(default_factory=dict)
    """What was measured, with units in the names."""


def works(found: Collection[Finding], what: str) -> bool:
    """Whether something was found that gives this."""
    return any(finding.gives == what and finding.state == "ok" for finding in found)


def healthy(found: Collection[Finding]) -> bool:
    """People can be captioned and translated here, and nothing needed is wrong."""
    able = works(found, TRANSCRIPTS) and works(found, TRANSLATION)
    return able and not any(finding.state == "wrong" for finding in found)
