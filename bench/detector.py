"""What speech detection costs: CPU for each window of 32 ms, alone and for many microphones.

python -m bench.detector [silero|energy]
"""

import sys
import time
from collections.abc import Sequence

import numpy as np

from models import registry
from streaming.values import SAMPLE_RATE, WINDOW

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


def measure(
    name: str = "silero", sizes: Sequence[int] = SIZES, seconds: float = 0.5
) -> dict[str, object]:
    """CPU microseconds a window by microphones in a call, and how many microphones fill a core.

    The median of short runs, `seconds` in all for each size.
    """
    detector = registry.detector(name)
    noise = np.random.default_rng(1).normal(0, 2000, (max(sizes), WINDOW)).astype("<i2")
    cost: dict[int, float] = {}
    for size in sizes:
        windows = [(detector.ear(), noise[row].tobytes()) for row in range(size)]
        detector.probabilities(windows)
        runs: list[float] = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or len(runs) < 5:
            began = time.process_time()
            detector.probabilities(windows)
            runs.append((time.process_time() - began) / size)
        cost[size] = float(np.median(runs)) * 1e6
    best = min(cost.values())
    return {
        "detector": name,
        "us_per_window": {size: round(us, 1) for size, us in cost.items()},
        "microphones_per_core": int(1e6 / best / (SAMPLE_RATE / WINDOW)),
    }


def main() -> None:
    """Print the table."""
    found = measure(sys.argv[1] if len(sys.argv) > 1 else "silero")
    costs = found["us_per_window"]
    assert isinstance(costs, dict)
    print(f"{found['detector']}: CPU microseconds for a window of 32 ms")
    print("microphones  " + "".join(f"{size:>8}" for size in costs))
    print("us a window  " + "".join(f"{us:>8}" for us in costs.values()))
    print(f"one core is full at {found['microphones_per_core']} microphones that all speak")


if __name__ == "__main__":
    main()
