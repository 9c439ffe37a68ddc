"""Ordinary memory for adapters: SGLang asks for pinned memory even on a CPU, which has none."""

import functools

import torch


def allow(module):
    """`module`, one of SGLang's, makes its tensors in ordinary memory."""

    class Ordinary:
        def __getattr__(self, name):
            found = getattr(torch, name)
            return unpinned(found) if name in ("tensor", "empty", "zeros", "arange") else found

    module.torch = Ordinary()
    torch.Tensor.pin_memory = lambda tensor, *arguments: tensor


def unpinned(make):
    @functools.wraps(make)
    def made(*arguments, pin_memory=False, **named):
        return make(*arguments, **named)

    return made
