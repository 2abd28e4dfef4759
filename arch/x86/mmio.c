// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the instruction emulator and the guest: memory, devices, userspace.
 *
 * KVM's ABI: KVM_EXIT_MMIO, at most 8 bytes at a time. An instruction that reads a device of
 * userspace is emulated again from its start when the data is there; the reads already made
 * are answered from vcpu->arch.mmio.reads[], so that no device is read twice. Its writes wait
 * in writes[] until the instruction is complete.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/fpu/types.h>
#include <asm/trapnr.h>

#include "arch/x86/descriptor.h"
#include "arch/x86/doorbell.h"
#include "arch/x86/emulate/insn.h"
#include "arch/x86/fpu.h"
#include "arch/x86/inject.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmio.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/regs.h"
#include "arch/x86/run.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/io_bus.h"
#include "virt/memslot.h"

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

static u32 data_access(struct emul_ctxt *c, u32 access)
{
	return access | (c->cpl == 3 ? WALK_USER : 0);
}

static enum emul_rc translate(struct emul_ctxt *c, u64 linear, u32 access, gpa_t *gpa)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct walk_fault fault;
	int ret;

	/* The exit told of the address only what all mappings of a page have in common. */
	if (mmio->hint_offset && offset_in_page(linear) == mmio->linear &&
	    (access & (WALK_WRITE | WALK_FETCH)) == (mmio->hint_write ? WALK_WRITE : 0) &&
	    (c->d.op < OP_MOVS || c->d.op > OP_OUTS)) {
		*gpa = mmio->gpa | mmio->linear;
		return EMUL_OK;
	}
	/* The processor has just translated this page for the same access. */
	if (mmio->hint && !((linear ^ mmio->linear) >> PAGE_SHIFT) && !(access & WALK_FETCH) &&
	    (mmio->hint_write || !(access & WALK_WRITE))) {
		*gpa = mmio->gpa | offset_in_page(linear);
		return EMUL_OK;
	}
	ret = guest_translate(vcpu, linear, access, gpa, &fault);
	if (ret > 0)
		return take_fault(c, &fault);
	if (ret < 0) {
		c->why = "the guest's page tables are not in memory";
		return EMUL_UNHANDLED;
	}
	return EMUL_OK;
}

/*
 * Is this guest-physical address ordinary memory, for that kind of access? A slot that is being
 * deleted is not: whoever still sees it takes it for the device that comes in its place.
 */
static bool is_memory(struct mkvm_vcpu *vcpu, gpa_t gpa, bool write)
{
	const struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_memslot *slot;

	/* The fault has just found no slot there for this access, and vm->srcu is still held. */
	if (mmio->no_slot && mmio->hint_write == write && !((gpa ^ mmio->gpa) >> PAGE_SHIFT))
		return false;
	if (vcpu->arch.apic && lapic_owns_gpa(vcpu, gpa))
		return false;
	slot = mkvm_vcpu_gfn_to_slot(vcpu, gpa >> PAGE_SHIFT);
	return slot && !(slot->flags & (MKVM_SLOT_INVALID | (write ? KVM_MEM_READONLY : 0)));
}

/* A device in the kernel: 0 when one answered. */
static int device_read(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data)
{
	if (vcpu->arch.apic && lapic_owns_gpa(vcpu, gpa)) {
		memset(data, 0, len);
		lapic_mmio_read(vcpu, offset_in_page(gpa), len, data);
		return 0;
	}
	return mkvm_io_bus_read(vcpu, MKVM_MMIO_BUS, gpa, len, data);
}

static int device_write(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data)
{
	if (vcpu->arch.apic && lapic_owns_gpa(vcpu, gpa)) {
		lapic_mmio_write(vcpu, offset_in_page(gpa), len, data);
		return 0;
	}
	return mkvm_io_bus_write(vcpu, MKVM_MMIO_BUS, gpa, len, data);
}

