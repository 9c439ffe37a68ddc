"""Names for the operators of torchvision's own library, which a CPU torch cannot load."""

import torch

DETECTION = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library = torch.library.Library("torchvision", "DEF")  # the names last as long as this does


def declare():
    """Let them be looked up. Nothing here calls them: they pick boxes out of pictures."""
    for name in ("nms", "qnms"):
        _library.define(f"{name}{DETECTION}")
