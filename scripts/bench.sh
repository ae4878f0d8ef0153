#!/usr/bin/env bash
# Measures a fresh release server on core 0 from core 1 and prints one table, then
# the same over TCP (scripts/bench/tcp.sh). About five minutes.
# Usage: scripts/bench.sh [CONNECTIONS of the idle fleet, default 50000]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/bench/lib.sh

FLEET=${1:-50000}
SECONDS_EACH=${SECONDS_EACH:-10}
VERDICTS=

# The URLs of quiz chunk and video segments carry a version, so they are read from the server.
find_urls() {
    local lesson=/media/bench/lesson/video
    start_server
    QUIZ=$(curl --silent --insecure "$BASE/v1/courses/bench" | grep -o '/quiz/[^"]*' | head -n 1)
    curl --silent --insecure "$BASE$lesson/playlist.m3u8" | grep 'm4s$' |
        sed "s|^|$lesson/|" >"$WORK/video.urls"
    stop_server
    [ -n "$QUIZ" ] && [ -s "$WORK/video.urls" ] || { echo "the bench course is broken" >&2; exit 2; }
}

# The port differs from start to start: the URL is made when the server runs.
get() {
    local name=$1 path=$2 mode=$3 code=0
    shift 3
    start_server
    run "$name" "$mode" --target "$BASE$path" --duration "${SECONDS_EACH}s" "$@" || code=$?
    stop_server
    [ "$code" -eq 0 ] || VERDICTS+="$name: $(figure "$name" verdict)"$'\n'
}

# The packager itself: 200 lessons' segments (112 MB) at random through the smallest cache, 16 MiB,
# which holds one in seven; the files are in the kernel's cache.
cold() {
    local lesson=$WORK/content/bench/01-lesson n code=0
    mkdir -p "$WORK/cold/bench"
    cp "$WORK/content/bench/course.toml" "$WORK/cold/bench/"
    for ((n = 1; n <= 200; n++)); do
        mkdir -p "$WORK/cold/bench/$n-cold$n"
        cp "$lesson/video.mp4" "$lesson/lesson.toml" "$WORK/cold/bench/$n-cold$n/"
    done
    CONTENT=$WORK/cold start_server --set content.cache="16 MiB"
    for ((n = 1; n <= 200; n++)); do
        curl --silent --insecure "$BASE/media/bench/cold$n/video/playlist.m3u8" | grep 'm4s$' |
            sed "s|^|/media/bench/cold$n/video/|"
    done >"$WORK/cold.urls"
    run cold segments --target "$BASE$(head -n 1 "$WORK/cold.urls")" --urls "$WORK/cold.urls" \
        --duration "${SECONDS_EACH}s" || code=$?
    stop_server
    rm -rf "$WORK/cold"
    [ "$code" -eq 0 ] || VERDICTS+="cold: $(figure cold verdict)"$'\n'
}

build
make_content
find_urls
get get "$QUIZ" get --in-flight 1
get get-8 "$QUIZ" get --in-flight 8
get get-urls /files/bench/small/0.txt get --in-flight 1 --urls "$WORK/small.urls"
get segments /files/bench/large/0.pdf segments --urls "$WORK/large.urls"
get video "$(head -n 1 "$WORK/video.urls")" segments --urls "$WORK/video.urls"
cold
get handshakes "$QUIZ" handshakes
get handshakes-pq "$QUIZ" handshakes --key-exchange x25519mlkem768
get resumed "$QUIZ" handshakes --resume
get fleet /files/bench/small/0.txt idle --connections "$FLEET" --opening 128 --sockets 4 \
    --urls "$WORK/small.urls" --keep-alive 120s --then-get 10000 --final-check

whole() { printf '%.0f' "$(figure "$1" "$2")"; }
tenth() { printf '%.1f' "$(figure "$1" "$2")"; }
cat <<TABLE

Server on core 0 (one worker, release build, default configuration), load from core 1, loopback;
$(uname -r), $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs). Per CPU second of the server process.
The columns to the right are earlier measurements of other servers on this class of machine.

| measure | this server | aim | nginx | h2o | quinn + h3 |
|---|--:|--:|--:|--:|--:|
| quiz chunk, 64 connections, 1 in flight each, GET | $(whole get server.requests_per_cpu_second) | 100000 | 79500 | 110264 | 38000–41000 |
| the same, 8 in flight each | $(whole get-8 server.requests_per_cpu_second) | | | | |
| $URLS URLs at random, 1 in flight each, GET | $(whole get-urls server.requests_per_cpu_second) | | | | |
| 1 MiB bodies, 1472-byte datagrams, Gbit | $(tenth segments server.gbit_per_cpu_second) | 7 | 5.6–6.9 | 5.1–5.8 | 4.5–5.2 |
| video segments of a bundled lesson, some 40 KB each, Gbit | $(tenth video server.gbit_per_cpu_second) | | | | |
| the same, cold: six of seven packaged anew, Gbit; segments | $(tenth cold server.gbit_per_cpu_second); $(whole cold server.requests_per_cpu_second) | | | | |
| full handshake + GET, X25519 | $(whole handshakes server.requests_per_cpu_second) | 3100 | 3093 | 2655 | 2098 |
| full handshake + GET, X25519MLKEM768 | $(whole handshakes-pq server.requests_per_cpu_second) | | | | |
| resumed handshake + GET | $(whole resumed server.requests_per_cpu_second) | | | | |
| bytes of server memory per idle connection, $FLEET of them | $(whole fleet server.rss_bytes_per_connection) | 16384 | 61200 | 19200 | 46000–66500 |
| 10000 GET/s over all of them and $URLS URLs: GET | $(whole fleet server.requests_per_cpu_second) | | | | |
| the same: p99 from the intended send time, ms | $(tenth fleet load.latency_ms.p99) | | | | |
TABLE
scripts/bench/tcp.sh || VERDICTS+="tcp: not measured"$'\n'
if [ -n "$VERDICTS" ]; then
    printf '\nNot met or not judged:\n%s' "$VERDICTS"
    exit 1
fi
