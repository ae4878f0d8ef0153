#!/usr/bin/env bash
# Measures HTTP/1.1 and HTTP/2 of a fresh release server on core 0 with h2load on core 1, and beside
# it what this machine has of other servers (Debian's nginx for the same, Caddy for HTTP/3): the same
# bodies, TLS, one worker each, in the same run. About two minutes. Called by scripts/bench.sh;
# alone: scripts/bench/tcp.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/bench/lib.sh
PATH=$PATH:/usr/sbin
SECONDS_EACH=${SECONDS_EACH:-8}
FLEET_TCP=${FLEET_TCP:-5000}
SEGMENT=/files/bench/large/0.pdf
OTHER_PID=

command -v h2load >/dev/null ||
    { echo "h2load is missing (Debian: nghttp2-client; scripts/setup-test.sh installs it)" >&2; exit 2; }

# cpu PID: hundredths of a second of its user and system time.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# load PID URL BYTES ARGS...: requests and Gbit of content per CPU second of the process.
load() {
    local pid=$1 url=$2 bytes=$3 before after done_
    shift 3
    before=$(cpu "$pid")
    taskset -c 1 h2load --duration "$SECONDS_EACH" "$@" "$url" >"$WORK/h2load.txt" 2>&1 || true
    after=$(cpu "$pid")
    done_=$(grep -o '[0-9]* 2xx' "$WORK/h2load.txt" | cut -d ' ' -f 1)
    if grep -q ' 0 4xx, 0 5xx' "$WORK/h2load.txt" && [ "${done_:-0}" -gt 0 ]; then
        awk -v n="$done_" -v ticks=$((after - before)) -v bytes="$bytes" \
            'BEGIN { s = ticks / 100; printf "%.0f %.1f\n", n / s, n * bytes * 8 / 1e9 / s }'
    else
        echo "h2load: $url" >&2
        cat "$WORK/h2load.txt" >&2
        return 1
    fi
}

# all PID BASE QUIZ: five figures in a line.
all() {
    local pid=$1 base=$2 quiz=$3 one two
    one=$(load "$pid" "$base$quiz" 0 --h1 -c 64)
    two=$(load "$pid" "$base$quiz" 0 -c 64 -m 8)
    echo "${one% *} ${two% *}" \
        "$(load "$pid" "$base$quiz" 0 -c 64 -m 1 | cut -d ' ' -f 1)" \
        "$(load "$pid" "$base$SEGMENT" 1048576 --h1 -c 16 | cut -d ' ' -f 2)" \
        "$(load "$pid" "$base$SEGMENT" 1048576 -c 16 -m 4 -w 24 -W 26 | cut -d ' ' -f 2)"
}

rss() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$1/status"; }

# Bytes per idle HTTP/2 connection: every client asks once, stays, and asks again at the end.
idle() {
    local before loader waited=0 ops
    ops=$(grep -o 'http://127.0.0.1:[0-9]*' "$WORK/server.log" | tail -n 1)
    printf '0\t%s%s\n120000\t%s%s\n' "$BASE" "$QUIZ" "$BASE" "$QUIZ" >"$WORK/idle.txt"
    curl --silent --insecure "$BASE$QUIZ" >"$WORK/quiz.json"
    before=$(rss "$SERVER_PID")
    # Not all at once: one address prefix may not have so many handshakes under way.
    taskset -c 1 h2load -c "$FLEET_TCP" -r 1000 -n $((2 * FLEET_TCP)) \
        --timing-script-file="$WORK/idle.txt" >"$WORK/idle.log" 2>&1 &
    loader=$!
    until [ "$(curl --silent "$ops/metrics" | awk '/^lamplight_tcp_requests_total.*"2"/ { print $2 }')" \
        -ge $((FLEET_TCP + 1)) ]; do
        [ $((waited += 1)) -lt 600 ] || { echo "the fleet does not open" >&2; return 1; }
        sleep 0.1
    done
    sleep 1.5
    echo $((($(rss "$SERVER_PID") - before) / FLEET_TCP))
    kill "$loader" 2>/dev/null || true
    wait "$loader" 2>/dev/null || true
}

stop_other() {
    [ -n "$OTHER_PID" ] || return 0
    kill "$OTHER_PID" 2>/dev/null || true
    wait "$OTHER_PID" 2>/dev/null || true
    OTHER_PID=
}

wait_for() {
    local waited=0
    until curl --silent --insecure --fail --output /dev/null "$1"; do
        [ $((waited += 1)) -lt 100 ] || { echo "$1 does not answer" >&2; return 1; }
        sleep 0.1
    done
}

