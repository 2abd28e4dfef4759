# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# initramfs.sh - builds the lab's own programs and the initramfs of a host.
#
# The initramfs is several newc archives one behind the other: a base that
# depends on the kernel alone and is cached (busybox, init, stripped modules),
# the payloads, and what this run asks for.  Nothing is compressed: in an
# emulator a byte that is copied costs less than one that is unpacked.

BIN=$CACHE/bin

# The modules a base carries, with what they depend on; patterns of their paths
MODULE_PATTERNS='/(kvm|kvm-intel|kvm-amd|irqbypass|vfio|vfio-pci|vfio-pci-core|vfio_iommu_type1'
MODULE_PATTERNS+='|vfio_virqfd|iommufd|virtio_pci|virtio_blk|virtio_net|virtio_console|virtio-rng'
MODULE_PATTERNS+='|virtio_balloon|vhost_net|vhost_vsock|tun|tap|nvme|e1000e|igb|9p|9pnet_virtio'
MODULE_PATTERNS+='|uio|uio_pci_generic|loop|msr|cpuid|binfmt_misc|fuse)\.ko'

# Installs the compiler where that is possible, or says how.
ensure_compiler() {
	local packages='gcc libc6-dev binutils'

	command -v gcc >/dev/null && command -v ld >/dev/null && [ -e /usr/include/stdio.h ] &&
		return
	[ "$(id -u)" -eq 0 ] ||
		fail "a C compiler is missing; run: sudo apt-get install -y $packages"
	say "installing $packages"
	# shellcheck disable=SC2086 # a list of words
	{
		DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y $packages ||
			{ apt-get -qq update &&
				DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y $packages; }
	} >"$CACHE/install.log" 2>&1 || fetch_failed "$CACHE/install.log" "$packages"
}

build_program() { # NAME FLAGS SOURCE...
	local name=$1 flags=$2
	shift 2
	# shellcheck disable=SC2086 # a list of flags
	gcc -D_GNU_SOURCE -O2 -Wall -Wextra -Werror $flags -o "$BIN.new/$name" \
		"${@/#/$LAB_DIR/}" -pthread || fail "the lab's program '$name' could not be built."
}

build_rom() {
	gcc -c -o "$BIN.new/bootrom.o" "$LAB_DIR/bootrom.S" &&
		ld -o "$BIN.new/bootrom.elf" --section-start=.rom=0xd0000 \
			--section-start=.trampoline=0x100000 -e 0 "$BIN.new/bootrom.o" &&
		objcopy -O binary -j .rom "$BIN.new/bootrom.elf" "$BIN.new/rom.raw" &&
		objcopy -O binary -j .trampoline "$BIN.new/bootrom.elf" "$BIN.new/trampoline.raw" &&
		"$BIN.new/bootimg" rom "$BIN.new/rom.raw" "$BIN.new/rom.img"
}

