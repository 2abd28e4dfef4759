# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# fetch.sh - brings in and caches what the hosts need, from Debian only.
#
# apt-get runs with its own sources, state and cache, and what it downloads is
# unpacked, never installed: the machine stays as it is, whatever Debian it has,
# and root is not needed.  Only the compiler is the machine's own.
#
#	build/lab/apt/SUITE		apt's state for bookworm and for trixie
#	build/lab/bochs, qemu, ...	trees of unpacked packages
#	build/kernel-6.1, -6.12		kernel, modules and headers (KDIR)

MIRROR=${LAB_MIRROR:-http://deb.debian.org}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

apt_sources() { # SUITE[-i386]
	local signed=''
	[ -r "$KEYRING" ] && signed="[signed-by=$KEYRING] "
	case $1 in
	bookworm)
		echo "deb $signed$MIRROR/debian bookworm main"
		echo "deb $signed$MIRROR/debian-security bookworm-security main"
		echo "deb $signed$MIRROR/debian bookworm-backports main" ;;
	*)	echo "deb $signed$MIRROR/debian ${1%-i386} main" ;;
	esac
}

APT_OPENED=' '

# Sets up apt for a suite and reads its package lists, once per lab command.
apt_open() { # SUITE[-i386]
	local directory=$CACHE/apt/$1 architecture=amd64

	export APT_CONFIG=$directory/apt.conf
	[[ $APT_OPENED = *" $1 "* ]] && return
	command -v apt-get >/dev/null ||
		fail "apt-get is missing: the lab needs Debian or one of its children."
	need_space 1500000 "$CACHE" "what the lab downloads"
	mkdir -p "$directory"/{parts,state/lists/partial,cache/archives/partial}
	: >"$directory/status"
	[[ $1 = *-i386 ]] && architecture=i386
	apt_sources "$1" >"$directory/sources.list"
	cat >"$APT_CONFIG" <<-EOF
		Dir::Etc::sourcelist "$directory/sources.list";
		Dir::Etc::sourceparts "$directory/parts";
		Dir::Etc::preferences "$directory/none";
		Dir::Etc::preferencesparts "$directory/parts";
		Dir::State "$directory/state";
		Dir::State::status "$directory/status";
		Dir::Cache "$directory/cache";
		APT::Sandbox::User "root";
		APT::Architecture "$architecture";
		APT::Architectures { "$architecture"; };
		APT::Install-Recommends "0";
		APT::Get::List-Cleanup "0";
		APT::Update::Post-Invoke-Success "";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::http::Timeout "30";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
	EOF
	say "reading the package lists of Debian $1"
	if ! apt-get -q update -o APT::Update::Error-Mode=any >"$directory/log" 2>&1; then
		fetch_failed "$directory/log" "the package lists of Debian $1"
	fi
	APT_OPENED+="$1 "
}

# Says in one sentence why apt-get failed.
fetch_failed() { # LOG WHAT
	local line

	if grep -q 'No space left' "$1"; then
		fail "no disk space: $2 could not be stored in $CACHE."
	elif grep -Eq 'Temporary failure resolving|Could not resolve|Could not connect|Cannot initiate|Unable to connect|Network is unreachable|Connection timed out|Connection failed' "$1"; then
		fail "no network: $2 could not be downloaded from $MIRROR."
	fi
	line=$(grep -m1 '^E: ' "$1")
	fail "$2 could not be downloaded: ${line#E: } (see $1)"
}

# Unpacks packages, and with "deps" also what they depend on, into a tree that
# appears only when it is whole.
fetch_tree() { # SUITE TREE deps|nodeps PACKAGE...
	local suite=$1 tree=$2 deps=$3 directory=$CACHE/apt/$1 deb
	local partial=$2.partial.$$ debs=$2.partial.debs.$$
	shift 3

	apt_open "$suite"
	PARTIAL=$tree.partial
	rm -rf "$PARTIAL".*
	mkdir -p "$debs/partial" "$partial"/usr/{bin,sbin,lib,lib64} || fail "cannot write to $debs."
	say "downloading ${*//\/*/}"
	if [ "$deps" = deps ]; then
		apt-get -qq -y --download-only -o Dir::Cache::archives="$debs" install "$@"
	else
		(cd "$debs" && apt-get -qq download "$@")
	fi >"$directory/log" 2>&1 || fetch_failed "$directory/log" "$*"
	say "unpacking into ${tree#"$TOP"/}"
	for deb in bin sbin lib lib64; do
		ln -s "usr/$deb" "$partial/$deb"
	done
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$partial" -x --keep-directory-symlink \
			--no-same-owner --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
			--exclude='./usr/share/locale/*' 2>"$directory/log" ||
			fetch_failed "$directory/log" "$(basename "$deb")"
	done
	rm -rf "$debs" "$tree"
	mv "$partial" "$tree"
	PARTIAL=
}

