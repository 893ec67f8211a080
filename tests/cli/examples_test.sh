#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# examples_test.sh NAME: runs examples/lang/NAME.garble.rs with the inputs of its line in
# examples/lang/README.md, in the clear, packed, and among parties over HTTP, and compares with the result
# there. Without an argument it names the examples. WHIST, TOOL and SOURCE come from the environment.
set -uo pipefail

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

table=$SOURCE/examples/lang/README.md
if [ $# = 0 ]; then
    sed -n 's/^| \[\([a-z_]*\)\].*/\1/p' "$table"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
line=$(grep "^| \[$1\]" "$table") || fail "$1 is not in $table"
IFS='|' read -r _ _ what inputs result _ <<<"$line"
# shellcheck disable=SC2016
mapfile -t inputs < <(grep -o '`[^`]*`' <<<"$inputs" | tr -d '`')
mapfile -t consts < <(grep -o -- '--const [A-Za-z0-9_:=]*' <<<"$what" | sed 's/--const //')
# shellcheck disable=SC2016
result=$(grep -o '`[^`]*`' <<<"$result" | tr -d '`')
program=$SOURCE/examples/lang/$1.garble.rs
n=${#inputs[@]}
[ "$n" -ge 2 ] || fail "no inputs in $line"

"$WHIST" fmt --check "$program" || fail "not formatted"
"$WHIST" check "$program" 2>"$work/warnings" || fail "does not compile: $(<"$work/warnings")"
[ ! -s "$work/warnings" ] || fail "warnings: $(<"$work/warnings")"
args=()
given=()
for value in "${inputs[@]}"; do
    args+=(--input "$value")
done
for value in "${consts[@]}"; do
    given+=(--const "$value")
done
[ "$("$WHIST" eval "$program" "${args[@]}" "${given[@]}")" = "$result" ] || fail "eval: not '$result'"

# Packed, it computes the same; and packing changes nothing.
"$WHIST" build "$program" "${given[@]}" -o "$work/built.whist" || fail 'build'
[ "$("$WHIST" local "$work/built.whist" "${args[@]}")" = "$result" ] || fail "packed: not '$result'"
"$WHIST" build "$program" "${given[@]}" -o "$work/built.txt" || fail 'build'
"$WHIST" circuit convert "$work/built.txt" -o "$work/converted.whist" || fail 'convert'
"$WHIST" circuit convert "$work/converted.whist" -o "$work/converted.txt" || fail 'convert back'
cmp "$work/built.txt" "$work/converted.txt" || fail 'another circuit after packing'

# run_all URLS: fails if a party does.
run_all() {
    local i own pids=() status=0
    for ((i = 0; i < n; i++)); do
        printf '%s\n' "${inputs[i]}" >"$work/input$i"
        own=()
        [ "$i" -ge "${#consts[@]}" ] || own=(--const "${consts[i]}") # each party sets its own
        "$WHIST" run "$program" --party "$i" --urls "$1" --input "@$work/input$i" "${own[@]}" \
            >"$work/out$i" 2>"$work/err$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || status=1
    done
    return $status
}

for _ in 1 2 3 4 5; do
    ran=0
    run_all "$("$TOOL" ports "$n")" && break
    ran=1
    grep -q 'in use' "$work"/err* || break # a port was taken meanwhile: again with others
done
[ "$ran" = 0 ] || fail "$(tail -n 3 "$work"/err*)"
for ((i = 0; i < n; i++)); do
    [ "$(<"$work/out$i")" = "$result" ] || fail "party $i: '$(<"$work/out$i")' is not '$result'"
done
