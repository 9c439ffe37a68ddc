"""Verification passes for the `torch_native` attention backend.

A request's draft is a tree of `n` tokens laid out in a row; each sees everything before the draft,
and within it what its row of the mask says: itself and its ancestors. For a chain of tokens the
mask is a triangle.
"""

import torch
from torch.nn.functional import scaled_dot_product_attention


def teach(module):
    """Give the module's backend its `forward_extend` for the mode TARGET_VERIFY."""
    backend = module.TorchNativeAttnBackend
    extend = backend.forward_extend

    def forward_extend(self, q, k, v, layer, forward_batch, save_kv_cache=True):
        if not forward_batch.forward_mode.is_target_verify():
            return extend(self, q, k, v, layer, forward_batch, save_kv_cache)
        if save_kv_cache and k is not None:
            where = module.KVWriteLoc(forward_batch.out_cache_loc, self.swa_out_cache_loc)
            self.token_to_kv_pool.set_kv_buffer(layer, where, k, v)
        return verified(self, q, layer, forward_batch)

    backend.forward_extend = forward_extend


def verified(backend, q, layer, forward_batch):
    """The attention of every drafted token: what a forward_extend returns."""
    n = forward_batch.spec_info.draft_token_num
    keys = backend.token_to_kv_pool.get_key_buffer(layer.layer_id)
    values = backend.token_to_kv_pool.get_value_buffer(layer.layer_id)
    queries = q.view(-1, layer.tp_q_head_num, layer.qk_head_dim)
    out = torch.empty_like(q)
    rows = out.view(-1, layer.tp_q_head_num, layer.v_head_dim)
    for index in range(forward_batch.batch_size):
        before = int(forward_batch.seq_lens[index])
        request = forward_batch.req_pool_indices[index]
        slots = backend.req_to_token_pool.req_to_token[request, : before + n]
        drafted = slice(index * n, (index + 1) * n)
        query = queries[drafted].movedim(0, 1).unsqueeze(0)
        rows[drafted] = (
            scaled_dot_product_attention(
                query,
                keys[slots].movedim(0, 1).unsqueeze(0).to(query.dtype),
                values[slots].movedim(0, 1).unsqueeze(0).to(query.dtype),
                attn_mask=mask(forward_batch.spec_info.custom_mask, index, n, before),
                enable_gqa=layer.tp_q_head_num != layer.tp_k_head_num,
                scale=layer.scaling,
            )
            .squeeze(0)
            .movedim(0, 1)
        )
    return out


def mask(trees, index, n, before):
    """Which of `before` + `n` tokens each of a request's `n` sees, from the masks of the batch."""
    seen = torch.ones(n, before + n, dtype=torch.bool)
    if trees is None:
        seen[:, before:] = torch.tril(torch.ones(n, n, dtype=torch.bool))
        return seen
    tree = trees.view(-1)[index * n * n : (index + 1) * n * n]
    if tree.numel() != n * n:
        raise NotImplementedError("a mask of another layout than one n x n tree for each request")
    seen[:, before:] = tree.view(n, n).bool()
    return seen