# One download at a time: a second lab waits for the first and uses its result.
LOCKS=0
lock_cache() {
	LOCKS=$((LOCKS + 1))
	[ "$LOCKS" -eq 1 ] || return 0
	mkdir -p "$CACHE" || fail "cannot write to $CACHE."
	exec 9>"$CACHE/lock"
	flock -n 9 && return
	say "waiting for another lab that prepares the same cache"
	flock 9
}

unlock_cache() {
	LOCKS=$((LOCKS - 1))
	[ "$LOCKS" -gt 0 ] || exec 9>&-
}

BOCHS=$CACHE/bochs
QEMU=$CACHE/qemu

ensure_bochs() {
	[ -x "$BOCHS/usr/bin/bochs-bin" ] && return
	lock_cache
	[ -x "$BOCHS/usr/bin/bochs-bin" ] ||
		fetch_tree trixie "$BOCHS" deps bochs bochs-term vgabios
	unlock_cache
}

ensure_qemu() {
	[ -x "$QEMU/usr/bin/qemu-system-x86_64" ] && return
	lock_cache
	[ -x "$QEMU/usr/bin/qemu-system-x86_64" ] ||
		fetch_tree bookworm "$QEMU" deps qemu-system-x86
	unlock_cache
}

QEMU10=$CACHE/qemu-10.0

# A client of the module (selftests/clients), and with --qemu=10.0 a host
ensure_qemu10() {
	[ -x "$QEMU10/usr/bin/qemu-system-x86_64" ] && return
	lock_cache
	[ -x "$QEMU10/usr/bin/qemu-system-x86_64" ] ||
		fetch_tree bookworm "$QEMU10" deps -t bookworm-backports qemu-system-x86
	unlock_cache
}

# What the kernel's own selftests (selftests/clients) and, of 6.1, checkpatch need of the kernel's
# source. A package is called after its series, the directory in its archive too.
ensure_source() { # 6.1|6.12
	local source=$BUILD/linux-source-$1 package=$CACHE/source-$1 name=linux-source-$1
	local partial=$source.partial part parts=() suffix=''

	[ -e "$source/Makefile" ] && return
	lock_cache
	if ! [ -e "$source/Makefile" ]; then
		[ "$1" = 6.1 ] || suffix=/bookworm-backports
		fetch_tree bookworm "$package" nodeps "$name$suffix"
		for part in include arch/x86/include arch/x86/entry/syscalls arch/x86/tools scripts tools/arch \
			tools/build tools/include tools/lib tools/scripts tools/testing/selftests/kvm \
			tools/testing/selftests/lib.mk tools/testing/selftests/rseq; do
			parts+=("$name/$part")
		done
		ensure_tools
		say "unpacking a part of the kernel's source"
		rm -rf "$partial"
		mkdir -p "$partial"
		run_in_tree "$TOOLS" xz -dc "$package/usr/src/$name.tar.xz" |
			tar -C "$partial" -x --strip-components=1 --wildcards "${parts[@]}" \
				'*/Makefile' '*/Kbuild*' "$name/tools/testing/selftests/*.h" ||
			fail "the kernel's source cannot be unpacked into $source."
		rm -rf "$package"
		mv "$partial" "$source"
	fi
	unlock_cache
}

# Debian 12's installer, whatever Debian the machine has
ensure_installer() {
	[ -d "$CACHE/installer/usr" ] && return
	lock_cache
	[ -d "$CACHE/installer/usr" ] ||
		fetch_tree bookworm "$CACHE/installer" nodeps debian-installer-12-netboot-amd64
	unlock_cache
}

# What the tests of clients boot from, and gdb: firmware, boot loaders, makers of images
CLIENTS=$CACHE/clients

ensure_clients() {
	[ -x "$CLIENTS/usr/bin/gdb" ] && return
	lock_cache
	[ -x "$CLIENTS/usr/bin/gdb" ] ||
		fetch_tree bookworm "$CLIENTS" deps e2fsprogs isolinux syslinux-common \
			grub-common grub-pc-bin xorriso ovmf gdb-minimal
	unlock_cache
}

GDB=$CACHE/gdb

# The whole gdb: the minimal one, of the clients, reads no target description, which is XML
ensure_gdb() {
	[ -x "$GDB/usr/bin/gdb" ] && return
	lock_cache
	[ -x "$GDB/usr/bin/gdb" ] ||
		fetch_tree bookworm "$GDB" deps gdb
	unlock_cache
}

WATCHERS=$CACHE/watchers
BCC=$CACHE/bcc

