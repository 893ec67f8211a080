#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# docs_test.sh CASE: one ctest entry of tests/docs/CMakeLists.txt, which sets WHIST, MILLIONAIRES and
# PARTY (programs), LIBRARY (libwhist.so), CC, SANITIZE and SOURCE.
set -uo pipefail

fail() {
    echo "FAILED: $*" >&2
    tail -n 20 "$work"/*.err >&2 2>/dev/null
    exit 1
}

work=$(mktemp -d)
pids=()
clean_up() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    wait
    rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1

# block TITLE K [LANGUAGE]: the K-th fenced block of a section of the README, without prompts.
block() {
    awk -v title="## $1" -v want="$2" -v fence="\`\`\`${3:-sh}" '
        /^## / { inside = $0 == title }
        inside && $0 == fence { k++; show = k == want; next }
        /^```/ { show = 0 }
        show { print }' "$SOURCE/README.md"
}

# with_ports N FUNCTION: calls FUNCTION with N free ports, again with others if one is in use. FUNCTION
# leaves the errors of its parties in *.err.
with_ports() {
    local ports i range=$((12000 / $1))
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        ports=()
        for ((i = 0; i < $1; i++)); do
            ports+=($((20000 + i * range + RANDOM % range)))
        done
        rm -f ./*.err
        "$2" "${ports[@]}" && return 0
        grep -qs 'in use' ./*.err || return 1
    done
    return 1
}

# wait_all: waits for $pids; ends the others when one fails, because they would wait for it.
wait_all() {
    local status=0 i
    for ((i = 0; i < ${#pids[@]}; i++)); do
        wait -n || {
            status=1
            kill "${pids[@]}" 2>/dev/null
        }
    done
    pids=()
    return $status
}

# same FILE TEXT: the file is the text.
same() {
    [ "$(<"$1")" = "$2" ] || fail "$1 is '$(<"$1")', not '$2'"
}

# ---- Examples ----

# rich A B ANSWER: both parties find the answer.
rich() {
    "$MILLIONAIRES" "$1" "$2" >out 2>rich.err || fail "millionaires $1 $2"
    same out "party 0: $3
party 1: $3"
}

case_millionaires() {
    rich 5 7 'party 1 is richer'
    rich 18446744073709551615 18446744073709551614 'party 0 is richer'
    rich 0 0 'both are equally rich'
}

case_millionaires_usage() {
    local args status
    for args in '' '1' '1 2 3' '1 -2' '1 x' '18446744073709551616 1'; do
        status=0
        # shellcheck disable=SC2086
        "$MILLIONAIRES" $args >out 2>usage.err || status=$?
        [ "$status" = 2 ] || fail "millionaires $args: exit status $status"
        same out ''
    done
}

greatest() {
    local i numbers=(17 4000000000 23)
    for i in 0 1 2; do
        "$PARTY" $i "http://127.0.0.1:$1" "http://127.0.0.1:$2" "http://127.0.0.1:$3" \
            <<<"${numbers[i]}" >out.$i 2>party$i.err &
        pids+=($!)
    done
    wait_all
}

case_party() {
    local i
    with_ports 3 greatest || fail 'party'
    for i in 0 1 2; do
        same out.$i 4000000000
    done
}

case_party_missing() {
    local status=0
    "$PARTY" 0 http://127.0.0.1:1 2>party.err || status=$?
    [ "$status" = 2 ] || fail "one URL: exit status $status"
    status=0
    "$PARTY" 0 http://127.0.0.1:1 ftp://127.0.0.1:2 <<<1 2>party.err || status=$?
    [ "$status" = 1 ] || fail "a bad URL: exit status $status"
    status=0
    "$PARTY" 0 http://127.0.0.1:1 http://127.0.0.1:2 <<<4294967296 2>party.err || status=$?
    [ "$status" = 1 ] || fail "a number of 33 bits: exit status $status"
    grep -q '^party 0: ' party.err || fail 'no clear line'
}

# The byte stream in C++, over HTTP; BYTE_STREAM is the program.
stream() {
    local i
    for i in 0 1; do
        "$BYTE_STREAM" $i "http://127.0.0.1:$1" "http://127.0.0.1:$2" >out.$i 2>stream$i.err &
        pids+=($!)
    done
    wait_all
}

case_byte_stream_http() {
    with_ports 2 stream || fail 'byte_stream'
    grep -q '^party 0: .* all as they should be$' out.0 || fail "party 0: $(<out.0)"
    grep -q '^party 1: .* all as they should be$' out.1 || fail "party 1: $(<out.1)"
}

# ---- README ----

mkdir build && ln -s "$WHIST" build/whist

case_readme_local() {
    local k
    ln -s "$SOURCE/examples" examples
    for k in 1 2; do
        block 'Try it' "$k" >commands
        [ -s commands ] || fail "the README has no commands in \"Try it\", block $k"
        # The first lines get and build the project.
        grep '^build/whist' commands >local || fail 'no command of build/whist'
        bash -e local >out 2>local.err || fail "$(<local)"
        block 'Try it' "$k" text >wanted
        diff wanted out >&2 || fail 'the README shows another output'
    done
}

# typed K I: block 1 and block K as they are typed in terminal I, with our ports.
typed() {
    {
        block 'A first computation' 1
        block 'A first computation' "$1"
    } | sed "s/:8000/:${port[0]}/g; s/:8001/:${port[1]}/g; s/:8002/:${port[2]}/g" >"terminal$2"
}

# Block 1 is typed in all terminals, 2 to 4 (keys) and 6 to 8 (runs) in one each, 5 (session) in the
# first; the numbers are those of the text below.
first() {
    local i
    port=("$@")
    rm -rf try
    for i in 0 1 2; do
        typed $((i + 2)) $i
        grep -q "^whist keygen --name ${names[i]}$" terminal$i || fail "no key for ${names[i]}"
        bash -e terminal$i >keys.$i 2>first$i.err || return 1
    done
    typed 5 0
    bash -e terminal0 >session.out 2>first0.err || return 1
    for i in 0 1 2; do
        typed $((i + 6)) $i
        grep -q "^whist run .*--me ${names[i]} " terminal$i || fail "no command for ${names[i]}"
        bash -e terminal$i <<<"${numbers[i]}" >out.$i 2>first$i.err &
        pids+=($!)
    done
    wait_all
}

case_readme_first() {
    local i
    numbers=(11 20 11)
    names=(alice bob carol)
    with_ports 3 first || fail 'the first computation of the README'
    block 'A first computation' 1 text >wanted
    [ -s wanted ] || fail 'the README shows no output'
    for i in 0 1 2; do
        diff wanted out.$i >&2 || fail "${names[i]}: the README shows another output"
    done
}

without_keys() {
    block 'The same on three machines' 1 | sed "s/:8000/:$1/g; s/:8001/:$2/g; s/^whist/build\/whist/" >plain
    echo wait >>plain
    bash -e plain >out 2>plain.err
}

case_readme_without_keys() {
    with_ports 2 without_keys || fail 'the commands without keys of the README'
    same out 'output 0 = 42 (0x0000002a)
output 0 = 42 (0x0000002a)'
}

# The program of the README, as a party of two; the other one is the command.
two() {
    sed "s/:8000/:$1/g; s/:8001/:$2/g" program.c >p.c
    local flags=()
    [ -z "$SANITIZE" ] || flags+=("-fsanitize=$SANITIZE")
    "$CC" -std=c11 -Wall -Wextra "${flags[@]}" -I"$SOURCE/include" p.c -o program "$LIBRARY" \
        "-Wl,-rpath,$(dirname "$LIBRARY")" 2>cc.err || fail 'the program does not compile'
    [ ! -s cc.err ] || fail 'the program does not compile without warnings'
    ./program >out.0 2>program.err &
    pids+=($!)
    "$WHIST" run add --party 1 --urls "http://127.0.0.1:$1;http://127.0.0.1:$2" --input - <<<20 \
        >out.1 2>whist.err &
    pids+=($!)
    wait_all
}

case_readme_program() {
    block 'Using the library' 1 c >program.c
    [ -s program.c ] || fail 'the README has no program'
    with_ports 2 two || fail 'the program of the README'
    same out.1 'output 0 = 31 (0x0000001f)'
    same out.0 31
}

declare -F "case_$1" >/dev/null || fail "no case $1"
"case_$1"
