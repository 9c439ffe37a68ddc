"""SGLang's speculative decoding with a draft that the request itself brings.

Whoever translates a sentence that still grows asks the same question again and again, and most of
the answer is the one before. The request carries that answer as token ids, and the server verifies
them, many in one pass, instead of writing them one by one. What comes out is, token for token, what
greedy decoding would have written (Zeng et al., arXiv 2509.21740, describe the idea; here the draft
is taken up again after a difference, and the first pass over the prompt verifies already).

    sampling_params = {"temperature": 0, "custom_params": {"draft_token_ids": [...]}}

`--speculative-algorithm HYPOTHESIS` switches it on. SGLang finds this through the entry point
`sglang.srt.plugins`.
"""

NAME = "HYPOTHESIS"


def register() -> None:
    """Make the algorithm known to SGLang. Called by it, once in each of its processes."""
    from .algorithm import install

    install(NAME)
