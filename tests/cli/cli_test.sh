#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# cli_test.sh CASE: one ctest entry of tests/cli/CMakeLists.txt, which sets WHIST (the command), TOOL
# (cli_tool), SOURCE and SHARED. Without an argument it names its cases.
set -uo pipefail

fail() {
    echo "FAILED: $*" >&2
    if [ -n "${work:-}" ]; then
        tail -n 5 "$work"/*.err >&2 2>/dev/null
    fi
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# whist STATUS ARGS...: runs the command; its output is in $out, its errors in $err.
whist() {
    local want=$1 status=0
    shift
    out=$("$WHIST" "$@" 2>"$work/last.err") || status=$?
    err=$(<"$work/last.err")
    [ "$status" = "$want" ] || fail "whist $*: exit status $status, not $want: $err"
}

# usage ARGS...: wrong usage gives exit status 2, nothing on standard output and one line that says what
# is wrong, with and without JSON.
usage() {
    whist 2 "$@"
    [ -z "$out" ] || fail "whist $*: printed '$out'"
    [ "$(wc -l <"$work/last.err")" = 1 ] || fail "whist $*: not one line: $err"
    case $err in
    whist*:\ ?*) ;;
    *) fail "whist $*: '$err' is no clear line" ;;
    esac
}

# says TEXT: the last error or output holds it.
says() {
    case $err$out in
    *"$1"*) ;;
    *) fail "'$1' is not in: $err $out" ;;
    esac
}

equal() {
    [ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# json PATH <<<TEXT: a value of the object on the last line.
json() {
    local all
    all=$("$TOOL" json) || fail "no JSON"
    sed -n "s/^$(sed 's/[].[]/\\&/g' <<<"$1")=//p" <<<"$all"
}

ports() {
    "$TOOL" ports "$1"
}

# parties N FUNCTION: calls FUNCTION URLS with free ports, again with others if one was taken meanwhile.
# FUNCTION leaves the errors of its parties in $work/*.err.
parties() {
    for _ in 1 2 3 4 5; do
        rm -f "$work"/*.err
        "$2" "$(ports "$1")" && return 0
        grep -qs 'in use' "$work"/*.err || return 1
    done
    return 1
}

# start NAME ARGS...: runs the command in the background with its streams in $work/NAME.out and .err.
declare -A pid=()
start() {
    local name=$1
    shift
    "$WHIST" "$@" >"$work/$name.out" 2>"$work/$name.err" &
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
        kill -KILL "$p" 2>/dev/null
    done
    { wait; } 2>/dev/null
    rm -rf "$work"
}

# ---- Usage and help ----

case_usage() {
    usage
    says "a command is missing"
    usage frobnicate
    says "unknown command 'frobnicate'"
    usage circuit
    usage circuit frobnicate
    usage channel
    usage bench
    usage --frobnicate
    usage run
    usage run circuit.txt
    says "--session FILE and --me NAME"
    usage run circuit.txt --urls 'http://127.0.0.1:1;http://127.0.0.1:2'
    says "--party is missing"
    usage run circuit.txt --party 0
    says "--urls is missing"
    usage run circuit.txt --party 0 --urls
    says "--urls needs an argument"
    usage run add --party x --urls 'http://127.0.0.1:1;http://127.0.0.1:2' --input 1
    says "--party takes a number"
    usage run add --party 99999999999999999999 --urls 'http://127.0.0.1:1;http://127.0.0.1:2'
    usage run add --party 2 --urls 'http://127.0.0.1:1;http://127.0.0.1:2' --input 1
    says "--party 2 is not one of the 2 parties"
    usage run add --party 0 --party 0 --urls 'http://127.0.0.1:1;http://127.0.0.1:2' --input 1
    says "--party is given twice"
    usage run add extra --party 0 --urls 'http://127.0.0.1:1;http://127.0.0.1:2'
    says "unexpected operand 'extra'"
    usage run add --frobnicate --party 0 --urls 'http://127.0.0.1:1;http://127.0.0.1:2'
    says "unknown option '--frobnicate'"
    usage run add -x
    usage run add --insecure=1 --party 0 --urls 'http://127.0.0.1:1;http://127.0.0.1:2'
    says "--insecure takes no argument"
    usage circuit make add --party 0
    says "unknown option '--party'"
    usage party
    usage session frobnicate
    usage party show
    says "--url is missing"
    usage session make
    usage session make one.card
    says "operand missing"
    usage keygen --days 0
    usage keygen --name 'a b'
    says "no name of a party"
    usage keygen --name -x
    usage keygen --name .x
}

# The two ways to name the parties do not mix.
case_usage_link() {
    local two='http://127.0.0.1:1;http://127.0.0.1:2'
    usage run add --session s.json --party 0 --input 1
    says "--party and --urls cannot go with it"
    usage run add --session s.json --input 1
    says "--me is missing"
    usage run add --session s.json --me a --insecure --input 1
    usage run add --session s.json --me a --legacy --input 1
    usage run add --party 0 --urls "$two" --me a --input 1
    says "go with --session"
    usage run add --party 0 --urls "$two" --key a.key --input 1
    usage run add --party 0 --urls "$two" --trusted-proxy 127.0.0.1 --input 1
    says "--proxy-header"
    usage ping --session s.json --urls "$two"
    usage run add --party 0 --urls "$two" --hosts 'a;b;c' --input 1
    says "--hosts names 3 servers of 2 parties"
    usage run add --party 0 --urls "$two" --hosts ';a b' --input 1
    usage run add --party 0 --urls 'http://192.0.2.1:1;http://192.0.2.2:2' --insecure --input 1
    says "token"
    whist 1 run add --session "$work/nosuchfile" --me a --input 1
}

case_usage_urls() {
    local two='http://127.0.0.1:1;http://127.0.0.1:2'
    usage run add --party 0 --urls 'http://127.0.0.1:1' --input 1
    says "two at least"
    usage run add --party 0 --urls 'http://127.0.0.1:1;;http://127.0.0.1:2' --input 1
    says "the URL of party 1 is empty"
    usage run add --party 0 --urls 'ftp://127.0.0.1:1;http://127.0.0.1:2' --input 1
    usage run add --party 0 --urls 'http://127.0.0.1:99999;http://127.0.0.1:2' --input 1
    usage run add --party 0 --urls 'http://192.0.2.1:1;http://192.0.2.2:2' --input 1
    says "--insecure"
    usage run add --party 0 --urls "$two" --input 1 --listen nonsense
    usage run add --party 0 --urls "$two" --input 1 --timeout 0
    usage run add --party 0 --urls "$two" --input 1 --timeout -1
    usage run add --party 0 --urls "$two" --input 1 --timeout 1.2345
    usage run add --party 0 --urls "$two" --input 1 --evaluator 2
    says "--evaluator 2"
    usage run add --party 0 --urls "$two" --input 1 --output-to 0,2
    usage run add --party 0 --urls "$two" --input 1 --output-to 0,
    usage run add --party 0 --urls "$two" --input 1 --owners 0
    says "--owners names 1"
    usage run add --party 0 --urls "$two" --input 1 --owners 0,2
    usage run add --party 0 --urls "$two" --input 1 --owners 0,1,1
    usage run add --party 0 --urls "$two" --input 1 --rho 39
    usage run add --party 0 --urls "$two" --input 1 --log loud
    says "--log takes"
    usage channel send --party 0 --urls "$two" --to 2 /dev/null
    usage channel send --party 0 --urls "$two" --to 0 /dev/null
    says "own party"
    usage channel recv --party 0 --urls "$two" --from 1 --count 0
    usage ping --urls "$two" --party 7
    usage ping
}

case_usage_values() {
    usage circuit eval add --input 1
    says "2 inputs, but --input is given 1 time"
    usage circuit eval add --input 1 --input x
    says "circuit input 1"
    usage circuit eval add --bits 8 --input 256 --input 0
    usage circuit eval add --input '' --input 0
    usage circuit eval add --input 0x --input 0
    usage circuit eval add --input 0b2 --input 0
    usage circuit eval add --input -1 --input 0
    usage local add --input 1
    usage local add --input 1 --input 2 --parties 1
    usage local add --input 1 --input 2 --parties 65
    usage local add --input 1 --input 2 --owners 0,3
    usage circuit make nosuchcircuit
    usage circuit make add --bits 0
    usage circuit info "$work" --bits 3
    out=$("$WHIST" circuit eval add --input - --input - 2>"$work/last.err" <<<7) && fail "one line for two"
    equal "$?" 2
    out=$("$WHIST" circuit eval add --input - --input 1 2>"$work/last.err" <<<$'7\n8') &&
        fail "two lines for one"
    # Private values do not come back in messages.
    usage circuit eval add --input 271828x --input 0
    case $err in *271828*) fail "the value is in: $err" ;; esac
}

case_usage_json() {
    whist 2 run --json
    equal "$(json .error.status <<<"$out")" argument
    says "operand missing"
    whist 2 circuit eval add --json --input 1
    equal "$(json .error.status <<<"$out")" argument
    equal "$(json .error.peer <<<"$out")" null
    equal "$(json .error.phase <<<"$out")" ''
    whist 1 circuit eval "$work/"$'odd"\\\n\xff name' --json
    grep -q 'odd"\\?' <<<"$(json .error.text <<<"$out")" || fail "not escaped: $out"
}

case_help() {
    local name
    whist 0 --help
    says "usage: whist"
    equal "$err" ''
    whist 0 help
    whist 0 --version
    [[ $out =~ ^whist\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "version '$out'"
    for name in "${commands[@]}"; do
        # shellcheck disable=SC2086
        whist 0 $name --help
        says "usage: whist $name"
        # shellcheck disable=SC2086
        whist 0 help $name
        says "usage: whist $name"
    done
    whist 0 circuit --help
    says "circuit make"
    whist 0 help channel
    says "channel recv"
    whist 0 run --help
    says "--party I"
}

# Every option of every command stands in its man page and in the completion; the man page has no other.
case_documented() {
    local name page option given documented
    whist 0 --help
    for name in "${commands[@]}"; do
        grep -q "^  $name " <<<"$out" || fail "whist --help does not name '$name'"
    done
    equal "$(grep -c '^  [a-z]' <<<"$out")" "${#commands[@]}"
    for name in "${commands[@]}"; do
        page=$SOURCE/man/whist-${name%% *}.1
        [ -f "$page" ] || fail "$page is missing"
        # shellcheck disable=SC2086
        whist 0 $name --help
        for option in $(grep -o '^ .*--[a-z-]*' <<<"$out" | grep -o -- '--[a-z-]*' | sort -u); do
            grep -qF -- "${option//-/\\-}" "$page" || fail "$option of '$name' is not in $page"
            completed "$name" "$option" || fail "$option of '$name' is not completed"
        done
    done
    for page in "$SOURCE"/man/whist-*.1; do
        name=$(basename "$page" .1)
        given=$("$WHIST" --help | sed -n "s/^  \(${name#whist-}[a-z ]*\)  .*/\1/p" | while read -r name; do
            # shellcheck disable=SC2086
            "$WHIST" $name --help
        done)
        documented=$(grep '^\.B[RI]* \?\\-\\-' "$page" | grep -o '\\-\\-[a-z\\-]*' | tr -d '\\' | sort -u)
        for option in $documented; do
            grep -qF -- "$option" <<<"$given" || fail "$page documents $option, which is no option"
        done
    done
}

