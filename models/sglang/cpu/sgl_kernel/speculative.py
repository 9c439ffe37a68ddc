"""From the mask of a token tree to the links that a verification walks."""


def reconstruct_indices_from_tree_mask(
    tree_mask, seq_lens, positions, retrive_index, next_token, next_sibling, requests, n
):
    """Fill in, for every node: its place in the batch, position, first child and next sibling.

    `tree_mask` holds one n x n mask a request; row i has the ancestors of node i, and node i.
    """
    masks = tree_mask.view(-1)[: requests * n * n].view(requests, n, n).tolist()
    for request, mask in enumerate(masks):
        above = [[j for j in range(i) if mask[i][j]] for i in range(n)]
        parents = [max(ancestors, default=-1) for ancestors in above]
        for i in range(n):
            later = range(i + 1, n)
            positions[request * n + i] = len(above[i]) + int(seq_lens[request])
            retrive_index[request, i] = request * n + i
            next_token[request, i] = next((k for k in later if parents[k] == i), -1)
            siblings = (k for k in later if parents[k] == parents[i] >= 0)
            next_sibling[request, i] = next(siblings, -1)
