#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# netns_test.sh CASE: parties in network namespaces with a bad network between them, made by the
# forwarder, or by netem where the kernel has it. Each case is a ctest entry of
# tests/net/CMakeLists.txt, which sets WHIST, PARTY and FORWARDER. Skips where the kernel forbids namespaces.
# shellcheck disable=SC1091,SC2154
set -uo pipefail
if [ "$(id -u)" != 0 ]; then # root in a namespace of users is enough
    unshare -Urn true 2>/dev/null || {
        echo "skipped: no namespaces for ordinary users here"
        exit 77
    }
    exec unshare -Urn bash "$0" "$@"
fi
. "${BASH_SOURCE%/*}/common.sh"

# network OPTIONS...: a process in each party's namespace, in the array ns.
declare -a ns=()
network() {
    local line
    command -v nsenter >/dev/null || skip "no nsenter"
    coproc NET { exec "$FORWARDER" "$@"; }
    pid[network]=$NET_PID
    read -r line <&"${NET[0]}" || fail "the forwarder ended"
    case $line in
    ready*) read -ra ns <<<"${line#ready }" ;;
    *)
        echo "$line"
        exit 77
        ;;
    esac
}

# network_ends: the network is gone; what its lines did is in $lines.
network_ends() {
    eval "exec ${NET[1]}>&-"
    lines=$(cat <&"${NET[0]}")
    unset 'pid[network]'
}

# at I COMMAND...: in the namespace of party i.
at() {
    local i=$1
    shift
    nsenter -n -t "${ns[i]}" "$@"
}

# urls N
urls() {
    local i list=
    for ((i = 0; i < $1; i++)); do
        list+="${list:+;}http://10.77.0.$((i + 1)):9000"
    done
    echo "$list"
}

# add_numbers N OPTIONS...: N parties add 2 + 2 + ...; every one must get it right.
add_numbers() {
    local n=$1 i
    shift
    for ((i = 0; i < n; i++)); do
        start "party$i" at "$i" "$WHIST" run add --bits 8 --operands "$n" --party "$i" \
            --urls "$(urls "$n")" --input 2 --insecure --timeout 100 "$@"
    done
    for ((i = 0; i < n; i++)); do
        ended "party$i"
        equal "$status" 0
        equal "$out" "output 0 = $((2 * n)) (0x$(printf %02x $((2 * n))))"
    done
}

# slow_ping: a round trip over 50 ms each way takes at least 100 ms.
slow_ping() {
    start server at 1 "$WHIST" channel recv --party 1 --urls "$(urls 2)" --from 0 --insecure --legacy
    at 0 "$WHIST" ping --party 0 --urls "$(urls 2)" --json >"$work/ping.out" || fail ping
    sed 's/.*"round_trip_s":\([0-9.]*\).*/\1/' "$work/ping.out" |
        awk '{ print "round trip:", $1, "s"; exit !($1 >= 0.1) }' || fail "$(<"$work/ping.out")"
}

case_delay() {
    network -d 50
    slow_ping
    network_ends
}

# The same between two ends of a veth pair, by the kernel's own means.
case_netem() {
    local i
    command -v tc >/dev/null && command -v ip >/dev/null || skip "no iproute2"
    unshare -n tc qdisc add dev lo root netem delay 1ms 2>/dev/null || skip "this kernel has no netem"
    for i in 0 1; do
        start "holder$i" unshare -n sleep 1000
        ns[i]=${pid[holder$i]}
        until [ "$(readlink "/proc/${ns[i]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do :; done
    done
    at 0 ip link add line netns "${ns[0]}" type veth peer name line netns "${ns[1]}" || skip "no veth"
    for i in 0 1; do
        at $i ip address add "10.77.0.$((i + 1))/24" dev line &&
            at $i ip link set lo up && at $i ip link set line up &&
            at $i tc qdisc add dev line root netem delay 50ms rate 100mbit || fail "no line $i"
    done
    slow_ping
}

# secret: a file with the token that plain HTTP between machines needs.
secret() {
    [ -e "$work/token" ] || (umask 077 && echo 0123456789abcdef0123456789abcdef >"$work/token")
    echo "$work/token"
}

case_native_two() {
    network -d 50 -l 1 -r 100
    add_numbers 2 --token-file "$(secret)"
    network_ends
    [[ $lines =~ ' lost' ]] || fail "no counts: $lines"
}

case_native_three() {
    network -n 3 -d 20 -l 1 -r 100
    add_numbers 3 --token-file "$(secret)"
    network_ends
}

# both WORK...: two parties of tests/net/party.c; what the first one prints.
both() {
    local i
    for i in 1 0; do
        start "party$i" at "$i" "$PARTY" --me "$i" --urls "$(urls 2)" --token "$(<"$(secret)")" "$@"
    done
    for i in 0 1; do
        ended "party$i"
        equal "$status" 0
    done
    head -n 1 "$work/party0.out"
}

# iperf STREAMS BYTES: what plain TCP gets, at the receiver.
iperf() {
    start iperf at 1 iperf3 --server --one-off --port 5201
    until at 0 iperf3 --client 10.77.0.2 --port 5201 --bytes "$2" --parallel "$1" >"$work/iperf" 2>&1; do
        kill -0 "${pid[iperf]}" 2>/dev/null || fail "iperf3"
    done
    ended iperf
    grep receiver "$work/iperf" | tail -n 1 | grep -o '[0-9.]* [MGK]bits/sec'
}

# Figures, not checks: the same line for whist and for iperf3 with as many connections.
case_measure() {
    local lossy streams
    [ -n "${WHIST_TEST_SOAK:-}" ] || skip "only in a soak run"
    command -v iperf3 >/dev/null || skip "no iperf3"
    echo '50 ms each way, 100 Mbit/s'
    for lossy in 0 1; do
        echo "$lossy % loss"
        network -d 50 -r 100 -q 2048 -l "$lossy"
        echo "  ping-pong: $(both pingpong 100)"
        for streams in 2 8; do
            echo "  bulk, $streams connections: $(both --connections $streams bulk 100 1000000)," \
                "iperf3: $(iperf $streams 100000000)"
        done
        network_ends
    done
}

case_legacy_two() {
    network -d 5 -l 1 -r 100
    add_numbers 2 --legacy
    network_ends
    [[ $lines =~ ' lost' ]] || fail "no counts: $lines"
}

case_legacy_three() {
    network -n 3 -d 5 -r 100
    add_numbers 3 --legacy
    network_ends
}

if [ $# = 0 ]; then
    declare -F | sed -n 's/^declare -f case_//p'
    exit 0
fi
"case_$1"
