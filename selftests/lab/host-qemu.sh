# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# host-qemu.sh - the hosts tcg (VT-d, no VT-x) and kvm (both, on an Intel machine).
#
# One QEMU command line serves both, and the inner half of the host nested: a
# q35 with an intel-iommu and an edu device.  Port 0xE9 is QEMU's debug console,
# so that the host's init need not know which emulator it is in.

QEMU_APPEND='intel_iommu=off intremap=off norandmaps'

prepare_tcg() {
	[ "$QEMU_VERSION" = 7.2 ] || QEMU=$QEMU10
	if [ "$QEMU_VERSION" = 7.2 ]; then ensure_qemu; else ensure_qemu10; fi
}

# For the lab's own tests, on machines without nested VT-x: kvm's command line, but for the accelerator
# and what that needs of the CPU, which are tcg's.
KVM_BY_TCG=${LAB_KVM_BY_TCG-}

prepare_kvm() {
	[ -n "$DRY_RUN$KVM_BY_TCG" ] || machine_has_nested_vmx ||
		fail "this machine offers no nested VT-x: $(why_no_nested_vmx); use --host=bochs."
	ensure_qemu
}

# Fills QEMU_ARGUMENTS with what does not depend on where QEMU runs.
qemu_arguments() { # tcg|kvm|nested
	# TCG of 7.2 spoils RFLAGS in CMPXCHG16B now and then, which ends a boot of 6.12 in a double
	# fault: without the instruction the kernel emulates it.
	local device machine=q35,kernel-irqchip=split cpu=qemu64,+pdpe1gb,-cx16 accel=tcg

	case $1 in
	kvm) [ -n "$KVM_BY_TCG" ] || accel=kvm cpu=host ;;
	nested) accel=kvm cpu=host machine+=,smm=off ;;
	esac
	# shellcheck disable=SC2054 # QEMU's commas
	QEMU_ARGUMENTS=(-accel "$accel" -machine "$machine" -cpu "$cpu" -smp "$CPUS" -m "$MEM"
		-nodefaults -no-user-config -vga none -display none -no-reboot
		-chardev stdio,id=e9,signal=off -device isa-debugcon,iobase=0xe9,chardev=e9)
	# One nanosecond and one tick for each instruction; waiting takes no time.
	[ -z "$ICOUNT" ] || QEMU_ARGUMENTS+=(-icount shift=0,sleep=off)
	# The remapping unit must exist before what stands behind it, and a device
	# of the user's replaces the one that is there by default.
	if [[ " ${DEVICES[*]}" != *' intel-iommu'* ]]; then
		QEMU_ARGUMENTS+=(-device 'intel-iommu,intremap=on')
	fi
	for device in "${DEVICES[@]}"; do
		[[ $device = intel-iommu* ]] && QEMU_ARGUMENTS+=(-device "$device")
	done
	[[ " ${DEVICES[*]}" = *' edu'* ]] || QEMU_ARGUMENTS+=(-device edu)
	for device in "${DEVICES[@]}"; do
		case $device in
		intel-iommu*) ;;
		drive=* | blockdev=* | netdev=* | object=*)
			QEMU_ARGUMENTS+=("-${device%%=*}" "${device#*=}") ;;
		*) QEMU_ARGUMENTS+=(-device "$device") ;;
		esac
	done
}

qemu_append() { # tcg|kvm|nested
	local text="$E9_CONSOLE $QUICK_BOOT $QEMU_APPEND"

	case $1 in
	tcg) text+=' tsc=unstable no_timer_check' ;;
	# Each character costs two exits; init sends the log in larger pieces.
	nested) text+=' quiet no_timer_check tsc=reliable clearcpuid=rdrand,rdseed' ;;
	esac
	echo "$text $APPEND"
}

# The kernel takes tables from an archive of its own before the others.
acpi_table_archive() {
	mkdir -p "$RUN/early/kernel/firmware/acpi"
	cp "$ACPI_TABLE" "$RUN/early/kernel/firmware/acpi/table.aml" || return
	(cd "$RUN/early" && find kernel | cpio -o -H newc -R 0:0 --quiet)
}

start_qemu() {
	local libraries=$QEMU/usr/lib/x86_64-linux-gnu command append limit=60

	append=$(qemu_append "$HOST")
	qemu_arguments "$HOST"
	{ [ -z "$ACPI_TABLE" ] || acpi_table_archive; } >"$RUN/initramfs" &&
		make_initramfs >>"$RUN/initramfs" ||
		fail "the initramfs could not be written; is there disk space in $CACHE?"
	[ $(($(stat -c %s "$RUN/initramfs") / 500000 + 160)) -le "$MEM" ] ||
		fail "$(($(stat -c %s "$RUN/initramfs") >> 20)) MiB of payload do not fit into --mem=$MEM."
	command=(env "QEMU_MODULE_DIR=$libraries/qemu"
		"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio"
		"$QEMU/usr/bin/qemu-system-x86_64" -L "$QEMU/usr/share/qemu"
		-L "$QEMU/usr/share/seabios"
		"${QEMU_ARGUMENTS[@]}" -kernel "$K_IMAGE" -initrd "$RUN/initramfs" -append "$append")
	if [ -n "$DRY_RUN" ]; then
		print_command "${command[@]}"
		STATUS=0
		return
	fi
	[ "$KERNEL" = debug ] && limit=600
	supervise --boot-limit="$limit" --beat-limit="$limit" -- "${command[@]}"
}

start_tcg() { start_qemu; }
start_kvm() { start_qemu; }