/* Read at most 8 bytes of a device, or of what this instruction read there before. */
static enum emul_rc read_device(struct emul_ctxt *c, gpa_t gpa, void *data, unsigned int len)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *done;

	c->mmio_touched = true;
	if (mmio->next_read < mmio->nr_reads) {
		done = &mmio->reads[mmio->next_read];
		if (done->gpa == gpa && done->len == len) {
			mmio->next_read++;
			memcpy(data, done->data, len);
			return EMUL_OK;
		}
		/* Another vCPU changed the instruction or its registers: forget the rest. */
		mmio->nr_reads = mmio->next_read;
	}
	if (mmio->nr_reads == MKVM_MMIO_MAX_ACCESSES) {
		c->why = "one instruction reads devices too often";
		return EMUL_UNHANDLED;
	}
	if (device_read(vcpu, gpa, len, data)) {
		mmio->wanted.gpa = gpa;
		mmio->wanted.len = len;
		return EMUL_IO_NEEDED;
	}
	done = &mmio->reads[mmio->nr_reads++];
	mmio->next_read++;
	done->gpa = gpa;
	done->len = len;
	memcpy(done->data, data, len);
	return EMUL_OK;
}

static enum emul_rc write_device(struct emul_ctxt *c, gpa_t gpa, const void *data,
				 unsigned int len)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *access;

	c->mmio_touched = true;
	/* Order matters to devices: behind a write that waits, all wait. */
	if (!mmio->nr_writes && !device_write(vcpu, gpa, len, data))
		return EMUL_OK;
	if (mmio->nr_writes == MKVM_MMIO_MAX_ACCESSES) {
		c->why = "one instruction writes devices too often";
		return EMUL_UNHANDLED;
	}
	access = &mmio->writes[mmio->nr_writes++];
	access->gpa = gpa;
	access->len = len;
	memcpy(access->data, data, len);
	return EMUL_OK;
}

/* Bytes that one go can handle: to the end of the page, and 8 for a device. */
static unsigned int piece(u64 linear, unsigned int len, bool memory)
{
	len = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(linear));
	return memory ? len : min_t(unsigned int, len, 8);
}

static u64 wrap(struct emul_ctxt *c, u64 linear)
{
	return c->mode == EMUL_LONG64 ? linear : (u32)linear;
}

static enum emul_rc op_read(struct emul_ctxt *c, u64 linear, void *data, unsigned int len)
{
	u32 access = data_access(c, c->read_for_write ? WALK_WRITE : 0);
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	enum emul_rc rc;
	unsigned int n;
	bool memory;
	gpa_t gpa;

	for (; len; linear = wrap(c, linear + n), data += n, len -= n) {
		rc = translate(c, linear, access, &gpa);
		if (rc != EMUL_OK)
			return rc;
		memory = is_memory(vcpu, gpa, false);
		n = piece(linear, len, memory);
		if (memory && !mkvm_read_guest(vcpu->vm, gpa, data, n))
			continue;
		if (memory && is_memory(vcpu, gpa, false)) {
			c->why = "userspace unmapped the guest memory that is read";
			return EMUL_UNHANDLED;
		}
		/* No slot, or one that went away between the look and the read. */
		n = piece(linear, len, false);
		rc = read_device(c, gpa, data, n);
		if (rc != EMUL_OK)
			return rc;
	}
	return EMUL_OK;
}

static enum emul_rc op_probe_write(struct emul_ctxt *c, u64 linear, unsigned int len)
{
	enum emul_rc rc;
	gpa_t gpa;

	rc = translate(c, linear, data_access(c, WALK_WRITE), &gpa);
	if (rc == EMUL_OK && offset_in_page(linear) + len > PAGE_SIZE)
		rc = translate(c, wrap(c, (linear + len - 1) & PAGE_MASK),
			       data_access(c, WALK_WRITE), &gpa);
	return rc;
}

