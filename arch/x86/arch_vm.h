/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What x86 adds to struct mkvm_vm and to a memory slot.
 *
 * Included by virt/vm.h only. Each member belongs to the file named beside it.
 */
#ifndef MINIKVM_ARCH_X86_ARCH_VM_H
#define MINIKVM_ARCH_X86_ARCH_VM_H

#include <linux/kvm.h>
#include <linux/kvm_types.h>
#include <linux/spinlock.h>

#include "arch/x86/irq/lapic_map.h"

struct mkvm_ioapic;
struct mkvm_pic;
struct mkvm_pit;
struct msr_filter;

enum mkvm_irqchip_mode { MKVM_IRQCHIP_NONE, MKVM_IRQCHIP_KERNEL, MKVM_IRQCHIP_SPLIT };

/* arch/x86/mmu: state of one VM's EPT. */
struct ept_root {
	u64 *pml4;		/* top table */
	u64 eptp;		/* EPT pointer as the VMCS wants it, 0 until built */
	int levels;		/* 4 or 5 */
	atomic_long_t pages;	/* tables in use, top included */
};

/* A VM's clock: @ns nanoseconds when the host's TSC and boot clock (ns) were this. */
struct mkvm_pvclock {
	u64 ns, host_tsc, host_boot;
};

/* vmx/explain/entry_failure.c: one way in which VM entries of this VM failed, and how often. */
struct mkvm_entry_cause {
	u32 hash;		/* 0: nothing yet */
	bool explained;
	atomic64_t count;
};

/* The last stands for all that come when the others are taken. */
#define MKVM_ENTRY_CAUSES	32

struct mkvm_arch_vm {
	struct ept_root ept;			/* mmu/ */
	bool noncoherent_dma;			/* an assigned device does not snoop caches */
	struct page *apic_access_page;		/* exit/apic_page.c */
	bool apic_access_inhibited;		/* it must not be mapped, ever again */
	bool apic_page_reserved;		/* life.c: a vCPU has a LAPIC; under slots_lock */
	enum mkvm_irqchip_mode irqchip_mode;	/* irqchip.c; set once, under vm->lock */
	u32 split_reserved_routes;
	struct lapic_map apic_map;		/* irq/lapic_deliver.c */
	struct mkvm_ioapic *ioapic;		/* irq/ioapic.c */
	struct mkvm_pic *pic;			/* irq/pic.c */
	struct mkvm_pit *pit;			/* irq/pit.c */
	u32 bsp_vcpu_id;			/* KVM_SET_BOOT_CPU_ID */
	bool pml;				/* slots with a dirty log use PML */
	u64 disabled_quirks;
	bool exit_on_emulation_failure;		/* also for a guest's programs */
	bool exception_payload, triple_fault_event, x2apic_32bit, x2apic_no_broadcast_quirk;

	/* tsc.c */
	raw_spinlock_t tsc_lock;
	u32 default_tsc_khz;
	u64 tsc_last_offset, tsc_last_write;
	u64 tsc_last_nsec;
	u32 tsc_last_khz;
	bool tsc_user_set;			/* userspace wrote one that is not 0 */

	/* msr.c */
	u32 user_space_msr_mask;
	struct msr_filter __rcu *msr_filter;	/* msr_filter.c */
	bool msr_slow;				/* no fast path for RDMSR and WRMSR */
	u32 disabled_exits;			/* KVM_X86_DISABLE_EXITS_* */
	bool guest_can_read_platform_info;

	spinlock_t pvclock_lock;		/* pvclock.c */
	struct mkvm_pvclock pvclock;		/* under it */
	u32 nr_mmu_pages;			/* KVM_SET_NR_MMU_PAGES: remembered, not used */
	struct mkvm_entry_cause entry_causes[MKVM_ENTRY_CAUSES];
};

#endif
