"""A fine-tuned adapter on the real SGLang: its answers are its own, and verified as any others."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.base import Spent
from models.sglang.frames import Event, Generate, Piece
from models.sglang.servers import Servers
from models.sglang.tokens import Ids, Local
from models.sglang.ways import Plugin, Question
from tests.contract.conftest import Serving

MODEL = Path(__file__).parents[2] / "bench" / "teensy"
RANK = 4
SAYINGS = ("我肯定你明天", "我肯定你明天会成功。", "房顶上有很多雪。", "请把账单给我好吗？")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of the trained model: noise, strong enough to change what it says."""
    folder = tmp_path_factory.mktemp("adapter")
    shape = json.loads((MODEL / "config.json").read_text())
    queries = shape["num_attention_heads"] * shape["head_dim"]
    values = shape["num_key_value_heads"] * shape["head_dim"]
    random = np.random.default_rng(5)
    tensors = {}
    for layer in range(shape["num_hidden_layers"]):
        for part, wide in (("q_proj", queries), ("v_proj", values)):
            name = f"base_model.model.model.layers.{layer}.self_attn.{part}"
            tensors[f"{name}.lora_A.weight"] = random.normal(0, 0.1, (RANK, shape["hidden_size"]))
            tensors[f"{name}.lora_B.weight"] = random.normal(0, 0.1, (wide, RANK))
    (folder / "adapter_model.safetensors").write_bytes(safetensors(tensors))
    about = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": ["q_proj", "v_proj"],
        "lora_dropout": 0.0,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The file format: the header's length, the header in JSON, the numbers."""
    header, body = {}, b""
    for name, tensor in tensors.items():
        data = tensor.astype("<f4").tobytes()
        ends = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": ends}
        body += data
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + body


class Asked:
    """The trained model, with the adapter or without."""

    def __init__(self, servers: Servers, named: str | None) -> None:
        self._servers = servers
        self._named = {"lora_path": named} if named else {}
        self._tokens = Local((MODEL / "tokenizer.json").read_bytes())

    async def answer(self, text: str, hypothesis: Ids = ()) -> tuple[Ids, int]:
        """The tokens of the answer, and the passes it took."""
        mark = self._tokens.mark
        opened, closed = await mark("<|im_start|>"), await mark("<|im_end|>")
        said, turn = await self._tokens.encode([f"user\nEnglish: {text}", "\n"])
        (assistant,) = await self._tokens.encode(["assistant\n"])
        prompt = (opened, *said, closed, *turn, opened, *assistant)
        question = Question(prompt, hypothesis, 40, frozenset({closed}))
        ids: Ids = ()
        passes = 0
        async with aclosing(Plugin().answer(question, self._ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    ids += piece.ids
                elif isinstance(piece, Spent):
                    passes = piece.passes
        return ids, passes

    async def _ask(
        self, ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        greedy = {"temperature": 0, "max_new_tokens": limit, **sampling}
        body = {"input_ids": ids, "sampling_params": greedy, **more, **self._named}
        async with aclosing(self._servers.stream("/generate", body, Generate)) as events:
            async for event in events:
                yield event


async def test_an_adapters_answers_are_verified_and_stay_its_own(
    serving: Serving, adapter: Path
) -> None:
    lora = ("--enable-lora", "--lora-paths", f"tuned={adapter}", "--max-loras-per-batch", "1")
    float32 = ("--dtype", "float32", "--lora-backend", "torch_native")
    server = serving(str(MODEL), "hypothesis", *float32, *lora)
    servers = Servers([server.url], deadline_s=60.0)
    await servers.open()
    try:
        tuned, plain = Asked(servers, "tuned"), Asked(servers, None)
        different = 0
        for text in SAYINGS:
            own, slow = await tuned.answer(text)
            theirs, _ = await plain.answer(text)
            different += own != theirs
            again, fast = await tuned.answer(text, own[:-1])
            assert again == own and fast <= slow
            assert (await tuned.answer(text, theirs[:-1]))[0] == own
            assert (await plain.answer(text, own[:-1]))[0] == theirs
        assert different, "the adapter changes nothing, so this has proved nothing"
    finally:
        await servers.close()


def test_the_format_of_the_adapter_is_read_back() -> None:
    data = safetensors({"a": np.ones((2, 3)), "b": np.zeros(1)})
    size = int.from_bytes(data[:8], "little")
    header = msgspec.json.decode(data[8 : 8 + size])
    assert header["b"]["data_offsets"] == [24, 28] and len(data) == 8 + size + 28
