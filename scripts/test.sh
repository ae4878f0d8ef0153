#!/bin/bash
# Every check and every suite, each by itself, with its time. The first failure does not stop the
# others; the table at the end tells all, and the exit code is theirs.
set -uo pipefail
cd "$(dirname "$0")/.."

names=() seconds=() outcomes=() failed=0
run() {
    local name=$1 begin=$SECONDS outcome=ok
    shift
    printf '\n== %s\n' "$name"
    "$@" || { outcome=FAILED; failed=1; }
    names+=("$name") seconds+=($((SECONDS - begin))) outcomes+=("$outcome")
}

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
run "format" cargo fmt --all --check
run "lints (clippy)" cargo clippy --quiet --workspace --all-targets -- -D warnings
run "build of the tests" cargo test --quiet --workspace --no-run
run "unit tests" cargo test --quiet --lib --bins
run "documentation tests" cargo test --quiet --doc
run "benches, once each" cargo test --quiet --bench "*"
run "load generator" cargo test --quiet --package lamplight-loadtest
for suite in tests/*.rs tests/*/main.rs; do
    [ -f "$suite" ] || continue
    case $suite in
        */main.rs) name=$(basename "$(dirname "$suite")") ;;
        *) name=$(basename "$suite" .rs) ;;
    esac
    run "suite $name" cargo test --quiet --test "$name"
done

printf '\n| check | seconds | outcome |\n|---|--:|---|\n'
total=0
for at in "${!names[@]}"; do
    printf '| %s | %s | %s |\n' "${names[$at]}" "${seconds[$at]}" "${outcomes[$at]}"
    total=$((total + seconds[at]))
done
printf '| **all** | **%s** | %s |\n' "$total" "$([ "$failed" = 0 ] && echo ok || echo FAILED)"
exit "$failed"
