# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What every script here starts with:
#
#     set -euo pipefail
#     . "$(dirname -- "${BASH_SOURCE[0]}")/environment.sh"
#
# Makes the surroundings the same wherever a script is started from: a terminal, a supervisor without
# standard input, HOME or TERM, a shell that ignores signals. Sets $root, the top of the source tree;
# the working directory stays.

# Descriptors that are closed would be taken by the next file that is opened.
exec </dev/null
(: >&1) 2>/dev/null || exec >/dev/null
(: >&2) 2>/dev/null || exec 2>/dev/null

# Signals that were ignored when bash started stay ignored in all that it starts, and bash cannot change
# that; daemons under test have to hear them.
if [ -z "${GEN5FS_SCRIPT-}" ] && env --default-signal true 2>/dev/null; then
    export GEN5FS_SCRIPT=1
    exec env --default-signal bash "${BASH_SOURCE[-1]}" "$@"
fi

unset CDPATH ENV BASH_ENV GREP_OPTIONS POSIXLY_CORRECT
# What would build or load something else than what stands here.
unset CFLAGS CPPFLAGS LDFLAGS CPATH C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH LD_PRELOAD MAKEFLAGS
unset CMAKE_TOOLCHAIN_FILE CMAKE_GENERATOR CMAKE_PREFIX_PATH DESTDIR GCC_EXEC_PREFIX COMPILER_PATH
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS OPENBLAS_CORETYPE OPENBLAS_VERBOSE
unset MALLOC_PERTURB_ MALLOC_CHECK_ GLIBC_TUNABLES
# The distribution's tools, for which the libraries were installed.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}"
export LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" HOME="${HOME:-/}"
if [ ! -d "${TMPDIR:-/tmp}" ] || [ ! -w "${TMPDIR:-/tmp}" ]; then
    export TMPDIR=/tmp
fi
umask 022
ulimit -c 0 2>/dev/null || true
# Programs that close every descriptor there could be take long where the limit is in the millions.
case $(ulimit -Sn) in
    unlimited | ???????*) ulimit -Sn 65536 2>/dev/null || true ;;
esac

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
this_script=$(basename -- "${BASH_SOURCE[-1]}")

# fail LINE...: says why the script cannot go on, and ends it.
fail() {
    printf "$this_script: %s\n" "$@" >&2
    exit 1
}

# timed NAME COMMAND...: runs one part, with a headline before and how it ended after it.
timed() {
    local name=$1 start=$SECONDS result='done' status=0
    shift
    printf '\n=== %s\n' "$name"
    "$@" || status=$?
    [ "$status" -eq 0 ] || result="FAILED (status $status)"
    printf '=== %s: %s after %d s\n' "$name" "$result" $((SECONDS - start))
    return "$status"
}

# configure PRESET [-D...]: makes build/PRESET ready to build. One that belongs to another place, since
# the tree was moved or copied, is made anew.
configure() {
    local preset=$1 cache=$root/build/$1/CMakeCache.txt
    shift
    if [ -e "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
        rm -rf -- "$root/build/$preset"
    fi
    mkdir -p -- "$root/build"
    (cd -- "$root" && cmake --preset "$preset" "$@") >"$root/build/$preset.log" 2>&1 || {
        cat -- "$root/build/$preset.log" >&2
        fail "cmake --preset $preset failed"
    }
}

# build PRESET [TARGET...]: builds a preset that was configured.
build() {
    local preset=$1
    shift
    [ $# -eq 0 ] || set -- --target "$@"
    (cd -- "$root" && cmake --build --preset "$preset" -j "$(nproc)" "$@") ||
        fail "building $preset failed"
}
