// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's MOV to or from a device, without the emulator.
 *
 * KVM's ABI: KVM_EXIT_MMIO; KVM_IOEVENTFD on the MMIO bus, with KVM_CAP_IOEVENTFD_ANY_LENGTH; and
 * the xAPIC page. A driver rings its doorbell, or reads its device's status, with the same MOV
 * again and again. The emulator decodes it once; from then on the exit's fast path compares instead
 * of decoding: the entries of the guest's page tables that lead to the instruction, and its bytes,
 * are read where they are and must be what they were. Then the instruction is the same, whatever
 * the guest did meanwhile.
 *
 * The pointers into guest memory are to be thought of as a TLB. They are used only where vcpu->mode
 * says that the vCPU may use its TLB, with interrupts off, and are dropped by MKVM_REQ_TLB_FLUSH:
 * who takes a page away from the guest waits for that in mkvm_flush_remote_tlbs(). Each pointer
 * comes from ept_guest_bytes() with the length that is read through it. An instruction that was
 * found the same is carried out without them, also later with interrupts on.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "arch/x86/emulate/insn.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/insn/doorbell.h"
#include "arch/x86/insn/guest_access.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/paging.h"
#include "arch/x86/regs.h"
#include "trace/kvm_events.h"
#include "virt/io_bus.h"
#include "virt/guest_memory.h"
#include "virt/memslot.h"

/* Of CR3 and of an entry: the frame of what it leads to. */
#define TABLE_ADDRESS	GENMASK_ULL(51, 12)

static struct mkvm_doorbell *find(struct mkvm_vcpu *vcpu, gfn_t gfn, u64 rip)
{
	return &vcpu->arch.doorbells[(gfn ^ rip ^ rip >> 3) % NR_DOORBELLS];
}

/* Flat memory, without any prefix that means more. */
static bool is_plain(const struct emul_ctxt *c)
{
	const struct emul_decoded *d = &c->d;

	return c->mode == EMUL_LONG64 && d->has_mem && !d->rep && !d->lock && !d->vex &&
	       d->addr_size == 8 && d->mem.seg < EMUL_FS && d->mem.base != REG_SP;
}

/* RSP is not where the others are; AH to BH are not what their numbers say. */
static bool is_plain_reg(const struct emul_ctxt *c)
{
	unsigned int reg = emul_modrm_reg(c);

	return reg != REG_SP && !(c->d.size == 1 && !c->d.rex && reg > REG_SP);
}

/* A MOV from a register or an immediate. */
static bool is_plain_store(const struct emul_ctxt *c)
{
	const struct emul_decoded *d = &c->d;

	return is_plain(c) && d->op == OP_MOV && d->dst == ARG_RM &&
	       (d->src == ARG_IMM || (d->src == ARG_REG && is_plain_reg(c)));
}

/* A MOV or MOVZX to a register. */
static bool is_plain_load(const struct emul_ctxt *c)
{
	const struct emul_decoded *d = &c->d;

	return is_plain(c) && (d->op == OP_MOV || d->op == OP_MOVZX) && d->dst == ARG_REG &&
	       d->src >= ARG_RM && d->src <= ARG_RM16 && is_plain_reg(c);
}

/**
 * doorbell_learn() - an emulated instruction was an access to a device
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @c: the emulation, complete
 * @gpa: page of the guest-physical address
 *
 * The walk would refuse an instruction so near to its page's end that the words to compare reach
 * into the next page: it is not remembered. Nor is one where there is a memory slot by now.
 *
 * Context: process.
 */
void doorbell_learn(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c, gpa_t gpa)
{
	const struct emul_decoded *d = &c->d;
	u64 start = c->rip - c->insn_len;
	bool load = is_plain_load(c);
	enum guest_access_owner owner;
	struct mkvm_doorbell *bell;

	if ((!load && !is_plain_store(c)) || !mkvm_in_one_page(start, DOORBELL_MAX_INSN))
		return;
	owner = guest_access_owner(vcpu, gpa, !load);
	if (owner == GUEST_ACCESS_MEMORY)
		return;
	bell = find(vcpu, gpa >> PAGE_SHIFT, start);
	*bell = (struct mkvm_doorbell) {
		.gfn = gpa >> PAGE_SHIFT,
		.generation = mkvm_memslots(vcpu->vm)->generation,
		.rip = start,
		.disp = d->mem.disp + (d->mem.rip_relative ? c->rip : 0),
		.imm = d->imm,
		.load = load,
		.lapic = owner == GUEST_ACCESS_LAPIC,
		.len = c->insn_len,
		.size = emul_operand_size(c, load ? d->src : d->dst),
		.reg_size = d->size,
		.base = d->mem.base,
		.index = d->mem.index,
		.scale = d->mem.scale,
		.reg = d->src == ARG_IMM ? DOORBELL_NO_REG : emul_modrm_reg(c),
	};
	vcpu->arch.doorbell_pages |= BIT_ULL(bell->gfn & 63);
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
	vcpu->arch.doorbell_pages = 0;
}

