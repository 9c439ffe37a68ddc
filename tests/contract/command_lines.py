"""SGLang's opinion of command lines: its own parser, resolver and validator, without a GPU.

Runs in SGLang's environment. Each line of standard input is a JSON list, the words after the
program; each line of standard output is what became of them: {"refused": reason} or the settings.
One process for all, since importing SGLang takes ten seconds.
"""

import contextlib
import io
import json
import os
import sys
from typing import Any

SETTINGS = (
    *("api_key", "attention_backend", "context_length", "device", "enable_lora", "kv_cache_dtype"),
    *("max_running_requests", "mem_fraction_static", "quantization", "schedule_policy"),
    *("speculative_algorithm", "speculative_num_draft_tokens", "disable_overlap_schedule"),
)


def main() -> None:
    """Answer every line."""
    from sglang.srt.plugins import load_plugins

    load_plugins()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what SGLang prints goes to the log
    variables = dict(os.environ)
    for line in sys.stdin:
        os.environ.clear()  # resolving sets some for the server that would follow
        os.environ.update(variables)
        print(json.dumps(opinion(json.loads(line)), default=str), file=answers, flush=True)


def opinion(words: list[str]) -> dict[str, Any]:
    """What SGLang makes of one command line."""
    from sglang.srt.server_args import prepare_server_args

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            args = prepare_server_args(words)
            args.resolve_once()
            args.check_server_args()
        settings = args.resolved_dict()
    except SystemExit:
        return {"refused": complaint.getvalue().strip().splitlines()[-1]}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    return {name: settings.get(name) for name in SETTINGS}


if __name__ == "__main__":
    main()
