#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The inner half of selftests/bringup: runs inside a lab host that was booted with --no-insmod.
#	bringup_helper.sh load|hotplug|no-vmx MINIKVM.KO [WORDS-OF-THE-MESSAGE]
# Prints TAP. load: insmod and rmmod, refusals, kvm_intel in the way; hotplug: CPUs leave and
# come back under a VM (needs two CPUs); no-vmx: the host has no VT-x and the log must say so.
# SDM volume 3, "Enabling and Entering VMX Operation". Relies on busybox and vm_holder_helper.

# The tests are called by name, which shellcheck does not see.
# shellcheck disable=SC2317
here=$(dirname "$0")
part=$1
ko=$2
words=$3
nr=0
bad=0
log=/tmp/bringup.$$

report() { # STATUS NAME
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr $2"
	else
		echo "not ok $nr $2"
		bad=1
	fi
}

note() {
	echo "# $*"
}

# mark: from here on said() looks at the log.
mark() {
	echo "bringup mark $nr" >/dev/kmsg
}

# Has the module said these words since the last mark?
said() {
	dmesg | sed -n "/bringup mark $nr\$/,\$p" >"$log"
	grep 'minikvm:' "$log" | grep -qi -- "$1" && return 0
	note "the log has no '$1' after the last step; it has:"
	grep 'minikvm:' "$log" | while IFS= read -r line; do
		note "$line"
	done
	return 1
}

loaded() {
	grep -q "^$1 " /proc/modules
}

# hold [--halt]: starts a VM and waits until it runs; its process is $holder.
hold() {
	: >"$log.hold"
	"$here/vm_holder_helper" "$@" >"$log.hold" 2>&1 &
	holder=$!
	i=0
	while [ "$i" -lt 200 ]; do
		grep -q holding "$log.hold" && return 0
		kill -0 "$holder" 2>/dev/null || break
		sleep 0.1
		i=$((i + 1))
	done
	note "the VM does not start: $(cat "$log.hold")"
	return 1
}

release() {
	kill -TERM "$holder"
	wait "$holder" && return 0
	note "$(cat "$log.hold")"
	return 1
}

load_unload_100() {
	i=0
	while [ "$i" -lt 100 ]; do
		insmod "$ko" || return 1
		[ -c /dev/minikvm ] || { note "no /dev/minikvm after insmod $i"; return 1; }
		rmmod minikvm || return 1
		[ ! -e /dev/minikvm ] || { note "/dev/minikvm stays after rmmod $i"; return 1; }
		i=$((i + 1))
	done
}

runs_after_reload() {
	insmod "$ko" || return 1
	"$here/abi_basic" guest_real guest_64 >"$log" && return 0
	note "$(cat "$log")"
	return 1
}

rmmod_refused_while_a_vm_lives() {
	hold || return 1
	if rmmod minikvm 2>/dev/null; then
		note "rmmod went through under a running VM"
		return 1
	fi
	release || return 1
	hold --halt || return 1
	if rmmod minikvm 2>/dev/null; then
		note "rmmod went through under a halted VM"
		return 1
	fi
	kill -KILL "$holder"
	wait "$holder" 2>/dev/null
	i=0
	while [ "$i" -lt 50 ]; do
		rmmod minikvm 2>/dev/null && return 0
		sleep 0.1
		i=$((i + 1))
	done
	note "the killed VM keeps the module"
	return 1
}

bad_parameter_refused() {
	mark
	if insmod "$ko" node=bogus 2>/dev/null; then
		rmmod minikvm
		return 1
	fi
	said 'node=bogus'
}

as_dev_kvm() {
	insmod "$ko" node=kvm || return 1
	ok=0
	[ -c /dev/kvm ] || ok=1
	[ ! -e /dev/minikvm ] || ok=1
	"$here/abi_basic" --dev /dev/kvm guest_real guest_64 api_version >"$log" || {
		note "$(cat "$log")"
		ok=1
	}
	rmmod minikvm || ok=1
	return "$ok"
}

kvm_intel_in_the_way() {
	modprobe kvm_intel enable_apicv=0 || { note "no kvm_intel in this host"; return 1; }
	mark
	if insmod "$ko" 2>"$log.err"; then
		rmmod minikvm
		return 1
	fi
	ok=0
	grep -qiE 'busy|exist' "$log.err" || { note "$(cat "$log.err")"; ok=1; }
	said 'kvm_intel' || ok=1
	said 'modprobe -r kvm_intel' || ok=1
	# kvm_intel is none the worse for it.
	"$here/abi_basic" --dev /dev/kvm guest_64 >"$log" || ok=1
	rmmod kvm_intel || ok=1
	rmmod kvm || ok=1
	return "$ok"
}

# The kernel has taken the module's types, which refer to its own: bpftool reads them (compat/btf).
types_of_the_module() {
	insmod "$ko" || return 1
	ok=0
	for name in mkvm_vcpu mkvm_vm vmx_vcpu; do
		grep -q "$name" /sys/kernel/btf/minikvm || { note "no type $name in BTF"; ok=1; }
	done
	rmmod minikvm || ok=1
	return "$ok"
}

events=/sys/kernel/tracing/events

# Tracefs is where it belongs, or is put there.
tracefs() {
	[ -d "$events" ] || mount -t tracefs tracefs /sys/kernel/tracing
}

