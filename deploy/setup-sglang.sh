#!/bin/sh
# Make what `make contract` needs: the real SGLang on a CPU, our plugin in it, and tiny models to serve.
#
#     deploy/setup-sglang.sh VENV     VENV has Surtitle; prints the folder, its models are in FOLDER/models
#
# It is kept under ${XDG_CACHE_HOME:-~/.cache}/surtitle, about 3 GB for each version of the lock. Exit code 3: pip
# offers PyTorch only for CUDA here, which is gigabytes (see `surtitle models --help`).
set -eu

venv=$1
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/surtitle
lock=$(cat requirements/sglang-cpu.lock requirements/sglang-cpu-torch.in | sha256sum | cut -c1-16)
folder=$cache/sglang-cpu-$lock

"$venv/bin/python" surtitle.py models install sglang --cpu --environment "$folder"

# Made again when what makes them has changed: a second's work, so they are not compared, but replaced.
script=tests/contract/tiny_models.py
if ! [ -e "$folder/models/made" ] || [ $script -nt "$folder/models/made" ]; then
    echo "setup: making tiny models" >&2
    if ! PYTHONPATH=models/sglang/cpu "$folder/bin/python" $script "$folder/models" 2>"$folder/models.log"; then
        tail -n 5 "$folder/models.log" >&2
        exit 1
    fi
    touch "$folder/models/made"
fi
echo "$folder"