static enum emul_rc op_write(struct emul_ctxt *c, u64 linear, const void *data, unsigned int len)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	enum emul_rc rc;
	unsigned int n;
	bool memory;
	gpa_t gpa;

	/* Both pages of a crossing access must take it before either is changed. */
	rc = op_probe_write(c, linear, len);
	for (; rc == EMUL_OK && len; linear = wrap(c, linear + n), data += n, len -= n) {
		rc = translate(c, linear, data_access(c, WALK_WRITE), &gpa);
		if (rc != EMUL_OK)
			return rc;
		memory = is_memory(vcpu, gpa, true);
		n = piece(linear, len, memory);
		if (memory && !mkvm_write_guest(vcpu->vm, gpa, data, n))
			continue;
		if (memory && is_memory(vcpu, gpa, true)) {
			c->why = "userspace unmapped the guest memory that is written";
			return EMUL_UNHANDLED;
		}
		/* As in op_read(). */
		n = piece(linear, len, false);
		rc = write_device(c, gpa, data, n);
	}
	return rc;
}

static enum emul_rc op_cmpxchg(struct emul_ctxt *c, u64 linear, const void *old,
			       const void *new, unsigned int len)
{
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	u64 expected[2] = {}, value[2] = {};
	enum emul_rc rc;
	gpa_t gpa;
	int ret;

	rc = translate(c, linear, data_access(c, WALK_WRITE), &gpa);
	if (rc != EMUL_OK)
		return rc;
	if (!is_memory(vcpu, gpa, true) || !mkvm_lockable(gpa, len))
		return op_write(c, linear, new, len);
	memcpy(expected, old, len);
	memcpy(value, new, len);
	if (len == 16)
		ret = mkvm_cmpxchg16_guest(vcpu->vm, gpa, expected, value);
	else
		ret = mkvm_cmpxchg_guest(vcpu->vm, gpa, expected, value[0], len);
	if (ret == -EAGAIN)
		return EMUL_RETRY;
	if (ret && !is_memory(vcpu, gpa, true))
		return op_write(c, linear, new, len);
	if (ret) {
		c->why = "userspace unmapped the guest memory that is exchanged";
		return EMUL_UNHANDLED;
	}
	return EMUL_OK;
}

static enum emul_rc op_fetch(struct emul_ctxt *c, u64 linear, void *data, unsigned int len)
{
	u32 access = WALK_FETCH | (c->cpl == 3 ? WALK_USER : 0);
	struct mkvm_vcpu *vcpu = to_vcpu(c);
	u8 bytes[EMUL_MAX_INSN + 1] = {};
	enum emul_rc rc;
	gpa_t gpa;
	int ret;

