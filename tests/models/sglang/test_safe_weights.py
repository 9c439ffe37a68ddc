"""A model is data: nothing in its folder is run, neither as a pickle nor as code of its own."""

import json
from pathlib import Path

import pytest

from models.sglang.launch.cards import CARDS, Role
from models.sglang.launch.checks import CannotLaunch, adapter, model
from models.sglang.launch.command import ALGORITHMS, Launch, flags

PLAIN = {"architectures": ["Qwen3ForCausalLM"]}


def folder(at: Path, *files: str) -> str:
    """A model or an adapter with these weights."""
    for name in ("config.json", "adapter_config.json", "tokenizer.json"):
        (at / name).write_text(json.dumps(PLAIN))
    for name in files:
        (at / name).touch()
    return str(at)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.pt", "weights.pth", "adapter.ckpt"])
def test_a_pickle_is_refused_with_its_name(tmp_path: Path, file: str) -> None:
    named = folder(tmp_path, file)
    with pytest.raises(CannotLaunch, match=f"{file}.*convert them to safetensors"):
        model(named, "translator")
    with pytest.raises(CannotLaunch, match=file):
        adapter(named)


def test_pickles_beside_safetensors_are_left_alone(tmp_path: Path) -> None:
    named = folder(tmp_path, "training_args.bin", "model.safetensors")
    assert model(named, "translator").name == named
    assert adapter(named) == tmp_path


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("role", ["translator", "recognizer"])
def test_sglang_is_told_to_load_safetensors_and_run_no_code(card: str, role: Role) -> None:
    for algorithm in ALGORITHMS:
        words = flags(Launch(role, card, "/model", Path("python"), algorithm=algorithm))
        assert words[words.index("--load-format") + 1] == "safetensors"
        assert "--trust-remote-code" not in words
