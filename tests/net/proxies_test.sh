#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# proxies_test.sh PROXY KIND WHAT: parties behind a real proxy with its configuration of
# examples/proxies, which is restarted in mid run. Each is a ctest entry of tests/net/CMakeLists.txt,
# which sets PARTY (tests/net/party.c), WHIST, TOOL (cli_tool) and SOURCE.
#   PROXY  nginx, haproxy or caddy
#   KIND   http, passthrough or terminate
#   WHAT   legacy: legacy messages; the proxy is reloaded in mid run
#          run: a computation by `whist run`
#          reload, restart: native messages; the proxy is reloaded, or killed and started again, in mid run
#          killed: a party is killed in mid run; the other one notices although the proxy lives
#          huge: one message larger than all windows
#          impostor: a stranger's key behind a proxy that ends TLS
# shellcheck disable=SC1091,SC2154
set -uo pipefail
. "${BASH_SOURCE%/*}/common.sh"

proxy=$1 kind=$2 what=$3

# The configuration with the test's ports and keys; $plain, $tls0, $tls1 are the proxy's ports, $up0
# and $up1 those of the parties.
configure() {
    local file=$SOURCE/examples/proxies/$proxy-$kind
    file=$(echo "$file".*)
    read -r plain tls0 tls1 up0 up1 < <("$TOOL" ports 5 | tr ';' '\n' | sed 's/.*://' | tr '\n' ' ')
    if [ "$kind" = http ]; then
        urls="http://127.0.0.1:$plain/alice;http://127.0.0.1:$plain/bob"
    else
        urls="https://127.0.0.1:$tls0;https://127.0.0.1:$tls1"
        "$PARTY" make "$work" "${urls%;*}" "${urls#*;}" || fail "no keys"
        cat "$work"/p0.crt "$work"/p1.crt >"$work/parties.crt"
        cat "$work"/p0.crt "$work"/p0.key >"$work/alice.pem"
        cat "$work"/p1.crt "$work"/p1.key >"$work/bob.pem"
    fi
    sed -e "s/\<8000\>/$plain/; s/\<8441\>/$tls0/; s/\<8442\>/$tls1/; s/\<9001\>/$up0/; s/\<9002\>/$up1/" \
        -e "s:/etc/whist/alice\.\(crt\|key\):$work/p0.\1:g" \
        -e "s:/etc/whist/bob\.\(crt\|key\):$work/p1.\1:g" \
        -e "s:/etc/whist/:$work/:g" "$file" >"$work/site"
    case $proxy in
    nginx) configure_nginx ;;
    caddy) configure_caddy ;;
    esac
}

# What stands around the file on Debian, as far as it concerns a test: files of its own, one process.
configure_nginx() {
    local context=http module='' body=''
    if [ "$kind" = passthrough ]; then
        context=stream
        [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || skip "no libnginx-mod-stream"
        module='load_module /usr/lib/nginx/modules/ngx_stream_module.so;'
    else
        body="access_log off; client_body_temp_path $work/body; proxy_temp_path $work/temp;
            fastcgi_temp_path $work/temp; uwsgi_temp_path $work/temp; scgi_temp_path $work/temp;"
    fi
    cat >"$work/nginx.conf" <<TEXT
$module
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
$([ "$(id -u)" = 0 ] && echo "user $(id -un) $(id -gn);")
events { }
$context { $body include $work/site; }
TEXT
}

# No port but those of the file, nothing outside of $work. Here hosts are addresses, which TLS has no
# server name for.
configure_caddy() {
    cat - "$work/site" >"$work/Caddyfile" <<TEXT
{
	admin unix/$work/caddy.sock
	auto_https disable_redirects
	skip_install_trust
	servers {
		strict_sni_host insecure_off
	}
}
TEXT
}

start_proxy() {
    case $proxy in
    nginx) start proxy nginx -p "$work" -c "$work/nginx.conf" -e "$work/nginx.log" ;;
    haproxy) start proxy haproxy -W -db -f "$work/site" ;;
    caddy) HOME=$work start proxy caddy run --config "$work/Caddyfile" --adapter caddyfile ;;
    esac
    # It is up when its port takes a connection; it may also have ended.
    until (exec 3<>"/dev/tcp/127.0.0.1/$([ "$kind" = http ] && echo "$plain" || echo "$tls1")") 2>/dev/null; do
        kill -0 "${pid[proxy]}" 2>/dev/null || return 1
    done
}

# All of it, at once.
kill_proxy() {
    local p
    for p in $(pgrep -P "${pid[proxy]}") "${pid[proxy]}"; do
        kill -KILL "$p" 2>/dev/null
    done
    wait "${pid[proxy]}" 2>/dev/null
    unset 'pid[proxy]'
}

reload_proxy() {
    case $proxy in
    nginx) kill -HUP "${pid[proxy]}" ;;
    haproxy) kill -USR2 "${pid[proxy]}" ;;
    caddy) HOME=$work caddy reload --config "$work/Caddyfile" --adapter caddyfile --force \
        --address "unix/$work/caddy.sock" 2>"$work/reload.err" || fail "reload" ;;
    esac
}

# start_party I ARGS...: its input comes from a pipe that this script holds open, at ${go[I]}.
declare -a go=()
start_party() {
    local i=$1 fd to=("--urls" "$urls") up=$up0
    shift
    [ "$i" = 0 ] || up=$up1
    [ "$kind" = http ] || to=("--dir" "$work")
    [ "$kind" != terminate ] || to+=(--proxy-header x-client-cert)
    mkfifo "$work/go$i"
    "$PARTY" --me "$i" "${to[@]}" --listen "127.0.0.1:$up" "$@" \
        >"$work/party$i.out" 2>"$work/party$i.err" <"$work/go$i" &
    pid[party$i]=$!
    exec {fd}>"$work/go$i"
    go[i]=$fd
}