	rc = translate(c, linear, access, &gpa);
	if (rc != EMUL_OK)
		return rc;
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
		ok = vmx_segment_allows(to_vcpu(c), seg, off, len, write);
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

/* Registers that another task of the guest's may own: only CR0.TS says so. */
static bool op_sse_enabled(struct emul_ctxt *c, bool vex)
{
	const u64 avx = XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	struct mkvm_vcpu *vcpu = to_vcpu(c);

	if (cr0_read(vcpu) & X86_CR0_TS)
		return false;
	if (vex)
		return cr4_read(vcpu) & X86_CR4_OSXSAVE && (vcpu->arch.xcr0 & avx) == avx;
	return !(cr0_read(vcpu) & X86_CR0_EM) && cr4_read(vcpu) & X86_CR4_OSFXSR;
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

/*
 * INS and OUTS exit for their port, to pio.c, and not for memory: here is only one that was put in
 * place of another instruction since. Whether it may use the port is the processor's to say.
 */
static enum emul_rc op_port_out(struct emul_ctxt *c, u16 port, const void *data,
				unsigned int len)
{
	return EMUL_RETRY;
}

static enum emul_rc op_port_in(struct emul_ctxt *c, u16 port, void *data, unsigned int len)
{
	return EMUL_RETRY;
}

static const struct emul_ops mmio_ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.cmpxchg = op_cmpxchg,
	.segment_base = op_segment_base,
	.segment_check = op_segment_check,
	.segment_selector = op_segment_selector,
	.sse_enabled = op_sse_enabled,
	.read_xmm = op_read_xmm,
	.write_xmm = op_write_xmm,
	.probe_write = op_probe_write,
	.port_in = op_port_in,
	.port_out = op_port_out,
};

static void load_context(struct mkvm_vcpu *vcpu, struct emul_ctxt *c)
{
	struct kvm_segment ss;
	bool cs_db, cs_l;

	c->ops = &mmio_ops;
	c->opaque = vcpu;
	reg_make_available(vcpu, GREG_RSP);
	memcpy(c->gpr, vcpu->arch.regs, sizeof(c->gpr));
	c->rip = rip_read(vcpu);
	c->rflags = rflags_read(vcpu);
	c->cpl = vmx_get_cpl(vcpu);
	c->la57 = is_la57(vcpu);
	vmx_get_cs_db_l(vcpu, &cs_db, &cs_l);
	if (cs_l) {
		c->mode = EMUL_LONG64;
		c->stack_size = 0;
		return;
	}
	if (!is_protmode(vcpu) || (c->rflags & X86_EFLAGS_VM))
		c->mode = EMUL_REAL16;
	else
		c->mode = cs_db ? EMUL_PROT32 : EMUL_PROT16;
	/* Real mode, too: a guest in "unreal mode" has kept a 32-bit stack segment. */
	vmx_get_segment(vcpu, &ss, SEG_SS);
	c->stack_size = ss.db ? 4 : 2;
}

static void store_context(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c)
{
	if (vcpu->arch.regs[GREG_RSP] != c->gpr[GREG_RSP])
		reg_mark_dirty(vcpu, GREG_RSP);
	memcpy(vcpu->arch.regs, c->gpr, sizeof(c->gpr));
	if (c->rflags != rflags_read(vcpu))
		rflags_write(vcpu, c->rflags);
	if (c->rip != rip_read(vcpu)) {
		rip_write(vcpu, c->rip);
		vmx_set_interrupt_shadow(vcpu, 0);
	}
}

static const char *mode_name(const struct emul_ctxt *c)
{
	static const char * const names[] = { "real", "16-bit", "32-bit", "64-bit" };

	return names[c->mode];
}

/* What is at the guest-physical address whose access has to be emulated. */
static const char *what_is_there(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	if (vcpu->arch.apic && lapic_owns_gpa(vcpu, gpa))
		return "is the local APIC's";
	if (!is_memory(vcpu, gpa, false))
		return "has no memory slot";
	return is_memory(vcpu, gpa, true) ? "is memory" : "is in a read-only slot";
}

static int emulation_failed(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c)
{
	gpa_t gpa = vcpu->arch.mmio.gpa | offset_in_page(vcpu->arch.mmio.linear);
	struct kvm_run *run = vcpu->run;

	pr_notice_ratelimited("vm %d vcpu %u: cannot emulate the %s-mode instruction %*ph%s at RIP %#llx: %s; guest-physical %#llx %s\n",
			      vcpu->vm->owner_pid, vcpu->id, mode_name(c), c->fetched, c->insn,
			      c->fetched ? "" : "(not fetched)", c->rip,
			      c->why ?: "unknown instruction", gpa, what_is_there(vcpu, gpa));
	/* A program of the guest's must not end its VM, unless userspace wants to see it. */
	if (c->cpl && !READ_ONCE(vcpu->vm->arch.exit_on_emulation_failure)) {
		queue_ud(vcpu);
		return 1;
	}
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = c->fetched;
	memset(run->emulation_failure.insn_bytes, 0x90, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, c->insn, c->fetched);
	return 0;
}

static int exit_mmio(struct mkvm_vcpu *vcpu, const struct mkvm_mmio_access *access, bool write)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = access->gpa;
	run->mmio.len = access->len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, access->data, access->len);
	return 0;
}

