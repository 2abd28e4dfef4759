// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk the guest's page tables as the processor does.
 *
 * SDM, "Paging", "Accessed and Dirty Flags". The rules are in paging.c; here are the memory
 * accesses: each entry is read once by one instruction, and the accessed and dirty flags are
 * set by compare-and-exchange, so that a guest that changes its tables on another vCPU gets the
 * result of one of the two orders. Relies on mkvm_read_guest(), mkvm_cmpxchg_guest().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <asm/cpufeature.h>

#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/mmu/paging.h"
#include "arch/x86/regs.h"
#include "virt/guest_memory.h"

/* How often to begin again when another vCPU changes the entries under the walk. */
#define WALK_RETRIES	16

static void paging_mode_get(struct mkvm_vcpu *vcpu, struct paging_mode *m)
{
	unsigned long cr4 = cr4_read(vcpu);

	if (!is_pae(vcpu))
		m->levels = 2;
	else if (!is_long_mode(vcpu))
		m->levels = 3;
	else
		m->levels = is_la57(vcpu) ? 5 : 4;
	m->pse = cr4 & X86_CR4_PSE;
	m->nxe = m->levels > 2 && (vcpu->arch.efer & EFER_NX);
	m->wp = cr0_read(vcpu) & X86_CR0_WP;
	m->smep = cr4 & X86_CR4_SMEP;
	m->smap = cr4 & X86_CR4_SMAP;
	m->pke = m->levels > 3 && (cr4 & X86_CR4_PKE);
	m->ac = rflags_read(vcpu) & X86_EFLAGS_AC;
	/* The guest's own walks are done by this processor, whatever its CPUID says. */
	m->gbpages = boot_cpu_has(X86_FEATURE_GBPAGES);
	/* Without CPUID (KVM_SET_CPUID2 was never called) the guest has the host's width. */
	m->maxphyaddr = vcpu->arch.maxphyaddr ?: boot_cpu_data.x86_phys_bits;
	m->pkru = vcpu->arch.pkru;
}

static int page_fault(struct walk_fault *fault, u64 linear, u32 error_code)
{
	*fault = (struct walk_fault){ .vector = 14, .error_code = error_code, .address = linear };
	return 1;
}

/*
 * Set @bits in the entry at @gpa, whose value was @val: 0, or -EAGAIN when it is not that any
 * more. Tables in read-only memory keep their flags, as tables in ROM do.
 */
static int set_flags(struct mkvm_vm *vm, const struct paging_mode *m, gpa_t gpa, u64 val,
		     u64 bits)
{
	u64 old = val;

	if ((val & bits) == bits)
		return 0;
	return mkvm_cmpxchg_guest(vm, gpa, &old, val | bits,
				  paging_entry_size(m)) == -EAGAIN ? -EAGAIN : 0;
}

/* One walk: as guest_translate(), or -EAGAIN when an entry changed meanwhile. */
static int walk_once(struct mkvm_vcpu *vcpu, const struct paging_mode *m, u64 linear, u32 access,
		     gpa_t *gpa, struct walk_fault *fault)
{
	u64 entry[5], table, leaf, all = ~0ULL, any = 0;
	u64 suspect = paging_suspect(m);
	struct paging_rights rights;
	int level, top = m->levels;
	gpa_t entry_gpa[5];
	u32 error;

	if (m->levels == 3) {
		/* The four PDPTEs are registers, checked when CR3 was loaded; no rights there. */
		reg_make_available(vcpu, GREG_PDPTR);
		table = vcpu->arch.pdptr[linear >> 30 & 3];
		if (!(table & PTE_P))
			return page_fault(fault, linear, paging_error(m, access, false));
		top = 2;
	} else {
		table = cr3_read(vcpu);
	}

	for (level = top; ; level--) {
		u64 e = 0;
		gpa_t at = paging_table(m, table) +
			   (u64)paging_index(m, level, linear) * paging_entry_size(m);

		/* Little endian: the upper half of a 4-byte entry stays 0. */
		if (mkvm_vcpu_read_guest(vcpu, at, &e, paging_entry_size(m)))
			return -EFAULT;
		entry_gpa[level - 1] = at;
		entry[level - 1] = e;
		if (!(e & PTE_P))
			return page_fault(fault, linear, paging_error(m, access, false));
		all &= e;
		any |= e;
		if (e & suspect) {
			if (paging_reserved(m, level, e))
				return page_fault(fault, linear, paging_error(m, access, true));
			if (paging_is_leaf(m, level, e))
				break;
		} else if (level == 1) {
			break;
		}
		table = e;
	}
	leaf = entry[level - 1];
	rights = (struct paging_rights){
		.write = all & PTE_RW,
		.user = all & PTE_US,
		.nx = any & PTE_XD,
		.pkey = leaf >> PTE_PKEY_SHIFT & 15,
	};

	error = paging_check(m, &rights, access & (PF_WRITE | PF_USER | PF_FETCH),
			     access & WALK_IMPLICIT);
	if (error)
		return page_fault(fault, linear, error);

	*gpa = paging_address(m, level, leaf, linear);
	if ((all & PTE_A) && ((leaf & PTE_D) || !(access & WALK_WRITE)))
		return 0;
	for (; top >= level; top--) {
		u64 bits = PTE_A;

		if (top == level && (access & WALK_WRITE))
			bits |= PTE_D;
		if (set_flags(vcpu->vm, m, entry_gpa[top - 1], entry[top - 1], bits))
			return -EAGAIN;
	}
	return 0;
}

