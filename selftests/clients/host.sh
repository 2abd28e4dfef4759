# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# host.sh - inside a lab host: one QEMU after the other, each a test.
#
# To be sourced, in the payload, by a script that is started as SCRIPT ACCEL KERNEL-PARAMETERS
# [NAME...] and calls boot for each of its machines, then done_booting. With NAMEs, only those run.
# Relies on payload.sh having made the payload; SLOW is in_lab's.

accel=$1
# shellcheck disable=SC2034 # used by those that source this
parameters=$2
shift 2
names=$*
number=0
failed=0

# selected NAME : true if the test was asked for.
selected() {
	[ -z "$names" ] && return
	case " $names " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# outcome STATUS NAME LOG... : the line of TAP; for a failure, the ends of the logs.
outcome() {
	status=$1
	what=$2
	shift 2
	number=$((number + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $number $what"
		return
	fi
	for log; do
		echo "# $log:"
		tail -n 40 "$log" | cut -c 1-300 | sed 's/^/# /'
	done
	dmesg | grep minikvm: | tail -n 5 | sed 's/^/# /'
	echo "not ok $number $what: status $status"
	failed=1
}

# says FILE PATTERNS : true if each of the patterns, parted by |, is in a line of FILE.
says() {
	echo "$2" | tr '|' '\n' > /tmp/patterns
	while read -r pattern; do
		grep -q "$pattern" "$1" || return 1
	done < /tmp/patterns
}

# boot NAME PATTERNS OPTION... : QEMU runs its guest to the end, whose serial port says PATTERNS.
boot() {
	selected "$1" || return 0
	name=$1
	patterns=$2
	shift 2
	timeout $((900 * SLOW)) ./run-qemu -nodefaults -no-user-config -display none -no-reboot -accel "$accel" \
		-serial stdio "$@" < /dev/null > /tmp/guest.log 2>&1
	ended=$?
	grep "guest: " /tmp/guest.log | tr -d '\r' | sed 's/^/# /'
	[ $ended -eq 124 ] && echo "# QEMU had to be ended"
	[ $ended -ne 0 ] || says /tmp/guest.log "$patterns" || ended=77
	outcome $ended "$name" /tmp/guest.log
}

done_booting() {
	echo "1..$number"
	exit $failed
}
