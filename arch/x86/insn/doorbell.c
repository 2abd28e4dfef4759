// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's store to a device of the kernel's, without the emulator.
 *
 * KVM's ABI: KVM_IOEVENTFD on the MMIO bus, with KVM_CAP_IOEVENTFD_ANY_LENGTH; and the xAPIC page.
 * A driver rings its doorbell with the same MOV again and again. The emulator decodes it once; from
 * then on the exit's fast path compares instead of decoding: the entries of the guest's page tables
 * that lead to the instruction, and its bytes, are read where they are and must be what they were.
 * Then the instruction is the same, whatever the guest did meanwhile.
 *
 * The pointers into guest memory are to be thought of as a TLB. They are used only where vcpu->mode
 * says that the vCPU may use its TLB, with interrupts off, and are dropped by MKVM_REQ_TLB_FLUSH:
 * who takes a page away from the guest waits for that in mkvm_flush_remote_tlbs(). Each pointer
 * comes from ept_guest_bytes() with the length that is read through it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "arch/x86/insn/doorbell.h"
#include "arch/x86/emulate/insn.h"
#include "arch/x86/insn/guest_access.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/paging.h"
#include "arch/x86/regs.h"
#include "virt/io_bus.h"
#include "virt/guest_memory.h"
#include "virt/memslot.h"

/* Of CR3 and of an entry: the frame of what it leads to. */
#define TABLE_ADDRESS	GENMASK_ULL(51, 12)

static struct mkvm_doorbell *find(struct mkvm_vcpu *vcpu, gfn_t gfn)
{
	return &vcpu->arch.doorbells[gfn % NR_DOORBELLS];
}

/*
 * A MOV from a register or an immediate to flat memory, without any prefix that means more. walk()
 * would refuse one so near to its page's end that the words to compare reach into the next page.
 */
static bool is_plain_store(const struct emul_ctxt *c, u64 start)
{
	const struct emul_decoded *d = &c->d;

	if (c->mode != EMUL_LONG64 || d->op != OP_MOV || d->dst != ARG_RM || !d->has_mem ||
	    d->rep || d->lock || d->vex || d->addr_size != 8 || d->mem.seg >= EMUL_FS ||
	    d->mem.base == REG_SP || !mkvm_in_one_page(start, DOORBELL_MAX_INSN))
		return false;
	if (d->src == ARG_IMM)
		return true;
	/* RSP is not where the others are; AH to BH are not what their numbers say. */
	return d->src == ARG_REG && emul_modrm_reg(c) != REG_SP &&
	       !(d->size == 1 && !d->rex && emul_modrm_reg(c) >= REG_SP);
}

/**
 * doorbell_learn() - an emulated instruction was a write that a device of the kernel's took
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @c: the emulation, complete
 * @gpa: page of the guest-physical address, which has no slot
 *
 * Context: process.
 */
void doorbell_learn(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c, gpa_t gpa)
{
	struct mkvm_doorbell *bell = find(vcpu, gpa >> PAGE_SHIFT);
	const struct emul_decoded *d = &c->d;
	u64 start = c->rip - c->insn_len;

	bell->generation = 0;
	if (!is_plain_store(c, start))
		return;
	*bell = (struct mkvm_doorbell) {
		.gfn = gpa >> PAGE_SHIFT,
		.generation = mkvm_memslots(vcpu->vm)->generation,
		.rip = start,
		.disp = d->mem.disp + (d->mem.rip_relative ? c->rip : 0),
		.imm = d->imm,
		.lapic = guest_access_owner(vcpu, gpa, true) == GUEST_ACCESS_LAPIC,
		.len = c->insn_len,
		.size = d->size,
		.base = d->mem.base,
		.index = d->mem.index,
		.scale = d->mem.scale,
		.value = d->src == ARG_REG ? emul_modrm_reg(c) : DOORBELL_NO_REG,
	};
	memcpy(bell->insn, c->insn, c->insn_len);
	memset(bell->mask, 0xff, c->insn_len);
}

/**
 * doorbell_forget_memory() - pages of the guest's may have gone
 * @vcpu: the vCPU, whose thread this is
 */
void doorbell_forget_memory(struct mkvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < NR_DOORBELLS; i++)
		vcpu->arch.doorbells[i].levels = 0;
}

/**
 * doorbell_forget() - the xAPIC page moved: who takes a write may be another
 * @vcpu: the vCPU, whose thread this is
 */
void doorbell_forget(struct mkvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < NR_DOORBELLS; i++)
		vcpu->arch.doorbells[i].generation = 0;
}

