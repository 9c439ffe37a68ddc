"""What the rows of a forward pass say of what was offered: arithmetic, and no model."""

from collections.abc import Sequence

import numpy as np
import torch


def ending(lengths: Sequence[int], leads: Sequence[Sequence[int]]) -> np.ndarray:
    """The rows of a batch's hidden states, requests of `lengths` one behind the other, that say
    what comes after the prompt and after each token of a lead."""
    pairs = zip(np.cumsum(lengths), leads, strict=True)
    return np.concatenate([np.arange(end - 1 - len(lead), end) for end, lead in pairs])


def judged(
    leads: Sequence[Sequence[int]], written: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How many tokens of each lead the model writes itself, and the one it writes after those.

    `written`: its tokens at `ending` rows. Two tensors, a number for each lead. Both stay on the
    device: reading them here would wait for the forward pass.
    """
    device = written.device
    offers = np.full((len(leads), max(map(len, leads))), -1, dtype=np.int64)
    for place, lead in enumerate(leads):
        offers[place, : len(lead)] = lead
    offered = torch.as_tensor(offers, device=device)
    starts = np.cumsum([0] + [len(lead) + 1 for lead in leads[:-1]])
    first = torch.as_tensor(starts, device=device)
    steps = torch.arange(offered.shape[1], device=device)
    own = written[(first[:, None] + steps).clamp_(max=len(written) - 1)]
    accepted = ((own == offered) & (offered >= 0)).long().cumprod(dim=1).sum(dim=1)
    return accepted, written[first + accepted]


def path(tokens: np.ndarray, mask: np.ndarray) -> list[int]:
    """What SGLang's n-grams guess: the first path of their tree, without its root and fillers."""
    found: list[int] = []
    for node in range(1, len(tokens)):
        if not mask[node, node - 1] or tokens[node] == 0:
            break
        found.append(int(tokens[node]))
    return found