# Programs that watch KVM, and so minikvm, from outside (selftests/watch): bcc's are scripts, whose
# interpreter and library came with the others.
ensure_watchers() {
	[ -x "$WATCHERS/usr/bin/bpftrace" ] && [ -x "$BCC/usr/sbin/kvmexit-bpfcc" ] && return
	lock_cache
	[ -x "$WATCHERS/usr/bin/bpftrace" ] ||
		fetch_tree bookworm "$WATCHERS" deps linux-perf trace-cmd bpftrace
	[ -x "$BCC/usr/sbin/kvmexit-bpfcc" ] ||
		fetch_tree bookworm "$BCC" nodeps bpfcc-tools python3-bpfcc
	unlock_cache
}

LIBVIRT=$CACHE/libvirt

# libvirt with its driver for QEMU: no test needs it; Documentation/clusters.rst tells what was tried
ensure_libvirt() {
	[ -x "$LIBVIRT/usr/sbin/libvirtd" ] && return
	lock_cache
	[ -x "$LIBVIRT/usr/sbin/libvirtd" ] ||
		fetch_tree bookworm "$LIBVIRT" deps libvirt-daemon libvirt-daemon-driver-qemu \
			libvirt-clients qemu-utils
	unlock_cache
}

CLIENTS32=$CACHE/clients-i386

# A 32-bit kernel with its modules, and a program for it
ensure_clients32() {
	local image
	[ -x "$CLIENTS32/usr/bin/busybox" ] && return
	lock_cache
	if ! [ -x "$CLIENTS32/usr/bin/busybox" ]; then
		apt_open bookworm-i386
		image=$(real_package linux-image-686-pae '^linux-image-[0-9].*-686-pae$')
		[ -n "$image" ] || fail "Debian has no 32-bit kernel any more."
		fetch_tree bookworm-i386 "$CLIENTS32" nodeps "$image" busybox-static
	fi
	unlock_cache
}

TOOLS=$CACHE/tools

ensure_tools() {
	[ -e "$TOOLS/usr/lib/x86_64-linux-gnu/libelf.so.1" ] && return
	lock_cache
	[ -e "$TOOLS/usr/lib/x86_64-linux-gnu/libelf.so.1" ] ||
		fetch_tree bookworm "$TOOLS" deps busybox-static lz4 zstd xz-utils libelf1
	unlock_cache
}

# Runs a program of a tree with the libraries of that tree.
run_in_tree() { # TREE PROGRAM ARG...
	local libraries=$1/usr/lib/x86_64-linux-gnu program=$1/usr/bin/$2
	shift 2
	"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$program" "$@"
}

# --- kernels -----------------------------------------------------------------------

kernel_dir() { echo "$BUILD/kernel-$1"; }

# The name that a package of a suite depends on, such as the real kernel's
real_package() { # PACKAGE PATTERN
	apt-get -s -qq install "$1" 2>/dev/null |
		awk -v pattern="$2" '$1 == "Inst" && $2 ~ pattern { print $2; exit }'
}

