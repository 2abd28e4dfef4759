# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153 # the parts share variables
#
# host-bochs.sh - the host that has VT-x everywhere: Bochs 3.0 emulates a Skylake.
#
# Bochs preloads the uncompressed kernel and the initramfs into RAM and an
# option ROM enters it (bootrom.S), so there is neither boot medium nor disk.
# Time in the host is virtual: one tick of the TSC is one instruction, an idle
# CPU jumps ahead, and 100 million ticks are a second.

# What the kernel need not do here; the reasons are in Documentation/lab.rst.
QUICK_BOOT='panic=-1 nokaslr nmi_watchdog=0 audit=0 rcupdate.rcu_expedited=1 cryptomgr.notests'
QUICK_BOOT+=' apparmor=0 security=none'
QUICK_BOOT+=' initcall_blacklist=load_system_certificate_list'
E9_CONSOLE='earlycon=uart8250,io,0xe9 keep_bootcon console=ttynull'
BOCHS_APPEND="8250.nr_uarts=0 no_timer_check tsc=reliable tsc_early_khz=100000 edd=off norandmaps"
BOCHS_APPEND+=" clearcpuid=rdrand,rdseed intel_iommu=off intremap=off"
# With several CPUs, Bochs may miss the write that ends another's MWAIT, and an idle CPU that is polled
# for gets no IPI: it would sleep on with work in its queue.
BOCHS_SMP_APPEND="idle=halt"

BLOCK=$((8 << 20))
INITRAMFS=make_initramfs	# what writes the initramfs; the host nested has its own

prepare_bochs() { ensure_bochs; }

round_up() { echo $((($1 + $2 - 1) / $2 * $2)); }

# Makes the images of one boot in RUN and prints the lines that load them.
bochs_images() { # COMMAND-LINE
	local load=0x1000000 entry='' end initrd size

	if [ -e "$K_CACHE/layout" ]; then
		read -r load entry end <"$K_CACHE/layout"
		initrd=$(round_up $((end)) "$BLOCK")
		if ! cp "$K_CACHE/vmlinux.img" "$RUN/big.img" ||
			! truncate -s $((initrd - load)) "$RUN/big.img"; then
			fail "no disk space: the kernel could not be copied to $RUN."
		fi
	else
		fail "the kernel $K_IMAGE cannot be uncompressed, which the host bochs needs."
	fi
	"$INITRAMFS" >>"$RUN/big.img" ||
		fail "the initramfs could not be written; is there disk space in $CACHE?"
	size=$(($(stat -c %s "$RUN/big.img") - (initrd - load)))
	[ $((initrd + 2 * size + (160 << 20))) -le $((MEM << 20)) ] ||
		fail "$((size >> 20)) MiB of payload do not fit into --mem=$MEM."
	"$BIN/bootimg" trampoline "$BIN/trampoline.raw" "$RUN/trampoline.img" "$entry" "$load" \
		"$RUN/big.img" &&
		"$BIN/bootimg" setup "$K_IMAGE" "$RUN/setup.img" 0x100000 "$initrd" "$size" "$1" ||
		exit "$EXIT_HOST"
	# Claims the block with the BIOS's tables before the kernel's blocks.
	head -c 16 /dev/zero >"$RUN/top.img"
	cat <<-EOF
		optromimage1: file=$BIN/rom.img, address=0xd0000
		optramimage1: file=$RUN/setup.img, address=0x90000
		optramimage2: file=$RUN/trampoline.img, address=0x100000
		optramimage3: file=$RUN/top.img, address=$(printf '0x%x' $(((MEM << 20) - (1 << 20))))
		optramimage4: file=$RUN/big.img, address=$load
	EOF
}

bochs_configuration() { # COMMAND-LINE
	local clock='sync=none, time0=1767225600'

	# For a user who waits, an idle host sleeps instead of running ahead of this machine's clock; one
	# that computes may fall behind it. So it is for other hosts on its net, whose answers would come
	# after the time that TCP waits.
	[ -z "$TERMINAL$NET" ] || clock="sync=slowdown, time0=$(date +%s)"
	cat <<-EOF
		plugin_ctrl: unmapped=1, biosdev=1, speaker=0, parallel=0, serial=0, gameport=0
		config_interface: textconfig
		display_library: rfb, options="timeout=0"
		memory: guest=$MEM, host=$MEM, block_size=$((BLOCK >> 10))
		romimage: file=$BOCHS/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=$BOCHS/usr/share/vgabios/vgabios.bin
		cpu: model=corei7_skylake_x, count=$CPUS, ips=100000000, reset_on_triple_fault=1, ignore_bad_msrs=1
		clock: $clock, rtc_sync=0
		vga: extension=vbe, update_freq=1, realtime=0
		port_e9_hack: enabled=1, all_rings=0
		ata0: enabled=0
		ata1: enabled=0
		boot: disk
		log: $RUN/bochs.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
	EOF
	bochs_images "$1"
}

# Fills the array BOCHS_COMMAND for the configuration in RUN/bochsrc.
bochs_command() {
	local libraries=$BOCHS/usr/lib/x86_64-linux-gnu

	# Its display listens for VNC clients: where that can be, none can connect.
	BOCHS_COMMAND=()
	unshare -n true 2>/dev/null && BOCHS_COMMAND=(unshare -n)
	BOCHS_COMMAND+=(env "LTDL_LIBRARY_PATH=$libraries/bochs/plugins"
		"BXSHARE=$BOCHS/usr/share/bochs" "HOME=$RUN" "$libraries/ld-linux-x86-64.so.2"
		--library-path "$libraries:$libraries/pulseaudio")
	[ "$CPUS" -eq 1 ] || BOCHS_COMMAND+=(--preload "$BIN/bochs-smp.so")
	BOCHS_COMMAND+=("$BOCHS/usr/bin/bochs-bin" -q -f "$RUN/bochsrc")
}

start_bochs() {
	local limit=60
	[ "$CPUS" = 1 ] || BOCHS_APPEND+=" $BOCHS_SMP_APPEND"
	bochs_configuration "$E9_CONSOLE $QUICK_BOOT $BOCHS_APPEND $APPEND" >"$RUN/bochsrc"
	bochs_command
	if [ -n "$DRY_RUN" ]; then
		print_command "${BOCHS_COMMAND[@]}"
		STATUS=0
		return
	fi
	[ "$KERNEL" = debug ] && limit=600
	supervise --boot-limit="$limit" --beat-limit=$((limit / 2)) -- "${BOCHS_COMMAND[@]}"
}
