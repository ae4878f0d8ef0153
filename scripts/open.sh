#!/bin/sh
# Opens the demo page in Chromium with a profile of its own that is thrown away afterwards.
#
# Browsers speak QUIC only to servers whose certificate a public authority signed. For this one
# profile Chromium is told to trust the public key of the running server and to use HTTP/3 from
# the first request on; the certificates of all other servers are checked as ever.
set -eu
cd "$(dirname "$0")/.."

ops=${OPEN_OPS:-http://127.0.0.1:9433}
origin=${OPEN_ORIGIN:-localhost:4433}

browser=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then browser=$name; break; fi
done
if [ -z "$browser" ]; then
    echo "open: no Chromium found; install the package chromium, or open https://$origin/ in any browser" >&2
    exit 1
fi
if ! command -v curl >/dev/null 2>&1; then
    echo "open: curl is needed to ask the server for its public key; install the package curl" >&2
    exit 1
fi

profile=$(mktemp -d)
started=
cleanup() {
    if [ -n "$started" ]; then kill "$started" 2>/dev/null || true; wait "$started" 2>/dev/null || true; fi
    rm -rf "$profile"
}
trap cleanup EXIT INT TERM

status() { curl -fsS --noproxy '*' --max-time 5 "$ops/admin/status" 2>/dev/null; }
if ! status >/dev/null; then
    echo "open: no server runs; starting one for as long as the browser is open"
    cargo build --release --bin lamplight
    target/release/lamplight serve --set identity.mode=dev &
    started=$!
    tries=0
    until status >/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$started" 2>/dev/null; then
            echo "open: the server did not start; its message stands above" >&2
            exit 1
        fi
        sleep 0.1
    done
fi
spki=$(status | sed -n 's/.*"spki_sha256":"\([^"]*\)".*/\1/p')

# Chromium refuses to run its sandbox as root.
sandbox=
if [ "$(id -u)" = 0 ]; then sandbox=--no-sandbox; fi

echo "open: https://$origin/ over HTTP/3; the profile is thrown away when the window is closed"
"$browser" $sandbox \
    --user-data-dir="$profile" \
    --no-first-run --no-default-browser-check --disable-sync --disable-background-networking \
    --origin-to-force-quic-on="$origin" \
    --ignore-certificate-errors-spki-list="$spki" \
    ${OPEN_FLAGS:-} \
    "https://$origin/"
