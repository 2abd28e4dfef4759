// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the instruction emulator and the guest.
 *
 * What emulate/emulate.h asks of its caller: memory is guest_access.c's, segments and registers are
 * reached from here. An instruction that waits for userspace is emulated again from its start.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/fpu/types.h>
#include <asm/trapnr.h>

#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/emulate/insn.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/single_step.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/doorbell.h"
#include "arch/x86/insn/guest_access.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/insn/segment_load.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/guest_memory.h"

static struct mkvm_vcpu *to_vcpu(struct emul_ctxt *c)
{
	return c->opaque;
}

static enum emul_rc take_fault(struct emul_ctxt *c, const struct walk_fault *fault)
{
	c->fault = (struct emul_fault) {
		.vector = fault->vector,
		.has_error_code = true,
		.error_code = fault->error_code,
		.has_cr2 = fault->vector == X86_TRAP_PF,
		.cr2 = fault->address,
	};
	return EMUL_FAULT;
}

/*
 * What guest_access.c makes of an access by its offset alone, it must not of the elements of a
 * string: another element may have that offset.
 */
static struct mkvm_vcpu *vcpu_for_data(struct emul_ctxt *c)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);

	if (c->d.op >= OP_MOVS && c->d.op <= OP_OUTS)
		vcpu->arch.mmio.hint_offset = false;
	return vcpu;
}

/* What became of an access, in the emulator's words. */
static enum emul_rc access_result(struct emul_ctxt *c, int ret, const struct walk_fault *fault)
{
	c->mmio_touched = to_vcpu(c)->arch.mmio.touched;
	switch (ret) {
	case 0:
		return EMUL_OK;
	case 1:
		return take_fault(c, fault);
	case GUEST_ACCESS_WAIT:
		return EMUL_IO_NEEDED;
	case -EAGAIN:
		return EMUL_RETRY;
	default:
		c->why = to_vcpu(c)->arch.mmio.why;
		return EMUL_UNHANDLED;
	}
}

static enum emul_rc op_read(struct emul_ctxt *c, u64 linear, void *data, unsigned int len)
{
	struct walk_fault fault;
	int ret;

	ret = guest_access_read(vcpu_for_data(c), linear, data, len,
				c->read_for_write ? WALK_WRITE : 0, &fault);
	return access_result(c, ret, &fault);
}

static enum emul_rc op_write(struct emul_ctxt *c, u64 linear, const void *data, unsigned int len)
{
	struct walk_fault fault;
	int ret;

	ret = guest_access_write(vcpu_for_data(c), linear, data, len, &fault);
	return access_result(c, ret, &fault);
}

static enum emul_rc op_probe_write(struct emul_ctxt *c, u64 linear, unsigned int len)
{
	struct walk_fault fault;
	int ret;

	ret = guest_access_probe(vcpu_for_data(c), linear, len, WALK_WRITE, NULL, &fault);
	return access_result(c, ret, &fault);
}

static enum emul_rc op_cmpxchg(struct emul_ctxt *c, u64 linear, const void *old,
			       const void *new, unsigned int len)
{
	struct walk_fault fault;
	int ret;

	ret = guest_access_cmpxchg(vcpu_for_data(c), linear, old, new, len, &fault);
	return access_result(c, ret, &fault);
}

static enum emul_rc op_fetch(struct emul_ctxt *c, u64 linear, void *data, unsigned int len)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	u8 bytes[EMUL_MAX_INSN + 1] = {};
	struct walk_fault fault;
	gpa_t gpa;
	int ret;

	ret = guest_access_translate(vcpu, linear, WALK_FETCH, &gpa, &fault);
	if (ret)
		return access_result(c, ret, &fault);
	/* Almost always all of a longest instruction is there, and a byte behind it. */
	if (len == EMUL_MAX_INSN && offset_in_page(gpa) <= PAGE_SIZE - sizeof(bytes)) {
		ret = mkvm_vcpu_read_guest(vcpu, gpa, bytes, sizeof(bytes));
		memcpy(data, bytes, EMUL_MAX_INSN);
	} else {
		ret = mkvm_read_guest(vcpu->vm, gpa, data, len);
	}
	if (ret) {
		c->why = "instruction fetched from where there is no memory";
		return EMUL_UNHANDLED;
	}
	return EMUL_OK;
}

