#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# install_test.sh CASE: one ctest entry of tests/install/CMakeLists.txt, which sets CC, CXX, FLAGS,
# BUILD, SOURCE, LIBDIR, BUILD_TYPE, VERSION and CONFIGURED_PREFIX.
set -euo pipefail

work=$BUILD/tests/install
prefix=$work/prefix                   # cmake --install --prefix
staged=$work/stage$CONFIGURED_PREFIX  # DESTDIR, as packagers do
here=$SOURCE/tests/install
strict='-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wstrict-prototypes -Werror'

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

has() { # PATTERN: in $dump. (No pipe into grep -q: it would close the pipe early, which pipefail counts.)
    grep -qE -e "$1" <<<"$dump"
}

skip() {
    echo "skipped: $*"
    exit 77
}

fresh() { # NAME: an empty folder of this case
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    echo "$work/$1"
}

# cmake_consumer NAME PREFIX KIND [LINKED]: builds and runs the consumer through find_package.
cmake_consumer() {
    local dir
    dir=$(fresh "$1")
    cmake -S "$here/consumer" -B "$dir" -G Ninja -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$FLAGS" \
        -DCMAKE_PREFIX_PATH="$2" -DKIND="$3" -DWANT_VERSION="${VERSION%.*}"
    cmake --build "$dir"
    runs_with "$dir/consumer" "$3"
}

have_cxx() {
    case $CXX in
    '' | *NOTFOUND) skip "no C++ compiler" ;;
    esac
}

# runs_with PROGRAM shared|static: it runs, and needs libwhist.so just when shared.
runs_with() {
    local out dump
    out=$("$1")
    dump=$(readelf -d "$1")
    [ "$out" = "$VERSION" ] || fail "$1 printed '$out', not $VERSION"
    if has 'NEEDED.*libwhist'; then
        [ "$2" = shared ] || fail "$1 needs libwhist.so"
    else
        [ "$2" = static ] || fail "$1 does not need libwhist.so"
    fi
}

# pkgconfig PREFIX ARGS...: pkg-config that sees whist.pc of PREFIX first.
pkgconfig() {
    PKG_CONFIG_PATH=$1/$LIBDIR/pkgconfig pkg-config "${@:2}" whist
}

# pkgconfig_consumer NAME PREFIX
pkgconfig_consumer() {
    local dir
    dir=$(fresh "$1")
    [ "$(pkgconfig "$2" --modversion)" = "$VERSION" ] || fail "version of whist.pc"
    # shellcheck disable=SC2046,SC2086
    "$CC" $FLAGS $strict "$here/consumer/consumer.c" -o "$dir/consumer" \
        $(pkgconfig "$2" --cflags --libs)
    LD_LIBRARY_PATH=$2/$LIBDIR runs_with "$dir/consumer" shared
}

# declared: the functions that the headers declare WHIST_API, sorted. Comments and preprocessor lines
# go, then each declaration is one line.
declared() {
    sed -e 's|//.*||' -e '/^#/,/[^\\]$/d' "$SOURCE"/include/whist/*.h | tr '\n' ' ' |
        sed -e 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' | tr ';{}' '\n' |
        sed -n 's/^.*\<WHIST_API\>.*[ *]\(whist_[a-z0-9_]*\)(.*$/\1/p' | sort
}

case_installed() {
    rm -rf "$prefix" "$work/stage"
    cmake --install "$BUILD" --prefix "$prefix" >/dev/null
    DESTDIR=$work/stage cmake --install "$BUILD" >/dev/null
    local file
    for file in bin/whist "$LIBDIR/libwhist.so" "$LIBDIR/libwhist.a" include/whist/whist.h \
        share/doc/whist/LICENSE-MIT; do
        [ -e "$prefix/$file" ] || fail "$file is not installed"
        [ -e "$staged/$file" ] || fail "$file is not staged"
    done
    for file in "$SOURCE"/man/*.1; do
        [ ! -e "$file" ] || [ -e "$prefix/share/man/man1/${file##*/}" ] ||
            fail "${file##*/} is not installed: add it to cmake/WhistInstall.cmake"
    done
    if grep -rlF -e "$BUILD" -e "$SOURCE" "$prefix/$LIBDIR/cmake" "$prefix/$LIBDIR/pkgconfig"; then
        fail "files name the build or source tree"
    fi
    "$prefix/bin/whist" --version
}

case_cmake_shared() { cmake_consumer cmake_shared "$prefix" shared; }
case_cmake_static() { cmake_consumer cmake_static "$prefix" static; }
case_cmake_staged() { cmake_consumer cmake_staged "$staged" shared; }

case_cmake_version() { # an incompatible version is refused
    local dir out
    dir=$(fresh cmake_version)
    if out=$(cmake -S "$here/consumer" -B "$dir" -G Ninja -DCMAKE_C_COMPILER="$CC" \
        -DCMAKE_PREFIX_PATH="$prefix" -DKIND=shared -DWANT_VERSION=99.0 2>&1); then
        fail "find_package(whist 99.0) succeeded"
    fi
    grep -q 'compatible with requested version' <<<"$(tr -s '\n ' ' ' <<<"$out")" || fail "$out"
}

case_pkgconfig_shared() { pkgconfig_consumer pkgconfig_shared "$prefix"; }
case_pkgconfig_staged() { pkgconfig_consumer pkgconfig_staged "$staged"; }

