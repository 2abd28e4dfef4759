# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# qemu.sh - QEMU of the lab, which needs no package on the machine, for run and bench. To be sourced at
# the top of the tree; relies on selftests/setup check.

# lab_qemu SECONDS OPTION... : a PC of TCG without a screen, its serial port on standard input and output.
lab_qemu() {
	local tree=$PWD/build/lab/qemu libraries
	libraries=$tree/usr/lib/x86_64-linux-gnu
	QEMU_MODULE_DIR=$libraries/qemu timeout "$1" "$libraries/ld-linux-x86-64.so.2" \
		--library-path "$libraries:$libraries/pulseaudio" "$tree/usr/bin/qemu-system-x86_64" \
		-L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios" -nodefaults -display none \
		-no-reboot -serial stdio -accel tcg "${@:2}"
}