fetch_kernel() { # 6.1|6.12
	local tree suffix='' image headers release common kbuild

	tree=$(kernel_dir "$1")
	apt_open bookworm
	[ "$1" = 6.12 ] && suffix=/bookworm-backports
	image=$(real_package "linux-image-cloud-amd64$suffix" '^linux-image-[0-9].*-cloud-amd64$')
	[[ $image == linux-image-$1.* ]] ||
		fail "Debian has no kernel $1 any more, but '${image:-nothing}'."
	release=${image#linux-image-}
	headers=linux-headers-$release
	common=linux-headers-${release%-cloud-amd64}-common
	kbuild=$(real_package "$headers$suffix" '^linux-kbuild-')
	[ -n "$kbuild" ] || fail "the headers of kernel $release are not to be had."
	fetch_tree bookworm "$tree" nodeps "$image$suffix" "$headers$suffix" "$common$suffix" \
		"$kbuild$suffix"
	echo "$release" >"$tree/release"
}

# What makes the unpacked packages fit to build modules against, wherever build/ lies or is moved to:
# every path is relative to the tree. The number changes with what is done here, so that a tree that
# an older lab has prepared is prepared again. New files take the places of old ones (never > FILE):
# trees may share them by hard links.
PREPARED=3

prepare_headers() { # TREE
	local release common kdir modules

	release=$(cd "$1/usr/lib/modules" && echo *)
	kdir=$1/usr/src/linux-headers-$release
	common=linux-headers-${release%-cloud-amd64}-common
	modules=$1/usr/lib/modules/$release
	# The packages' Makefile names /usr/src; here it must find its neighbour instead.
	rm -f "$kdir/Makefile"
	# shellcheck disable=SC2016 # for make, not for the shell
	printf 'include $(dir $(lastword $(MAKEFILE_LIST)))../%s/Makefile\n' "$common" >"$kdir/Makefile"
	# With it, kbuild wants pahole and resolve_btfids, which a machine need not have; compat/btf,
	# which can do without, takes what it holds from vmlinux.btf.
	rm -f "$kdir/vmlinux"
	kernel_types "$1/boot/vmlinuz-$release" "$kdir/vmlinux.btf"
	# Relative to where the links really are: lib is a link to usr/lib.
	ln -sfnr "$kdir" "$modules/build"
	ln -sfnr "$1/usr/src/$common" "$modules/source"
	if ! [ -e "$modules/build/Makefile" ] || ! [ -e "$modules/source/Makefile" ]; then
		fail "the headers of kernel $release are not where its packages used to have them."
	fi
	wrap_objtool "$1"
	rm -f "$1/prepared"
	echo $PREPARED >"$1/prepared"
}

# The types of a kernel's structures, BTF, out of its image (the kernel's Documentation/x86/boot.rst,
# "payload_offset"): those of a module refer to them. Nothing where the kernel has none.
kernel_types() { # BZIMAGE FILE
	local setup offset length

	setup=$(od -An -tu1 -j 497 -N 1 "$1")		# 0x1f1, setup_sects
	offset=$(od -An -tu4 -j 584 -N 4 "$1")		# 0x248, payload_offset
	length=$(od -An -tu4 -j 588 -N 4 "$1")		# 0x24c, payload_length
	rm -f "$2" "$2.new"
	uncompress_payload "$1" $(((setup + 1) * 512 + offset)) $((length)) >"$2.elf"
	objcopy --dump-section ".BTF=$2.new" "$2.elf" /dev/null 2>/dev/null || :
	rm -f "$2.elf"
	[ ! -s "$2.new" ] || mv "$2.new" "$2"
}

# kbuild's objtool wants libelf, which a machine without headers need not have. From 6.12 on
# Debian's objtool is itself a launcher, which starts objtool.real-x86 beside it.
wrap_objtool() { # TREE
	local program
	local up=../../../../../..	# from usr/lib/linux-kbuild-*/tools/objtool to build/

	for program in "$1"/usr/lib/linux-kbuild-*/tools/objtool/objtool; do
		[ ! -e "$program.real-x86" ] || program=$program.real-x86
		[ -e "$program.real" ] || mv "$program" "$program.real"
		rm -f "$program"
		cat >"$program" <<-EOF
			#!/bin/sh
			# Written by the lab (fetch.sh): objtool with the lab's own libelf
			lib=\${0%/*}/$up/lab/tools/usr/lib/x86_64-linux-gnu
			exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib" "\$0.real" "\$@"
		EOF
		chmod 755 "$program"
	done
}

ensure_fetched_kernel() { # 6.1|6.12
	local tree
	tree=$(kernel_dir "$1")
	[ -s "$tree/release" ] && [ "$(cat "$tree/prepared" 2>/dev/null)" = $PREPARED ] && return
	ensure_tools
	lock_cache
	[ -s "$tree/release" ] || fetch_kernel "$1"
	[ "$(cat "$tree/prepared" 2>/dev/null)" = $PREPARED ] || prepare_headers "$tree"
	unlock_cache
}

# --- commands ------------------------------------------------------------------------

lab_fetch() {
	local what
	[ $# -gt 0 ] || set -- programs bochs qemu 6.1 6.12
	for what in "$@"; do
		case $what in
		programs) ensure_programs; ensure_tools ;;
		bochs) ensure_bochs ;;
		qemu) ensure_qemu ;;
		qemu-10.0) ensure_qemu10 ;;
		source) ensure_source 6.1 ;;
		source-6.12) ensure_source 6.12 ;;
		gdb) ensure_gdb ;;
		clients) ensure_clients ;;
		watchers) ensure_watchers ;;
		libvirt) ensure_libvirt ;;
		clients-i386) ensure_clients32 ;;
		installer) ensure_installer ;;
		6.1 | 6.12) ensure_programs; ensure_fetched_kernel "$what" ;;
		*) die "nothing to fetch is called '$what'; there are programs, bochs, qemu, qemu-10.0, source, source-6.12, gdb, watchers, clients, libvirt, clients-i386, installer, 6.1, 6.12." ;;
		esac
	done
	say "everything is in $BUILD."
}

# Prints the directory to build a module against.
lab_kdir() {
	[ $# -eq 1 ] || die "write: lab kdir 6.1|6.12|debug"
	case $1 in
	6.1 | 6.12)
		ensure_fetched_kernel "$1"
			echo "$(kernel_dir "$1")/usr/src/linux-headers-$(cat "$(kernel_dir "$1")/release")" ;;
	debug)
		[ -s "$(kernel_dir debug)/release" ] ||
			fail "no debug kernel yet; build it with $LAB_DIR/build-debug-kernel."
		echo "$(kernel_dir debug)/build" ;;
	*) die "no headers for '$1'; there are 6.1, 6.12 and debug." ;;
	esac
}