/**
 * guest_translate() - linear to guest-physical address
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @access: WALK_* bits; user mode is the caller's to say
 * @gpa: the result
 * @fault: filled when 1 is returned
 *
 * Sets accessed and dirty bits in the guest's tables as the processor would.
 * Return: 0; 1 = the guest must get @fault; -EFAULT = a table is not in memory.
 */
int guest_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
		    struct walk_fault *fault)
{
	struct paging_mode m;
	int i, r = 0;

	if (access & WALK_IMPLICIT)
		access &= ~WALK_USER;
	/* Outside of long mode linear addresses have 32 bits and wrap. */
	if (!is_long_mode(vcpu))
		linear = (u32)linear;
	if (!is_paging(vcpu)) {
		*gpa = linear;
		return 0;
	}

	paging_mode_get(vcpu, &m);
	if (!paging_canonical(&m, linear)) {
		*fault = (struct walk_fault){
			.vector = access & WALK_STACK ? 12 : 13,
			.address = linear,
		};
		return 1;
	}
	for (i = 0; i < WALK_RETRIES; i++) {
		r = walk_once(vcpu, &m, linear, access, gpa, fault);
		if (r != -EAGAIN)
			return r;
	}
	/*
	 * Another vCPU rewrites this entry without pause. The translation in *@gpa was true when
	 * it was read; that the flags were not set is a race of the guest's own.
	 */
	return 0;
}

/* Translate the one or two pages of an access; @first is the length in the first. */
static int translate_span(struct mkvm_vcpu *vcpu, u64 linear, unsigned int len, u32 access,
			  gpa_t gpa[2], unsigned int *first, struct walk_fault *fault)
{
	int r;

	if (len > WALK_MAX_LEN)
		return -EINVAL;
	*first = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(linear));
	r = guest_translate(vcpu, linear, access, &gpa[0], fault);
	if (!r && len > *first)
		r = guest_translate(vcpu, linear + *first, access, &gpa[1], fault);
	return r;
}

/**
 * guest_read_linear() - read memory at a linear address, across pages
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @data: gets the bytes
 * @len: how many, at most WALK_MAX_LEN
 * @access: WALK_* bits, as for guest_translate()
 * @fault: filled when 1 is returned
 *
 * Return: 0; 1 = the guest must get @fault; -EFAULT = a page is no ordinary memory; -EINVAL = @len
 * is too large.
 */
int guest_read_linear(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault)
{
	unsigned int first;
	gpa_t gpa[2];
	int r;

	r = translate_span(vcpu, linear, len, access & ~WALK_WRITE, gpa, &first, fault);
	if (!r)
		r = mkvm_read_guest(vcpu->vm, gpa[0], data, first);
	if (!r && len > first)
		r = mkvm_read_guest(vcpu->vm, gpa[1], data + first, len - first);
	return r;
}

/**
 * guest_write_linear() - write memory at a linear address, across pages
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @data: the bytes
 * @len: how many, at most WALK_MAX_LEN
 * @access: WALK_* bits, as for guest_translate()
 * @fault: filled when 1 is returned; nothing was written then
 *
 * Return: 0; 1 = the guest must get @fault; -EFAULT = a page is no ordinary memory; -EINVAL = @len
 * is too large.
 */
int guest_write_linear(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       u32 access, struct walk_fault *fault)
{
	unsigned int first;
	gpa_t gpa[2];
	int r;

	r = translate_span(vcpu, linear, len, access | WALK_WRITE, gpa, &first, fault);
	if (!r)
		r = mkvm_write_guest(vcpu->vm, gpa[0], data, first);
	if (!r && len > first)
		r = mkvm_write_guest(vcpu->vm, gpa[1], data + first, len - first);
	return r;
}
