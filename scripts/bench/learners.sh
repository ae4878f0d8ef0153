#!/usr/bin/env bash
# Measures what learners write: log-ins, beats, answers, and an exam that begins for all at once, on a
# fresh release server on core 0 from core 1, every acknowledgement after an fdatasync of the file
# system that target/ lies on. Some three minutes; with 400000 learners about ten.
# Usage: scripts/bench/learners.sh [LEARNERS of the exam, default 20000]
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/bench/lib.sh

EXAM=${1:-20000}
SECONDS_EACH=${SECONDS_EACH:-10}
VERDICTS=

# learners NAME MODE ARGS...: a fresh server and one mode.
learners() {
    local name=$1 mode=$2 code=0
    shift 2
    start_server --set identity.mode=dev
    run "$name" "$mode" --target "$BASE/" --course bench --lesson lesson --quiz quiz \
        --answer 'q1="truth":true' "$@" || code=$?
    stop_server
    [ "$code" -eq 0 ] || VERDICTS+="$name: $(figure "$name" verdict)"$'\n'
}

build
make_content
seconds=(--warm-up 2s --duration "${SECONDS_EACH}s")
learners login login --connections 1000 "${seconds[@]}"
learners answers answers --connections 4000 --max-p99 100ms --min-rate 40000 "${seconds[@]}"
learners answers-one answers --connections 1 "${seconds[@]}"
learners beats beats --connections 4000 --beat 20ms --length 40s --min-per-cpu 10000 "${seconds[@]}"
learners exam exam-start --connections "$EXAM" --duration 120s --timeout 60s --keep-alive 120s \
    --opening 128 --quiet 2s

row() {
    printf '| %s | %s | %s |\n' "$1" "$2" "$3"
}
beats() { awk -v calls="$(figure beats server.requests_per_cpu_second)" 'BEGIN { print calls * 5 }'; }
echo
row measure "this server" aim
row --- --: --:
row "log-ins a second" "$(figure login load.per_second)" ""
row "the same per CPU second" "$(figure login server.requests_per_cpu_second)" ""
row "durable answers a second, 4000 learners" "$(figure answers load.per_second)" 40000
row "the same: p99, ms" "$(figure answers load.latency_ms.p99)" 100
row "the same per CPU second" "$(figure answers server.requests_per_cpu_second)" ""
row "one learner alone: p50 of an answer, ms" "$(figure answers-one load.latency_ms.p50)" ""
row "beats per CPU second, 5 a call" "$(beats)" 50000
row "$EXAM attempts at once: until the last is open, ms" "$(figure exam load.latency_ms.max)" 30000
row "the same: CPU seconds of the server" "$(figure exam server.cpu_seconds)" ""
if [ -n "$VERDICTS" ]; then
    printf '\n%s' "$VERDICTS" >&2
    exit 1
fi
