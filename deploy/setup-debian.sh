#!/bin/sh
# Install Debian packages that are missing, and say what for.
#
#   deploy/setup-debian.sh                    Apertium, for translation, and where there is something
#                                             to listen with PortAudio; their lack is no error
#   deploy/setup-debian.sh REASON PACKAGE...  these; exit 1 if they cannot be had
#
# Needs root, or sudo. Silent when nothing is missing.
set -eu

say() { printf 'setup: %s\n' "$*"; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

get() {  # PACKAGE...: 0 when they are there in the end
    if ! command -v apt-get >/dev/null; then
        say "this machine has no apt-get: install them as it does that"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "that needs root. As root: apt-get install $*"
        return 1
    fi
    say "apt-get install $*"
    quietly="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    log=$(mktemp)
    # The lists of packages may be old or absent, so they are renewed first; if that fails, the old may do.
    if { as_root $quietly update || true; as_root $quietly install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null
    then
        rm -f "$log"
        return 0
    fi
    say "that failed:"
    tail -n 5 "$log" | sed 's/^/    /'
    rm -f "$log"
    return 1
}

if [ $# -gt 0 ]; then
    reason=$1
    shift
    missing=
    for package in "$@"; do installed "$package" || missing="$missing $package"; done
    [ -n "$missing" ] || exit 0
    say "missing, $reason:$missing"
    get $missing
    exit
fi

# They may have come in another way than by Debian's packages: ask for what is used.
apertium_is_here() {
    command -v apertium >/dev/null && apertium -l 2>/dev/null | grep -q '\beng-spa$'
}
portaudio_is_here() {
    for folder in /lib /usr/lib /usr/local/lib; do
        for file in "$folder"/libportaudio.so.2 "$folder"/*/libportaudio.so.2; do
            if [ -e "$file" ]; then return 0; fi
        done
    done
    return 1
}
# A sound card, or the socket of PulseAudio or PipeWire. Servers mostly have neither.
listens() {
    for file in /dev/snd/pcm*c "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/pulse/native"; do
        if [ -e "$file" ]; then return 0; fi
    done
    [ -n "${PULSE_SERVER:-}" ]
}

if ! apertium_is_here; then
    say "missing, to translate English to Spanish on this machine: apertium apertium-eng-spa"
    { get apertium apertium-eng-spa && apertium_is_here; } ||
        say "going on without: captions will come in the language that is spoken, untranslated"
fi
if listens && ! portaudio_is_here; then
    say "missing, to hear this machine's microphone: libportaudio2"
    { get libportaudio2 && portaudio_is_here; } ||
        say "going on without: files and pipes are captioned, the microphone is not"
fi
