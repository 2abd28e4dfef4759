/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EPT: the second level of address translation.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)". One table per VM, shared by its vCPUs.
 * Faults fill entries under the read side of vm->mmu_lock with cmpxchg; whoever takes
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
	EPT_FAULT_FIXED,	/* entered, or somebody else did: resume the guest */
	EPT_FAULT_MMIO,		/* no slot: emulate */
	EPT_FAULT_ROM,		/* a write to a read-only one: emulate, in most cases */
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

/**
 * ept_map_apic_access_page() - map the APIC-access page, which no slot knows
 * @vm: the VM
 * @gfn: frame of the APIC base
 * @page: the page; its owner keeps it until the VM's tables are gone
 *
 * Called on its violation; arch_mmu_zap_range() takes it away again. May sleep. Does nothing once
 * vm->arch.apic_access_inhibited is set.
 * Return: 0 or -ENOMEM.
 */
int ept_map_apic_access_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page);

/**
 * ept_map_page() - map a page of the module's for reading and writing, whatever is there
 * @vm: the VM
 * @gfn: frame
 * @page: the page; its owner takes it away by arch_mmu_zap_range() before he frees it
 *
 * May sleep. Another vCPU that faults on the frame puts the slot's page in its place.
 * Return: 0 or -ENOMEM.
 */
int ept_map_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page);

/**
 * ept_memtypes_changed() - the guest changed MTRRs or CR0.CD
 * @vm: the VM; process context, no lock held
 *
 * Where they count (a device does not snoop the caches), every leaf is made anew.
 */
void ept_memtypes_changed(struct mkvm_vm *vm);

/**
 * ept_guest_bytes() - guest memory where the kernel has it
 * @vm: the VM
 * @gpa: guest-physical address of the first byte
 * @len: how many bytes the caller may read through the pointer
 *
 * The page behind this one in the host's memory may belong to another owner: what does not lie in
 * one page of the guest is refused here, so that no caller has to think of it.
 *
 * Context: the vCPU's thread in hot_loop_run()'s loop, interrupts off: a thread that takes the
 * page away waits for this CPU, as it does for the CPU's TLB. The pointer is good until the loop
 * ends, and longer only where MKVM_REQ_TLB_FLUSH forgets it.
 * Return: the bytes, or NULL when they cross a page's end, EPT does not map the page, or it is no
 * memory.
 */
const void *ept_guest_bytes(struct mkvm_vm *vm, gpa_t gpa, unsigned int len);

/* Drain one PML buffer entry into the dirty log. Takes vm->srcu itself; any context but NMI. */
void ept_log_dirty_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);

/* Walk of one address in words, for diagnostics: prints to the log, rate limited. */
void ept_dump_walk(struct mkvm_vm *vm, gpa_t gpa);

/*
 * What virt/ calls (declared in virt/arch.h). All take vm->mmu_lock themselves and flush every
 * vCPU's TLB before they let go of it if they took rights away, except where noted.
 *
 * arch_mmu_max_gfn()		last guest frame that EPT can map on this processor.
 * arch_mmu_zap_range()		no entry maps any frame of [start, end) on return. Tables are
 *				freed. @may_block: cond_resched() is allowed. True if any was.
 *				A large page that is partly in the range goes as a whole.
 * arch_mmu_age_range()		was a frame accessed since its accessed flag was cleared last?
 *				@clear: clear it now (no flush). Without EPT A/D flags every
 *				mapped page counts as accessed, and clearing means unmapping.
 * arch_mmu_write_protect_slot()	arm the dirty log for all pages of a slot: no write
 *				from now on goes unnoticed.
 * arch_mmu_write_protect_mask()	arm pages @offset + i of a slot for each bit i of @mask:
 *				the caller holds vm->mmu_lock for writing and flushes if the
 *				result is true.
 * arch_mmu_recover_huge_pages()	the log went off: drop 4K tables where the host has large
 *				pages, so that the next fault maps those.
 * arch_mmu_sync_dirty_log()	have every vCPU drain its page-modification log. A page that is
 *				still in one afterwards appears in the next log; a vCPU that left
 *				KVM_RUN has drained its own on the way.
 */

#endif
