"""Mend some modules when they are imported; Python runs this file as it starts. See README.md."""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec

ATTENTION = "sglang.srt.layers.attention.torch_native_backend"
SPECULATION = "sglang.srt.arg_groups.speculative_hook"
OVERLAP = "SURTITLE_CPU_OVERLAP"  # the variable that asks for it
ADAPTERS = ("sglang.srt.lora.layers", "sglang.srt.lora.backend.torch_backend")


class BeforeTorchvision(MetaPathFinder):
    """Declares the operators that torchvision looks up while it is imported."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import vision

            vision.declare()
        return None  # the usual finders find it


class AfterImport(MetaPathFinder):
    """Has a module mended right after it has been imported."""

    def __init__(self, name, mend):
        self.name, self.mend = name, mend

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None:
            spec.loader = Mended(spec.loader, self.mend)
        return spec


class Mended(Loader):
    """A loader that mends what it has loaded."""

    def __init__(self, loader, mend):
        self.loader, self.mend = loader, mend

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        self.mend(module)


def verify_trees(module):
    """The attention backend can verify."""
    import verify

    verify.teach(module)


def do_not_pin(module):
    """Adapters do not ask for what a CPU has not."""
    import unpinned

    unpinned.allow(module)


def overlap(module):
    """Batches are prepared while the one before is at work, as on a GPU; SGLang does that on a CPU,
    too, but not with speculation, which nobody had tried there."""
    module._disable_overlap_schedule_for_cpu = lambda arguments: None


sys.meta_path[:0] = [
    BeforeTorchvision(),
    AfterImport(ATTENTION, verify_trees),
    *(AfterImport(name, do_not_pin) for name in ADAPTERS),
    *([AfterImport(SPECULATION, overlap)] if os.environ.get(OVERLAP) else []),
]