/**
 * doorbell_find() - is there hope that doorbell_matches()?
 * @vcpu: the vCPU
 * @gpa: guest-physical address that was accessed
 * @rip: of the instruction
 * @load: it was read
 *
 * Return: what is known of it, or NULL: for ordinary memory, nearly always. What was forgotten
 * since may come, too: it has the generation 0, which no slots have.
 */
struct mkvm_doorbell *doorbell_find(struct mkvm_vcpu *vcpu, gpa_t gpa, u64 rip, bool load)
{
	struct mkvm_doorbell *bell = find(vcpu, gpa >> PAGE_SHIFT, rip);

	return bell->gfn == gpa >> PAGE_SHIFT && bell->rip == rip && bell->load == load ? bell :
											  NULL;
}

/* SDM, "4-Level Paging and 5-Level Paging": to the instruction, as the processor has just done. */
static noinline bool walk(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, u64 cr3)
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

/**
 * doorbell_matches() - is the instruction that exited the one that is known?
 * @vcpu: loaded vCPU in 64-bit mode; vm->srcu read-held
 * @bell: of doorbell_find()
 * @gpa: what the processor was about to access
 * @cr3: of the guest
 *
 * Context: hot_loop_run()'s loop, interrupts off.
 * Return: true when it is, and what it accesses is no memory.
 */
bool doorbell_matches(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, gpa_t gpa, u64 cr3)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 linear = bell->disp;

	if (bell->generation != mkvm_memslots(vcpu->vm)->generation ||
	    !same_instruction(vcpu, bell, cr3))
		return false;
	if (bell->base >= 0)
		linear += regs[bell->base];
	if (bell->index >= 0)
		linear += (u64)regs[bell->index] << bell->scale;
	/* An access across two pages may have exited for its second half. */
	return !offset_in_page(linear ^ gpa) && offset_in_page(linear) + bell->size <= PAGE_SIZE;
}

/* What an instruction writes to a register: 32 bits clear what is above them. */
static void set_register(struct mkvm_vcpu *vcpu, int reg, unsigned int size, u64 value)
{
	unsigned long *to = &vcpu->arch.regs[reg];

	if (size >= 4)
		*to = size == 4 ? (u32)value : value;
	else if (size == 2)
		*to = (*to & ~0xffffull) | (u16)value;
	else
		*to = (*to & ~0xffull) | (u8)value;
}

static __always_inline int finish_load(struct mkvm_vcpu *vcpu, bool tell)
{
	const struct mkvm_doorbell_load *load = &vcpu->arch.doorbell_load;
	u64 value = 0;

	/* A debugger, or a reset of the machine: the guest goes on where it was put. */
	if (rip_read(vcpu) != load->rip || !is_long_mode(vcpu))
		return 1;
	memcpy(&value, vcpu->run->mmio.data, load->size);
	if (tell)
		trace_kvm_mmio(KVM_TRACE_MMIO_READ, load->size, vcpu->run->mmio.phys_addr, &value);
	set_register(vcpu, load->reg, load->reg_size, value);
	return skip_bytes(vcpu, load->len);
}

static int complete_load(struct mkvm_vcpu *vcpu)
{
	return finish_load(vcpu, false);
}

/* The event was on when userspace was asked. */
static int complete_load_told(struct mkvm_vcpu *vcpu)
{
	return finish_load(vcpu, true);
}