# said WORD: waits until both parties have said it.
said() {
    local i
    for i in 0 1; do
        until grep -qs "$1" "$work/party$i.out"; do
            kill -0 "${pid[party$i]}" 2>/dev/null || fail "party $i ended early"
            read -rt 0.05 <><(:)
        done
    done
}

# parties_exchange BETWEEN ARGS...: calls BETWEEN when both are in the middle. Nothing is sent before
# both listen: the legacy wire takes a proxy's 502 for an error.
parties_exchange() {
    local between=$1 i
    shift
    start_party 0 "$@"
    start_party 1 "$@"
    said up
    go_on
    said half
    "$between"
    for i in 0 1; do
        ended "party$i"
        equal "$status" 0
        echo "party $i: $(tail -n 1 <<<"$out")"
    done
}

go_on() {
    echo >&"${go[0]}"
    echo >&"${go[1]}"
}

reload_then_go_on() {
    reload_proxy
    go_on
}

# The parties go on while there is no proxy.
go_on_then_restart() {
    kill_proxy
    go_on
    start_proxy || fail "the proxy did not come back: $(tail -n 3 "$work/proxy.err")"
}

case_legacy() {
    parties_exchange reload_then_go_on --legacy exchange 60 200000
}

case_restart() {
    parties_exchange go_on_then_restart exchange 100 300000
}

case_reload() {
    parties_exchange reload_then_go_on exchange 100 300000
}

# The proxy goes on to take connections and POSTs. Two heartbeats after the last sign of life is enough.
case_killed() {
    local since
    start_party 0 --heartbeat 1000 exchange 4 100000
    start_party 1 --heartbeat 1000 exchange 4 100000
    said up
    go_on
    said half
    kill -KILL "${pid[party1]}"
    since=$(now_ms)
    echo >&"${go[0]}"
    ended party0
    echo "noticed after $(($(now_ms) - since)) ms: $err"
    [ "$status" != 0 ] || fail "party 0 does not miss its peer"
    [[ $err =~ 'party 1 gives no sign of life since '2[0-9][0-9][0-9]' ms' ]] || fail "the text does not say so"
    wait "${pid[party1]}" 2>/dev/null
    unset 'pid[party1]'
}

# One message of 256 MiB (4 GiB in a soak run) in memory of twice the window (64 MiB) and 32 MiB for the
# program, beyond the message itself.
case_huge() {
    local i bytes=$((256 << 20)) since took memory
    [ -z "${WHIST_TEST_SOAK:-}" ] || bytes=$((4 << 30))
    since=$(now_ms)
    start_party 0 huge "$bytes"
    start_party 1 huge "$bytes"
    for i in 0 1; do
        ended "party$i"
        equal "$status" 0
        memory=$(sed -n 's/memory beyond the message: \(-\?[0-9]*\) MiB/\1/p' <<<"$out")
        echo "party $i: $memory MiB beyond the message"
        [ "${memory:-1000}" -le $((2 * 64 + 32)) ] || fail "too much memory"
    done
    took=$(($(now_ms) - since))
    echo "$((bytes >> 20)) MiB in $took ms: $((bytes / 1000 / (took + 1))) MB/s, with making and start"
}

# Somebody claims to be party 1, with a key that is not in the session.
case_impostor() {
    mkdir "$work/other"
    "$PARTY" make "$work/other" "${urls%;*}" "${urls#*;}" || fail "no keys"
    # It says of itself that it is party 1; all else is as in the true session.
    awk 'FNR == 1 { file++ } /"pin"/ { if (file == 1) own = $0; else if (++pins == 2) $0 = own }
        file == 2' "$work/other/session.json" "$work/session.json" >"$work/other/new.json"
    mv "$work/other/new.json" "$work/other/session.json"
    start_party 0 exchange 2 10
    echo >&"${go[0]}"
    start party1 "$PARTY" --me 1 --dir "$work/other" --listen 127.0.0.1:0 \
        --connect-timeout 2000 --proxy-header x-client-cert pingpong 1
    ended party1
    [ "$status" != 0 ] || fail "an impostor was taken for party 1"
    echo "$err"
    [[ $err =~ (Not a party|alert|certificate) ]] || fail "the text does not say why"
    ! grep -q half "$work/party0.out" || fail "party 0 went on"
}

case_run() {
    local i up=("$up0" "$up1")
    for i in 0 1; do
        start "run$i" "$WHIST" run add --bits 64 --party "$i" --urls "$urls" --input $((i + 1)) \
            --listen "127.0.0.1:${up[i]}"
    done
    for i in 0 1; do
        ended "run$i"
        equal "$status" 0
        equal "$out" "output 0 = 3 (0x0000000000000003)"
    done
}

command -v "$proxy" >/dev/null || PATH=$PATH:/usr/sbin
command -v "$proxy" >/dev/null || skip "no $proxy here"

for try in 1 2 3 4; do # a port may have been taken meanwhile
    [ "$try" != 4 ] || fail "$proxy does not start: $(tail -n 3 "$work/proxy.err" "$work/nginx.log" 2>/dev/null)"
    configure
    start_proxy && break
    rm -f "$work"/p?.key "$work"/p?.crt
done
"case_$what"