case_pkgconfig_static() {
    local dir
    dir=$(fresh pkgconfig_static)
    # The archive by its path: beside a shared library -lwhist would mean that one.
    # shellcheck disable=SC2046,SC2086
    "$CC" $FLAGS $strict "$here/consumer/consumer.c" -o "$dir/consumer" \
        $(pkgconfig "$prefix" --cflags) "$prefix/$LIBDIR/libwhist.a" \
        $(pkgconfig "$prefix" --static --libs | sed 's/-lwhist\>//')
    runs_with "$dir/consumer" static
}

case_example() { # a whole computation, with all of libwhist.a and of what it needs
    local dir out
    dir=$(fresh example)
    # shellcheck disable=SC2046,SC2086
    "$CC" $FLAGS $strict -D_POSIX_C_SOURCE=200809L "$SOURCE/examples/millionaires.c" \
        -o "$dir/millionaires" $(pkgconfig "$prefix" --cflags) "$prefix/$LIBDIR/libwhist.a" \
        $(pkgconfig "$prefix" --static --libs | sed 's/-lwhist\>//')
    [ "$("$dir/millionaires" 7 5)" != "$("$dir/millionaires" 5 7)" ] || fail "same answer for both"
    out=$("$dir/millionaires" 5 5)
    grep -qi 'equal\|same\|as rich' <<<"$out" || fail "$out"
}

case_headers_c() { # each alone, in any order, in C11 and later
    local header std
    for header in "$prefix"/include/whist/*.h; do
        for std in c11 c17 gnu2x; do
            # shellcheck disable=SC2086
            "$CC" $strict -std=$std -I"$prefix/include" -fsyntax-only -x c - <<<"
#include <whist/${header##*/}>
#include <whist/${header##*/}>
"
        done
    done
}

case_headers_cxx() {
    have_cxx
    local header std
    for header in "$prefix"/include/whist/*.h; do
        for std in c++11 c++17 c++20; do
            "$CXX" -std=$std -Wall -Wextra -Wpedantic -Wconversion -Wold-style-cast -Werror \
                -I"$prefix/include" -fsyntax-only -x c++ - <<<"
#include <whist/${header##*/}>
"
        done
    done
}

case_consumer_cxx() { # C linkage from C++
    have_cxx
    local dir
    dir=$(fresh consumer_cxx)
    # shellcheck disable=SC2046,SC2086
    "$CXX" -std=c++17 $FLAGS -Wall -Wextra -Werror -x c++ "$here/consumer/consumer.c" -x none \
        -o "$dir/consumer" $(pkgconfig "$prefix" --cflags --libs)
    LD_LIBRARY_PATH=$prefix/$LIBDIR runs_with "$dir/consumer" shared
}

case_exports() { # what the shared library exports is what the headers declare
    local dir
    dir=$(fresh exports)
    declared >"$dir/declared"
    [ -s "$dir/declared" ] || fail "no declarations found"
    nm -D --defined-only "$prefix/$LIBDIR/libwhist.so" | awk '{ print $NF }' |
        grep -vE '^(__gcov|__llvm|_fini|_init|mangle_path)' | sort >"$dir/exported"
    diff -U 0 --label declared --label exported "$dir/declared" "$dir/exported" ||
        fail "exports (+) differ from the headers (-)"
}

case_hardening() {
    local file dump
    for file in "$prefix/bin/whist" "$prefix/$LIBDIR/libwhist.so"; do
        dump=$(readelf -hldsW "$file")
        has 'Type: *DYN' || fail "$file is not position independent"
        has 'GNU_RELRO' || fail "$file has no RELRO"
        has 'BIND_NOW|FLAGS.*NOW' || fail "$file binds lazily"
        has 'GNU_STACK .* RW ' || fail "$file has an executable stack"
        has '__stack_chk_fail' || fail "$file has no stack protector"
        ! has '\((RPATH|RUNPATH)\)' || fail "$file has a run path"
        [ "$BUILD_TYPE" = Debug ] || has '__[a-z]+_chk(@| |$)' ||
            fail "$file is not built with _FORTIFY_SOURCE"
    done
    has "SONAME.*libwhist.so.${VERSION%.*}" || fail "SONAME"
}

case_uninstall() { # removes all that install brought, and nothing else
    local dir list
    dir=$(fresh uninstall)
    cp -a "$work/stage" "$dir/root"
    touch "$dir/root$CONFIGURED_PREFIX/bin/other"
    list=$dir/list
    (cd "$work/stage" && find . -type f -o -type l) | sed 's|^\.||' >"$list"
    "$SOURCE/tools/manifest" record "$list" "$dir/root" "$CONFIGURED_PREFIX"
    "$SOURCE/tools/manifest" remove "$dir/root" "$CONFIGURED_PREFIX"
    list=$(cd "$dir/root$CONFIGURED_PREFIX" && find . -type f -o -type l -o -path '*whist*')
    [ "$list" = ./bin/other ] || fail "left: $list"
    if "$SOURCE/tools/manifest" remove "$dir/root" "$CONFIGURED_PREFIX" 2>"$dir/err"; then
        fail "a second uninstall succeeded"
    fi
    grep -q 'nothing to uninstall' "$dir/err" || fail "$(cat "$dir/err")"
}

"case_$1"
