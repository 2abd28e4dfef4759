# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # the parts share variables
#
# paths.sh - where things are, and how the lab speaks.
#
# The first part that "lab", build-debug-kernel and tests/run take in; the others
# rely on it.  LAB_BUILD moves the cache, for tests.

LAB_DIR=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
TOP=$(cd "$LAB_DIR/../.." && pwd)
BUILD=${LAB_BUILD:-$TOP/build}
CACHE=$BUILD/lab

EXIT_HOST=125

# shellcheck source=selftests/tree.sh
. "$LAB_DIR/../tree.sh"

# What an interrupted download or build leaves half-way: "$PARTIAL".*
PARTIAL=

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit "${STATUS:-2}"; }
# The lab cannot do its work: the same status as for a host that fails.
fail() { STATUS=$EXIT_HOST die "$@"; }

# Ends the lab when the disk is nearly full: half-written files are of no use.
need_space() { # KiB WHERE WHAT
	local free
	mkdir -p "$2" || fail "cannot write to $2."
	free=$(df -Pk "$2" | awk 'NR == 2 { print $4 }')
	[ "${free:-0}" -ge "$1" ] ||
		fail "no disk space: $3 needs $(($1 / 1024)) MiB in $2, where $((free / 1024)) MiB are free."
}
