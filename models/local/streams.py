"""Streaming models in folders, as sherpa-onnx takes them; and whether one can be loaded.

A transducer is three files (encoder, decoder, joiner), a CTC model is one; `tokens.txt` lies beside
them. sherpa-onnx ends the whole process when a file is not what it expects, so a folder is loaded
by a process of its own first:

    python -m models.local.streams FOLDER
"""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.base import EngineError

from . import memory

PARTS = ("encoder", "decoder", "joiner")
CTC = ("model", "ctc")
LOADS_S = 120.0
SCORE = 2.0  # what a name that is expected is worth
RATE = 16_000
Languages = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Streaming:
    """The files of one model."""

    path: Path
    tokens: Path
    files: tuple[Path, ...]
    """Encoder, decoder and joiner of a transducer; one of CTC."""
    pieces: Path | None
    """The vocabulary of its word pieces, without which only Han can be expected."""

    @property
    def takes_hints(self) -> bool:
        """It can be told of names that may come."""
        return len(self.files) == len(PARTS)


def inspect(path: Path) -> Streaming:
    """What lies in the folder at `path`. EngineError says what was looked for."""
    if not path.is_dir():
        raise EngineError(f"{path} is no folder: name the one that holds tokens.txt.")
    tokens = path / "tokens.txt"
    if not tokens.is_file():
        raise EngineError(f"{path} has no tokens.txt: this is no model for sherpa-onnx.")
    parts = [_file(path, part) for part in PARTS]
    missing = [name for name, part in zip(PARTS, parts, strict=True) if part is None]
    whole = next((found for name in CTC if (found := _file(path, name))), None)
    if missing and (len(missing) < len(PARTS) or whole is None):
        raise EngineError(
            f"{path} has no {missing[0]}*.onnx: a transducer has {', '.join(PARTS)}, and a CTC "
            "model model*.onnx or ctc*.onnx."
        )
    files = tuple(file for file in ([whole] if missing else parts) if file is not None)
    pieces = path / "bpe.vocab"
    return Streaming(path, tokens, files, pieces if pieces.is_file() else None)


def _file(path: Path, part: str) -> Path | None:
    """The one with smaller numbers where there are two: it is as good, and twice as fast. A decoder
    is small, and is not."""
    found = sorted(path.glob(f"{part}*.onnx"))
    small = [file for file in found if "int8" in file.name]
    large = [file for file in found if "int8" not in file.name]
    first = large + small if part == "decoder" else small + large
    return first[0] if first else None


def loaded(model: Streaming, threads: int = 1) -> Any:
    """The model at work. What is wrong with it may end this process: `check` it before."""
    import sherpa_onnx

    made = sherpa_onnx.OnlineRecognizer
    common = {"tokens": str(model.tokens), "num_threads": threads}
    if model.takes_hints:
        names = {part: str(file) for part, file in zip(PARTS, model.files, strict=True)}
        pieces = {"modeling_unit": "cjkchar+bpe", "bpe_vocab": str(model.pieces)}
        return made.from_transducer(
            **common,
            **names,
            **(pieces if model.pieces else {}),
            decoding_method="modified_beam_search",
            hotwords_score=SCORE,
        )
    file = str(model.files[0])
    kind = metadata(model.files[0]).get("model_type", "")
    if "zipformer" in kind:
        return made.from_zipformer2_ctc(model=file, **common)
    if "wenet" in kind:
        return made.from_wenet_ctc(model=file, **common)
    return made.from_nemo_ctc(model=file, **common)


def metadata(file: Path) -> dict[str, str]:
    """What an ONNX file says of itself."""
    import onnx

    found = onnx.load(str(file), load_external_data=False)
    return {entry.key: entry.value for entry in found.metadata_props}


async def check(path: Path) -> Streaming:
    """The model in a folder, which a process of its own has loaded and had hear silence.

    EngineError, with the last thing that process said.
    """
    model = inspect(path)
    memory.check(path, model.files)
    program = (sys.executable, "-m", "models.local.streams", str(path))
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    try:
        async with asyncio.timeout(LOADS_S):
            _, said = await process.communicate()
    except TimeoutError as error:
        raise EngineError(f"{path} was not loaded within {LOADS_S:.0f} s.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == -signal.SIGKILL:
        raise EngineError(
            f"{path}: loading it was killed by the system, as what takes more memory than there is."
        )
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        why = lines[-1][-300:] if lines else f"exit code {process.returncode}"
        raise EngineError(f"sherpa-onnx cannot load {path}: {why}")
    return model


def main(path: str) -> int:
    """Load the folder at `path` and have it hear half a second of silence."""
    recognizer = loaded(inspect(Path(path)))
    stream = recognizer.create_stream()
    stream.accept_waveform(RATE, [0.0] * (RATE // 2))
    stream.input_finished()
    while recognizer.is_ready(stream):
        recognizer.decode_stream(stream)
    recognizer.get_result(stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