# kvm has its events where they always are; the module's go elsewhere, and the log says so.
events_beside_kvm() {
	tracefs || return 1
	modprobe kvm || { note "no kvm in this host"; return 1; }
	ok=0
	mark
	insmod "$ko" || return 1
	said 'tracepoints: .*system "minikvm"' || ok=1
	[ -e "$events"/minikvm/kvm_exit/id ] || { note "no event"; ok=1; }
	dmesg | sed -n "/bringup mark $nr\$/,\$p" | grep -i 'could not\|already' && ok=1
	echo 1 >"$events"/minikvm/enable
	"$here/abi_basic" guest_64 >"$log" || ok=1
	grep -q ' kvm_exit: vcpu 0 reason ' /sys/kernel/tracing/trace || { note "no exit traced"; ok=1; }
	rmmod minikvm || ok=1
	[ ! -e "$events"/minikvm ] || { note "the module's events stay"; ok=1; }
	[ -e "$events"/kvm/kvm_exit/id ] || { note "kvm's events are gone"; ok=1; }
	echo 1 >"$events"/kvm/kvm_exit/enable && echo 0 >"$events"/kvm/kvm_exit/enable || ok=1
	rmmod kvm || ok=1
	return "$ok"
}

# The other way round: kvm's events of the same name find their places taken, which the kernel says
# of each; the module's go on, kvm works, and each of the two can be unloaded before the other.
kvm_after_minikvm() {
	tracefs || return 1
	ok=0
	for first in minikvm kvm; do
		insmod "$ko" || return 1
		modprobe kvm || { note "no kvm in this host"; return 1; }
		echo 1 >"$events"/kvm/enable || ok=1
		: >/sys/kernel/tracing/trace
		"$here/abi_basic" guest_64 >"$log" || ok=1
		grep -q ' kvm_exit: vcpu 0 reason ' /sys/kernel/tracing/trace ||
			{ note "no exit traced"; ok=1; }
		echo 0 >"$events"/kvm/enable || ok=1
		rmmod "$first" || ok=1
		loaded minikvm && { rmmod minikvm || ok=1; }
		loaded kvm && { rmmod kvm || ok=1; }
		[ ! -e "$events"/kvm ] || { note "events without a module: $(ls "$events"/kvm)"; ok=1; }
	done
	# What was in the way is gone.
	modprobe kvm || ok=1
	[ -e "$events"/kvm/kvm_exit/id ] || { note "kvm alone has no kvm_exit"; ok=1; }
	rmmod kvm || ok=1
	return "$ok"
}

rmmod_while_events_are_on() {
	tracefs || return 1
	ok=0
	insmod "$ko" || return 1
	echo 1 >"$events"/kvm/enable || ok=1
	echo 1 >"$events"/minikvm/enable || ok=1
	"$here/abi_basic" guest_64 >"$log" || ok=1
	rmmod minikvm || return 1
	[ ! -e "$events"/kvm ] || { note "events without a module"; ok=1; }
	insmod "$ko" || return 1
	[ "$(cat "$events"/kvm/kvm_exit/enable)" = 0 ] || { note "on without being turned on"; ok=1; }
	rmmod minikvm || ok=1
	return "$ok"
}

cpu1() {
	echo "$1" >/sys/devices/system/cpu/cpu1/online
}

cpus_come_and_go_idle() {
	for _ in 1 2 3; do
		cpu1 0 || return 1
		cpu1 1 || return 1
	done
	"$here/abi_basic" guest_64 >/dev/null
}

cpus_come_and_go_under_a_vm() {
	hold || return 1
	ok=0
	for _ in 1 2 3; do
		cpu1 0 || ok=1
		sleep 0.2
		cpu1 1 || ok=1
		sleep 0.2
	done
	release || ok=1
	return "$ok"
}

load_with_a_cpu_missing() {
	ok=0
	rmmod minikvm || return 1
	cpu1 0 || return 1
	insmod "$ko" || ok=1
	hold || ok=1
	cpu1 1 || ok=1
	sleep 0.3
	release || ok=1
	"$here/run_loop" run_in_other_threads kick_running >/dev/null || ok=1
	return "$ok"
}

rmmod_after_hotplug() {
	rmmod minikvm && insmod "$ko" && "$here/abi_basic" guest_64 >/dev/null && rmmod minikvm
}

# The module is loaded and unloaded while a CPU leaves and comes back.
rmmod_while_cpus_come_and_go() {
	ok=0
	(while [ ! -e "$log.stop" ]; do
		cpu1 0
		cpu1 1
	done) &
	toggler=$!
	i=0
	while [ "$i" -lt 8 ]; do
		insmod "$ko" || ok=1
		"$here/abi_basic" guest_64 >/dev/null || ok=1
		rmmod minikvm || ok=1
		i=$((i + 1))
	done
	touch "$log.stop"
	wait "$toggler"
	rm -f "$log.stop"
	return "$ok"
}

refused_with_a_reason() {
	mark
	if insmod "$ko" 2>/dev/null; then
		rmmod minikvm
		return 1
	fi
	loaded minikvm && return 1
	said "$words"
}

run_all() {
	echo "TAP version 13"
	echo "1..$#"
	for t; do
		"$t"
		report $? "$t"
	done
}

case $part in
load)
	run_all load_unload_100 runs_after_reload rmmod_refused_while_a_vm_lives \
		bad_parameter_refused as_dev_kvm events_beside_kvm kvm_after_minikvm \
		rmmod_while_events_are_on types_of_the_module \
		kvm_intel_in_the_way
	;;
hotplug)
	insmod "$ko" || exit 1
	run_all cpus_come_and_go_idle cpus_come_and_go_under_a_vm load_with_a_cpu_missing \
		rmmod_after_hotplug rmmod_while_cpus_come_and_go
	;;
no-vmx)
	run_all refused_with_a_reason
	;;
*)
	echo "usage: bringup_helper.sh load|hotplug|no-vmx MINIKVM.KO [WORDS]" >&2
	exit 2
	;;
esac
exit $bad
