"""Mend two modules when they are imported; Python runs this file as it starts. See README.md."""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec

ATTENTION = "sglang.srt.layers.attention.torch_native_backend"


class BeforeTorchvision(MetaPathFinder):
    """Declares the operators that torchvision looks up while it is imported."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import vision

            vision.declare()
        return None  # the usual finders find it


class AfterAttention(MetaPathFinder):
    """Teaches the attention backend to verify, right after it has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name != ATTENTION:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None:
            spec.loader = Taught(spec.loader)
        return spec


class Taught(Loader):
    """A loader whose module can verify."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        import verify

        verify.teach(module)


sys.meta_path[:0] = [BeforeTorchvision(), AfterAttention()]