static int complete_mmio_write(struct mkvm_vcpu *vcpu)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *access;

	while (mmio->next_write < mmio->nr_writes) {
		access = &mmio->writes[mmio->next_write++];
		/* The first write behind a userspace device's may be for one in the kernel. */
		if (!device_write(vcpu, access->gpa, access->len, access->data))
			continue;
		vcpu->arch.complete_userspace_io = complete_mmio_write;
		return exit_mmio(vcpu, access, true);
	}
	mmio->nr_writes = 0;
	mmio->next_write = 0;
	return 1;
}

static int emulate(struct mkvm_vcpu *vcpu, bool again);

static int complete_mmio_read(struct mkvm_vcpu *vcpu)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *done = &mmio->reads[mmio->nr_reads++];

	*done = mmio->wanted;
	memcpy(done->data, vcpu->run->mmio.data, done->len);
	mmio->no_slot = false;	/* by now there may be one */
	return emulate(vcpu, true);
}

/* @again: the read that userspace was asked for is answered; the rest is as it was. */
static int emulate(struct mkvm_vcpu *vcpu, bool again)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct emul_ctxt *c = mmio->ctxt;
	enum emul_rc rc;

	/* The walk and the data passed through this CPU's cache (vmx/l1d_flush.c). */
	vcpu->arch.l1tf_flush = true;
	/* The instruction need not be fetched again, unless userspace went elsewhere. */
	again = again && c->rip == rip_read(vcpu);
	load_context(vcpu, c);
	mmio->next_read = 0;
	mmio->nr_writes = 0;
	mmio->next_write = 0;
	rc = again ? emul_execute(c) : emulate_insn(c);

	if (rc == EMUL_IO_NEEDED) {
		if (c->d.rep)	/* iterations before the one that waits are done */
			store_context(vcpu, c);
		vcpu->arch.complete_userspace_io = complete_mmio_read;
		return exit_mmio(vcpu, &mmio->wanted, false);
	}
	if (rc == EMUL_OK && (mmio->no_slot || mmio->hint_offset) && mmio->hint_write &&
	    !mmio->nr_writes)
		doorbell_learn(vcpu, c, mmio->gpa);
	mmio->nr_reads = 0;
	mmio->hint = false;
	mmio->hint_offset = false;
	switch (rc) {
	case EMUL_OK:
		store_context(vcpu, c);
		vcpu->stats.mmio_emulated++;
		if ((c->rflags & X86_EFLAGS_TF) && !c->rep_more)
			queue_debug_exception(vcpu, DR6_BS);
		return complete_mmio_write(vcpu);
	case EMUL_FAULT:
		store_context(vcpu, c);
		if (c->fault.has_cr2)
			queue_page_fault(vcpu, c->fault.cr2, c->fault.error_code);
		else if (c->fault.has_error_code)
			queue_exception_e(vcpu, c->fault.vector, c->fault.error_code);
		else
			queue_exception(vcpu, c->fault.vector);
		return 1;
	case EMUL_RETRY:
		return 1;
	default:
		return emulation_failed(vcpu, c);
	}
}

static int begin(struct mkvm_vcpu *vcpu, bool write, unsigned long linear, gpa_t gpa)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	mmio->nr_reads = 0;
	mmio->hint_write = write;
	mmio->linear = linear;
	mmio->gpa = gpa & PAGE_MASK;
	return emulate(vcpu, false);
}

int mmio_emulate(struct mkvm_vcpu *vcpu, bool hint, bool write, unsigned long linear, gpa_t gpa)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	mmio->hint = hint;
	mmio->hint_offset = false;
	mmio->no_slot = hint;
	return begin(vcpu, write, linear, gpa);
}

/*
 * An APIC-access exit has no linear address. But only one operand of an instruction that is no
 * string instruction is read, and only one is written: the one that has the offset is it.
 */
int mmio_emulate_apic(struct mkvm_vcpu *vcpu, bool write, gpa_t page, unsigned int offset)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	mmio->hint = false;
	mmio->hint_offset = true;
	mmio->no_slot = false;
	return begin(vcpu, write, offset, page);
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
	kfree(vcpu->arch.mmio.ctxt);
}
