"""Verify within the prefill: the pass that reads the source's new words reads the old answer too.

A request that brings a hypothesis is admitted as if the hypothesis had been written already, the
way SGLang resumes a request that it had to put aside. The forward pass over the prompt's new tokens
then covers it too and says at each of its tokens what the model would have written there; what
comes after the first difference is taken back before anybody has seen it:

    fill ids        prompt + lead          (Req.refresh_fill_ids)
    prefix cache    at most the prompt     (Req._compute_max_prefix_len): every token of the lead
                                           is computed, none is believed because it was cached
    chunks          prompt + lead in one   (PrefillAdder.add_one_req), or without the lead
    result          accepted + one token   (process_batch_result_prefill)

Into the prefix cache goes the prompt alone; keys and values of tokens taken back lie in slots that
are the request's own and are written over by its next pass.
"""

from array import array
from collections.abc import Callable
from typing import Any

from . import recall
from .counters import counters
from .request import Carried, carried

REQUEST = "sglang.srt.managers.schedule_batch.Req"
ADDER = "sglang.srt.managers.schedule_policy.PrefillAdder"
PROCESSOR = (
    "sglang.srt.managers.scheduler_components.batch_result_processor.SchedulerBatchResultProcessor"
)


def install() -> None:
    """Hook the scheduler. Without effect while another algorithm is chosen."""
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType

    for target, hook in (
        (f"{REQUEST}.refresh_fill_ids", fill),
        (f"{REQUEST}._compute_max_prefix_len", reuse),
        (f"{REQUEST}.update_finish_state", finish),
        (f"{ADDER}.add_one_req", admit),
        (f"{PROCESSOR}.process_batch_result_prefill", settle),
    ):
        HookRegistry.register(target, hook, HookType.AROUND)


def chosen() -> bool:
    """The server runs with our algorithm."""
    from sglang.srt.runtime_context import get_spec

    from . import NAME

    return str(get_spec().speculative_algorithm or "").upper() == NAME


def waiting(request: Any) -> Carried | None:
    """What `request` carries, if its prefill is still to come and will verify a lead."""
    if len(request.output_ids) or request.retraction_count or not chosen():
        return None
    found = carried(request)
    return found if found.lead else None


def fill(original: Callable[[Any], None], request: Any) -> None:
    """What the prefill reads: the lead after the prompt."""
    original(request)
    if found := waiting(request):
        request.full_untruncated_fill_ids = request.origin_input_ids + array("q", found.lead)


def reuse(original: Callable[..., int], request: Any, *arguments: Any) -> int:
    """Never past the prompt: the cache may hold the lead of a request that was wrong about it."""
    longest = original(request, *arguments)
    if waiting(request):
        return min(longest, len(request.origin_input_ids) - 1)
    return longest


def admit(original: Callable[..., Any], adder: Any, request: Any, *rest: Any, **named: Any) -> Any:
    """A lead that does not fit into one chunk with its prompt is left to the passes that follow."""
    found = waiting(request)
    if found:
        new = len(request.full_untruncated_fill_ids) - request.prefix_len
        room = adder.rem_chunk_tokens
        if (room is not None and new > room) or request.inflight_middle_chunks:
            leave(found, request)
    result = original(adder, request, *rest, **named)
    if found and found.lead and request in adder.can_run_list and cut(request):
        # By another limit: the prompt's last token is left to the next chunk, the lead to nobody.
        leave(found, request)
        request.extend_end = min(request.extend_end, len(request.origin_input_ids) - 1)
    return result


def cut(request: Any) -> bool:
    """The chunk that it was admitted with is not the whole of it."""
    return bool(request.extend_end < len(request.full_untruncated_fill_ids))


def leave(found: Carried, request: Any) -> None:
    """Without a lead after all."""
    found.lead = []
    request.full_untruncated_fill_ids = request.origin_input_ids + array("q")


def settle(original: Callable[..., None], processor: Any, batch: Any, result: Any) -> None:
    """The prefill's answer: the accepted part of the lead, and the token that SGLang appends."""
    accepted = getattr(result, "surtitle_accepted", None)
    if accepted is None:
        return original(processor, batch, result)
    if result.copy_done is not None:
        result.copy_done.synchronize()
    for place, request in enumerate(batch.reqs):
        found = waiting(request)
        if found and not request.inflight_middle_chunks:
            take(request, found, int(accepted[place]))
    original(processor, batch, result)
    recall.prefilled(batch.reqs, result.surtitle_read, accepted.tolist())


def take(request: Any, found: Carried, count: int) -> None:
    """`count` tokens of the lead are the answer's; its other tokens were never written."""
    prompt = len(request.origin_input_ids)
    found.accepted = count
    request.full_untruncated_fill_ids = request.origin_input_ids + array("q")
    request.extend_end = prompt
    request.kv.kv_committed_len = prompt + count
    request.output_ids.extend(found.lead[:count])
    found.lead = []
    counters.add("accepted", count)


def finish(original: Callable[..., None], request: Any, *arguments: Any, **named: Any) -> None:
    """Several tokens of one prefill may hold the end, as several of one verification may."""
    found: Carried | None = getattr(request, "surtitle_hypothesis", None)
    if found is not None and found.accepted and not arguments and not named:
        count, found.accepted = found.accepted, 0
        return original(request, count + 1)
    return original(request, *arguments, **named)