static u64 op_segment_base(struct emul_ctxt *c, enum emul_seg seg)
{
	return vmx_get_segment_base(to_vcpu(c), seg);
}

static enum emul_rc op_segment_check(struct emul_ctxt *c, enum emul_seg seg, u64 off,
				     unsigned int len, bool write)
{
	struct kvm_segment cs;
	bool ok;

	if (len) {
		ok = segment_allows(to_vcpu(c), seg, off, len, write);
	} else {
		vmx_get_segment(to_vcpu(c), &cs, SEG_CS);
		ok = segment_offset_valid(&cs, off, 1);
	}
	if (ok)
		return EMUL_OK;
	c->fault = (struct emul_fault) {
		.vector = seg == EMUL_SS ? X86_TRAP_SS : X86_TRAP_GP,
		.has_error_code = true,
	};
	return EMUL_FAULT;
}

static u16 op_segment_selector(struct emul_ctxt *c, enum emul_seg seg)
{
	struct kvm_segment var;

	vmx_get_segment(to_vcpu(c), &var, seg);
	return var.selector;
}

/* After a load of a segment register, in the emulator's words. */
static enum emul_rc load_result(struct emul_ctxt *c, int ret, const struct walk_fault *fault)
{
	switch (ret) {
	case 0:
		return EMUL_OK;
	case 1:
		return take_fault(c, fault);
	case -EAGAIN:
		return EMUL_RETRY;
	case -EOPNOTSUPP:
		c->why = "far branch through a gate, to a task or to an outer ring";
		return EMUL_UNHANDLED;
	default:
		c->why = "a descriptor table is not in memory";
		return EMUL_UNHANDLED;
	}
}

static enum emul_rc op_load_segment(struct emul_ctxt *c, enum emul_seg seg, u16 selector)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	struct walk_fault fault;
	int ret;

	if ((int)seg > SEG_GS)
		ret = segment_load_system(vcpu, selector, (int)seg == SEG_TR, &fault);
	else
		ret = segment_load(vcpu, seg, selector, &fault);
	return load_result(c, ret, &fault);
}

static enum emul_rc op_load_cs(struct emul_ctxt *c, u16 selector, u64 offset, enum emul_far why)
{
	struct walk_fault fault;

	return load_result(c, segment_load_cs(to_vcpu(c), selector, offset, why, &fault), &fault);
}

static bool op_umip(struct emul_ctxt *c)
{
	return cr4_read(to_vcpu(c)) & X86_CR4_UMIP;
}

static void op_read_table(struct emul_ctxt *c, bool idt, struct emul_table *table)
{
	struct kvm_dtable dt;

	vmx_get_table(to_vcpu(c), idt ? VMX_IDTR : VMX_GDTR, &dt);
	table->limit = dt.limit;
	table->base = dt.base;
}

static void op_write_table(struct emul_ctxt *c, bool idt, const struct emul_table *table)
{
	struct kvm_dtable dt = { .base = table->base, .limit = table->limit };

	vmx_set_table(to_vcpu(c), idt ? VMX_IDTR : VMX_GDTR, &dt);
}

static u64 op_read_cr0(struct emul_ctxt *c)
{
	return cr0_read(to_vcpu(c));
}

static enum emul_rc op_load_msw(struct emul_ctxt *c, u16 msw)
{
	const struct walk_fault gp = { .vector = X86_TRAP_GP };

	return cr0_load_msw(to_vcpu(c), msw) ? take_fault(c, &gp) : EMUL_OK;
}

/*
 * What the processor asks before it accesses memory. CR0.TS: another task of the guest's may own
 * the registers. FSW.ES (7): MMX must raise #MF.
 */
