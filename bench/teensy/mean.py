"""Between two models of one training, the mean of their weights is often better than either
(Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).

    python -m bench.teensy.mean FOLDER FOLDER --out FOLDER
"""

import argparse
from pathlib import Path

from bench.teensy.fitting import keep, known


def main() -> None:
    """Leave the mean of two folders' models in a third, with all else that is in the first."""
    arguments = argparse.ArgumentParser(description=__doc__.split(":")[0])
    arguments.add_argument("models", type=Path, nargs=2)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    (model, tokenizer, held_out), (other, *_) = map(known, chosen.models)
    weights, others = model.state_dict(), other.state_dict()
    model.load_state_dict({name: (one + others[name]) / 2 for name, one in weights.items()})
    keep(model, tokenizer, held_out, chosen.out)


if __name__ == "__main__":
    main()