# The bodies as files under the paths they have here, and a certificate of the same kind.
make_site() {
    local site=$WORK/site
    rm -rf "$site"
    mkdir -p "$site/$(dirname "$QUIZ")" "$site/$(dirname "$SEGMENT")"
    cp "$WORK/quiz.json" "$site$QUIZ"
    cp "$WORK/content/bench/large/0.pdf" "$site$SEGMENT"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

measure_nginx() {
    local root port worker
    root=$(realpath "$WORK")
    port=$(free_port)
    cat >"$WORK/nginx.conf" <<CONF
daemon off; user root; worker_processes 1; pid $root/nginx.pid; error_log $root/nginx.log;
events { worker_connections 12000; }
http {
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    client_body_temp_path $root/t1; proxy_temp_path $root/t2; fastcgi_temp_path $root/t3;
    uwsgi_temp_path $root/t4; scgi_temp_path $root/t5;
    open_file_cache max=100; types { application/json json; application/pdf pdf; }
    server {
        listen 127.0.0.1:$port ssl http2; root $root/site;
        ssl_certificate $root/cert.pem; ssl_certificate_key $root/key.pem; ssl_protocols TLSv1.3;
    }
}
CONF
    taskset -c 0 nginx -e "$root/nginx.log" -c "$root/nginx.conf" 2>>"$WORK/nginx.log" &
    OTHER_PID=$!
    wait_for "https://127.0.0.1:$port$QUIZ"
    worker=$(pgrep -P "$OTHER_PID" | head -n 1)
    all "$worker" "https://127.0.0.1:$port" "$QUIZ"
    stop_other
}

# Caddy speaks HTTP/3: our own generator asks it what scripts/bench.sh asks this server.
measure_caddy() {
    local root port
    root=$(realpath "$WORK")
    port=$(free_port)
    printf '{\nadmin off\nauto_https off\ndefault_sni localhost\n}\nhttps://localhost:%s, https://127.0.0.1:%s {\ntls %s %s\nroot * %s\nfile_server\n}\n' \
        "$port" "$port" "$root/cert.pem" "$root/key.pem" "$root/site" >"$WORK/Caddyfile"
    env HOME="$root" GOMAXPROCS=1 taskset -c 0 caddy run --config "$WORK/Caddyfile" --adapter caddyfile \
        >"$WORK/caddy.log" 2>&1 &
    OTHER_PID=$!
    wait_for "https://127.0.0.1:$port$QUIZ"
    SERVER_PID_KEPT=$SERVER_PID SERVER_PID=$OTHER_PID
    run caddy-get get --target "https://127.0.0.1:$port$QUIZ" --in-flight 1 \
        --duration "${SECONDS_EACH}s" >/dev/null || true
    run caddy-segments segments --target "https://127.0.0.1:$port$SEGMENT" \
        --duration "${SECONDS_EACH}s" >/dev/null || true
    SERVER_PID=$SERVER_PID_KEPT
    stop_other
    printf '%.0f %.1f\n' "$(figure caddy-get server.requests_per_cpu_second)" \
        "$(figure caddy-segments server.gbit_per_cpu_second)"
}

build
[ -d "$WORK/content/bench" ] || make_content
start_server
trap 'stop_other; stop_server' EXIT
QUIZ=$(curl --silent --insecure "$BASE/v1/courses/bench" | grep -o '/quiz/[^"]*' | head -n 1)
IDLE=$(idle)
stop_server
start_server
trap 'stop_other; stop_server' EXIT
read -r H1 H2 H2_ONE H1_SEGMENTS H2_SEGMENTS < <(all "$SERVER_PID" "$BASE" "$QUIZ")
stop_server
make_site
N1='' N2='' N2_ONE='' N1_SEGMENTS='' N2_SEGMENTS='' NGINX='nginx (not installed)'
if command -v nginx >/dev/null; then
    NGINX="nginx $(nginx -v 2>&1 | grep -o '[0-9.]*$')"
    read -r N1 N2 N2_ONE N1_SEGMENTS N2_SEGMENTS < <(measure_nginx)
fi
CADDY=
if command -v caddy >/dev/null; then
    read -r C3 C3_SEGMENTS < <(measure_caddy)
    CADDY="Caddy $(caddy version | cut -d ' ' -f 1) over HTTP/3 from the same files: $C3 GET, $C3_SEGMENTS Gbit."
fi

cat <<TABLE

Over TCP with $(h2load --version), TLS 1.3 (AES-128-GCM), per CPU second of the serving process; the
other column was measured in this run, serving the same bodies from files.

| measure | this server | aim | $NGINX |
|---|--:|--:|--:|
| HTTP/1.1 quiz chunk, 64 connections, GET | $H1 | 85000 | $N1 |
| HTTP/2 quiz chunk, 64 connections, 8 in flight each, GET | $H2 | 60000 | $N2 |
| the same, 1 in flight each | $H2_ONE | 60000 | $N2_ONE |
| HTTP/1.1 1 MiB bodies, 16 connections, Gbit | $H1_SEGMENTS | 15 | $N1_SEGMENTS |
| HTTP/2 1 MiB bodies, 16 connections, 4 in flight each, Gbit | $H2_SEGMENTS | 12 | $N2_SEGMENTS |
| bytes of server memory per idle HTTP/2 connection, $FLEET_TCP of them | $IDLE | | |

$CADDY
TABLE