static bool op_fpu_enabled(struct emul_ctxt *c, enum emul_fpu what)
{
	const u64 avx = XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	unsigned long cr0 = cr0_read(vcpu);

	if (cr0 & X86_CR0_TS)
		return false;
	switch (what) {
	case EMUL_AVX:
		return cr4_read(vcpu) & X86_CR4_OSXSAVE && (vcpu->arch.xcr0 & avx) == avx;
	case EMUL_SSE:
		return !(cr0 & X86_CR0_EM) && cr4_read(vcpu) & X86_CR4_OSFXSR;
	case EMUL_MMX:
		return !(cr0 & X86_CR0_EM) && !(fpu_x87_word(true) & BIT(7));
	default:
		return !(cr0 & X86_CR0_EM);
	}
}

static void op_read_mm(struct emul_ctxt *c, unsigned int reg, u64 *value)
{
	fpu_read_mm(reg, value);
}

static void op_write_mm(struct emul_ctxt *c, unsigned int reg, const u64 *value)
{
	fpu_write_mm(reg, value);
}

static u16 op_x87_word(struct emul_ctxt *c, bool status)
{
	return fpu_x87_word(status);
}

static bool is_wide(const struct emul_ctxt *c)
{
	return c->mode == EMUL_LONG64 && c->d.size == 8;
}

/* Without CR4.OSFXSR it has no vector registers; outside 64-bit mode there are eight. */
static unsigned int op_fxsave(struct emul_ctxt *c, void *image)
{
	unsigned int xmm = c->mode == EMUL_LONG64 ? 16 : 8;

	fpu_fxsave(image, is_wide(c));
	if (!(cr4_read(to_vcpu(c)) & X86_CR4_OSFXSR))
		xmm = 0;
	return offsetof(struct fxregs_state, xmm_space) + 16 * xmm;
}

static enum emul_rc op_fxrstor(struct emul_ctxt *c, const void *image)
{
	const struct walk_fault gp = { .vector = X86_TRAP_GP };

	return fpu_fxrstor(image, is_wide(c)) ? take_fault(c, &gp) : EMUL_OK;
}

static void op_read_xmm(struct emul_ctxt *c, unsigned int reg, void *data, unsigned int len)
{
	fpu_read_xmm(reg, data, len);
}

static void op_write_xmm(struct emul_ctxt *c, unsigned int reg, const void *data,
			 unsigned int len)
{
	fpu_write_xmm(reg, data, len);
}

static const struct emul_ops mmio_ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.cmpxchg = op_cmpxchg,
	.segment_base = op_segment_base,
	.segment_check = op_segment_check,
	.segment_selector = op_segment_selector,
	.load_segment = op_load_segment,
	.load_cs = op_load_cs,
	.umip = op_umip,
	.read_table = op_read_table,
	.write_table = op_write_table,
	.read_cr0 = op_read_cr0,
	.load_msw = op_load_msw,
	.fpu_enabled = op_fpu_enabled,
	.read_xmm = op_read_xmm,
	.write_xmm = op_write_xmm,
	.read_mm = op_read_mm,
	.write_mm = op_write_mm,
	.x87_word = op_x87_word,
	.fxsave = op_fxsave,
	.fxrstor = op_fxrstor,
	.probe_write = op_probe_write,
};

static void load_context(struct mkvm_vcpu *vcpu, struct emul_ctxt *c)
{
	struct vmx_code code = vmx_get_code(vcpu);
	struct kvm_segment ss;

	c->ops = &mmio_ops;
	c->opaque = vcpu;
	reg_make_available(vcpu, GREG_RSP);
	memcpy(c->gpr, vcpu->arch.regs, sizeof(c->gpr));
	c->rip = rip_read(vcpu);
	c->rflags = rflags_read(vcpu);
	c->cpl = code.cpl;
	c->la57 = is_la57(vcpu);
	if (code.l) {
		c->mode = EMUL_LONG64;
		c->stack_size = 0;
		return;
	}
	if (!is_protmode(vcpu) || (c->rflags & X86_EFLAGS_VM))
		c->mode = EMUL_REAL16;
	else
		c->mode = code.d ? EMUL_PROT32 : EMUL_PROT16;
	/* Real mode, too: a guest in "unreal mode" has kept a 32-bit stack segment. */
	vmx_get_segment(vcpu, &ss, SEG_SS);
	c->stack_size = ss.db ? 4 : 2;
}

