"""Make text from models and people harmless to show: one line, visible characters, bounded.

Control characters, terminal escapes, bidirectional overrides and zero-width characters go; what
joins graphemes (ZWJ, variation selectors) stays. See Trojan Source, CVE-2021-42574.
"""

import re
import unicodedata

LONGEST = 2_000  # characters of one line: fifteen seconds of the fastest speech have about 400

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, longest: int = LONGEST) -> str:
    """The text as one harmless line of at most `longest` characters, NFC, without outer space."""
    text = text[: longest * 4]
    if not text.isprintable():  # nothing that has to go is, and no white space but the plain
        text = _HIDDEN.sub("", _ESCAPES.sub("", text))
    return " ".join(unicodedata.normalize("NFC", text).split())[:longest]
