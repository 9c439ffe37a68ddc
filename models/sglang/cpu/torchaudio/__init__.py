"""The one function of torchaudio that SGLang uses, so that none need be installed on a CPU."""

from . import functional as functional

__version__ = "2.11.0"