static void store_context(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c)
{
	if (vcpu->arch.regs[GREG_RSP] != c->gpr[GREG_RSP])
		reg_mark_dirty(vcpu, GREG_RSP);
	memcpy(vcpu->arch.regs, c->gpr, sizeof(c->gpr));
	if (c->rflags != rflags_read(vcpu)) {
		/* POPF and IRET: an interrupt may have waited for IF. */
		if (c->rflags & ~rflags_read(vcpu) & X86_EFLAGS_IF)
			mkvm_make_request(MKVM_REQ_EVENT, vcpu);
		rflags_write(vcpu, c->rflags);
	}
	if (c->rip != rip_read(vcpu)) {
		rip_write(vcpu, c->rip);
		event_set_shadow(vcpu, 0);
	}
}

static const char *mode_name(const struct emul_ctxt *c)
{
	static const char * const names[] = { "real", "16-bit", "32-bit", "64-bit" };

	return names[c->mode];
}

static int emulation_failed(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c)
{
	gpa_t gpa = vcpu->arch.mmio.gpa | offset_in_page(vcpu->arch.mmio.linear);

	pr_notice_ratelimited("vm %s vcpu %u: cannot emulate the %s-mode instruction %*ph%s at RIP 0x%llx: %s; guest-physical 0x%llx %s\n",
			      vcpu->vm->name, vcpu->id, mode_name(c), c->fetched, c->insn,
			      c->fetched ? "" : "(not fetched)", c->rip,
			      c->why ?: "unknown instruction", gpa,
			      guest_access_what(vcpu, gpa));
	return internal_error_emulation(vcpu, c->insn, c->fetched);
}

static int emulate(struct mkvm_vcpu *vcpu, bool again);

static int emulate_again(struct mkvm_vcpu *vcpu)
{
	return emulate(vcpu, true);
}

/* @again: the read that userspace was asked for is answered; the rest is as it was. */
static int emulate(struct mkvm_vcpu *vcpu, bool again)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct emul_ctxt *c = mmio->ctxt;
	enum emul_rc rc;
	bool tf;

	/* The instruction need not be fetched again, unless userspace went elsewhere. */
	again = again && c->rip == rip_read(vcpu);
	load_context(vcpu, c);
	guest_access_go(vcpu, c->cpl, c->mode != EMUL_LONG64);
	rc = again ? emul_execute(c) : emulate_insn(c);

	/* SDM, "RF (resume) flag": 1 between two iterations of REP, 0 behind the instruction. */
	if (rc == EMUL_OK)
		c->rflags = c->rep_more ? c->rflags | X86_EFLAGS_RF :
					  c->rflags & ~(u64)X86_EFLAGS_RF;
	if (rc == EMUL_IO_NEEDED) {
		if (c->d.rep)	/* iterations before the one that waits are done */
			store_context(vcpu, c);
		return guest_access_wait(vcpu, emulate_again);
	}
	/* The exit told of the page: the next time, the instruction may need no emulator. */
	if (rc == EMUL_OK && (mmio->hint || mmio->hint_offset))
		doorbell_learn(vcpu, c, mmio->gpa);
	guest_access_begin(vcpu);
	switch (rc) {
	case EMUL_OK:
		tf = rflags_read(vcpu) & X86_EFLAGS_TF;
		store_context(vcpu, c);
		vcpu->stats.mmio_emulated++;
		/* MOV SS and POP SS hold off interrupts and the trap until the next instruction. */
		if (unlikely(emul_blocks_interrupts(c))) {
			event_set_shadow(vcpu, KVM_X86_SHADOW_INT_MOV_SS);
			/* VM entry wants the trap pending behind them. */
			if (tf)
				single_step_pend();
		} else if (tf) {
			inject_debug(vcpu, DR6_BS);
		}
		return guest_access_finish(vcpu);
	case EMUL_FAULT:
		store_context(vcpu, c);
		if (c->fault.has_cr2)
			inject_page_fault(vcpu, c->fault.cr2, c->fault.error_code);
		else if (c->fault.has_error_code)
			inject_exception_code(vcpu, c->fault.vector, c->fault.error_code);
		else
			inject_exception(vcpu, c->fault.vector);
		return 1;
	case EMUL_RETRY:
		return 1;
	default:
		return emulation_failed(vcpu, c);
	}
}

