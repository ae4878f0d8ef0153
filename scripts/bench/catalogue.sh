#!/usr/bin/env bash
# Starts the server on a catalogue of 3,000 courses x 10 lessons x 4 files and prints how long that
# takes without and with a content index, and the memory the server then has.
# COURSES=… LESSONS=… change the size; FOLDER=… keeps the generated catalogue there for another run.
set -euo pipefail
cd "$(dirname "$0")/../.."
COURSES=${COURSES:-3000}
LESSONS=${LESSONS:-10}
SERVER=target/release/lamplight
FOLDER=${FOLDER:-target/bench/catalogue}
PID=

cargo build --release --quiet --bin lamplight
for tool in ffmpeg python3 curl; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done

end() {
    [ -z "$PID" ] || kill "$PID" 2>/dev/null || true
    rm -rf "$FOLDER/data"
    [ "$FOLDER" != target/bench/catalogue ] || rm -rf "$FOLDER"
}
trap end EXIT

# Ten minutes of small pictures, as many segments as a usual lesson has; one file, linked.
make_catalogue() {
    local lesson
    lesson=$(find content -name video-240p.mp4 | sort | head -n 1)
    mkdir -p "$FOLDER/content"
    ffmpeg -v error -y -stream_loop 30 -i "$lesson" -c copy -t 600 -movflags +faststart \
        "$FOLDER/lesson.mp4"
    python3 scripts/bench/catalogue.py "$FOLDER" "$COURSES" "$LESSONS" \
        "$(dirname "$lesson")/captions.vi.vtt" "$(dirname "$lesson")/quiz.toml"
    # What changed a moment ago is read again at the next start, since it may still be written to.
    sleep 10
}

# start NAME: serves until ready and prints the line of that name.
start() {
    local begun ready cpu log=$FOLDER/server.log
    : >"$log"
    begun=$(date +%s.%N)
    "$SERVER" serve --listen 127.0.0.1:0 --ops 127.0.0.1:0 --content "$FOLDER/content" \
        --data "$FOLDER/data" >"$log" 2>"$log.err" &
    PID=$!
    until grep -q '^ready' "$log"; do
        kill -0 "$PID" || { cat "$log.err" >&2; exit 1; }
        sleep 0.01
    done
    ready=$(date +%s.%N)
    # Clock ticks of a hundredth, of the process itself: another program's load does not count.
    cpu=$(awk '{ print ($14 + $15) / 100 }' "/proc/$PID/stat")
    # The index is written after the start; memory is looked at when nothing is under way.
    until [ -s "$FOLDER/data/content.index" ]; do sleep 0.1; done
    sleep 2
    awk -v name="$1" -v from="$begun" -v to="$ready" -v cpu="$cpu" '
        /^VmRSS/ { rss = $2 / 1024 } /^VmHWM/ { peak = $2 / 1024 }
        END { printf "%-22s %6.2f s to ready (%.2f s of CPU)   RSS %4.0f MiB (peak %.0f)\n", \
            name, to - from, cpu, rss, peak }
    ' "/proc/$PID/status"
}

# ask NAME URL: the time of one reply, the second of its kind.
ask() {
    local url base
    base=$(sed -n 's/^listening on \(https[^ ]*\)\/ .*/\1/p' "$FOLDER/server.log" | head -n 1)
    url=$base$2
    curl -skS -o /dev/null "$url"
    curl -skS -o /dev/null -w "%{time_starttransfer} %{time_appconnect} %{size_download}\n" "$url" |
        awk -v name="$1" '{ printf "%-22s %6.2f ms, %d bytes\n", name, ($1 - $2) * 1000, $3 }'
}

stop() {
    kill -TERM "$PID"
    wait "$PID" || true
    PID=
}

[ -d "$FOLDER/content" ] || make_catalogue
echo "$(find "$FOLDER/content" -type f | wc -l) files, $COURSES courses, $(nproc) cores"
rm -rf "$FOLDER/data"
start "no index"
stop
start "with the index"
ask "a page of 50 courses" "/v1/courses"
ask "a search" "/v1/courses?q=khong+co"
ask "a course" "/v1/courses/khoa-1"
echo "index $(du -m "$FOLDER/data/content.index" | cut -f 1) MiB"
stop
