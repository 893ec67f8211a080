# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034
# For the scripts of this folder: processes in the background, checks, one temporary folder ($work).

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$work"/*.err >&2 2>/dev/null
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

equal() {
    [ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# start NAME COMMAND...: in the background, with its streams in $work/NAME.out and .err.
declare -A pid=()
start() {
    local name=$1
    shift
    "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
    pid[$name]=$!
}

# ended NAME: waits for it; its exit status is in $status, its streams in $out and $err.
ended() {
    status=0
    wait "${pid[$1]}" || status=$?
    out=$(<"$work/$1.out")
    err=$(<"$work/$1.err")
    unset "pid[$1]"
}

finish() {
    local p
    for p in "${pid[@]}"; do
        kill "$p" 2>/dev/null
    done
    { wait; } 2>/dev/null
    [ -n "${KEEP:-}" ] && cp -r "$work" "$KEEP"
    rm -rf "$work"
}

# now_ms: for figures that are shown, not for checks.
now_ms() {
    local t=${EPOCHREALTIME/[.,]/}
    echo "${t%???}"
}

work=$(mktemp -d)
trap finish EXIT
