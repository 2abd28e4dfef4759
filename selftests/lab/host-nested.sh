# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# host-nested.sh - the host that has VT-x and VT-d everywhere.
#
# Bochs has VT-x and no VT-d, QEMU's intel-iommu has VT-d and needs someone's
# VT-x: so Bochs boots an outer Linux with kvm_intel nested=1, in which QEMU
# boots the host that COMMAND runs in.  With all_rings=1, Bochs takes the bytes for
# port 0xE9 before it looks for VM exits: the inner host writes straight to the lab,
# at no cost, and the outer one is silent.

OUTER_KERNEL=6.1
OUTER_MEM=2048

prepare_nested() {
	ensure_bochs
	ensure_qemu
}

# QEMU, its libraries and its firmware as an archive: the same for every run
ensure_qemu_archive() {
	local archive=$CACHE/qemu.newc libraries=$QEMU/usr/lib/x86_64-linux-gnu entries=() file

	[ -e "$archive" ] && return
	lock_cache
	if ! [ -e "$archive" ]; then
		entries=(dir:qemu dir:qemu/lib dir:qemu/share
			"exec:$QEMU/usr/bin/qemu-system-x86_64=qemu/qemu"
			"exec:$libraries/ld-linux-x86-64.so.2=qemu/ld.so")
		while read -r file; do
			entries+=("exec:$file=qemu/lib/${file##*/}")
		done < <("$libraries/ld-linux-x86-64.so.2" \
			--library-path "$libraries:$libraries/pulseaudio" --list \
			"$QEMU/usr/bin/qemu-system-x86_64" | awk '$3 ~ "^/" { print $3 }')
		for file in seabios/bios-256k.bin qemu/kvmvapic.bin qemu/linuxboot_dma.bin qemu/pvh.bin \
			qemu/pxe-e1000e.rom qemu/efi-e1000e.rom; do
			[ -e "$QEMU/usr/share/$file" ] &&
				entries+=("file:$QEMU/usr/share/$file=qemu/share/${file##*/}")
		done
		"$BIN/archive-tool" pack "${entries[@]}" >"$archive.new" || exit "$EXIT_HOST"
		mv "$archive.new" "$archive"
	fi
	unlock_cache
}

# QEMU runs in the outer host: the files of its drives go there, and changes to them end there.
take_drives_along() {
	local i file

	DRIVES=()
	for i in "${!QEMU_ARGUMENTS[@]}"; do
		[[ ${QEMU_ARGUMENTS[i]} =~ (^|,)file=([^,]+) ]] || continue
		file=${BASH_REMATCH[2]}
		[ -r "$file" ] || die "--device: there is no file $file."
		DRIVES+=("exec:$file=inner/drive$i")
		QEMU_ARGUMENTS[i]=${QEMU_ARGUMENTS[i]/"file=$file"/"file=/inner/drive$i"}
	done
}

# The outer host's initramfs, written to standard output
outer_initramfs() {
	local directory=$RUN/outer

	printf 'sh\0/lab/nested\0' >"$directory/argv"
	printf 'modprobe=kvm_intel\nouter=1\n' >"$directory/config"
	# APICv in Bochs loses interrupts of a whole Linux guest: Documentation/lab.rst.
	echo 'options kvm_intel nested=1 enable_apicv=0' >"$directory/modprobe.conf"
	{
		echo "exec /qemu/ld.so --library-path /qemu/lib /qemu/qemu -L /qemu/share \\"
		printf '%q ' "${QEMU_ARGUMENTS[@]}" -kernel /inner/kernel -initrd /inner/initramfs \
			-append "$1"
		echo
	} >"$directory/nested"
	cat "$K_CACHE/base.newc" "$CACHE/qemu.newc" && "$BIN/archive-tool" pack \
		dir:inner "file:$directory/kernel=inner/kernel" \
		"file:$directory/initramfs=inner/initramfs" "${DRIVES[@]}" \
		"file:$directory/argv=lab/argv" \
		"file:$directory/config=lab/config" "file:$directory/nested=lab/nested" \
		"file:$directory/modprobe.conf=etc/modprobe.conf"
}

start_nested() {
	local append

	ensure_qemu_archive
	mkdir -p "$RUN/outer"
	qemu_arguments nested
	take_drives_along
	append=$(qemu_append nested)
	make_initramfs >"$RUN/outer/initramfs" ||
		fail "the initramfs could not be written; is there disk space in $CACHE?"
	[ $(($(stat -c %s "$RUN/outer/initramfs") / 500000 + 160)) -le "$MEM" ] ||
		fail "$(($(stat -c %s "$RUN/outer/initramfs") >> 20)) MiB of payload do not fit into --mem=$MEM."
	ln -s "$K_IMAGE" "$RUN/outer/kernel"

	# From here on, the outer host is what Bochs boots.
	KERNEL=$OUTER_KERNEL MODULES='' MEM=$OUTER_MEM
	ensure_kernel
	# shellcheck disable=SC2317 # through INITRAMFS
	nested_initramfs() { outer_initramfs "$append"; }
	INITRAMFS=nested_initramfs
	# A slow clock: the fewer timer interrupts, the fewer exits of the inner host.
	bochs_configuration "$E9_CONSOLE $QUICK_BOOT ${BOCHS_APPEND/khz=100000/khz=1000000}" \
		| sed 's/all_rings=0/all_rings=1/' >"$RUN/bochsrc"
	bochs_command
	if [ -n "$DRY_RUN" ]; then
		print_command "${BOCHS_COMMAND[@]}"
		cat "$RUN/outer/nested"
		STATUS=0
		return
	fi
	supervise --boot-limit=400 --beat-limit=200 -- "${BOCHS_COMMAND[@]}"
}
