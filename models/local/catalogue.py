"""Models that are known to fit the local tier, and where `surtitle models get` finds them.

Sizes are asked of the hub. Nobody of this project holds a copy or answers for one: they are named
because their folders are laid out as `models.local` reads them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A model by a short name."""

    role: str
    """ "translator" or "recognizer"."""
    hub: str
    """owner/model."""
    languages: tuple[str, ...]
    """() for more than are worth listing."""
    licence: str


CATALOGUE = {
    "nllb-600m": Known(
        "translator",
        "entai2965/nllb-200-distilled-600M-ctranslate2",
        (),
        "CC BY-NC 4.0: not for commercial use",
    ),
    "zipformer-zh-en": Known(
        "recognizer",
        "csukuangfj/sherpa-onnx-streaming-zipformer-bilingual-zh-en-2023-02-20",
        ("zh", "en"),
        "Apache 2.0",
    ),
    "zipformer-en": Known(
        "recognizer",
        "csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26",
        ("en",),
        "Apache 2.0",
    ),
}
