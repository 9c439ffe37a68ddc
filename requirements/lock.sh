#!/bin/sh
# Write requirements/*.lock: exact versions with the hashes of PyPI's own files, and nothing else.
#
#   requirements/lock.sh             keep the versions already locked where they still fit
#   requirements/lock.sh --upgrade   the newest that fit
#
# Settings of this machine (mirrors, local wheels, extra indexes) are switched off, since a lock made with them
# would ask others for files they cannot have. The locks hold for every Python from 3.11 and, by their hashes, for
# x86_64 and aarch64 alike.
set -eu
cd "$(dirname "$0")/.."

for name in $(env | sed -n 's/^\(\(UV\|PIP\)_[A-Z_]*\)=.*/\1/p'); do
    case $name in
        *_CERT | *_PROXY | UV_CACHE_DIR | UV_*TIMEOUT) ;;  # how this machine reaches PyPI, not what it finds there
        *) unset "$name" ;;
    esac
done
export PIP_CONFIG_FILE=/dev/null

if ! uv=$(command -v uv); then
    uv=build/uv/bin/uv
    if ! [ -x "$uv" ]; then
        echo "lock: fetching uv, which chooses the versions"
        "${PYTHON:-python3}" -m venv build/uv
        build/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8,<1"
    fi
fi

overridden=requirements/without-torch.txt only=
lock() {  # NAME WHAT-FOR INPUT...
    name=$1 purpose=$2
    shift 2
    file=requirements/$name.lock
    [ -f "$file" ] || : >"$file"
    echo "lock: $file"
    "$uv" pip compile --quiet --no-config --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-header --no-annotate \
        ${overridden:+--override "$overridden"} \
        $agreeing $only $upgrade --output-file "$file" "$@" requirements/build.in
    {
        echo "# $purpose"
        echo "# Made by \`make lock\`; installed by \`make\`, or by hand as requirements/README.md says."
        cat "$file"
    } >"$file.new"
    mv "$file.new" "$file"
}

upgrade=${1-} agreeing=
lock all "Everything: the server, the terminal client, the load tests and the tools of development." \
    pyproject.toml --extra demo --extra glasses --extra webrtc --extra local --extra dev requirements/silero.in
# The others are parts of the first, version for version.
agreeing="--constraint requirements/all.lock"
lock build "What builds: installed first."
lock server "The server and its embedded engines." pyproject.toml --extra server requirements/silero.in
lock tui "The terminal client alone." pyproject.toml --extra tui
lock glasses "The glasses client alone." pyproject.toml --extra glasses
# What drives a browser is put beside the rest, and nothing of it is built.
agreeing='' only='--only-binary :all:' overridden=''
lock browser "Playwright, for \`make test-browser\`: beside Surtitle, in a folder of its own." requirements/browser.in
# SGLang's are of an environment of its own, so they agree with nobody. Where they go there may be no compiler.
agreeing='' only='--only-binary :all:' overridden=requirements/sglang-without-gpu.txt
lock sglang-cpu "SGLang on a CPU, with tiny models; torch is not in it: see sglang-cpu.in." requirements/sglang-cpu.in
overridden=''
lock sglang "SGLang for NVIDIA cards: an environment of its own, and gigabytes." requirements/sglang.in
