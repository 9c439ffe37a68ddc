"""Where models in folders lie when nobody names them, and which kind each is."""

import os
from pathlib import Path


def usual() -> Path:
    """Where models are kept: ${XDG_DATA_HOME:-~/.local/share}/surtitle/models."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "surtitle" / "models"


def places(folder: Path | None = None) -> list[Path]:
    """The folders of models in `folder`, by default in the usual place, by name. What holds neither
    a translator nor a recognizer is none: half a download, or something else."""
    return sorted(path for path in (folder or usual()).glob("*") if hears(path) or translates(path))


def hears(folder: Path) -> bool:
    """It holds a recognizer for sherpa-onnx."""
    return os.path.isfile(folder / "tokens.txt")  # False where it may not be read, too


def translates(folder: Path) -> bool:
    """It holds a translator for CTranslate2."""
    return os.path.isfile(folder / "model.bin")