ensure_programs() {
	local stamp

	mkdir -p "$CACHE" || fail "cannot write to $CACHE."
	stamp=$(cat "$LAB_DIR"/*.[chS] | cksum)
	[ "$(cat "$BIN/stamp" 2>/dev/null)" = "$stamp" ] && return
	lock_cache
	if [ "$(cat "$BIN/stamp" 2>/dev/null)" != "$stamp" ]; then
		ensure_compiler
		say "building the lab's own programs"
		rm -rf "$BIN.new"
		mkdir -p "$BIN.new"
		build_program supervise '' supervise.c supervise-host.c supervise-window.c \
			supervise-terminal.c supervise-files.c supervise-net.c report.c
		build_program archive-tool '' archive-tool.c archive.c
		build_program bootimg '' bootimg.c
		build_program bochs-smp.so '-shared -fPIC' bochs-smp.c
		build_program init -static init.c init-files.c init-input.c init-log.c init-modules.c \
			init-net.c init-terminal.c init-window.c report.c archive.c
		build_rom || fail "the lab's boot ROM could not be built."
		echo "$stamp" >"$BIN.new/stamp"
		# Another lab may be running what is there: it keeps its open files.
		rm -rf "$BIN.old"
		[ -d "$BIN" ] && mv "$BIN" "$BIN.old"
		mv "$BIN.new" "$BIN"
		rm -rf "$BIN.old"
	fi
	unlock_cache
}

# --- the kernel --------------------------------------------------------------------

K_IMAGE='' K_RELEASE='' K_MODULES='' K_CACHE=''

# Sets K_IMAGE (a bzImage), K_RELEASE, K_MODULES (a directory or nothing) and
# K_CACHE, where base.newc and the uncompressed kernel are.
ensure_kernel() {
	local tree

	ensure_tools
	case $KERNEL in
	6.1 | 6.12)
		ensure_fetched_kernel "$KERNEL"
		tree=$(kernel_dir "$KERNEL")
		K_RELEASE=$(cat "$tree/release")
		K_IMAGE=$tree/boot/vmlinuz-$K_RELEASE
		K_MODULES=$tree/usr/lib/modules/$K_RELEASE ;;
	debug)
		tree=$(kernel_dir debug)
		[ -s "$tree/release" ] ||
			fail "no debug kernel yet; build it with $LAB_DIR/build-debug-kernel."
		K_RELEASE=$(cat "$tree/release")
		K_IMAGE=$tree/bzImage
		K_MODULES=$tree/modules/lib/modules/$K_RELEASE ;;
	*)
		K_IMAGE=$(readlink -f "$KERNEL")
		K_RELEASE=$("$BIN/bootimg" release "$K_IMAGE") || exit "$EXIT_HOST"
		K_MODULES=$MODULES ;;
	esac
	[ -n "$MODULES" ] && K_MODULES=$MODULES
	[ -z "$K_MODULES" ] || [ -d "$K_MODULES" ] || die "there are no modules in $K_MODULES."
	K_CACHE=$CACHE/kernel/$K_RELEASE-$({
		cat "$BIN/stamp" "$LAB_DIR/initramfs.sh"
		stat -c '%n %s %Y' "$K_IMAGE" ${K_MODULES:+"$K_MODULES/modules.order"}
	} 2>/dev/null | sha256sum | cut -c1-12)
	[ -e "$K_CACHE/done" ] && return
	lock_cache
	[ -e "$K_CACHE/done" ] || prepare_kernel
	unlock_cache
}

prepare_kernel() {
	local old partial=$K_CACHE.partial

	say "preparing kernel $K_RELEASE"
	need_space 400000 "$CACHE" "the prepared kernel"
	for old in "$CACHE/kernel/$K_RELEASE"-*; do
		rm -rf "$old"
	done
	mkdir -p "$partial" || fail "cannot write to $CACHE."
	uncompress_kernel "$partial"
	make_base "$partial"
	: >"$partial/done"
	mv "$partial" "$K_CACHE"
}

# Prints the kernel that is compressed in an image, or nothing where this machine cannot.
uncompress_payload() { # BZIMAGE OFFSET LENGTH
	local magic tool

	magic=$(tail -c +$(($2 + 1)) "$1" | head -c 4 | od -An -tx1 | tr -d ' ')
	case $magic in
	02214c18) tool='lz4 -dc' ;;
	28b52ffd) tool='zstd -dc' ;;
	fd377a58) tool='xz -dc --single-stream' ;;
	1f8b*) tool='busybox gunzip -c' ;;
	425a68*) tool='busybox bunzip2 -c' ;;
	5d0000*) tool='busybox unlzma -c' ;;
	*) return 0 ;;
	esac
	# Behind the data stands its uncompressed size, which tools take for garbage.
	# shellcheck disable=SC2086 # a program and its options
	tail -c +$(($2 + 1)) "$1" | head -c $(($3 - 4)) |
		if [[ $tool = busybox* ]]; then
			"$TOOLS/usr/bin/"$tool
		else
			run_in_tree "$TOOLS" $tool
		fi 2>/dev/null || :
}

# Leaves vmlinux.img and layout, or nothing where the guest must uncompress.
uncompress_kernel() { # DIR
	local offset length

	read -r offset length < <("$BIN/bootimg" payload "$K_IMAGE") || return 0
	uncompress_payload "$K_IMAGE" "$offset" "$length" >"$1/vmlinux"
	"$BIN/bootimg" flatten "$1/vmlinux" "$1/vmlinux.img" >"$1/layout" || {
		say "the kernel cannot be uncompressed here; the host will do it"
		rm -f "$1/layout" "$1/vmlinux.img"
	}
	rm -f "$1/vmlinux"
}

# The modules matching MODULE_PATTERNS and all that they depend on
select_modules() { # MODULES.DEP
	awk -v pattern="$MODULE_PATTERNS" '
	{
		name = $1
		sub(/:$/, "", name)
		needs[name] = $0
		if (("/" name) ~ pattern)
			want[name] = 1
	}
	END {
		do {
			more = 0
			for (name in want) {
				n = split(needs[name], word, " ")
				for (i = 2; i <= n; i++)
					if (!(word[i] in want)) {
						want[word[i]] = 1
						more = 1
					}
			}
		} while (more)
		for (name in want)
			print name
	}' "$1"
}

# Copies the selected modules, stripped, into ROOT/usr/lib/modules/RELEASE.
copy_modules() { # ROOT
	local from=$K_MODULES to=$1/usr/lib/modules/$K_RELEASE scratch=$1.scratch module file

	mkdir -p "$scratch/lib/modules" "$to"
	ln -s "$(readlink -f "$from")" "$scratch/lib/modules/$K_RELEASE"
	# busybox: the machine need not have kmod, and the host reads its format
	(cd "$from" && find . -name '*.ko*' -printf '%P\n') >"$scratch/list"
	if [ -s "$from/modules.dep" ]; then
		cp "$from/modules.dep" "$scratch/modules.dep"
	else
		cp -r "$(readlink -f "$from")" "$scratch/tree"
		find "$scratch/tree" -name '*.ko.xz' -exec "$TOOLS/usr/bin/busybox" unxz {} +
		rm "$scratch/lib/modules/$K_RELEASE"
		mv "$scratch/tree" "$scratch/lib/modules/$K_RELEASE"
		from=$scratch/lib/modules/$K_RELEASE
		"$TOOLS/usr/bin/busybox" depmod -b "$scratch" "$K_RELEASE" 2>/dev/null
		cp "$from/modules.dep" "$scratch/modules.dep"
	fi
	select_modules "$scratch/modules.dep" | while read -r module; do
		file=$to/$module
		mkdir -p "${file%/*}"
		case $module in
		*.xz) file=${file%.xz}; run_in_tree "$TOOLS" xz -dc "$from/$module" >"$file" ;;
		*) cp "$from/$module" "$file" ;;
		esac
		strip --strip-unneeded "$file" || cp "$from/$module" "$file"
	done
	for file in builtin builtin.modinfo order; do
		[ -e "$from/modules.$file" ] && cp "$from/modules.$file" "$to/"
	done
	rm -rf "$scratch"
	mkdir -p "$1.depmod/lib/modules"
	mv "$to" "$1.depmod/lib/modules/$K_RELEASE"
	"$TOOLS/usr/bin/busybox" depmod -b "$1.depmod" "$K_RELEASE" 2>/dev/null
	mv "$1.depmod/lib/modules/$K_RELEASE" "$to"
	rm -rf "$1.depmod"
}

make_base() { # DIR
	local root=$1/root applet

	mkdir -p "$root"/usr/{bin,sbin,lib64,lib/x86_64-linux-gnu} \
		"$root"/{proc,sys,dev,tmp,run,root,out,etc,lab,payload,var,mnt}
	for applet in bin sbin lib lib64; do
		ln -s "usr/$applet" "$root/$applet"
	done
	cp "$TOOLS/usr/bin/busybox" "$root/usr/bin/busybox"
	for applet in $("$TOOLS/usr/bin/busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/usr/bin/$applet"
	done
	ln -s ../bin/busybox "$root/usr/sbin/modprobe"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	printf 'root:x:0:\nkvm:x:104:\n' >"$root/etc/group"
	printf '127.0.0.1 localhost lab\n' >"$root/etc/hosts"
	: >"$root/etc/ld.so.conf"
	[ -z "$K_MODULES" ] || copy_modules "$root"
	cp "$BIN/init" "$root/init"
	chmod 755 "$root/init"
	"$BIN/archive-tool" pack top:"$root" >"$1/base.newc" || exit "$EXIT_HOST"
	rm -rf "$root"
}

# --- one run ----------------------------------------------------------------------------

find_module() {
	[ -n "$INSMOD" ] || return 0
	if [ -z "$MODULE" ]; then
		case $KERNEL in
		6.1 | 6.12 | debug) MODULE=$BUILD/module-$KERNEL/minikvm.ko ;;
		*) die "--kernel=FILE needs --module=FILE, a minikvm.ko built for it, or --no-insmod." ;;
		esac
	fi
	[ -r "$MODULE" ] ||
		die "there is no module $MODULE; build it with '$(how_to_build "$KERNEL")', or give --no-insmod.${TERMINAL:+ 'make shell' builds all that a shell wants.}"
}

# The command that makes the module for a kernel of the lab, at the top of the tree
how_to_build() { # 6.1|6.12|debug|FILE
	case $1 in
	6.1 | 6.12) echo "make module KNAME=$1 KDIR=\$(selftests/lab/lab kdir $1)" ;;
	debug) echo "selftests/setup debug" ;;
	*) echo "make module KDIR=..." ;;
	esac
}

payload_name() {
	case $1 in
	. | .. | */. | */.. | /) basename "$(readlink -f "$1")" ;;
	*) basename "$1" ;;
	esac
}

