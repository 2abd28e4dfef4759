# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# payload.sh - what the tests of clients share: a QEMU of Debian's with its libraries and firmware as
# a payload of the lab, and how it finds the module. 7.2 knows only /dev/kvm, so the module takes
# that node (node=kvm); 10.0 is told where to look. To be sourced, without arguments, at the top of
# the source tree; relies on selftests/setup check (7.2), long (10.0) or debug (--debug).

# shellcheck source=selftests/tree.sh
. selftests/tree.sh

# --debug, wherever it stands: the host has the kernel with lockdep, KASAN, UBSAN and kmemleak, whose
# reports make the lab's status 125 (Documentation/lab.rst) and so fail the client. It is taken out
# of the arguments of the script that sources this.
host_kernel=6.1
for argument; do
	shift
	if [ "$argument" = --debug ]; then
		host_kernel=debug
	else
		set -- "$@" "$argument"
	fi
done

build=$PWD/build
clients=$build/lab/clients
# shellcheck disable=SC2034 # used by those that source this
clients32=$build/lab/clients-i386
# shellcheck disable=SC2034 # used by those that source this
busybox=$build/lab/tools/usr/bin/busybox
lab_options=()

# What costs an emulated CPU most and shows nothing here (Documentation/tool.rst).
# shellcheck disable=SC2034 # used by those that source this
fast="quiet nmi_watchdog=0 audit=0 rcupdate.rcu_expedited=1 cryptomgr.notests apparmor=0 \
security=none nokaslr norandmaps \
initcall_blacklist=trace_eval_init,load_system_certificate_list,ftrace_check_for_weak_functions"

# qemu_version 7.2|10.0 : sets tree, node and accel, or ends the script.
# shellcheck disable=SC2034 # used by those that source this
qemu_version() {
	case $1 in
	7.2) tree=$build/lab/qemu node=kvm accel=kvm ;;
	10.0) tree=$build/lab/qemu-10.0 node=minikvm accel=kvm,device=/dev/minikvm ;;
	*)
		echo "${0##*/}: 7.2 or 10.0, not '$1'" >&2
		exit 2
		;;
	esac
}

# copy_libraries TREE PROGRAM DIRECTORY : what a program of a tree of packages is linked to.
copy_libraries() {
	local libraries=$1/usr/lib/x86_64-linux-gnu
	"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio" --list "$2" |
		awk '$3 ~ "^/" { print $3 }' | xargs cp -L -t "$3"
}