# completed COMMAND OPTION: bash completion offers it.
completed() {
    local line="whist $1 $2"
    (
        # shellcheck source=/dev/null
        source "$SOURCE/completions/whist"
        # shellcheck disable=SC2206
        COMP_WORDS=($line)
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE=$line COMP_POINT=${#line}
        COMPREPLY=()
        _whist
        # No pipe: grep -q leaves at the first match, and the writer's SIGPIPE would count.
        grep -qxF -- "$2" <<<"$(printf '%s\n' "${COMPREPLY[@]}")"
    )
}

case_completion() {
    completed '' circuit || fail "circuit"
    completed circuit make || fail "circuit make"
    completed 'circuit make' auction || fail "circuit make auction"
}

# ---- Circuits in the clear ----

case_circuit_make() {
    local name list
    whist 0 circuit make
    list=$out
    for name in add mul div max compare auction aes128 sha256; do
        grep -q "^$name " <<<"$list" || fail "$name is not listed"
        whist 0 circuit make "$name" -o "$work/$name.txt"
        whist 0 circuit check "$work/$name.txt"
        whist 0 circuit info "$work/$name.txt"
        says "AND"
        "$WHIST" circuit make "$name" | cmp - "$work/$name.txt" || fail "$name on standard output"
    done
    whist 0 circuit info --json auction --bidders 5 --bits 16
    equal "$(json '.inputs[4]' <<<"$out")" 16
    equal "$(json '.inputs[5]' <<<"$out")" ''
    whist 1 circuit make add -o "$work/no/such/folder"
    whist 1 circuit make add -o /dev/full
}

case_circuit_eval() {
    whist 0 circuit eval add --input 2 --input 0x2
    equal "$out" "output 0 = 4 (0x00000004)"
    whist 0 circuit eval add --operands 3 --json --input 2 --input=0b10 --input 2
    equal "$out" '{"outputs":["0x00000006"]}'
    printf ' 41\n' >"$work/value"
    printf '1\n' | "$WHIST" circuit eval --input "@$work/value" add --input - >"$work/out" || fail eval
    equal "$(<"$work/out")" "output 0 = 42 (0x0000002a)"
    printf '\n40\n2\n\n' | "$WHIST" circuit eval add --input - --input - >"$work/out" || fail eval
    equal "$(<"$work/out")" "output 0 = 42 (0x0000002a)"
    whist 1 circuit eval add --input "@$work/nosuchfile" --input 1
    whist 1 circuit eval "$work/nosuchfile" --input 1
    whist 0 circuit eval --input 1 --input 2 -- add
    equal "$out" "output 0 = 3 (0x00000003)"
}

case_circuit_eval_known() {
    # FIPS 197, appendix C.1; FIPS 180-4, "abc"; a Vickrey auction.
    whist 0 circuit eval aes128 --json --input 0x000102030405060708090a0b0c0d0e0f \
        --input 0x00112233445566778899aabbccddeeff
    equal "$(json '.outputs[0]' <<<"$out")" 0x69c4e0d86a7b0430d8cdb78070b4c55a
    whist 0 circuit eval sha256 --json --input "0x61626380$(printf '%0120x' 0x18)" \
        --input 0x6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19
    equal "$(json '.outputs[0]' <<<"$out")" \
        0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
    whist 0 circuit eval auction --input 300 --input 500 --input 420
    equal "$(head -n 1 <<<"$out" | cut -d' ' -f4)" 1
    equal "$(sed -n 2p <<<"$out" | cut -d' ' -f4)" 420
}

case_circuit_convert() {
    whist 0 circuit make add --bits 8 -o "$work/new.txt"
    whist 0 circuit convert --older "$work/new.txt" --output="$work/old.txt"
    cmp -s "$work/new.txt" "$work/old.txt" && fail "the older format is the same"
    whist 0 circuit convert "$work/old.txt" -o "$work/again.txt"
    whist 0 circuit eval "$work/again.txt" --json --input 200 --input 100
    equal "$(json '.outputs[0]' <<<"$out")" 0x2c
    "$WHIST" circuit convert - <"$work/new.txt" >"$work/piped.txt" || fail "from standard input"
    cmp "$work/new.txt" "$work/piped.txt" || fail "converted once more it is different"
}

case_circuit_check() {
    printf '1 3\n2 1 1\n1 1\n\n2 1 0 7 2 AND\n' >"$work/bad.txt"
    whist 1 circuit check "$work/bad.txt"
    says "line 5"
    equal "$(wc -l <"$work/last.err")" 1
    whist 1 circuit info --json "$work/bad.txt"
    equal "$(json .error.status <<<"$out")" format
    : >"$work/empty.txt"
    whist 1 circuit check "$work/empty.txt"
    whist 1 circuit check "$work"
    whist 1 circuit check "$work/nosuchfile"
    whist 1 circuit check nosuchname
}

case_output_full() {
    "$WHIST" circuit eval add --input 1 --input 1 >/dev/full 2>"$work/last.err" && fail "full disk"
    equal "$?" 1
    "$WHIST" --help >/dev/full 2>/dev/null && fail "full disk"
    "$WHIST" circuit eval add --json --input 1 --input 1 >/dev/full 2>"$work/last.err" && fail "full disk"
    return 0
}

# ---- The channel ----

send_and_recv() {
    rm -rf "$work/in"
    start recv channel recv --party 1 --urls "$1" --from 0 --count 3 --out "$work/in" --timeout 60
    "$WHIST" channel send "$work"/m[012] --party 0 --urls "$1" --to 1 --timeout 60 2>"$work/send.err" ||
        return 1
    ended recv
    equal "$status" 0
}

# Several commands, one message each.
send_and_recv_legacy() {
    local i
    rm -rf "$work/in"
    start recv channel recv --party 1 --urls "$1" --from 0 --count 3 --out "$work/in" --legacy --timeout 60
    for i in 0 1 2; do
        "$WHIST" channel send "$work/m$i" --party 0 --urls "$1" --to 1 --legacy --timeout 60 \
            2>"$work/send.err" || return 1
    done
    ended recv
    equal "$status" 0
}

case_channel_files() {
    local i mode
    head -c 100000 /dev/urandom >"$work/m0"
    : >"$work/m1"
    head -c 5000000 /dev/urandom >"$work/m2" # more than the legacy wire carries
    for mode in send_and_recv send_and_recv_legacy; do
        parties 2 $mode || fail "$mode"
        equal "$(ls "$work/in" | tr '\n' ' ')" "000000 000001 000002 "
        for i in 0 1 2; do
            cmp "$work/m$i" "$work/in/00000$i" || fail "message $i"
        done
        head -c 2097152 /dev/urandom >"$work/m2"
    done
}

stdin_to_stdout() {
    start recv channel recv --party 1 --urls "$1" --from 0 --timeout 60
    printf 'hello' | "$WHIST" channel send --party 0 --urls "$1" --to 1 --timeout 60 2>"$work/send.err" ||
        return 1
    ended recv
    equal "$status" 0
    equal "$out" hello
}

case_channel_stdout() {
    parties 2 stdin_to_stdout || fail "channel"
}

# One of the two is interrupted while the sender waits for its next file: the other one is told why.
interrupted_channel() {
    rm -rf "$work/next" "$work/in"
    mkfifo "$work/next"
    printf 'one' >"$work/m0"
    start recv channel recv --party 1 --urls "$1" --from 0 --count 2 --out "$work/in" --timeout 60
    start send channel send "$work/m0" "$work/next" --party 0 --urls "$1" --to 1 --timeout 60
    until [ -s "$work/in/000000" ]; do
        grep -qs 'in use' "$work"/*.err && return 1
        sleep 0.05
    done
    kill -TERM "${pid[$victim]}"
    ended recv # an interrupted sender tells it while it still reads its file
    equal "$status" "$([ "$victim" = recv ] && echo 1 || echo 4)"
    says cancelled
    echo two >"$work/next"
    ended send
    equal "$status" "$([ "$victim" = send ] && echo 1 || echo 4)"
    says cancelled
}

case_channel_interrupt() {
    for victim in recv send; do
        parties 2 interrupted_channel || fail "$victim"
    done
}

case_channel_limits() {
    local urls
    urls=$(ports 2)
    head -c 2097153 /dev/zero >"$work/large"
    whist 1 channel send "$work/large" --party 0 --urls "$urls" --to 1 --legacy
    says 2097152
    whist 5 channel send /dev/null --party 0 --urls "$urls" --to 1 --timeout 0.3
    whist 5 channel recv --party 0 --urls "$urls" --from 1 --timeout=0.3 --out "$work/in"
    equal "$(ls "$work/in")" ''
    : >"$work/in/000000"
    whist 1 channel recv --party 0 --urls "$urls" --from 1 --timeout 0.3 --out "$work/in"
    says 000000
    whist 1 channel send "$work/nosuchfile" --party 0 --urls "$urls" --to 1
}

ping_all() {
    local two=${1%;*}
    start recv channel recv --party 0 --urls "$1" --from 1 --timeout 60
    start other channel recv --party 1 --urls "$1" --from 0 --timeout 60
    "$WHIST" ping --urls "$two" --timeout 60 >"$work/ping.out" 2>"$work/ping.err"
    status=$?
    grep -qs 'in use' "$work"/*.err && return 1
    equal "$status" 0
    equal "$(grep -c 'up, [0-9.]* ms' "$work/ping.out")" 2
    whist 0 ping --urls "$two" --json
    equal "$(json '.parties[1].up' <<<"$out")" true
    whist 5 ping --urls "$1" --timeout 1
    grep -q "^party 2 .*refused" <<<"$out" || fail "what is wrong with party 2: $out"
    grep -q "^party 0 .*up, " <<<"$out" || fail "party 0 is up: $out"
    whist 0 ping --urls "$1" --party 2
    whist 5 ping --urls "$1" --json --timeout 1
    equal "$(json .error.peer <<<"$out")" 2
}

case_ping() {
    parties 3 ping_all || fail "ping"
}

# ---- Computations ----

# three URLS ARGS...: three parties of a circuit; party i gets the input ${input[i]}.
three() {
    local urls=$1 i bad=0
    shift
    for i in 0 1 2; do
        printf '%s\n' "${input[i]}" >"$work/input$i"
        start "party$i" run "$@" --party "$i" --urls "$urls" --input "@$work/input$i" --timeout 60
    done
    for i in 0 1 2; do
        ended "party$i"
        [ "$status" = 0 ] || bad=1
    done
    return "$bad"
}

run_add() {
    three "$1" add --operands 3
}

case_run_add() {
    local i
    input=(2 0x2 0b10)
    parties 3 run_add || fail "three parties"
    for i in 0 1 2; do
        equal "$(<"$work/party$i.out")" "output 0 = 6 (0x00000006)"
        equal "$(<"$work/party$i.err")" ""
    done
}

run_options() {
    three "$1" max --operands 3 --evaluator 2 --output-to 0,2 --owners 2,1,0 --json --rho 44
}

case_run_options() {
    local i stats
    input=(7 9 8)
    parties 3 run_options || fail "three parties"
    for i in 0 2; do
        equal "$(json '.outputs[0]' <"$work/party$i.out")" 0x00000009
        equal "$(wc -l <"$work/party$i.out")" 1
    done
    equal "$(json '.outputs[0]' <"$work/party1.out")" ""
    stats=$("$TOOL" json <"$work/party0.out")
    for i in time_s bytes_sent bytes_received rounds 'phases\[0\].phase' 'phases\[0\].peer' \
        'phases\[0\].bytes_sent'; do
        grep -q "^\.stats\.$i=..*" <<<"$stats" || fail "stats have no $i"
    done
    equal "$(sed -n 's/^\.stats\.bytes_sent=//p' <<<"$stats")" \
        "$(sed -n 's/^\.stats\.phases.*\.bytes_sent=//p' <<<"$stats" | paste -sd+ | bc_sum)"
}

bc_sum() {
    local line
    read -r line
    echo $((line))
}

run_stats() {
    three "$1" add --operands 3 --stats --log "info=$work/log"
}

case_run_stats() {
    input=(1 2 3)
    parties 3 run_stats || fail "three parties"
    grep -q '^cost: .* rounds$' "$work/party1.out" || fail "no costs"
    grep -q '^  hello' "$work/party1.out" || fail "no phases"
}

run_several_inputs() {
    local bad=0
    printf '5\n7\n' >"$work/values"
    "$WHIST" run add --operands 3 --owners 1,0,1 --party 1 --urls "$1" --input - --input - --timeout 60 \
        <"$work/values" >"$work/party1.out" 2>"$work/party1.err" &
    pid[party1]=$!
    start party0 run add --operands 3 --owners 1,0,1 --party 0 --urls "$1" --input "@$work/zero" --timeout 60
    for i in 0 1; do
        ended "party$i"
        [ "$status" = 0 ] || bad=1
    done
    return "$bad"
}

case_run_several_inputs() {
    echo 30 >"$work/zero"
    parties 2 run_several_inputs || fail "two parties"
    equal "$(<"$work/party0.out")" "output 0 = 42 (0x0000002a)"
    whist 2 run add --operands 3 --owners 1,0,1 --party 1 --urls "$(ports 2)" --input 1
    says "the circuit has 3 inputs; party 1 owns 2 of them, but --input is given 1 times"
}

# ---- Programs ----

# Writes the program of the cases: a sum of rows whose numbers the parties set.
write_program() {
    cat >"$work/sum.rs" <<'END'
const N: usize = PARTY_0::ROWS;
const M: usize = PARTY_1::ROWS;

pub fn main(a: [u8; N], b: [u8; M]) -> u8 {
    let mut s = 0u8;
    for x in a {
        s += x;
    }
    for x in b {
        s += x;
    }
    s
}

pub fn first(a: [i8; 2]) -> i8 {
    a[0] - a[1]
}
END
}

case_lang_eval() {
    local rows='--const PARTY_0::ROWS=2 --const PARTY_1::ROWS=1'
    write_program
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" $rows --input '[1, 2]' --input '[3]'
    equal "$out" 6
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" $rows --input '[1, 2]' --input '[3]' --json
    equal "$(json .status <<<"$out") $(json .output <<<"$out") $(json .bits <<<"$out")" 'ok 6 00000110'
    [ "$(json .and_gates <<<"$out")" -gt 0 ] || fail "$out"
    # shellcheck disable=SC2086
    whist 3 eval "$work/sum.rs" $rows --input '[1, 200]' --input '[100]'
    says "panic: overflow at $work/sum.rs:10:9"
    # shellcheck disable=SC2086
    whist 3 eval "$work/sum.rs" $rows --input '[1, 200]' --input '[100]' --json
    equal "$(json .status <<<"$out") $(json .reason <<<"$out") $(json .site.line <<<"$out") $(json .site.column <<<"$out")" \
        'panic Overflow 10 9'
    # shellcheck disable=SC2086
    whist 3 eval "$work/sum.rs" $rows --input '[1, 200]' --input '[100]' --json --panics flag
    equal "$(json .reason <<<"$out")" Unknown
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" $rows --input '[1, 200]' --input '[100]' --panics off -O2
    equal "$out" 45
    printf '// A sum.\n// whist: panics = off\n' | cat - "$work/sum.rs" >"$work/wraps.rs"
    # shellcheck disable=SC2086
    whist 0 eval "$work/wraps.rs" $rows --input '[1, 200]' --input '[100]'
    equal "$out" 45
    # shellcheck disable=SC2086
    whist 3 eval "$work/wraps.rs" $rows --input '[1, 200]' --input '[100]' --panics flag
    sed -i 's/panics = off/panics = never/' "$work/wraps.rs"
    # shellcheck disable=SC2086
    whist 1 eval "$work/wraps.rs" $rows --input '[1, 200]' --input '[100]'
    says 'line 2: a comment to Whist says'
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" --fn first --input -5 --input 3 $rows
    equal "$out" -8
    # shellcheck disable=SC2086
    printf '[-5, 3]\n' | "$WHIST" eval "$work/sum.rs" --fn first $rows --input - >"$work/out" || fail "whole array"
    equal "$(<"$work/out")" -8
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" --fn first $rows --input '5 + 5' --input 3
    equal "$out" 2
    says 'warning: input 0: the text after its value is ignored'
    # shellcheck disable=SC2086
    whist 0 eval "$work/sum.rs" $rows --compile-only --json
    equal "$(json .status <<<"$out")" compiles
    printf '# rows\nPARTY_0::ROWS = 2usize\n\nPARTY_1::ROWS=1\n' >"$work/consts"
    whist 0 eval "$work/sum.rs" --const "@$work/consts" --input-json --input '[1, 2]' --input '[3]'
    equal "$out" 6
}

case_lang_errors() {
    local rows='--const PARTY_0::ROWS=2 --const PARTY_1::ROWS=1' const
    write_program
    whist 1 eval "$work/sum.rs" --input '[1]' --json
    equal "$(json .status <<<"$out") $(json '.errors[0].kind' <<<"$out") $(json '.errors[0].line' <<<"$out")" \
        'error MissingConstant 1'
    says "give it with --const PARTY_0::ROWS=VALUE"
    # shellcheck disable=SC2086
    usage eval "$work/sum.rs" $rows --input '[1, 2]'
    says 'main takes 2 inputs (a: [u8; N], b: [u8; M]), but --input is given 1 time'
    # shellcheck disable=SC2086
    usage eval "$work/sum.rs" $rows --input '[1, 256]' --input '[3]'
    says 'input 0 (a: [u8; N])'
    usage eval "$work/sum.rs" --const ROWS=1 --input 1
    usage eval "$work/sum.rs" --const PARTY_0::ROWS=1 --const PARTY_0::ROWS=2 --input 1
    says 'it was set to 1 before'
    usage eval "$work/sum.rs" --panics never --input 1
    # Names and values are plain: what a peer announces is shown on the terminal.
    for const in $'PARTY_0::ROWS=2\e[31m' 'PARTY 0::ROWS=2' 'PARTY_0::ROWS' 'PARTY_0:ROWS=2' '0::ROWS=2' \
        "PARTY_0::ROWS=$(printf '2%.0s' {1..300})"; do
        usage eval "$work/sum.rs" --const "$const" --input 1
    done
    printf 'PARTY_0::ROWS=2\nnonsense\n' >"$work/consts"
    usage eval "$work/sum.rs" --const "@$work/consts" --input 1
    says "consts, line 2: 'nonsense' is not a constant"
    echo 'pub fn main(x: u8) -> u8 { x + true }' >"$work/bad.rs"
    whist 1 check "$work/bad.rs"
    says 'error[TypeMismatch]'
    says "$work/bad.rs:1:"
    whist 1 check "$work/bad.rs" --json
    equal "$(json '.diagnostics[0].kind' <<<"$out")" TypeMismatch
    whist 1 local "$work/bad.rs" --input 1 --json
    equal "$(json '.errors[0].kind' <<<"$out")" TypeMismatch
    whist 0 check "$work/sum.rs" --json
    equal "$out" '{"status":"ok","diagnostics":[]}'
    whist 0 explain TypeMismatch
    usage explain Nothing
    "$WHIST" circuit make add >"$work/add.txt"
    whist 1 eval "$work/add.txt" --input 1
    says 'is a circuit and not a program'
    usage local "$work/add.txt" --fn main --input 1 --input 2
    usage local "$work/sum.rs" --bits 8 --input 1 --input 2
}

case_lang_build() {
    write_program
    printf 'PARTY_0::ROWS = 2\nPARTY_1::ROWS = 1\n' >"$work/consts"
    whist 0 build "$work/sum.rs" --fn first --const "@$work/consts" -o "$work/first.txt"
    whist 0 circuit info "$work/first.txt" --json
    equal "$(json '.inputs[0]' <<<"$out") $(json '.inputs[1]' <<<"$out")" '8 8'
    whist 0 cost "$work/sum.rs" --const "@$work/consts" --fn first
    says 'a[0] - a[1]'
    whist 0 cost "$work/sum.rs" --const "@$work/consts" --fn first --parties 4 --json
    equal "$(json '.functions[0].name' <<<"$out") $(json '.estimates[0].parties' <<<"$out")" 'first 4'
    printf 'pub fn main(x:u8,y : u8)->u8{\nx+y\n}\n' >"$work/ugly.rs"
    whist 1 fmt --check "$work/ugly.rs"
    says 'is not formatted'
    whist 0 fmt "$work/ugly.rs"
    equal "$(<"$work/ugly.rs")" $'pub fn main(x: u8, y: u8) -> u8 {\n    x + y\n}'
    whist 0 fmt --check "$work/ugly.rs"
}

case_lang_packed() { # a packed circuit stands for its program
    local rows=(--const PARTY_0::ROWS=2 --const PARTY_1::ROWS=1) http
    write_program
    whist 0 build "$work/sum.rs" "${rows[@]}" -o "$work/sum.whist"
    whist 0 build "$work/sum.rs" "${rows[@]}" --format whist
    "$WHIST" build "$work/sum.rs" "${rows[@]}" --format whist | cmp - "$work/sum.whist" || fail 'other bytes'
    whist 0 build "$work/sum.rs" "${rows[@]}" -o "$work/sum.txt"
    whist 0 circuit convert "$work/sum.whist" -o "$work/again.txt"
    cmp "$work/sum.txt" "$work/again.txt" || fail 'another circuit'
    whist 0 circuit convert "$work/sum.whist" --format whist -o "$work/again"
    cmp "$work/sum.whist" "$work/again" || fail 'the description is lost'
    whist 0 circuit check "$work/sum.whist"
    for http in '' --http; do
        # shellcheck disable=SC2086
        whist 0 local "$work/sum.whist" $http --input '[1, 2]' --input '[3]'
        equal "$out" 6
    done
    whist 3 local "$work/sum.whist" --input '[1, 200]' --input '[100]' --json
    local packed=$out
    whist 3 local "$work/sum.rs" "${rows[@]}" --input '[1, 200]' --input '[100]' --json
    equal "${packed%%,\"stats\"*}" "${out%%,\"stats\"*}"
    out=$("$WHIST" local - --input '[1, 2]' --input '[3]' <"$work/sum.whist") || fail 'standard input'
    equal "$out" 6
    usage local "$work/sum.whist" "${rows[@]}" --input '[1, 2]' --input '[3]'
    usage local "$work/sum.whist" --input 1
    usage build "$work/sum.rs" --format zip
    usage circuit convert "$work/sum.txt" --older -o "$work/x.whist"
    head -c -1 "$work/sum.whist" >"$work/cut.whist"
    whist 1 local "$work/cut.whist" --input '[1, 2]' --input '[3]'
    says 'cut.whist: byte '
    whist 1 circuit info "$work/cut.whist"
    whist 1 build "$work/sum.rs" "${rows[@]}" --format whist -o /dev/full
    whist 1 check "$work/sum.whist"
    says 'is a circuit and not a program'
}

case_lang_packed_run() { # over HTTP; parties with different files end before data
    local rows=(--const PARTY_0::ROWS=2 --const PARTY_1::ROWS=1)
    write_program
    whist 0 build "$work/sum.rs" "${rows[@]}" -o "$work/sum.whist"
    whist 0 build "$work/sum.rs" "${rows[@]}" --panics flag -o "$work/flag.whist"
    run_two "$work/sum.whist" "$work/sum.whist" || fail 'the parties did not agree'
    equal "$(<"$work/out0") $(<"$work/out1")" '6 6'
    run_two "$work/sum.whist" "$work/flag.whist" && fail 'they agreed on different circuits'
    grep -q 'the parties are not about to run the same' "$work/err0" || fail "$(<"$work/err0")"
}

# run_two FILE FILE: two parties with their files; fails if one does.
run_two() {
    local urls first second status=0
    urls=$("$TOOL" ports 2)
    "$WHIST" run "$1" --party 0 --urls "$urls" --timeout 20 --input '[1, 2]' >"$work/out0" 2>"$work/err0" &
    first=$!
    "$WHIST" run "$2" --party 1 --urls "$urls" --timeout 20 --input '[3]' >"$work/out1" 2>"$work/err1" &
    second=$!
    wait "$first" || status=1
    wait "$second" || status=1
    return $status
}

case_lang_local() {
    local consts=(--const PARTY_0::ROWS=2 --const PARTY_1::ROWS=1) http
    write_program
    for http in '' --http; do
        # shellcheck disable=SC2086
        whist 0 local "$work/sum.rs" $http "${consts[@]}" --input '[1, 2]' --input '[3]'
        equal "$out" 6
        # shellcheck disable=SC2086
        whist 3 local "$work/sum.rs" $http "${consts[@]}" --input '[1, 200]' --input '[100]' --json
        equal "$(json .status <<<"$out") $(json .reason <<<"$out")" 'panic Overflow'
    done
    whist 0 local "$work/sum.rs" --fn first "${consts[@]}" --parties 3 --owners 2,1 --output-to 2 --input -5 --input 3
    equal "$out" -8
}

# program_parties STATUS0 STATUS1 OPTIONS_OF_0 OPTIONS_OF_1 [PROGRAM_OF_1]: two parties of the program.
program_parties() {
    local urls status0 status1
    for _ in 1 2 3 4 5; do
        urls=$(ports 2) status0=0 status1=0
        # shellcheck disable=SC2086
        "$WHIST" run "$work/sum.rs" --party 0 --urls "$urls" $3 >"$work/party0.out" 2>"$work/party0.err" &
        # shellcheck disable=SC2086
        "$WHIST" run "${5:-$work/sum.rs}" --party 1 --urls "$urls" $4 >"$work/party1.out" \
            2>"$work/party1.err" || status1=$?
        wait $! || status0=$?
        grep -q 'in use' "$work"/party?.err || break # a port was taken meanwhile
    done
    equal "$status0 $status1" "$1 $2"
}

# said TEXT: by both parties, of which one may have learned it from the other's abort.
said() {
    grep -qF "$1" "$work/party0.err" || fail "party 0 does not say '$1'"
    grep -qF "$1" "$work/party1.err" || fail "party 1 does not say '$1'"
}

case_lang_run() {
    local a='--const PARTY_0::ROWS=2 --input [1,2]' b='--const PARTY_1::ROWS=1 --input [3]'
    write_program
    program_parties 0 0 "$a" "$b"
    equal "$(<"$work/party0.out") $(<"$work/party1.out")" '6 6'
    grep -q 'constant of party 1: PARTY_1::ROWS = 1' "$work/party0.err" || fail "not shown"
    program_parties 3 3 "$a" '--const PARTY_1::ROWS=1 --input [255]'
    grep -q "panic: overflow at" "$work/party1.err" || fail "no panic"
    program_parties 4 4 "$a" "$b --const PARTY_0::ROWS=3"
    said 'it was set to'
    said PARTY_0::ROWS
    program_parties 4 4 "$a" "$b --panics off"
    said "has panics '"
    program_parties 4 4 "$a" '--fn first --input 1'
    said "has fn '"
    sed 's/0u8/1u8/' "$work/sum.rs" >"$work/other.rs"
    program_parties 4 4 "$a" "$b" "$work/other.rs"
    said "has program '"
}

case_run_missing_peer() {
    whist 5 run add --party 0 --urls "$(ports 2)" --input 1 --timeout 0.5 --json
    equal "$(json .error.peer <<<"$out")" 1
    equal "$(json .error.status <<<"$out")" unreachable
    equal "$(wc -l <"$work/last.err")" 2
    says "refused"
    says "phase hello"
    says "try: is that party running"
}

run_disagree() {
    local i
    input=(1 2 3)
    for i in 0 1 2; do
        echo "${input[i]}" >"$work/input$i"
    done
    start party0 run add --operands 3 --party 0 --urls "$1" --input "@$work/input0" --timeout 60 --json
    start party1 run "$2" --operands 3 --party 1 --urls "$1" --input "@$work/input1" --timeout 60 --json \
        "${@:3}"
    start party2 run add --operands 3 --party 2 --urls "$1" --input "@$work/input2" --timeout 60 --json
    for i in 0 1 2; do
        ended "party$i"
        statuses[i]=$status
    done
    grep -qs 'in use' "$work"/*.err && return 1
    return 0
}

# disagree FIELD ARGS...: party 1 differs; everybody ends with 4, and the field is named.
disagree() {
    local i named=0
    disagreement=("${@:2}")
    parties 3 run_disagreement || fail "ports"
    for i in 0 1 2; do
        equal "${statuses[i]}" 4
        case $(json .error.status <"$work/party$i.out") in
        mismatch | aborted) ;;
        *) fail "party $i: $(<"$work/party$i.out")" ;;
        esac
        grep -qi -- "$1" "$work/party$i.err" && named=1
    done
    equal "$named" 1
}

run_disagreement() {
    run_disagree "$1" "${disagreement[@]}"
}

case_run_disagree() {
    disagree circuit max
    disagree evaluator add --evaluator 1
    disagree receivers add --output-to 1
    disagree owners add --owners 2,1,0
    disagree 'rho\|security' add --rho 41
}

run_cancelled() {
    local i two=${1%;*}
    for i in 0 1; do
        echo 1 >"$work/input$i"
        start "party$i" run add --operands 3 --party "$i" --urls "$1" --input "@$work/input$i" \
            --timeout 60 --json
    done
    "$WHIST" ping --urls "$two" --timeout 60 >/dev/null 2>"$work/ping.err"
    status=$?
    grep -qs 'in use' "$work"/*.err && return 1
    equal "$status" 0
    kill "-$signal" "${pid[party0]}"
    ended party0
    equal "$status" 1
    equal "$(json .error.status <<<"$out")" cancelled
    says cancelled
    ended party1
    equal "$status" 4
    equal "$(json .error.status <<<"$out")" aborted
    equal "$(json .error.peer <<<"$out")" 0
}

# Party 2 never comes; Ctrl-C at party 0 ends party 1 too.
case_run_interrupt() {
    signal=INT
    parties 3 run_cancelled || fail "cancel"
}

case_run_terminate() {
    signal=TERM
    parties 3 run_cancelled || fail "cancel"
}

# All three are up and at work; an interrupted one ends the others.
run_interrupted_at_work() {
    local i
    local inputs
    echo 1 >"$work/input"
    for i in 0 1 2; do
        inputs=(--input "@$work/input")
        [ "$i" = 0 ] && inputs=()
        start "party$i" run mul --bits 400 --owners 1,2 --party "$i" --urls "$1" \
            "${inputs[@]}" --timeout 60 --json --log "debug=$work/log$i"
    done
    "$WHIST" ping --urls "$1" --timeout 60 >/dev/null 2>"$work/ping.err"
    status=$?
    grep -qs 'in use' "$work"/*.err && return 1
    equal "$status" 0
    kill -INT "${pid[party1]}"
    ended party1
    equal "$status" 1
    equal "$(json .error.status <<<"$out")" cancelled
    for i in 0 2; do
        ended "party$i"
        equal "$status" 4
        equal "$(json .error.status <<<"$out")" aborted
    done
}

case_run_interrupt_at_work() {
    parties 3 run_interrupted_at_work || fail "cancel"
}

run_garbage() {
    echo 1 >"$work/input0"
    start party0 run add --party 0 --urls "$1" --input "@$work/input0" --timeout 60 --json "${wire[@]}"
    printf 'this is no hello' |
        "$WHIST" channel send --party 1 --urls "$1" --to 0 --timeout 60 "${wire[@]}" 2>"$work/send.err"
    ended party0
    grep -qs 'in use' "$work"/*.err && return 1
    equal "$status" 4
    equal "$(json .error.status <<<"$out")" protocol
    equal "$(json .error.peer <<<"$out")" 1
}

case_run_garbage() {
    local wire=()
    parties 2 run_garbage || fail "garbage"
    wire=(--legacy)
    parties 2 run_garbage || fail "garbage on the legacy wire"
}

run_legacy() {
    three "$1" add --operands 3 --legacy --json
}

# The legacy wire still works, and counts nothing on sockets.
case_run_legacy() {
    local i
    input=(2 2 2)
    parties 3 run_legacy || fail "three parties"
    for i in 0 1 2; do
        equal "$(json '.outputs[0]' <"$work/party$i.out")" 0x00000006
        equal "$(json .stats.wire_bytes_sent <"$work/party$i.out")" ''
    done
}

run_mixed() {
    local i
    echo 1 >"$work/input"
    start party0 run add --party 0 --urls "$1" --input "@$work/input" --timeout 1 --legacy --json
    start party1 run add --party 1 --urls "$1" --input "@$work/input" --timeout 1 --json
    for i in 0 1; do
        ended "party$i"
        statuses[i]=$status
    done
    ! grep -qs 'in use' "$work"/*.err
}

# Nobody falls back to the legacy wire.
case_run_mixed() {
    parties 2 run_mixed || fail "ports"
    [ "${statuses[0]}" != 0 ] && [ "${statuses[1]}" != 0 ] || fail "native and legacy computed together"
}

# Bytes on the sockets, by peer.
run_wire_stats() {
    three "$1" add --operands 3 --json
}

case_run_wire_stats() {
    local i stats
    input=(1 2 3)
    parties 3 run_wire_stats || fail "three parties"
    stats=$("$TOOL" json <"$work/party1.out")
    for i in 'wire_bytes_sent' 'posts_repeated' 'peers\[1\].peer' 'peers\[0\].posts_sent' \
        'peers\[0\].credit_stalls' 'peers\[0\].rtt_s'; do
        grep -q "^\.stats\.$i=..*" <<<"$stats" || fail "stats have no $i"
    done
    [ "$(sed -n 's/^\.stats\.wire_bytes_sent=//p' <<<"$stats")" -gt \
        "$(sed -n 's/^\.stats\.bytes_sent=//p' <<<"$stats")" ] || fail "less on the wire than sent"
}

run_token() {
    three "$1" add --operands 3 --token-file "$work/token"
}

case_run_token() {
    input=(1 2 3)
    echo 0123456789abcdef >"$work/token"
    chmod 644 "$work/token"
    whist 1 run add --operands 3 --party 0 --urls "$(ports 3)" --input 1 --token-file "$work/token"
    says "chmod 600"
    chmod 600 "$work/token"
    parties 3 run_token || fail "with a token"
    equal "$(<"$work/party0.out")" "output 0 = 6 (0x00000006)"
    for wrong in 0123456789abcde '0123456789 abcdef' $'0123456789abcdef\n0123456789abcdef'; do
        printf '%s\n' "$wrong" >"$work/token"
        whist 1 run add --operands 3 --party 0 --urls "$(ports 3)" --input 1 --token-file "$work/token"
        says "holds no token"
        case $err in *01234*) fail "the token is in: $err" ;; esac
    done
}

# ---- Keys and sessions ----

# keys NAME...: a key for each, made once, in $work.
keys() {
    local name
    for name in "$@"; do
        "$WHIST" keygen --name "$name" -o "$work/" >"$work/keygen.out" || fail "keygen $name"
    done
}

# session URLS NAME...: cards with these URLs and a session of them in $work/s.json.
session() {
    local urls name cards=()
    IFS=';' read -ra urls <<<"${1//http:/https:}"
    shift
    for name in "$@"; do
        whist 0 party show --key "$work/$name.key" --url "${urls[${#cards[@]}]}" -o "$work/$name.card"
        cards+=("$work/$name.card")
    done
    whist 0 session make "${cards[@]}" -o "$work/s.json"
}

case_keygen() {
    local pin
    cd "$work" || fail cd
    whist 0 keygen --name alice --json
    equal "$(json .key <<<"$out")" alice.key
    equal "$(json .certificate <<<"$out")" alice.crt
    pin=$(json .pin <<<"$out")
    equal "$(stat -c %a alice.key)" 600
    case $pin in sha256:????????????????????????????????????????????????????????????????) ;; *) fail "pin $pin" ;; esac
    if command -v openssl >/dev/null; then
        equal "$pin" "sha256:$(openssl x509 -in alice.crt -pubkey -noout |
            openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1)"
    fi
    cp alice.key before
    whist 1 keygen --name alice
    says "alice.key"
    cmp alice.key before || fail "a key was overwritten"
    mkdir folder
    whist 0 keygen --name bob --output folder --days 1
    [ -f folder/bob.key ] && [ -f folder/bob.crt ] || fail "not in the folder"
    whist 0 keygen -o folder/carol
    [ -f folder/carol.key ] || fail "no name from the prefix"
    whist 0 party show --key folder/carol.key --url https://127.0.0.1:1
    equal "$(json .name <<<"$(tr -d ' \n' <<<"$out")")" carol
    whist 1 keygen --name dora -o no/such/folder/dora
    whist 2 keygen --days 36501
}

case_party_show() {
    cd "$work" || fail cd
    keys alice
    whist 0 party show --name alice --url https://alice.example:8000/x
    equal "$(json .url <<<"$(tr -d ' \n' <<<"$out")")" https://alice.example:8000/x
    equal "$(json .name <<<"$(tr -d ' \n' <<<"$out")")" alice
    case $out in *PRIVATE*) fail "the key is in the card" ;; esac
    whist 0 party show --key alice.key --name al --url https://127.0.0.1:1
    equal "$(json .name <<<"$(tr -d ' \n' <<<"$out")")" al
    whist 0 party show --key alice.key --ca alice.crt --tls-name alice --url https://127.0.0.1:1
    says "BEGIN CERTIFICATE"
    whist 2 party show --url https://127.0.0.1:1
    says "--key is missing"
    whist 1 party show --name bob --url https://127.0.0.1:1
    says "whist keygen --name bob"
    whist 2 party show --key alice.key --url ftp://127.0.0.1:1
    whist 2 party show --key alice.key --url https://127.0.0.1:1 --server-ca alice.crt
    whist 2 party show --key alice.key --url https://127.0.0.1:1 --tls-name alice
    chmod 644 alice.key
    whist 1 party show --key alice.key --url https://127.0.0.1:1
    says chmod
    whist 1 party show --key alice.crt --url https://127.0.0.1:1
}

case_session_make() {
    local hash
    cd "$work" || fail cd
    keys alice bob
    session 'http://127.0.0.1:1;http://127.0.0.1:2' alice bob
    says "1  bob  https://127.0.0.1:2"
    whist 0 session show s.json --json
    hash=$(json .hash <<<"$out")
    equal "${#hash}" 64
    equal "$(json '.parties[1].name' <<<"$out")" bob
    whist 0 session show s.json
    says "$hash"
    # URLs do not count, the order of parties does.
    session 'http://127.0.0.1:3;http://127.0.0.1:4' alice bob
    equal "$(whist 0 session show s.json --json; json .hash <<<"$out")" "$hash"
    session 'http://127.0.0.1:2;http://127.0.0.1:1' bob alice
    [ "$(whist 0 session show s.json --json; json .hash <<<"$out")" != "$hash" ] || fail "same hash"
    whist 0 session make alice.card bob.card --timeout 7 --heartbeat 2 --dead 6 --post-bytes 65536
    printf '%s\n' "$out" >t.json
    whist 0 session show t.json --json
    equal "$(json .settings.timeout_ms <<<"$out")" 7000
    equal "$(json .settings.post_bytes <<<"$out")" 65536
    whist 2 session make alice.card alice.card
    says alice
    echo '{"whist":"card"' >bad.card
    whist 1 session make alice.card bad.card
    says bad.card
    whist 1 session show alice.card
    whist 1 session show nosuchfile
}

run_session() {
    local i bad=0
    session "$1" alice bob carol
    echo 14 >"$work/input"
    for i in alice bob carol; do
        start "$i" run add --operands 3 --session "$work/s.json" --me "$i" --key "$work/$i.key" \
            --input "@$work/input" --timeout 60 --json
    done
    for i in alice bob carol; do
        ended "$i"
        [ "$status" = 0 ] || bad=1
    done
    return "$bad"
}

# Bob waits for Carol; Alice asks both.
ping_session() {
    echo 14 >"$work/input"
    session "$1" alice bob carol
    start bob run add --operands 3 --session "$work/s.json" --me bob --key "$work/bob.key" \
        --input "@$work/input" --timeout 60
    "$WHIST" ping --session "$work/s.json" --me alice --key "$work/alice.key" --timeout 3 --json \
        >"$work/ping.out" 2>"$work/ping.err"
    status=$?
    kill -INT "${pid[bob]}"
    ended bob
    ! grep -qs 'in use' "$work"/*.err || return 1
    status=0
}

case_ping_session() {
    keys alice bob carol
    parties 3 ping_session || fail "ports"
    equal "$(json '.parties[0].party' <"$work/ping.out")" 1
    equal "$(json '.parties[0].up' <"$work/ping.out")" true
    equal "$(json '.parties[1].up' <"$work/ping.out")" false
    equal "$(json '.error.peer' <"$work/ping.out")" 2
}

case_run_session() {
    keys alice bob carol
    parties 3 run_session || fail "three parties"
    for i in alice bob carol; do
        equal "$(json '.outputs[0]' <"$work/$i.out")" 0x0000002a
        equal "$(<"$work/$i.err")" ''
    done
    whist 2 run add --session "$work/s.json" --me dora --input 1
    says "it has alice, bob, carol"
    whist 2 run add --session "$work/s.json" --me 3 --input 1
    whist 2 run add --operands 3 --session "$work/s.json" --me alice --key "$work/bob.key" --input 1
    says "not that of party 0"
    chmod 640 "$work/alice.key"
    whist 1 run add --operands 3 --session "$work/s.json" --me alice --key "$work/alice.key" --input 1
    says chmod
}

# A stranger with a key of his own, and a session file that says that it is Bob's.
run_impostor() {
    echo 1 >"$work/input"
    session "$1" alice bob
    mv "$work/s.json" "$work/right.json"
    mkdir -p "$work/evil"
    [ -e "$work/evil/bob.key" ] || "$WHIST" keygen --name bob -o "$work/evil/" >"$work/keygen.out"
    "$TOOL" repin "$work/right.json" 1 "$("$WHIST" party show --key "$work/evil/bob.key" \
        --url https://127.0.0.1:1 | tr -d ' \n' | "$TOOL" json | sed -n 's/^\.pin=//p')" >"$work/wrong.json" ||
        fail "repin"
    start alice run add --session "$work/right.json" --me alice --key "$work/alice.key" \
        --input "@$work/input" --timeout 2 --json
    start bob run add --session "$work/wrong.json" --me bob --key "$work/evil/bob.key" \
        --input "@$work/input" --timeout 2 --json
    ended alice
    statuses[0]=$status
    ended bob
    statuses[1]=$status
    ! grep -qs 'in use' "$work"/*.err
}

case_run_impostor() {
    keys alice bob
    parties 2 run_impostor || fail "ports"
    [ "${statuses[0]}" != 0 ] && [ "${statuses[1]}" != 0 ] || fail "an impostor took part"
    equal "$(json .error.peer <"$work/alice.out")" 1
    grep -qi 'key\|pin\|certificate' "$work/alice.err" || fail "no word of the key: $(<"$work/alice.err")"
}

# By the letter of the format, where there is a Python.
strict_timeline() {
    command -v python3 >/dev/null || return 0
    python3 "$SOURCE/tests/cli/check_trace.py" "$@" "$work/t.json" || fail "not the format"
}

# One file shows all parties; it is whole although one of them was interrupted.
case_trace() {
    local mode
    for mode in '' --http '--http --legacy'; do
        # shellcheck disable=SC2086
        whist 0 local add --input 40 --input 2 --trace "$work/t.json" $mode
        equal "$out" "output 0 = 42 (0x0000002a)"
        "$TOOL" timeline "$work/t.json" >"$work/t" || fail "no timeline: $mode"
        equal "$(sed -n 's/^processes=//p' "$work/t")" 2
        [ "$(sed -n 's/^slices=//p' "$work/t")" -gt 50 ] || fail "few slices"
        strict_timeline --whole
    done
    whist 5 run add --party 0 --urls "$(ports 2)" --input 1 --timeout 0.3 --trace "$work/t.json"
    "$TOOL" timeline "$work/t.json" >"$work/t" || fail "no timeline after an error"
    strict_timeline
    whist 1 local add --input 1 --input 2 --trace "$work/no/such/folder"
    whist 1 local add --input 1 --input 2 --trace /dev/full
}

# A value from a file is in no command line and no environment while the party runs (and waits for
# party 1).
run_private() {
    echo 31415926 >"$work/input0"
    start party0 run add --party 0 --urls "$1" --input "@$work/input0" --timeout 60
    "$WHIST" ping --urls "$1" --party 1 --timeout 60 >/dev/null 2>"$work/ping.err" || return 1
    tr '\0' ' ' <"/proc/${pid[party0]}/cmdline" >"$work/cmdline" || fail "no command line"
    grep -q "@$work/input0" "$work/cmdline" || fail "not the command line: $(<"$work/cmdline")"
    grep -q 31415926 "$work/cmdline" && fail "the value is in the process list"
    grep -aq 31415926 "/proc/${pid[party0]}/environ" && fail "the value is in the environment"
    kill -INT "${pid[party0]}"
    ended party0
    return 0
}

case_run_private() {
    [ -r /proc/self/cmdline ] || skip "no /proc"
    parties 2 run_private || fail "private"
}

case_local() {
    whist 0 local add --input 40 --input 2
    equal "$out" "output 0 = 42 (0x0000002a)"
    equal "$err" ""
    whist 0 local add --operands 3 --json --input 2 --input 2 --input 2
    equal "$(json '.outputs[0]' <<<"$out")" 0x00000006
    equal "$(json '.stats.parties[2].party' <<<"$out")" 2
    [ "$(json .stats.bytes_sent <<<"$out")" = "$(json .stats.bytes_received <<<"$out")" ] ||
        fail "sent is not received"
    whist 0 local add --input 40 --input 2 --parties 4 --owners 3,1 --evaluator 2 --output-to 1
    equal "$out" "output 0 = 42 (0x0000002a)"
    whist 0 local compare --input 3 --input 3 --parties 2
    equal "$out" $'output 0 = 0\noutput 1 = 1'
}

# The same results, by processes and HTTP.
case_local_http() {
    local n
    for n in 2 3; do
        whist 0 local mul --bits 16 --parties "$n" --input 12345 --input 54321 --json --http
        equal "$(json '.outputs[0]' <<<"$out")" "$("$WHIST" local mul --bits 16 --parties "$n" --input 12345 \
            --input 54321 --json | json '.outputs[0]')"
        [ "$(json .stats.bytes_sent <<<"$out")" = "$(json .stats.bytes_received <<<"$out")" ] ||
            fail "sent is not received"
    done
    # Each process logs under its own name; threads share one.
    whist 0 local add --http --input 1 --input 2 --log "trace=$work/log"
    grep -q 'Z party 1 trace: ' "$work/log" || fail "no process of party 1"
    printf '77\n' >"$work/value"
    printf '11\n' | "$WHIST" local add --http --input "@$work/value" --input - >"$work/out" || fail "local --http"
    equal "$(<"$work/out")" "output 0 = 88 (0x00000058)"
}

case_local_known() {
    whist 0 local aes128 --http --input 0x000102030405060708090a0b0c0d0e0f \
        --input 0x00112233445566778899aabbccddeeff
    equal "$out" "output 0 = 0x69c4e0d86a7b0430d8cdb78070b4c55a"
    whist 0 local auction --input 300 --input 500 --input 420 --json
    equal "$(json '.outputs[0]' <<<"$out")" 0x1
    equal "$(json '.outputs[1]' <<<"$out")" 0x000001a4
}

case_local_published() {
    local n
    [ -r "$SHARED/circuits/aes_128.txt" ] || skip "no published circuits in $SHARED"
    for n in 2 3; do
        whist 0 local "$SHARED/circuits/aes_128.txt" --http --parties "$n" \
            --input 0x000102030405060708090a0b0c0d0e0f --input 0x00112233445566778899aabbccddeeff
        equal "$out" "output 0 = 0x69c4e0d86a7b0430d8cdb78070b4c55a"
    done
}

# Ctrl-C at the whole: no process stays behind.
case_local_interrupt() {
    local mode children
    for mode in '' --http; do
        # shellcheck disable=SC2086
        start all local mul --bits 256 --parties 3 --input 1 --input 1 --log "info=$work/log" --json $mode
        # Large enough to run for seconds; interrupted as soon as its signals are watched. (The shell
        # also blocks them, between its fork and the exec.)
        until [ "$(cat "/proc/${pid[all]}/comm")" = whist ] &&
            grep -qs '^SigBlk:.*[2367abef]$' "/proc/${pid[all]}/status"; do
            kill -0 "${pid[all]}" || fail "ended early: $(<"$work/all.err")"
        done
        children=$(cat "/proc/${pid[all]}/task/${pid[all]}/children" 2>/dev/null || true)
        kill -INT "${pid[all]}"
        ended all
        equal "$status" 1
        equal "$(json .error.status <<<"$out")" cancelled
        for child in $children; do
            ! kill -0 "$child" 2>/dev/null || fail "process $child stayed behind"
        done
    done
}

case_progress() {
    "$TOOL" terminal "$WHIST" local mul --bits 64 --input 3 --input 4 --parties 2 >"$work/out" ||
        fail "on a terminal"
    grep -q 'output 0 = 12 ' "$work/out" || fail "no result"
    grep -q '\[[#.]*\] *[0-9]* %' "$work/out" || fail "no bar"
    whist 0 local mul --bits 64 --input 3 --input 4
    equal "$err" ''
}

# One Enter ends a value: nobody has to know how to end standard input.
case_typed() {
    "$TOOL" typed $'40\n2\n' "$WHIST" circuit eval add --input - --input - >"$work/out" || fail "typed"
    grep -q 'your input: ' "$work/out" || fail "no question: $(<"$work/out")"
    grep -q 'your input 2: ' "$work/out" || fail "no second question: $(<"$work/out")"
    grep -q 'output 0 = 42 ' "$work/out" || fail "no result: $(<"$work/out")"
}

case_bench_engine() {
    whist 0 bench engine --parties 2 --ands 5000 --json
    equal "$(json '.runs[0].name' <<<"$out")" AES-128
    equal "$(json '.runs[2].ands' <<<"$out")" 5000
    for key in time_s ands_per_s bytes_per_and peak_bytes evaluator.rounds; do
        [ -n "$(json ".runs[2].$key" <<<"$out")" ] || fail "no $key"
    done
    [ -n "$(json .raw.aes_blocks_per_s <<<"$out")" ] || fail "no raw limits"
}

case_bench_channel() {
    whist 0 bench channel --quick --json
    for key in ping_pong_one_cpu.plain.ratio ping_pong.raw_tcp.round_median_us \
        stream_64.raw_tls.messages_per_s single_64.plain.ratio stream_1048576.plain.bytes_per_s \
        both_ways_65536.plain.cpu_ratio all_to_all.peak_bytes; do
        [ -n "$(json ".$key" <<<"$out")" ] || fail "no $key"
    done
}

case_demo() {
    WHIST=$WHIST "$SOURCE/tools/demo" >"$work/demo.out" 2>"$work/demo.err" || fail "demo: $(<"$work/demo.out")"
    grep -q '= 6 ' "$work/demo.out" || fail "2 + 2 + 2"
    grep -q 69c4e0d86a7b0430d8cdb78070b4c55a "$work/demo.out" || fail "AES"
    ! grep -q $'\033' "$work/demo.out" || fail "colours in a file"
}

commands=(run local check fmt eval cost build explain keygen 'party show' 'session make' 'session show' 'circuit info' 'circuit check' 'circuit eval' 'circuit convert' 'circuit make'
    'channel send' 'channel recv' ping 'bench engine' 'bench channel')

if [ $# = 0 ]; then
    declare -F | sed -n 's/^declare -f case_//p'
    exit 0
fi
work=$(mktemp -d)
trap finish EXIT
declare -a statuses=() input=() disagreement=()
"case_$1"
