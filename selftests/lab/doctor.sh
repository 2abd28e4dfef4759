# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# doctor.sh - which hosts this machine offers, and why the others are missing.
#
# Looks only; nothing is changed or downloaded.

nested_parameter() { cat /sys/module/kvm_intel/parameters/nested 2>/dev/null; }

machine_has_nested_vmx() {
	grep -qw vmx /proc/cpuinfo && [ -r /dev/kvm ] && [ -w /dev/kvm ] &&
		[[ $(nested_parameter) = [Y1] ]]
}

why_no_nested_vmx() {
	if ! grep -qw vmx /proc/cpuinfo; then
		if grep -qw svm /proc/cpuinfo; then
			echo "the CPU is an AMD one (SVM, not VT-x)"
		elif grep -qw hypervisor /proc/cpuinfo; then
			echo "it is a virtual machine without nested VT-x"
		else
			echo "the CPU has no VT-x, or the firmware disables it"
		fi
	elif ! [ -e /sys/module/kvm_intel ]; then
		echo "kvm_intel is not loaded (modprobe kvm_intel nested=1)"
	elif ! [[ $(nested_parameter) = [Y1] ]]; then
		echo "kvm_intel has nesting off (modprobe -r kvm_intel; modprobe kvm_intel nested=1)"
	elif ! [ -e /dev/kvm ]; then
		echo "there is no /dev/kvm"
	else
		echo "/dev/kvm is not yours to use (adduser $(id -un) kvm)"
	fi
}

doctor_line() { printf '%-8s %-5s %-5s %s\n' "$@"; }

cached() { [ -e "$1" ] && echo "cached" || echo "to be downloaded ($2 MB)"; }

lab_doctor() {
	local ready kernel state memory cpus

	doctor_line host VT-x VT-d state
	if machine_has_nested_vmx; then
		ready="ready; 'auto' takes it"
	else
		ready="missing: $(why_no_nested_vmx)"
	fi
	doctor_line kvm yes yes "$ready"
	ready='ready'
	machine_has_nested_vmx || ready="ready; 'auto' takes it"
	[ "$(uname -m)" = x86_64 ] || ready="missing: this machine is not x86-64"
	doctor_line bochs yes no "$ready; $(cached "$BOCHS/usr/bin/bochs-bin" 55)"
	doctor_line tcg no yes "ready; $(cached "$QEMU/usr/bin/qemu-system-x86_64" 45)"
	doctor_line nested yes yes "ready; needs what bochs and tcg need"
	echo
	for kernel in 6.1 6.12; do
		state="to be downloaded (45 MB)"
		[ -s "$(kernel_dir $kernel)/release" ] && state=$(cat "$(kernel_dir $kernel)/release")
		printf 'kernel %-7s %s\n' "$kernel" "$state"
	done
	state="to be built: selftests/lab/build-debug-kernel (about 10 minutes)"
	[ -s "$(kernel_dir debug)/release" ] && state=$(cat "$(kernel_dir debug)/release")
	printf 'kernel %-7s %s\n' debug "$state"
	for kernel in 6.1 6.12 debug; do
		state="not built: $(how_to_build $kernel)"
		[ -e "$BUILD/module-$kernel/minikvm.ko" ] && state="build/module-$kernel/minikvm.ko"
		printf 'module %-7s %s\n' "$kernel" "$state"
	done
	memory=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
	cpus=$(nproc)
	printf '\nmachine: %s CPUs, %s MiB of memory available, %s MiB of disk free at %s\n' "$cpus" \
		"$memory" "$(df -Pm "$TOP" | awk 'NR == 2 { print $4 }')" "$TOP"
	[ "$memory" -ge 2000 ] || echo "This is little memory: a host wants 1.5 GiB, nested 3 GiB."
	command -v gcc >/dev/null ||
		echo "There is no compiler: as root the lab installs it, else run: sudo apt-get install -y gcc libc6-dev binutils"
	return 0
}