# qemu_payload DIRECTORY [FIRMWARE...] : QEMU as DIRECTORY/qemu, started by DIRECTORY/ld.so.
qemu_payload() {
	local payload=$1 libraries=$tree/usr/lib/x86_64-linux-gnu file
	shift
	rm -rf "$payload"
	mkdir -p "$payload/lib" "$payload/share"
	cp "$tree/usr/bin/qemu-system-x86_64" "$payload/qemu" && strip "$payload/qemu" || return 1
	cp "$libraries/ld-linux-x86-64.so.2" "$payload/ld.so" || return 1
	copy_libraries "$tree" "$tree/usr/bin/qemu-system-x86_64" "$payload/lib" || return 1
	for file in seabios/bios-256k.bin qemu/kvmvapic.bin qemu/linuxboot_dma.bin "$@"; do
		cp -L "$tree/usr/share/$file" "$payload/share/" || return 1
	done
	cat > "$payload/run-qemu" <<- 'EOF'
		#!/bin/sh
		# QEMU with its own libraries and firmware
		d=${0%/*}
		exec "$d/ld.so" --library-path "$d/lib" "$d/qemu" -L "$d/share" "$@"
	EOF
	chmod +x "$payload/run-qemu"
	cp selftests/clients/host.sh "$payload/"
}

# with_clients PROGRAM ARG... : runs a program of the packages in build/lab/clients.
with_clients() {
	local libraries=$clients/usr/lib/x86_64-linux-gnu program=$clients/usr/$1
	shift
	"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$program" "$@"
}

# disk_image FILE BUSYBOX DATA : ext4 with busybox, guest/init, and DATA, which cannot be guessed.
disk_image() {
	local root
	root=$(mktemp -d)
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,mnt,etc}
	cp "$2" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	install -m 755 selftests/clients/guest/init "$root/init"
	: > "$root/etc/on-disk"
	cp "$3" "$root/data"
	(cd "$root" && md5sum data > data.md5)
	truncate -s 24M "$1"
	with_clients sbin/mke2fs -q -t ext4 -d "$root" "$1"
	local status=$?
	rm -rf "$root"
	return $status
}

# modules_of 6.1|6.12 : the modules of a Debian kernel.
modules_of() {
	echo "$build/kernel-$1/usr/lib/modules/$(cat "$build/kernel-$1/release")"
}

# in_lab MIB SECONDS COMMAND... : runs COMMAND in a host on Bochs with the module and $payload, and
# with the options $lab_options. There, and only there, an entry with the guest's IF=0 keeps the host
# from its own interrupts, and processors of a guest that wait for each other with interrupts off
# would wait without end: hence the timer. With --debug the host executes several times as many
# instructions, so that its clock, by which the scripts in it measure their patience, runs faster.
in_lab() {
	local mib=$1 seconds=$2 slow=1
	shift 2
	[ "$host_kernel" != debug ] || slow=4
	selftests/lab/lab run --host=bochs --kernel="$host_kernel" --mem="$mib" --quiet \
		--timeout=$((seconds * slow)) --env=SLOW=$slow \
		--modparams="node=$node entry_timer_ticks=200000" --payload="$payload" \
		"${lab_options[@]}" -- "$@"
}

# gdb_payload DIRECTORY : the whole gdb with its libraries and Python's, started by DIRECTORY/run-gdb.
gdb_payload() {
	local payload=$1 tree=$build/lab/gdb python
	mkdir -p "$payload/gdb-lib" "$payload/gdb-home/lib"
	cp "$tree/usr/bin/gdb" "$payload/gdb" && strip "$payload/gdb" || return 1
	cp "$tree/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$payload/gdb-ld.so" || return 1
	copy_libraries "$tree" "$tree/usr/bin/gdb" "$payload/gdb-lib" || return 1
	cp -r "$tree/usr/share/gdb" "$payload/gdb-share"
	# Only what the interpreter itself and gdb's own module import.
	for python in "$tree"/usr/lib/python3.*; do
		mkdir -p "$payload/gdb-home/lib/${python##*/}"
		(cd "$python" && cp -r ./*.py collections encodings importlib re json ctypes \
			"$payload/gdb-home/lib/${python##*/}/") || return 1
	done
	cat > "$payload/run-gdb" <<- 'EOF'
		#!/bin/sh
		# gdb with its own libraries
		d=$(cd "${0%/*}" && pwd)
		export PYTHONHOME="$d/gdb-home" HOME=/tmp TERM=dumb DEBUGINFOD_URLS=
		exec "$d/gdb-ld.so" --library-path "$d/gdb-lib" "$d/gdb" --data-directory "$d/gdb-share" \
			-nx "$@"
	EOF
	chmod +x "$payload/run-gdb"
}

# watchers_payload DIRECTORY : perf, trace-cmd and bpftrace with their libraries, under their names.
watchers_payload() {
	local payload=$1 tree=$build/lab/watchers program
	mkdir -p "$payload/lib"
	cp "$tree/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$payload/ld.so" || return 1
	for program in perf trace-cmd bpftrace; do
		cp "$tree/usr/bin/$program" "$payload/$program.bin" &&
			strip "$payload/$program.bin" || return 1
		# perf is linked to libraries in a folder of their own.
		copy_libraries "$tree" "$tree/usr/bin/$program" "$payload/lib" || return 1
		cat > "$payload/$program" <<- EOF
			#!/bin/sh
			# $program with its own libraries
			exec "\${0%/*}/ld.so" --library-path "\${0%/*}/lib" "\${0%/*}/$program.bin" "\$@"
		EOF
		chmod +x "$payload/$program"
	done
	strip --strip-unneeded "$payload"/lib/* 2> /dev/null || :
}