/**
 * mmio_loads_segment() - is the guest's current instruction one that loads a segment register?
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 *
 * Return: true for MOV, POP and LDS to segment registers, LTR, far branches and IRET, and for what
 * the emulator does not know; false for an instruction that writes memory by an operand.
 */
bool mmio_loads_segment(struct mkvm_vcpu *vcpu)
{
	struct emul_ctxt *c = vcpu->arch.mmio.ctxt;

	guest_access_begin(vcpu);
	load_context(vcpu, c);
	guest_access_go(vcpu, c->cpl, c->mode != EMUL_LONG64);
	switch (emul_decode(c)) {
	case EMUL_OK:
		return emul_loads_segment(c);
	case EMUL_UNHANDLED:
		return true;
	default:
		return false;
	}
}

static int begin(struct mkvm_vcpu *vcpu, bool write, unsigned long linear, gpa_t gpa)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	mmio->hint_write = write;
	mmio->linear = linear;
	mmio->gpa = gpa & PAGE_MASK;
	return emulate(vcpu, false);
}

/**
 * mmio_emulate() - emulate the guest's current instruction because it touches a device
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @hint: @linear and @gpa are known from the exit
 * @write: the exit was for a write, so write permission was checked
 * @linear: linear address of the access that exited
 * @gpa: its guest-physical address
 *
 * Return: 1 = enter the guest, 0 = vcpu->run holds KVM_EXIT_MMIO or KVM_EXIT_INTERNAL_ERROR, < 0 =
 * errno of KVM_RUN.
 */
int mmio_emulate(struct mkvm_vcpu *vcpu, bool hint, bool write, unsigned long linear, gpa_t gpa)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	guest_access_begin(vcpu);
	mmio->hint = hint;
	mmio->no_slot = hint;
	return begin(vcpu, write, linear, gpa);
}

/*
 * An APIC-access exit has no linear address. But only one operand of an instruction that is no
 * string instruction is read, and only one is written: the one that has the offset is it.
 */
/**
 * mmio_emulate_apic() - the same for an access to the xAPIC page that the processor has recognized
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @write: it was a write
 * @page: guest-physical address of the page
 * @offset: in the page
 *
 * Return: as mmio_emulate().
 */
int mmio_emulate_apic(struct mkvm_vcpu *vcpu, bool write, gpa_t page, unsigned int offset)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	guest_access_begin(vcpu);
	mmio->hint_offset = true;
	return begin(vcpu, write, offset, page);
}

/**
 * mmio_emulate_movbe() - the instruction that raised #UD, if it is a MOVBE
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 *
 * Return: -ENOENT when it is another, and nothing happened; else as mmio_emulate().
 */
int mmio_emulate_movbe(struct mkvm_vcpu *vcpu)
{
	struct emul_ctxt *c = vcpu->arch.mmio.ctxt;

	guest_access_begin(vcpu);
	load_context(vcpu, c);
	guest_access_go(vcpu, c->cpl, c->mode != EMUL_LONG64);
	if (emul_decode(c) != EMUL_OK || c->d.op != OP_MOVBE)
		return -ENOENT;
	return emulate(vcpu, true);
}

/**
 * mmio_vcpu_init() - room for an emulation that waits for userspace
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int mmio_vcpu_init(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.mmio.ctxt = kzalloc(sizeof(*vcpu->arch.mmio.ctxt), GFP_KERNEL_ACCOUNT);
	return vcpu->arch.mmio.ctxt ? 0 : -ENOMEM;
}

/**
 * mmio_vcpu_free() - undo mmio_vcpu_init()
 * @vcpu: the vCPU
 */
void mmio_vcpu_free(struct mkvm_vcpu *vcpu)
{
	guest_access_vcpu_free(vcpu);
	kfree(vcpu->arch.mmio.ctxt);
}
