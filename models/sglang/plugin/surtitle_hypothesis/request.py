"""What this plugin keeps with each request of SGLang's."""

import os
from collections.abc import Callable, Collection
from typing import Any

from .counters import counters
from .draft import Draft, Refused, read
from .guesses import Guesses, memory

ATTRIBUTE = "surtitle_hypothesis"
# The switch is for measuring, and for a server on which the prefill's part should misbehave.
LEADS = os.environ.get("SURTITLE_HYPOTHESIS_PREFILL", "1") != "0"


class Carried:
    """A request's hypothesis: the draft made of it, and the part that its prefill verifies."""

    def __init__(
        self, hypothesis: list[int], lead: list[int], guesses: Guesses, ends: Collection[int]
    ) -> None:
        self.draft = Draft(hypothesis, guesses)
        self.guesses = guesses
        self.ends = ends
        """Tokens that end its answer."""
        self.lead = lead
        """Written after the prompt as if it had been answered already; taken back where the model
        would have answered otherwise. [] once that is done, or where it cannot be."""
        self.accepted = 0
        """Of the lead, by the prefill that is being processed."""
        self.ahead: Callable[[], list[int]] | None = None
        """What the prefill answered, until SGLang has written it down; asking waits for the GPU."""


def carried(request: Any) -> Carried:
    """What belongs to `request`; made when first asked for."""
    found = getattr(request, ATTRIBUTE, None)
    if found is None:
        found = _made(request)
        setattr(request, ATTRIBUTE, found)
    return found


def _made(request: Any) -> Carried:
    try:
        hypothesis = read(request.sampling_params.custom_params, request.vocab_size)
    except Refused as error:
        counters.refuse(error.why)
        hypothesis = []
    counters.add("offered", len(hypothesis))
    guesses = memory.find(request.origin_input_ids, hypothesis)
    ending = ends(request)
    offered = [*hypothesis, *guesses.ahead]
    return Carried(hypothesis, lead(request, offered, ending), guesses, ending)


def ends(request: Any) -> set[int]:
    """Tokens that end its answer."""
    found = set(request.sampling_params.stop_token_ids or ()) | set(request.eos_token_ids or ())
    if request.tokenizer is not None:
        found.add(request.tokenizer.eos_token_id)
        found |= set(getattr(request.tokenizer, "additional_stop_token_ids", None) or ())
    return found - {None}


def lead(request: Any, offered: list[int], ends: Collection[int]) -> list[int]:
    """As much of what is offered as the prefill may verify: plain greedy requests only, and never
    beyond a token or a length at which the answer would end."""
    asked = request.sampling_params
    plain = (
        asked.top_k == 1  # SGLang's way to write temperature 0
        and not request.return_logprob
        and not request.return_hidden_states
        and not asked.min_new_tokens
        and not asked.frequency_penalty
        and not asked.presence_penalty
        and asked.repetition_penalty in (None, 1.0)
        and not asked.logit_bias
        and request.grammar is None
        and asked.json_schema is None
        and asked.regex is None
        and asked.ebnf is None
        and asked.structural_tag is None
        and getattr(request, "custom_logit_processor", None) is None
        and request.session is None
        and request.input_embeds is None
        and request.multimodal_inputs is None  # whose positions are not counted one by one
        and not request.return_sampling_mask
        and getattr(request, "beam_group", None) is None
    )
    if not plain or not LEADS:
        return []
    kept: list[int] = []
    for token in offered[: max(0, asked.max_new_tokens - 1)]:
        if token in ends and not asked.ignore_eos:
            break
        kept.append(token)
    return kept
