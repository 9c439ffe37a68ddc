#!/bin/sh
# Make the Python environment that `make` works in:  deploy/setup-python.sh FOLDER LOCK
#
#     FOLDER/.unfinished   an earlier run was interrupted: start over
#     FOLDER/.surtitle     ready; holds the fingerprint of the lock it was made from
#
# An environment with neither was made by somebody else: it is installed into, and never removed.
set -eu

venv=$1 lock=$2
python=${PYTHON:-python3}
ready=$venv/.surtitle unfinished=$venv/.unfinished
here=$(dirname "$0")

say() { printf 'setup: %s\n' "$*"; }
fail() {
    say "$*" >&2
    exit 1
}

pip() { "$venv/bin/python" -m pip --no-input --disable-pip-version-check "$@"; }
install_ourselves() { pip install -qq --no-deps --no-build-isolation -e .; }

# Settings that would put things elsewhere than into the environment. Those that say where from stay as they are.
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV

# 1. Nothing to do, or only our own part? (A checkout gives files new times and may leave the contents.)
build=$(dirname "$lock")/build.lock
fingerprint=$(cat "$build" "$lock" | sha256sum | cut -c1-16)
made_from='' whose=''
if [ -e "$ready" ]; then read -r made_from whose <"$ready" || true; fi
if [ "$made_from" = "$fingerprint" ] && ! [ -e "$unfinished" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    if [ pyproject.toml -nt "$ready" ]; then install_ourselves; fi
    touch "$ready"
    exit 0
fi

# 2. A Python that can make environments.
if ! command -v "$python" >/dev/null; then
    say "there is no $python here"
    "$here/setup-debian.sh" "to run at all" python3 python3-venv ||
        fail "install Python 3.11 or newer, then run make again (PYTHON=/path/to/python3.11 names one)"
fi
for newer in python3.11 python3.12 python3.13 python3.14; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' && break
    if command -v "$newer" >/dev/null && "$newer" -c '' 2>/dev/null; then python=$newer; fi
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Surtitle needs Python 3.11 or newer and $python is $("$python" -V 2>&1 | cut -d' ' -f2): run make PYTHON=/path/to/python3.11"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "$python cannot make virtual environments"
    "$here/setup-debian.sh" "to keep what Surtitle installs out of your system" python3-venv ||
        fail "install the package python3-venv (as root: apt-get install python3-venv), then run make again"
fi

# 3. An empty environment, unless it is somebody else's.
if [ -e "$venv/pyvenv.cfg" ] && ! [ -e "$unfinished" ] && [ -z "$made_from" ]; then whose=yours; fi
if [ "$whose" = yours ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    say "$venv is yours: installing into it as it is (make clean removes it)"
else
    if [ -e "$unfinished" ]; then
        say "making $venv again: the last run was interrupted"
    elif [ -n "$made_from" ]; then
        say "making $venv again: the versions have changed"
    else
        say "making $venv with $("$python" -V)"
    fi
    whose=''
    rm -rf "$venv"
    mkdir -p "$venv"
    touch "$unfinished"
    "$python" -m venv "$venv"
fi

# 4. What the lock names, by hash, and ourselves. No resolver runs: the lock is complete.
say "downloading and installing $(grep -c '==' "$lock") packages (about 170 MB; a minute or two)"
started=$(date +%s)
pip install --quiet --no-deps --require-hashes -r "$build"
pip install --no-deps --require-hashes --no-build-isolation -r "$lock"
install_ourselves
echo "$fingerprint $whose" >"$ready"
rm -f "$unfinished"
say "ready in $(($(date +%s) - started)) s"
