#!/bin/sh
# Installs what the tests use and a machine may lack. Nothing of it is needed to build or to run.
#   ffmpeg            checks that packaged media decodes to the same frames
#   curl              an independent HTTP/1.1 and HTTP/2 client
#   chromium, firefox the page, played over HTTP/3 (libnss3-tools: Firefox trusts our certificate)
#   aioquic           an independent HTTP/3 client (Python, in target/venv)
#   redbot            judges replies by the HTTP RFCs (Python, in target/redbot)
#   hls.js, Shaka Player, dash.js, video.js, mp4box.js, axe-core
#                     what plays and judges inside the browsers (npm, in target/test-tools)
#   nginx, varnish, squid, trafficserver   real edges in front of the server
#   redis-server      what nodes share, killed and starved by its tests
#   h2load            an independent HTTP/2 and HTTP/1.1 load, for `make bench`
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need curl curl
need ffmpeg ffmpeg
need ffprobe ffmpeg
need chromium chromium
need firefox-esr firefox-esr
need certutil libnss3-tools
need npm npm
need python3 python3
need nginx nginx
need varnishd varnish
[ -n "$(find /usr/lib -name libvmod_xkey.so 2>/dev/null)" ] || missing="$missing varnish-modules"
need squid squid-openssl
need traffic_server trafficserver
need h2load nghttp2-client
need redis-server redis-server
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup-test: please install:$missing" >&2
        exit 1
    fi
    sudo=
    if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
    echo "setup-test: installing$missing"
    # The edges are started by the tests alone: their packages must not start services here.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
        $sudo chmod 755 $policy
        trap '$sudo rm -f $policy' EXIT
    fi
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
fi

scripts/setup-aioquic.sh

scripts/setup-redbot.sh

scripts/setup-npm.sh
