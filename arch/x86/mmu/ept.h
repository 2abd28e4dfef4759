/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch/x86/mmu/ept.h - EPT: the second level of address translation.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)". One table per VM, shared by its vCPUs.
 * Faults fill entries under the read side of vm->mmu_lock with cmpxchg; whoever takes
 * entries away holds the write side and flushes before a page or a table is freed.
 */
#ifndef MINIKVM_ARCH_X86_MMU_EPT_H
#define MINIKVM_ARCH_X86_MMU_EPT_H

#include "virt/memslot.h"
#include "virt/vcpu.h"

/* What an EPT violation wanted; the low bits of the exit qualification. */
#define EPT_FAULT_READ		BIT(0)
#define EPT_FAULT_WRITE		BIT(1)
#define EPT_FAULT_FETCH		BIT(2)

enum ept_fault_result {
	EPT_FAULT_FIXED,	/* entered, or somebody else did: resume the guest */
	EPT_FAULT_MMIO,		/* no slot, or a write to a read-only one: emulate */
	/* < 0: errno for KVM_RUN: -EFAULT, -ENOMEM, -EINTR, -EHWPOISON */
};

int ept_module_init(void);
void ept_module_exit(void);
int ept_init_vm(struct mkvm_vm *vm);
/* No vCPU exists any more and the MMU notifier is unregistered. */
void ept_destroy_vm(struct mkvm_vm *vm);

/**
 * ept_handle_fault() - give the guest the page it faulted on
 * @vcpu: the vCPU; vm->srcu read-held, process context, may sleep
 * @gpa: guest-physical address
 * @access: EPT_FAULT_* bits
 *
 * Return: enum ept_fault_result or -errno.
 */
int ept_handle_fault(struct mkvm_vcpu *vcpu, gpa_t gpa, u32 access);

/* Map the APIC-access page at its fixed guest address (called on its violation). */
int ept_map_apic_access_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page);

/* Drain one PML buffer entry into the dirty log. */
void ept_log_dirty_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);

/* Walk of one address in words, for diagnostics: prints to the log, rate limited. */
void ept_dump_walk(struct mkvm_vm *vm, gpa_t gpa);

#endif
