"""The operators of `sglang-kernel` that speculative decoding calls on a CPU, in plain PyTorch.

Each has the name, the arguments and the effect of the one it stands in for: results are written
into the tensors given. What is not here says so when it is called.
"""

import ctypes

import torch

__version__ = "0.4.10"


def assign_req_to_token_pool_cpu(requests, req_to_token, start, end, out_cache_loc, pool_len):
    """Note the cache slots of each request's tokens `start` to `end`."""
    done = 0
    for index, request in enumerate(requests.tolist()):
        first, last = int(start[index]), int(end[index])
        slots = out_cache_loc[done : done + last - first]
        req_to_token[request, first:last] = slots.to(req_to_token.dtype)
        done += last - first


def assign_extend_cache_locs_cpu(requests, req_to_token, start, end, out_cache_loc, pool_len):
    """Look the same slots up again."""
    done = 0
    for index, request in enumerate(requests.tolist()):
        first, last = int(start[index]), int(end[index])
        slots = req_to_token[request, first:last]
        out_cache_loc[done : done + last - first] = slots.to(out_cache_loc.dtype)
        done += last - first


def assign_draft_cache_locs_contiguous_cpu(
    requests, req_to_token, seq_lens, out_cache_loc, pool_len, topk, steps
):
    """The slots of the `topk` * `steps` tokens that a draft model is about to guess."""
    n = topk * steps
    for index, request in enumerate(requests.tolist()):
        first = int(seq_lens[index])
        slots = req_to_token[request, first : first + n]
        out_cache_loc[index * n : (index + 1) * n] = slots.to(out_cache_loc.dtype)


def fill_bonus_tokens_cpu(accept_tokens, accept_lens, bonus, stride):
    """The last token each request got: the model's own, after those it accepted."""
    flat = accept_tokens.flatten()
    for index, length in enumerate(accept_lens.tolist()):
        bonus[index] = flat[stride * index + length - 1]


def fill_accept_out_cache_loc_cpu(accept_index, out_cache_loc, accept_out):
    """The slots of what was accepted, without the -1 that fill up."""
    kept = accept_index.flatten()
    kept = kept[kept > -1]
    accept_out[: kept.numel()] = out_cache_loc[kept.long()]


def copy_all_layer_kv_cache_cpu(data_ptrs, strides, tgt, src):
    """Move cache entries from slots `src` to slots `tgt`, in every layer's buffer.

    All are read before any is written: the two lists may share slots.
    """
    targets, sources = tgt.tolist(), src.tolist()
    for buffer, size in zip(data_ptrs.tolist(), strides.tolist(), strict=True):
        rows = [ctypes.string_at(buffer + slot * size, size) for slot in sources]
        for slot, row in zip(targets, rows, strict=True):
            ctypes.memmove(buffer + slot * size, row, size)


def verify_tree_greedy_cpu(
    predicts,
    accept_index,
    accept_token_num,
    candidates,
    retrive_index,
    retrive_next_token,
    retrive_next_sibling,
    target_predict,
):
    """Walk each request's tree from its root as far as the model's own choices lead.

    At a node, the children are tried in order until one is what the model predicts there.
    """
    chosen = target_predict.flatten().tolist()
    trees = zip(
        candidates.tolist(),
        retrive_index.tolist(),
        retrive_next_token.tolist(),
        retrive_next_sibling.tolist(),
        strict=True,
    )
    for request, (tokens, places, children, siblings) in enumerate(trees):
        node, accepted = 0, [places[0]]
        while len(accepted) < accept_index.shape[1]:
            wanted = chosen[places[node]]
            child = children[node]
            while child != -1 and tokens[child] != wanted:
                child = siblings[child]
            if child == -1:
                break
            predicts[places[node]] = wanted
            node = child
            accepted.append(places[node])
        predicts[places[node]] = chosen[places[node]]
        accept_index[request, : len(accepted)] = torch.tensor(
            accepted, dtype=accept_index.dtype, device=accept_index.device
        )
        accept_token_num[request] = len(accepted) - 1


def build_tree_kernel_efficient_cpu(
    parent_list, selected, seq_lens, tree_mask, positions, index, next_token, sibling, topk, *rest
):
    """The tree of a draft that is one chain, for draft models with `topk` 1."""
    _, n, _ = rest
    requests = seq_lens.shape[0]
    if topk != 1 or tree_mask.numel() != requests * n * n:
        raise NotImplementedError("sgl_kernel on a CPU builds chains alone")
    tree_mask.view(requests, n, n).copy_(torch.tril(torch.ones(n, n, dtype=torch.bool)))
    row = torch.arange(n)
    for request in range(requests):
        positions[request * n : (request + 1) * n] = seq_lens[request] + row
        index[request] = request * n + row
        next_token[request] = torch.cat([row[1:], torch.tensor([-1])])
        sibling[request] = -1


def __getattr__(name):
    """Anything else can be imported, and complains when it is called."""
    if name.startswith("__"):
        raise AttributeError(name)

    def missing(*_, **__):
        raise NotImplementedError(f"sgl_kernel has no {name} on a CPU")

    missing.__name__ = name
    return missing
