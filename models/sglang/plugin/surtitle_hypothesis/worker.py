"""The worker in SGLang's scheduler: drafts from hypotheses, verified by SGLang's own kernels.

It extends the n-gram worker, which already verifies token trees given as (tokens, mask): where that
one asks its trie, this one asks the request's hypothesis first. Everything that decides what is
accepted is SGLang's, so the output is what greedy decoding gives.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sglang.srt.layers.logits_processor import LogitsMetadata
from sglang.srt.managers.scheduler import GenerationBatchResult
from sglang.srt.model_executor.forward_batch_info import CaptureHiddenMode, ForwardMode
from sglang.srt.speculative.ngram_info import NgramVerifyInput
from sglang.srt.speculative.ngram_worker import NGRAMWorker

from .counters import counters
from .guesses import memory
from .recall import Read
from .request import Carried, carried
from .tree import WIDEST, Tree, laid_out
from .verdict import ending, judged, path

NARROWEST = 4  # tokens; below it a pass costs the same


class HypothesisWorker(NGRAMWorker):  # type: ignore[misc]  # sglang has no types
    """One per model replica; called from the scheduler's thread alone."""

    def __init__(self, server_args: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server_args, *arguments, **named)
        self.widest = self.draft_token_num
        if self.widest > WIDEST:
            raise ValueError(f"--speculative-num-draft-tokens {self.widest}: at most {WIDEST}")
        self.widths = self._possible_widths(server_args)
        if server_args.enable_metrics:
            counters.export()

    def _possible_widths(self, server_args: Any) -> list[int]:
        """Tokens a request may verify in a pass. Kernels that are captured or planned for one
        number of tokens keep to it; the plain attention of a CPU takes any."""
        widths = [self.widest]
        if server_args.device == "cpu":
            while widths[0] // 2 >= NARROWEST:
                widths.insert(0, widths[0] // 2)
        return widths

    def _init_preallocated_tensors(self) -> None:
        super()._init_preallocated_tensors()
        self._pools: dict[int, dict[str, Any]] = {}
        most = self.max_batch_size + 1
        for width in self.widths:
            rows = {
                "retrieve_indexes_batch": self.retrieve_indexes,
                "retrieve_next_token_batch": self.retrieve_next_token,
                "retrieve_next_sibling_batch": self.retrieve_next_sibling,
            }
            flat = {
                "positions_batch": (self.positions, width),
                "draft_tokens_batch": (self.draft_tokens, width),
                "tree_mask_batch": (self.tree_mask, width * width),
            }
            self._pools[width] = {
                name: [self._cut(tensor, count, width) for count in range(most)]
                for name, tensor in rows.items()
            } | {
                name: [tensor[: count * size] for count in range(most)]
                for name, (tensor, size) in flat.items()
            }

    @staticmethod
    def _cut(tensor: torch.Tensor, count: int, width: int) -> torch.Tensor:
        """The first `count` rows of `width`, next to each other in memory."""
        return tensor.view(-1)[: count * width].view(count, width)

    def forward_batch_generation(
        self, batch: Any, on_publish: Any = None, pp_proxy_tensors: Any = None
    ) -> GenerationBatchResult:
        """A prefill that verifies leads, or a verification pass as wide as it is worth."""
        if batch.forward_mode.is_extend():
            found = [carried(request) for request in batch.reqs]
            if any(self._leads(batch, place, one) for place, one in enumerate(found)):
                return self._prefill(batch, found, on_publish, pp_proxy_tensors)
        self._use(self.widest)
        self._trees: list[Tree] = []
        result = super().forward_batch_generation(batch, on_publish, pp_proxy_tensors)
        width = self.draft_token_num
        if self._trees and not batch.return_logprob:
            wanted = self._wanted(result.logits_output.next_token_logits, batch.reqs)
            result.surtitle_read = Read(self._trees, self._to_host(wanted.view(-1, width)))
        self._use(self.widest)
        if width != self.widest:
            self._pad(result, width)
        return result

    def clear_cache_pool(self) -> None:
        super().clear_cache_pool()
        memory.clear()

    def on_verify_complete_cpu(
        self, num_correct_drafts_per_req: list[int], batch_size: int = 0
    ) -> None:
        """SGLang tells how many tokens of each request's tree were right."""
        super().on_verify_complete_cpu(num_correct_drafts_per_req, batch_size)
        counters.add("accepted", sum(num_correct_drafts_per_req))

    # -- drafts

    def _prepare_for_speculative_decoding(self, batch: Any) -> None:
        # The drafts come first: the pass is as wide as they need, and its buffers are as wide.
        if batch.forward_mode.is_decode():
            self._drafts = self._draft(batch)
        super()._prepare_for_speculative_decoding(batch)

    def _prepare_draft_tokens(self, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        return self._drafts

    def _draft(self, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        """(tokens, mask) of every request's tree, flattened, as wide as the widest needs."""
        grams, mask = super()._prepare_draft_tokens(batch)
        count = len(batch.reqs)
        grams = np.asarray(grams).reshape(count, -1)
        mask = np.asarray(mask).reshape(count, self.widest, self.widest)
        trees = []
        for place, request in enumerate(batch.reqs):
            one = carried(request)
            self._follow(request, one, self._in_flight(place))
            guessed = path(grams[place], mask[place])
            trees.append(one.draft.tree(int(grams[place, 0]), self.widest, guessed))
        self._trees = trees
        most = max(map(len, trees))
        width = next(width for width in self.widths if width >= most)
        self._use(width)
        counters.add("passes", count)
        counters.add("verified", count * width)
        tokens, masks = laid_out(trees, width)
        return tokens.reshape(-1), masks.reshape(-1)

    def _in_flight(self, place: int) -> list[int]:
        """What the pass before has accepted, if SGLang has not written it down yet (overlap)."""
        if not self.prev_token_ids:
            return []
        start = place * self.widest
        return list(self.prev_token_ids[start : start + self.prev_accept_lens[place]])

    def _follow(self, request: Any, one: Carried, in_flight: list[int]) -> None:
        """Show the draft what was written since its last tree."""
        written = request.output_ids
        if one.ahead is not None:
            if not len(written):  # the prefill's answer is longer than the relay could carry
                in_flight = one.ahead()
            else:
                one.ahead = None
        known = one.draft.length
        news = list(written[known:]) + in_flight[max(0, known - len(written)) :]
        if known and news:
            one.draft.learn(len(news) - 1)
        one.draft.follow(news)

    def _use(self, width: int) -> None:
        """From here on passes are `width` tokens wide."""
        self.draft_token_num = width
        self.speculative_num_draft_tokens = width
        for name, views in self._pools[width].items():
            setattr(self, name, views)

    def _pad(self, result: GenerationBatchResult, width: int) -> None:
        """Rows of accepted tokens as wide as the scheduler and the relay expect them."""
        rows = result.next_token_ids.view(-1, width)
        padded = torch.nn.functional.pad(rows, (0, self.widest - width)).flatten()
        result.next_token_ids = padded
        result.speculative_num_draft_tokens = self.widest
        draft: NgramVerifyInput = result.next_draft_input
        draft.accept_tokens = padded
        draft.draft_token_num = self.widest
        draft.num_tokens_per_req = self.widest
        draft.num_tokens_for_logprob_per_req = self.widest

    # -- verifying within the prefill

    def _leads(self, batch: Any, place: int, one: Carried) -> bool:
        """This prefill covers the request's whole lead, and the token before it."""
        request = batch.reqs[place]
        end = batch.prefix_lens[place] + batch.extend_lens[place]
        return (
            bool(one.lead)
            and not len(request.output_ids)
            and end == len(request.origin_input_ids) + len(one.lead)
        )

    def _prefill(
        self, batch: Any, found: list[Carried], on_publish: Any, pp_proxy_tensors: Any
    ) -> GenerationBatchResult:
        """Prompt and lead in one forward pass; the next token of each is the model's own, after
        the part of the lead that it would have written itself."""
        count = len(batch.reqs)
        forward = self.target_worker.forward_batch_generation(
            batch, pp_proxy_tensors=pp_proxy_tensors, capture_hidden_mode=CaptureHiddenMode.FULL
        )
        leads = [one.lead if self._leads(batch, i, one) else [] for i, one in enumerate(found)]
        rows = torch.as_tensor(ending(batch.extend_lens, leads), device=self.device)
        logits = self._logits(forward.logits_output.hidden_states[rows])
        written = logits.argmax(dim=-1)
        accepted, following = judged(leads, written)
        plain = torch.as_tensor([not lead for lead in leads], device=self.device)
        ids = forward.next_token_ids
        next_ids = torch.where(plain, ids, following.to(ids.dtype))
        lengths = torch.as_tensor([len(lead) for lead in leads], device=self.device)
        new_seq_lens = batch.seq_lens - (lengths - accepted)
        if on_publish is not None:
            on_publish(new_seq_lens)
        if self.enable_overlap:
            self._remember(found, leads, accepted, next_ids)
        accept_tokens = torch.zeros(count, self.widest, dtype=torch.int32, device=self.device)
        accept_tokens[:, 0] = next_ids
        accept_lens = torch.ones(count, dtype=torch.int32, device=self.device)
        if not batch.return_hidden_states:
            forward.logits_output.hidden_states = None
        result = GenerationBatchResult(
            logits_output=forward.logits_output,
            next_token_ids=next_ids,
            can_run_cuda_graph=forward.can_run_cuda_graph,
            accept_lens=accept_lens,
            new_seq_lens=new_seq_lens,
            next_draft_input=NgramVerifyInput(
                draft_token_num=self.widest,
                new_seq_lens=new_seq_lens,
                accept_tokens=accept_tokens.flatten(),
                accept_lens=accept_lens,
            ),
            speculative_num_draft_tokens=self.widest,
        )
        result.surtitle_accepted = self._to_host(accepted)
        result.surtitle_read = Read(leads, self._to_host(self._wanted(logits, batch.reqs)))
        counters.add("verified", sum(map(len, leads)))
        return result

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the model thinks of each token as the next after each row of final hidden states."""
        model = self.model_runner.model
        extend = LogitsMetadata(forward_mode=ForwardMode.EXTEND)
        logits: torch.Tensor = model.logits_processor._get_logits(
            hidden, model.lm_head, extend, use_logits_buffer=False
        )
        return logits[:, : self.model_runner.model_config.vocab_size]

    def _wanted(self, logits: torch.Tensor, requests: Sequence[Any]) -> torch.Tensor:
        """The model's next token after each row, had the answer to go on. `logits` are used up."""
        ends = set[int]().union(*(carried(request).ends for request in requests))
        logits = logits[:, : self.model_runner.model_config.vocab_size]
        logits[:, [token for token in ends if token < logits.shape[1]]] = -torch.inf
        return logits.argmax(dim=-1)

    def _to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy that is there when SGLang says that the result is; nobody waits for it here."""
        host = torch.empty_like(tensor, device="cpu", pin_memory=tensor.is_cuda)
        host.copy_(tensor, non_blocking=True)
        return host

    @staticmethod
    def _remember(
        found: list[Carried], leads: list[list[int]], accepted: torch.Tensor, ids: torch.Tensor
    ) -> None:
        """For the next pass, which is prepared before this one's result is written down."""
        lists: list[list[int]] = []

        def answer(lead: list[int], place: int) -> list[int]:
            if not lists:
                lists.extend((accepted.tolist(), ids.tolist()))
            return [*lead[: lists[0][place]], lists[1][place]]

        for place, (one, lead) in enumerate(zip(found, leads, strict=True)):
            one.ahead = partial(answer, lead, place) if lead else None