/**
 * doorbell_find() - is there hope that doorbell_ring() knows this page?
 * @vcpu: the vCPU
 * @gpa: guest-physical address
 *
 * Return: what is known of it, or NULL: for ordinary memory, nearly always.
 */
struct mkvm_doorbell *doorbell_find(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	struct mkvm_doorbell *bell = find(vcpu, gpa >> PAGE_SHIFT);

	return bell->gfn == gpa >> PAGE_SHIFT && bell->generation ? bell : NULL;
}

/* SDM, "4-Level Paging and 5-Level Paging": to the instruction, as the processor has just done. */
static bool walk(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, u64 cr3)
{
	int level = is_la57(vcpu) ? 5 : 4, n = 0;
	u64 table = cr3, in_page;

	bell->levels = 0;
	bell->cr3 = cr3;
	for (;; level--) {
		unsigned int shift = PAGE_SHIFT + 9 * (level - 1);
		gpa_t at = (table & TABLE_ADDRESS) + (bell->rip >> shift & 511) * sizeof(u64);
		u64 e;

		bell->entry[n] = ept_guest_bytes(vcpu->vm, at, sizeof(u64));
		if (!bell->entry[n])
			return false;
		e = READ_ONCE(*bell->entry[n]);
		bell->seen[n++] = e;
		if (!(e & PTE_P))
			return false;
		if (level == 1 || (level < 4 && (e & PTE_PS))) {
			in_page = bell->rip & GENMASK_ULL(shift - 1, 0);
			/* Bit 12 of a large page's entry is its PAT bit. */
			table = (e & TABLE_ADDRESS & ~GENMASK_ULL(shift - 1, 0)) | in_page;
			break;
		}
		table = e;
	}
	bell->code = ept_guest_bytes(vcpu->vm, table, DOORBELL_MAX_INSN);
	if (!bell->code)
		return false;
	bell->levels = n;
	return true;
}

/* Does the guest execute at bell->rip what it did when the instruction was decoded? */
static bool same_instruction(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, u64 cr3)
{
	int i;

	if (unlikely(bell->cr3 != cr3 || !bell->levels) && !walk(vcpu, bell, cr3))
		return false;
	for (i = 0; i < bell->levels; i++) {
		if (unlikely(READ_ONCE(*bell->entry[i]) != bell->seen[i])) {
			bell->levels = 0;
			return false;
		}
	}
	return (READ_ONCE(bell->code[0]) & bell->mask[0]) == bell->insn[0] &&
	       (!bell->mask[1] || (READ_ONCE(bell->code[1]) & bell->mask[1]) == bell->insn[1]);
}

/* A write to the xAPIC page, with interrupts off: 0 when it was taken. */
static int write_lapic(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int size, const u64 *value)
{
	/* The IOAPIC may have to hear of an EOI, and to tell others. */
	if (offset_in_page(gpa) == APIC_EOI)
		return lapic_eoi_fast(vcpu) ? 0 : -EAGAIN;
	return lapic_mmio_write(vcpu, offset_in_page(gpa), size, value);
}

/**
 * doorbell_ring() - carry out the store that exited, if it is the one that is known
 * @vcpu: loaded vCPU in 64-bit mode; vm->srcu read-held
 * @bell: of the page of @gpa
 * @gpa: where the processor was about to write
 * @rip: of the instruction
 * @cr3: of the guest
 *
 * Context: hot_loop_run()'s loop, interrupts off.
 * Return: length of the instruction, which a device has taken; 0 = nothing happened.
 */
int doorbell_ring(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, gpa_t gpa, u64 rip, u64 cr3)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 linear = bell->disp, value = bell->imm;
	int ret;

	if (bell->generation != mkvm_memslots(vcpu->vm)->generation || bell->rip != rip ||
	    !same_instruction(vcpu, bell, cr3))
		return 0;
	if (bell->base >= 0)
		linear += regs[bell->base];
	if (bell->index >= 0)
		linear += (u64)regs[bell->index] << bell->scale;
	/* A store across two pages may have exited for its second half. */
	if (offset_in_page(linear ^ gpa) || offset_in_page(linear) + bell->size > PAGE_SIZE)
		return 0;
	if (bell->value >= 0)
		value = regs[bell->value];
	ret = unlikely(bell->lapic) ? write_lapic(vcpu, gpa, bell->size, &value) :
	      mkvm_io_bus_write(vcpu, MKVM_MMIO_BUS, gpa, bell->size, &value);
	return ret ? 0 : bell->len;
}
