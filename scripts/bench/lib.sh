# What `make bench` and `make proof` share: builds, generated content, one server at a time.
# Sourced by bash scripts that run with `set -euo pipefail` from the project's root.

WORK=target/bench
SERVER=target/release/lamplight
LOADTEST=target/release/lamplight-loadtest
URLS=${URLS:-5000}
SEGMENTS=${SEGMENTS:-16}
SERVER_PID=

build() {
    cargo build --release --quiet --bin lamplight
    cargo build --release --quiet --package lamplight-loadtest
    command -v taskset >/dev/null || { echo "taskset is missing (Debian: util-linux)" >&2; exit 2; }
    [ "$(nproc)" -ge 2 ] || { echo "one core for the server and one for the load are needed" >&2; exit 2; }
}

# A course with $URLS attachments of 200 bytes, $SEGMENTS of 1 MiB, and a quiz of one question.
make_content() {
    local course=$WORK/content/bench lesson
    rm -rf "$WORK/content"
    mkdir -p "$course/01-lesson" "$course/small" "$course/large" "$WORK/reports"
    lesson=$(find content -name lesson.toml | sort | head -n 1)
    cp "$(dirname "$lesson")/video-720p.mp4" "$course/01-lesson/video.mp4"
    printf 'title = { en = "Bench" }\n' >"$course/01-lesson/lesson.toml"
    printf 'languages = ["en"]\ntitle = { en = "Bench" }\n' >"$course/course.toml"
    cat >"$course/01-lesson/quiz.toml" <<'QUIZ'
id = "quiz"
lang = "en"
title = { en = "Bench" }
[[item]]
id = "q1"
kind = "tf"
text = "A learner's answer that was acknowledged is never lost."
correct = true
QUIZ
    local n
    for ((n = 0; n < URLS; n++)); do
        printf '%0200d' "$n" >"$course/small/$n.txt"
    done
    for ((n = 0; n < SEGMENTS; n++)); do
        head -c 1048576 /dev/urandom >"$course/large/$n.pdf"
    done
    list small 200 >"$WORK/small.urls"
    list large 1048576 >"$WORK/large.urls"
}

# list FOLDER LENGTH: its files as the load generator wants them, with their SHA-256.
list() {
    (cd "$WORK/content/bench/$1" && find . -type f -exec sha256sum {} +) |
        awk -v folder="$1" -v length_="$2" \
            '{ print "/files/bench/" folder "/" substr($2, 3), length_, $1 }'
}

# Starts a fresh server on core 0, one worker, default configuration; sets SERVER_PID and BASE.
start_server() {
    local log=$WORK/server.log waited=0
    rm -rf "$WORK/data"
    : >"$log"
    taskset -c 0 "$SERVER" serve --listen 127.0.0.1:0 --ops 127.0.0.1:0 --workers 1 \
        --content "${CONTENT:-$WORK/content}" --data "$WORK/data" "$@" >"$log" 2>"$WORK/server.err" &
    SERVER_PID=$!
    trap stop_server EXIT
    until grep -qx ready "$log"; do
        kill -0 "$SERVER_PID" 2>/dev/null || { cat "$WORK/server.err" >&2; exit 2; }
        [ $((waited += 1)) -lt 300 ] || { echo "the server is not ready after 30 s" >&2; exit 2; }
        sleep 0.1
    done
    BASE=$(grep -o 'https://127.0.0.1:[0-9]*' "$log" | head -n 1)
}

stop_server() {
    [ -n "$SERVER_PID" ] || return 0
    kill "$SERVER_PID" 2>/dev/null || true
    wait "$SERVER_PID" 2>/dev/null || true
    SERVER_PID=
}

# run NAME MODE ARGS...: load from core 1; the report lies in $WORK/reports/NAME.json.
# Exit code 1 (objective missed) and 2 (not judged) are for the caller to show, not to stop at.
run() {
    local name=$1 mode=$2 code=0
    shift 2
    echo "== $name" >&2
    taskset -c 1 "$LOADTEST" "$mode" --server-pid "$SERVER_PID" \
        --report "$WORK/reports/$name.json" "$@" >"$WORK/reports/$name.txt" || code=$?
    cat "$WORK/reports/$name.txt" >&2
    return "$code"
}

# figure NAME PATH: one number of a report.
figure() {
    "$LOADTEST" figure "$WORK/reports/$1.json" "$2"
}