static __always_inline int execute_load(struct mkvm_vcpu *vcpu, const struct mkvm_doorbell *bell,
					gpa_t gpa, bool tell)
{
	u64 value = 0;
	int ret;

	ret = unlikely(bell->lapic) ?
	      lapic_mmio_read(vcpu, offset_in_page(gpa), bell->size, &value) :
	      mkvm_io_bus_read(vcpu, MKVM_MMIO_BUS, gpa, bell->size, &value);
	if (!ret) {
		if (tell)
			trace_kvm_mmio(KVM_TRACE_MMIO_READ, bell->size, gpa, &value);
		set_register(vcpu, bell->reg, bell->reg_size, value);
		vcpu->stats.mmio_emulated++;
		return skip_bytes(vcpu, bell->len);
	}
	if (unlikely(ret == -EAGAIN)) {
		vcpu->arch.doorbell_checked = bell;
		return ret;
	}
	if (tell)
		trace_kvm_mmio(KVM_TRACE_MMIO_READ_UNSATISFIED, bell->size, gpa, NULL);
	vcpu->arch.complete_userspace_io = tell ? complete_load_told : complete_load;
	vcpu->stats.mmio_emulated++;
	vcpu->arch.doorbell_load = (struct mkvm_doorbell_load) {
		.rip = bell->rip,
		.len = bell->len,
		.size = bell->size,
		.reg_size = bell->reg_size,
		.reg = bell->reg,
	};
	vcpu->arch.complete_registers_only = true;
	return guest_access_exit(vcpu, gpa, bell->size, 0, false);
}

/*
 * A write to the xAPIC page. The IOAPIC may have to hear of an EOI, and to tell others; the
 * registers that say by which name the LAPIC is known make it look at every vCPU, under a lock.
 */
static int write_lapic(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int size, const u64 *value)
{
	u32 offset = offset_in_page(gpa);

	if (irqs_disabled()) {
		switch (offset) {
		case APIC_EOI:
			return lapic_eoi_fast(vcpu) ? 0 : -EAGAIN;
		case APIC_ID:
		case APIC_LDR:
		case APIC_DFR:
			return -EAGAIN;
		}
	}
	return lapic_mmio_write(vcpu, offset, size, value);
}

static __always_inline int execute(struct mkvm_vcpu *vcpu, const struct mkvm_doorbell *bell,
				   gpa_t gpa, bool tell)
{
	u64 value;
	int ret;

	if (bell->load)
		return execute_load(vcpu, bell, gpa, tell);
	value = bell->reg >= 0 ? vcpu->arch.regs[bell->reg] : bell->imm;
	ret = unlikely(bell->lapic) ? write_lapic(vcpu, gpa, bell->size, &value) :
	      mkvm_io_bus_write(vcpu, MKVM_MMIO_BUS, gpa, bell->size, &value);
	if (unlikely(ret == -EAGAIN)) {
		vcpu->arch.doorbell_checked = bell;
		return ret;
	}
	if (tell)
		trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, bell->size, gpa, &value);
	vcpu->stats.mmio_emulated++;
	skip_bytes(vcpu, bell->len);
	return ret ? guest_access_exit(vcpu, gpa, bell->size, value, true) : 1;
}

/* In place of doorbell_execute(), which so keeps no register for the event's sake. */
static noinline __cold int execute_told(struct mkvm_vcpu *vcpu, const struct mkvm_doorbell *bell,
					gpa_t gpa)
{
	return execute(vcpu, bell, gpa, true);
}

/**
 * doorbell_execute() - carry out the instruction that exited
 * @vcpu: loaded vCPU; vm->srcu read-held
 * @bell: doorbell_matches() says that it is this one
 * @gpa: what it accesses
 *
 * Context: with interrupts off or on.
 * Return: 1 when a device in the kernel took it; 0 with KVM_EXIT_MMIO; -EAGAIN, with nothing done,
 * when interrupts are off and the device wants them on.
 */
int doorbell_execute(struct mkvm_vcpu *vcpu, const struct mkvm_doorbell *bell, gpa_t gpa)
{
	if (trace_kvm_mmio_enabled())
		return execute_told(vcpu, bell, gpa);
	return execute(vcpu, bell, gpa, false);
}

/**
 * doorbell_execute_checked() - the slow half of an exit whose instruction the fast half found
 * @vcpu: loaded vCPU; vm->srcu read-held, interrupts on
 * @gpa: what it accesses
 *
 * Return: as doorbell_execute(); -EAGAIN when the fast half found nothing, or when the memory slots
 * have changed since.
 */
int doorbell_execute_checked(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	const struct mkvm_doorbell *bell = vcpu->arch.doorbell_checked;

	if (!bell)
		return -EAGAIN;
	vcpu->arch.doorbell_checked = NULL;
	if (bell->generation != mkvm_memslots(vcpu->vm)->generation)
		return -EAGAIN;
	return doorbell_execute(vcpu, bell, gpa);
}
