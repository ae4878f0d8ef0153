#!/usr/bin/env bash
# The large run: N live connections from one core against a server on the other, requests over
# all of them in an open loop, and at the end one more checked request on each. Bounded in time.
# Usage: scripts/proof.sh [CONNECTIONS, default 400000] [GET a second, default 30000]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/bench/lib.sh

N=${1:-400000}
RATE=${2:-30000}
need_mib=$((N * 30 / 1024 + 1024))
free_mib=$(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
if [ "$free_mib" -lt "$need_mib" ]; then
    echo "$N connections and their generator want $need_mib MiB; $free_mib MiB are free" >&2
    exit 2
fi
build
make_content
# Builds leave gigabytes of page cache behind. With little memory free, the kernel takes cold pages
# back and splits the huge pages they lie in, which costs a third of the figure; so start clean.
if [ -w /proc/sys/vm/drop_caches ]; then
    sync
    echo 3 >/proc/sys/vm/drop_caches
else
    echo "page cache stays (only root may drop it): huge pages may be split, the figure lower"
fi
start_server
code=0
timeout 1500 taskset -c 1 "$LOADTEST" idle --server-pid "$SERVER_PID" \
    --report "$WORK/reports/proof.json" --target "$BASE/files/bench/small/0.txt" \
    --urls "$WORK/small.urls" --connections "$N" --opening 128 --sockets 4 --keep-alive 120s \
    --quiet 3s --then-get "$RATE" --warm-up 5s --duration 30s --final-check \
    --max-p99 50ms --min-rate "$((RATE * 99 / 100))" --min-per-cpu 40000 \
    --max-connection-bytes 16384 || code=$?
stop_server
exit "$code"
