/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What x86 adds to struct mkvm_vcpu.
 *
 * Included by virt/vcpu.h only. The order matters: what each entry and exit touches comes
 * first (vmx/vmenter.S reaches it by the offsets in asm-offsets), what ioctls touch last.
 * Each group names the file that owns it. Others read its members; to write them they call that
 * file's functions, or the setters of the header beside it.
 */
#ifndef MINIKVM_ARCH_X86_ARCH_VCPU_H
#define MINIKVM_ARCH_X86_ARCH_VCPU_H

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/kvm_types.h>
#include <asm/cpufeatures.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>

#include "arch/x86/insn/doorbell.h"

struct emul_ctxt;
struct mkvm_lapic;
struct mkvm_memslot;
struct mkvm_vcpu;
struct posted_desc;
struct vmx_vcpu;

/* Index of a general register: the hardware's encoding, then RIP. */
enum mkvm_reg {
	GREG_RAX, GREG_RCX, GREG_RDX, GREG_RBX, GREG_RSP, GREG_RBP, GREG_RSI, GREG_RDI,
	GREG_R8, GREG_R9, GREG_R10, GREG_R11, GREG_R12, GREG_R13, GREG_R14, GREG_R15,
	GREG_RIP,
	NR_MKVM_REGS,
	/* Lazily read from the VMCS like RIP and RSP, but kept elsewhere. */
	GREG_RFLAGS = NR_MKVM_REGS,
	GREG_CR0,
	GREG_CR3,
	GREG_CR4,
	GREG_PDPTR,
};

/* KVM's numbering of segment registers, the order of the hardware's encoding. */
enum mkvm_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_TR, SEG_LDTR };

/**
 * struct mkvm_exception - an exception on its way into the guest (event/inject.c)
 * @pending: raised by the module, not yet in the VM-entry interruption information
 * @injected: was in it, delivery did not finish: must be injected again as it is
 * @has_error_code: @error_code is pushed
 * @has_payload: @payload still has to be written to CR2 or DR6
 * @vector: its vector
 * @insn_len: of INT3 and INTO: delivery needs it again
 * @error_code: the error code
 * @payload: the new CR2, or what DR6 gets
 */
struct mkvm_exception {
	bool pending, injected, has_error_code, has_payload;
	u8 vector;
	u8 insn_len;
	u32 error_code;
	unsigned long payload;
};

/* insn/pio.c: a port access that userspace finishes. */
struct mkvm_pio_request {
	u64 linear;		/* of the instruction */
	u64 element;		/* string I/O: linear address of the first element */
	u16 port;
	u8 size;		/* bytes of an element: 1, 2, 4 */
	u8 addr_bytes;		/* string I/O: address size of the instruction */
	u8 segment;		/* string I/O: SEG_ES to SEG_GS */
	bool string, rep, down;
	u32 count;		/* elements in vcpu->pio_data */
};

/* insn/guest_access.c: one access of at most 8 bytes that does not cross a page. */
struct mkvm_mmio_access {
	gpa_t gpa;
	u8 len;
	bool for_user;		/* no device in the kernel has it */
	u8 data[8];
};

#define MKVM_MMIO_MAX_ACCESSES		64	/* FXSAVE: 512 bytes */

/**
 * struct mkvm_mmio - an instruction that the module executes, maybe in several goes
 * @reads: reads of devices already answered, in the order in which the instruction makes them
 * @writes: writes to devices that wait for userspace
 * @wanted: the read that userspace is asked for
 * @nr_reads: their number
 * @next_read: how many of them this go has used
 * @nr_writes: their number
 * @next_write: the one that userspace has
 * @hint: the exit reported @linear and @gpa
 * @hint_offset: an access to the xAPIC page: @linear is the offset in it
 * @hint_write: it was a write, so the guest's tables allow writing
 * @no_slot: @hint holds, and the page has no slot for accesses as @hint_write says
 * @touched: this go accessed a device
 * @wrap: linear addresses have 32 bits
 * @user: WALK_USER, or 0
 * @linear: the linear address
 * @gpa: the guest-physical address of its page
 * @rip: of an instruction whose exit told enough to execute it, without the emulator
 * @why: what -EFAULT is about
 * @again: executes the instruction when @wanted is answered
 * @ctxt: the emulation, kept while userspace is asked
 */
struct mkvm_mmio {
	struct mkvm_mmio_access *reads, *writes;
	struct mkvm_mmio_access wanted;
	u8 nr_reads, next_read, nr_writes, next_write;
	bool hint, hint_offset, hint_write, no_slot, touched, wrap;
	u32 user;
	unsigned long linear, rip;
	gpa_t gpa;
	const char *why;
	int (*again)(struct mkvm_vcpu *vcpu);
	struct emul_ctxt *ctxt;
};

struct mkvm_arch_vcpu {
	/* Entry and exit: regs.h, vmx/vmenter.S; CR2 also run/hot_loop.c */
	unsigned long regs[NR_MKVM_REGS];
	unsigned long cr2;
	u32 regs_avail, regs_dirty;
	unsigned long rflags;

