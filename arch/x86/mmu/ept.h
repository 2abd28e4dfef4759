/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EPT: the second level of address translation.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)". One table per VM, shared by its vCPUs.
 * Faults fill entries under the read side of vm->mmu_lock with cmpxchg; a thread that takes
 * entries away holds the write side and flushes before a page or a table is freed.
 */
#ifndef MINIKVM_ARCH_X86_MMU_EPT_H
#define MINIKVM_ARCH_X86_MMU_EPT_H

#include "virt/memslot.h"
#include "virt/vcpu.h"

/* What an EPT violation wanted, and what the entry allowed; as in the exit qualification. */
#define EPT_FAULT_READ		BIT(0)
#define EPT_FAULT_WRITE		BIT(1)
#define EPT_FAULT_FETCH		BIT(2)
#define EPT_FAULT_ALLOWED	GENMASK(5, 3)	/* one of these: it was present */

enum ept_fault_result {
	EPT_FAULT_FIXED,	/* entered, or another vCPU did: resume the guest */
	EPT_FAULT_MMIO,		/* no slot: emulate */
	EPT_FAULT_ROM,		/* a write to a read-only one: emulate, in most cases */
	/* < 0: errno for KVM_RUN: -EFAULT, -ENOMEM, -EINTR, -EHWPOISON */
};

int ept_module_init(void);
void ept_module_exit(void);
int ept_init_vm(struct mkvm_vm *vm);
void ept_destroy_vm(struct mkvm_vm *vm);

int ept_handle_fault(struct mkvm_vcpu *vcpu, gpa_t gpa, u32 access);

int ept_map_apic_access_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page);

int ept_map_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page);

void ept_memtypes_changed(struct mkvm_vm *vm);

const void *ept_guest_bytes(struct mkvm_vm *vm, gpa_t gpa, unsigned int len);

void ept_log_dirty_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);

void ept_dump_walk(struct mkvm_vm *vm, gpa_t gpa);

#endif
