"""How SGLang sees the algorithm: as n-gram speculation, whose worker it extends."""

from collections.abc import Callable
from typing import Any

from sglang.srt.arg_groups.overrides import declare_resolution, resolving_view
from sglang.srt.arg_groups.speculative_hook import _handle_ngram
from sglang.srt.speculative.spec_info import SpeculativeAlgorithm
from sglang.srt.speculative.spec_registry import CustomSpecAlgo

BRANCHING = 2  # anything above 1


class Hypothesis(CustomSpecAlgo):  # type: ignore[misc]  # sglang has no types
    """N-grams where a request brings no hypothesis, so it is configured and scheduled like them."""

    def is_ngram(self) -> bool:
        return True

    def has_draft_kv(self) -> bool:
        return False

    def handle_server_args(self, server_args: Any) -> None:
        record = getattr(server_args, "_record", server_args)
        _handle_ngram(record)
        # By this number attention kernels tell a chain from a tree. Told of a chain (1) they leave
        # out the mask, and a branch would be read with the other branches before it: FlashAttention
        # and Triton do. The n-grams themselves stay a chain.
        tokens = resolving_view(record).speculative_num_draft_tokens
        declare_resolution(
            record,
            "surtitle_hypothesis",
            speculative_eagle_topk=BRANCHING,
            speculative_num_steps=max(1, tokens // BRANCHING),  # memory is reserved by the product
        )

    def __getattr__(self, name: str) -> Any:
        # SGLang 0.5.23 asks its own algorithms more questions than CustomSpecAlgo can answer
        # (`carries_draft_hidden_states`, for one): answered as n-grams would.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(SpeculativeAlgorithm.NGRAM, name)


def install(name: str) -> None:
    """Register the algorithm and the hooks that verify within the prefill."""
    from . import prefill, recall

    @SpeculativeAlgorithm.register(name, supports_overlap=True, spec_class=Hypothesis)  # type: ignore[untyped-decorator]
    def _worker(server_args: Any) -> type:
        # In the scheduler's process alone: the worker needs torch and the model's side of SGLang.
        from .worker import HypothesisWorker

        return HypothesisWorker

    prefill.install()
    recall.install()
    _allow_adapters(name)


def _allow_adapters(name: str) -> None:
    """SGLang 0.5.23 lets adapters go with the algorithms on a list. Ours verifies as n-grams do,
    every request of a pass as many tokens, which is what the list is about."""
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType

    def check(original: Callable[[Any], None], server_args: Any) -> None:
        if resolving_view(server_args).speculative_algorithm != name:
            original(server_args)

    target = "sglang.srt.arg_groups.lora_hook.check_lora_speculative_compatibility"
    HookRegistry.register(target, check, HookType.AROUND)