# Writes the initramfs of this run to standard output.
make_initramfs() {
	local directory=$RUN/lab payload entries=() item

	mkdir -p "$directory"
	printf '%s\0' "${COMMAND[@]}" >"$directory/argv"
	{
		for payload in "${PAYLOADS[@]}"; do
			echo "payload=$(payload_name "$payload")"
		done
		for item in "LAB_HOST=$HOST" "LAB_KERNEL=$KERNEL" "${ENVIRONMENT[@]}"; do
			echo "env=$item"
		done
		for item in "${MODPROBE[@]}"; do
			echo "modprobe=$item"
		done
		[ -n "$INSMOD" ] && echo "insmod=$MODPARAMS"
		[ -n "$OUT" ] && echo "out=1"
		[ -n "$INPUT" ] && echo "input=1"
		[ -n "$NET" ] && echo "net=$NET_NUMBER" && echo "env=LAB_NET=$NET_NUMBER"
		[ -n "$OUT$INPUT$NET" ] && echo "window=$WINDOW"
		[ -n "$TERMINAL" ] && shell_config
		[ "$HOST" = nested ] && echo "sendlog=1"
		echo "write=/proc/sys/kernel/watchdog_thresh=10"
		echo "write=/proc/sys/kernel/hung_task_timeout_secs=120"
		# The supervisor remembers where a page of init's is: window.h.
		echo "write=/proc/sys/vm/compact_unevictable_allowed=0"
	} >"$directory/config"
	for payload in "${PAYLOADS[@]}"; do
		entries+=("tree:$(readlink -f "$payload")=payload/$(payload_name "$payload")")
	done
	entries+=("file:$directory/config=lab/config" "file:$directory/argv=lab/argv")
	# Last in PATH: a payload's own goes before it.
	entries+=(dir:lab/bin)
	[ -x "$BUILD/tool/minikvm" ] && cp "$BUILD/tool/minikvm" "$RUN/minikvm" &&
		strip "$RUN/minikvm" && entries+=("exec:$RUN/minikvm=lab/bin/minikvm")
	[ -n "$TERMINAL" ] && shell_entries
	[ -n "$INSMOD" ] && entries+=("file:$RUN/minikvm.ko=lab/minikvm.ko")
	if [ -n "$INSMOD" ]; then
		if ! cp "$MODULE" "$RUN/minikvm.ko" || ! strip --strip-debug "$RUN/minikvm.ko"; then
			fail "$MODULE cannot be read."
		fi
	fi
	cat "$K_CACHE/base.newc" && "$BIN/archive-tool" pack "${entries[@]}"
}