	struct vmx_vcpu *vmx;			/* vmx/ */
	struct mkvm_lapic *apic;		/* irq/lapic.c, NULL without irqchip */
	struct posted_desc *posted;		/* irq/posted.c, NULL without APICv */
	bool apic_virtualized;			/* lapic_virtualized() */
	u64 hv_timer_tsc;			/* irq/lapic_timer.c: host TSC, LAPIC_NO_HV_TIMER */

	/* Events: event/inject.c, event/deliver.c */
	struct mkvm_exception exception;
	struct { bool injected, soft; u8 nr, insn_len; } interrupt;
	int pending_extint;			/* split irqchip: vector of KVM_INTERRUPT, or -1 */
	bool nmi_injected;
	u8 nmi_pending;				/* at most 2 */
	atomic_t nmi_queued;

	/* Control registers: cpu/cr.c, which stores them by vmx/control_regs.c */
	unsigned long cr0, cr3, cr4, cr8;
	unsigned long cr0_guest_owned, cr4_guest_owned;
	unsigned long cr4_guest_rsvd;
	u64 efer;
	u64 pdptr[4];

	u32 mp_state;				/* event/mp_state.h: KVM_MP_STATE_* */

	/* KVM_RUN: run/run.c, and in insn/ pio.c, guest_access.c, mmio.c, doorbell.c */
	unsigned long rcu_noted;		/* jiffies */
	int (*complete_userspace_io)(struct mkvm_vcpu *vcpu);
	bool complete_registers_only;		/* ... looks at no memory and no device */
	struct mkvm_pio_request pio;
	struct mkvm_mmio mmio;
	struct mkvm_doorbell doorbells[NR_DOORBELLS];
	u64 doorbell_pages;			/* bit n: one whose frame is n modulo 64 */
	const struct mkvm_doorbell *doorbell_checked;	/* for this exit's slow half, or NULL */
	struct mkvm_doorbell_load doorbell_load;
	gfn_t next_fault_gfn;			/* mmu/ept_fault.c */
	u8 nr_rom_copies;			/* exit/rom_write.c */

	/* FPU: cpu/fpu.c */
	struct fpu_guest guest_fpu;
	u64 xcr0, guest_supported_xcr0;
	u64 ia32_xss;
	u32 pkru, host_pkru;
	u8 fpu_switch;				/* enum fpu_switch: what differs from the host */
	u8 fpu_loaded;				/* enum fpu_switch: what is in the CPU now */

	/* CPUID: cpu/cpuid.c */
	struct kvm_cpuid_entry2 *cpuid;
	int cpuid_nent;
	u16 cpuid_basic[0x20];			/* leaf to its first entry, counted from 1 */
	u16 cpuid_extended[0x20];		/* the same for 0x80000000 + n */
	u32 cpuid_max_basic;
	bool cpuid_amd_range;			/* out-of-range leaves read as zeros */
	u32 guest_caps[NCAPINTS];		/* guest_cpuid_has(), words of X86_FEATURE_* */
	u32 guest_cap_7_2_edx;			/* no word of its own in the kernel */
	u8 maxphyaddr;
	u64 reserved_gpa_bits;
	bool ran;				/* it entered the guest: CPUID is frozen */

	u8 msr_passed;				/* cpu/msr_pass.c: enum msr_pass_when, a bit each */

	/* MSRs that are fields: cpu/msr_table.c has a row for each */
	u64 apic_base;
	u64 pat;
	u64 misc_enable;
	u64 arch_capabilities, perf_capabilities, platform_info, misc_features, power_ctl;
	u64 ucode_rev;
	u64 smbase;
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 mcg_cap, mcg_status, mcg_ctl, mcg_ext_ctl;
	u64 *mce_banks;				/* CTL, STATUS, ADDR, MISC of each, then all CTL2 */
	u64 wall_clock_msr, system_time_msr, steal_time_msr;
	u64 last_run_delay;			/* pv/steal_time.c */
	u32 pv_features;			/* KVM_CPUID_FEATURES: EAX */
	bool pv_unhalted;			/* KVM_HC_KICK_CPU ends the next HLT */
	bool pvclock_stopped;			/* KVM_KVMCLOCK_CTRL */
	u64 smi_count, feat_ctl, hwcr;
	u64 pv_eoi_msr, migration_msr;

	/* Asynchronous page faults: pv/async_pf.c */
	u64 async_pf_enable, async_pf_vector;	/* the two MSRs */
	struct list_head async_pf_faults;
	u32 async_pf_last_id;
	u8 nr_async_pf;
	bool async_pf_wake_all;

	/* TSC: cpu/tsc.c */
	u64 tsc_offset;				/* guest TSC = host TSC + offset (scaled) */
	u64 tsc_scaling_ratio;
	s64 ia32_tsc_adjust;
	u32 virtual_tsc_khz;
	u64 last_host_tsc;

	/* Debug registers: event/debug.c */
	unsigned long db[4], dr6, dr7;
	unsigned long eff_db[4], guest_debug_dr7;
	u32 guest_debug;			/* KVM_GUESTDBG_* */
	u8 switch_db_regs;

	struct list_head posted_link;		/* irq/posted.c: while it halts */
	int posted_cpu;				/* ... in that CPU's list, else -1 */

	bool boot_vcpu;				/* run/life.c */
	bool l1tf_flush;			/* vmx/l1d_flush.c: host code ran for it */
	bool pv_enforce_cpuid;			/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID */
};

#endif
