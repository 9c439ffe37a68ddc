#!/bin/sh
# Make what `make test-browser` needs: Chromium, what drives it, and axe-core, which looks for barriers.
#
#     deploy/setup-browser.sh VENV     VENV has Surtitle; prints the folder that has the last two
#
# It is kept under ${XDG_CACHE_HOME:-~/.cache}/surtitle, about 150 MB. Exit code 3: there is no Chromium to be had.
# Without npm the search for barriers is left out, and says so.
set -eu

venv=$1
cd "$(dirname "$0")/.."
axe=4.14.1
lock=$(cat requirements/browser.lock deploy/setup-browser.sh | sha256sum | cut -c1-16)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/surtitle/browser-$lock

say() { printf 'setup: %s\n' "$*" >&2; }

chromium_is_here() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

if ! chromium_is_here >/dev/null; then
    deploy/setup-debian.sh "to try the page in a browser" chromium >&2 || true
    if ! chromium_is_here >/dev/null; then
        say "there is no Chromium here, so the page cannot be tried in one"
        exit 3
    fi
fi

# The folder is complete when `made` is there: it is written last.
if ! [ -e "$folder/made" ]; then
    say "fetching Playwright, which drives the browser"
    rm -rf "$folder/python"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --target "$folder/python" -r requirements/browser.lock >&2
    touch "$folder/made"
fi
if ! [ -e "$folder/node_modules/axe-core/axe.min.js" ] && command -v npm >/dev/null; then
    say "fetching axe-core, which looks for barriers"
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$folder" "axe-core@$axe" >&2 ||
        say "that failed: barriers are not looked for"
fi
echo "$folder"
