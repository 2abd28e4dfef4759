// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardware task switch, done for the guest.
 *
 * SDM, "Task Management": "Task Switching", "Task-State Segment (TSS)", "16-Bit Task-State Segment
 * (TSS)", "Task Linking", "Exception Conditions Checked During a Task Switch"; and "Treatment of
 * Task Switches" in VMX. Up to the commit point a fault leaves the guest as it was and belongs to
 * the old task; behind it a fault belongs to the new task, before its first instruction.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/cpu/cr.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/insn/task_switch.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"

#define ERROR_EXT		1
#define DR6_BT			BIT(15)
#define DR7_LOCAL		0x155ul		/* L0 to L3 and LE: breakpoints of the old task */
#define TSS_TRAP		1
#define CLEAR_TRIES		1000

struct tss32 {
	u16 link, link_rsvd;
	struct { u32 esp; u16 ss, ss_rsvd; } stack[3];
	u32 cr3, eip, eflags, gpr[8];
	struct { u16 sel, rsvd; } seg[6], ldt;
	u16 trap, io_map;
};

struct tss16 {
	u16 link;
	struct { u16 sp, ss; } stack[3];
	u16 ip, flags, gpr[8], seg[4], ldt;
};

static_assert(sizeof(struct tss32) == 104);
static_assert(sizeof(struct tss16) == 44);

/* The part that the processor saves; the rest is the operating system's. */
#define TSS32_SAVED	offsetof(struct tss32, eip)
#define TSS32_SAVED_LEN	(offsetof(struct tss32, ldt) - TSS32_SAVED)
#define TSS16_SAVED	offsetof(struct tss16, ip)
#define TSS16_SAVED_LEN	(offsetof(struct tss16, ldt) - TSS16_SAVED)

union tss {
	struct tss32 b32;
	struct tss16 b16;
};

/* A TSS descriptor and what follows from it. */
struct tss_ref {
	u16 selector;
	u64 desc;
	u64 base;
	bool is32;
};

/* A task as either kind of TSS describes it. */
struct task {
	u32 cr3, eip, eflags, gpr[8];
	u16 seg[6], ldt;
	bool trap;
};

static unsigned int tss_size(const struct tss_ref *ref)
{
	return ref->is32 ? sizeof(struct tss32) : sizeof(struct tss16);
}

/* SDM, "Exception Conditions Checked During a Task Switch": the new TSS, steps 1 to 4. */
static int find_new_tss(struct mkvm_vcpu *vcpu, const struct task_switch *ts, struct tss_ref *ref,
			struct walk_fault *fault)
{
	bool iret = ts->source == TASK_SWITCH_BY_IRET;
	u8 vector = iret ? X86_TRAP_TS : X86_TRAP_GP;
	u32 error = SELECTOR_ERROR(ts->selector);
	struct kvm_segment seg;
	int ret;

	if (SELECTOR_NULL(ts->selector) || (ts->selector & SELECTOR_IN_LDT))
		return descriptor_fault(fault, vector, error);
	ret = descriptor_read(vcpu, ts->selector, vector, &ref->desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(ref->desc, ts->selector, &seg);
	/* IRET goes back to a task that is busy, everything else to one that is not. */
	if (seg.s || ((seg.type & ~DESC_TSS_BUSY) != DESC_TYPE_TSS16 &&
		      (seg.type & ~DESC_TSS_BUSY) != DESC_TYPE_TSS32) ||
	    !(seg.type & DESC_TSS_BUSY) == iret)
		return descriptor_fault(fault, vector, error);
	if (!seg.present)
		return descriptor_fault(fault, X86_TRAP_NP, error);
	ref->selector = ts->selector;
	ref->base = seg.base;
	ref->is32 = (seg.type & ~DESC_TSS_BUSY) == DESC_TYPE_TSS32;
	if (seg.limit < tss_size(ref) - 1)
		return descriptor_fault(fault, X86_TRAP_TS, error);
	return 0;
}

/* The TSS that TR holds. The busy bit is in the GDT, which the guest may have changed since. */
static int find_old_tss(struct mkvm_vcpu *vcpu, struct tss_ref *ref, bool need_descriptor,
			struct walk_fault *fault)
{
	struct kvm_segment tr;

	vmx_get_segment(vcpu, &tr, SEG_TR);
	ref->selector = tr.selector;
	ref->base = tr.base;
	ref->is32 = (tr.type & ~DESC_TSS_BUSY) == DESC_TYPE_TSS32;
	if (tr.limit < tss_size(ref) - 1)
		return descriptor_fault(fault, X86_TRAP_TS, SELECTOR_ERROR(tr.selector));
	if (!need_descriptor)
		return 0;
	return descriptor_read(vcpu, tr.selector & ~SELECTOR_IN_LDT, X86_TRAP_TS, &ref->desc,
			       fault);
}

/* May all of it be written? Nothing is changed but the pages' accessed and dirty flags. */
static int probe_write(struct mkvm_vcpu *vcpu, u64 linear, unsigned int len,
		       struct walk_fault *fault)
{
	gpa_t gpa;
	int ret;

	ret = guest_translate(vcpu, linear, WALK_WRITE | WALK_IMPLICIT, &gpa, fault);
	if (!ret)
		ret = guest_translate(vcpu, linear + len - 1, WALK_WRITE | WALK_IMPLICIT, &gpa,
				      fault);
	return ret;
}

static u64 saved_part(const struct tss_ref *ref, unsigned int *len)
{
	*len = ref->is32 ? TSS32_SAVED_LEN : TSS16_SAVED_LEN;
	return ref->base + (ref->is32 ? TSS32_SAVED : TSS16_SAVED);
}

static int save_old_task(struct mkvm_vcpu *vcpu, const struct task_switch *ts,
			 const struct tss_ref *old, struct walk_fault *fault)
{
	u32 eflags = rflags_read(vcpu);
	struct kvm_segment seg;
	union tss tss = {};
	unsigned int len;
	u64 linear;
	int i;

	if (ts->source == TASK_SWITCH_BY_IRET)
		eflags &= ~(u32)X86_EFLAGS_NT;
	linear = saved_part(old, &len);
	if (old->is32) {
		tss.b32.eip = ts->next_rip;
		tss.b32.eflags = eflags;
		for (i = 0; i < 8; i++)
			tss.b32.gpr[i] = reg_read(vcpu, i);
		for (i = 0; i < 6; i++) {
			vmx_get_segment(vcpu, &seg, SEG_ES + i);
			tss.b32.seg[i].sel = seg.selector;
		}
		return guest_write_linear(vcpu, linear, (u8 *)&tss + TSS32_SAVED, len,
					  WALK_IMPLICIT, fault);
	}
	tss.b16.ip = ts->next_rip;
	tss.b16.flags = eflags;
	for (i = 0; i < 8; i++)
		tss.b16.gpr[i] = reg_read(vcpu, i);
	for (i = 0; i < 4; i++) {
		vmx_get_segment(vcpu, &seg, SEG_ES + i);
		tss.b16.seg[i] = seg.selector;
	}
	return guest_write_linear(vcpu, linear, (u8 *)&tss + TSS16_SAVED, len, WALK_IMPLICIT,
				  fault);
}

static int read_new_task(struct mkvm_vcpu *vcpu, const struct tss_ref *new, struct task *task,
			 struct walk_fault *fault)
{
	union tss tss;
	int i, ret;

	ret = guest_read_linear(vcpu, new->base, &tss, tss_size(new), WALK_IMPLICIT, fault);
	if (ret)
		return ret;
	memset(task, 0, sizeof(*task));
	if (new->is32) {
		task->cr3 = tss.b32.cr3;
		task->eip = tss.b32.eip;
		task->eflags = tss.b32.eflags;
		memcpy(task->gpr, tss.b32.gpr, sizeof(task->gpr));
		for (i = 0; i < 6; i++)
			task->seg[i] = tss.b32.seg[i].sel;
		task->ldt = tss.b32.ldt.sel;
		task->trap = tss.b32.trap & TSS_TRAP;
		return 0;
	}
	/* A 16-bit TSS has no FS, GS and CR3: the first two become null, CR3 stays. */
	task->eip = tss.b16.ip;
	task->eflags = tss.b16.flags;
	for (i = 0; i < 8; i++)
		task->gpr[i] = tss.b16.gpr[i];
	for (i = 0; i < 4; i++)
		task->seg[i] = tss.b16.seg[i];
	task->ldt = tss.b16.ldt;
	return 0;
}

/*
 * The old task can be entered again. On the processor this is one locked access: whatever else
 * another vCPU changes in the descriptor meanwhile, the bit is cleared.
 */
static int clear_busy(struct mkvm_vcpu *vcpu, const struct task_switch *ts, struct tss_ref *old,
		      struct walk_fault *fault)
{
	u16 selector = old->selector & ~SELECTOR_IN_LDT;
	int ret, tries = 0;

	for (;;) {
		ret = descriptor_change_type(vcpu, selector, &old->desc, 0, DESC_TSS_BUSY, fault);
		if (ret != -EAGAIN)
			return ret;
		/* IRET has changed nothing so far and can begin anew, JMP has. */
		if (++tries == CLEAR_TRIES)
			return ts->source == TASK_SWITCH_BY_IRET ? -EAGAIN : 0;
		ret = descriptor_read(vcpu, selector, X86_TRAP_TS, &old->desc, fault);
		if (ret)
			return ret;
	}
}

/* Everything up to the commit point: 0, 1 = @fault, -EAGAIN = execute it again, -EFAULT. */
static int leave_old_task(struct mkvm_vcpu *vcpu, const struct task_switch *ts,
			  struct tss_ref *new, struct task *task, struct walk_fault *fault)
{
	bool nested = ts->source == TASK_SWITCH_BY_CALL || ts->source == TASK_SWITCH_BY_GATE;
	struct tss_ref old = {};
	unsigned int len;
	u64 linear;
	int ret;

	ret = find_new_tss(vcpu, ts, new, fault);
	if (!ret)
		ret = find_old_tss(vcpu, &old, !nested, fault);
	if (!ret)
		ret = read_new_task(vcpu, new, task, fault);
	if (ret)
		return ret;
	/* All that is written below must be writable before the first byte changes. */
	linear = saved_part(&old, &len);
	ret = probe_write(vcpu, linear, len, fault);
	if (!ret && nested)
		ret = probe_write(vcpu, new->base, sizeof(u16), fault);
	if (ret)
		return ret;

	if (ts->source != TASK_SWITCH_BY_IRET) {
		ret = descriptor_change_type(vcpu, new->selector, &new->desc, DESC_TSS_BUSY, 0,
					     fault);
		if (ret)
			return ret;
	}
	/* A task that is called, or that interrupts, finds its way back by the link. */
	if (!nested) {
		ret = clear_busy(vcpu, ts, &old, fault);
		if (ret)
			return ret;
	}
	ret = save_old_task(vcpu, ts, &old, fault);
	if (!ret && nested)
		ret = guest_write_linear(vcpu, new->base, &old.selector, sizeof(old.selector),
					 WALK_IMPLICIT, fault);
	return ret;
}

/* What a segment register holds after its descriptor could not be loaded. */
static void invalidate_segment(struct mkvm_vcpu *vcpu, int reg, u16 selector, u8 cpl)
{
	struct kvm_segment seg = { .selector = selector };

	if (reg == SEG_CS || reg == SEG_SS) {
		/* VM entry takes no unusable CS, and SS has the CPL: nothing fits into limit 0. */
		seg.present = 1;
		seg.s = 1;
		seg.dpl = cpl;
		seg.db = 1;
		seg.type = DESC_ACCESSED | (reg == SEG_CS ? DESC_CODE | DESC_READABLE :
							    DESC_WRITABLE);
	} else {
		seg.unusable = 1;
	}
	vmx_set_segment(vcpu, &seg, reg);
}

static void load_v8086_segment(struct mkvm_vcpu *vcpu, int reg, u16 selector)
{
	struct kvm_segment seg = {
		.base = selector << 4, .limit = 0xffff, .selector = selector, .present = 1,
		.s = 1, .dpl = 3, .type = DESC_ACCESSED | DESC_WRITABLE,
	};

	vmx_set_segment(vcpu, &seg, reg);
}

static int load_segment(struct mkvm_vcpu *vcpu, int reg, u16 selector, u8 cpl,
			struct walk_fault *fault)
{
	struct kvm_segment seg = { .selector = selector, .unusable = 1 };
	u64 desc;
	u8 vector;
	int ret;

	if (SELECTOR_NULL(selector)) {
		if (reg == SEG_CS || reg == SEG_SS)
			return descriptor_fault(fault, X86_TRAP_TS, 0);
		vmx_set_segment(vcpu, &seg, reg);
		return 0;
	}
	ret = descriptor_read(vcpu, selector, X86_TRAP_TS, &desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(desc, selector, &seg);
	vector = descriptor_check(reg, &seg, cpl, X86_TRAP_TS);
	if (vector)
		return descriptor_fault(fault, vector, SELECTOR_ERROR(selector));
	ret = descriptor_change_type(vcpu, selector, &desc, DESC_ACCESSED, 0, fault);
	/* What changes the descriptor from here on changes one that is loaded already. */
	if (ret && ret != -EAGAIN)
		return ret;
	seg.type |= DESC_ACCESSED;
	vmx_set_segment(vcpu, &seg, reg);
	return 0;
}

static int load_ldt(struct mkvm_vcpu *vcpu, u16 selector, struct walk_fault *fault)
{
	struct kvm_segment seg = { .selector = selector, .unusable = 1 };
	u64 desc;
	int ret;

	vmx_set_segment(vcpu, &seg, SEG_LDTR);
	if (SELECTOR_NULL(selector))
		return 0;
	if (selector & SELECTOR_IN_LDT)
		return descriptor_fault(fault, X86_TRAP_TS, SELECTOR_ERROR(selector));
	ret = descriptor_read(vcpu, selector, X86_TRAP_TS, &desc, fault);
	if (ret)
		return ret;
	descriptor_unpack(desc, selector, &seg);
	if (seg.s || seg.type != DESC_TYPE_LDT || !seg.present)
		return descriptor_fault(fault, X86_TRAP_TS, SELECTOR_ERROR(selector));
	vmx_set_segment(vcpu, &seg, SEG_LDTR);
	return 0;
}

/* Behind the commit point: the registers of the new task, which no fault can refuse. */
static void load_registers(struct mkvm_vcpu *vcpu, const struct task_switch *ts,
			   const struct tss_ref *new, const struct task *task)
{
	u32 eflags = task->eflags;
	struct kvm_segment tr;
	int i;

	if (ts->source == TASK_SWITCH_BY_CALL || ts->source == TASK_SWITCH_BY_GATE)
		eflags |= X86_EFLAGS_NT;
	if (!new->is32)
		eflags &= 0xffff;
	descriptor_unpack(new->desc, new->selector, &tr);
	tr.type |= DESC_TSS_BUSY;
	vmx_set_segment(vcpu, &tr, SEG_TR);
	cr0_write(vcpu, cr0_read(vcpu) | X86_CR0_TS);

	rip_write(vcpu, task->eip);
	rflags_write(vcpu, (eflags & 0x3f7fd7) | X86_EFLAGS_FIXED);
	for (i = 0; i < 8; i++)
		reg_write(vcpu, i, task->gpr[i]);
	debug_clear_dr7(vcpu, DR7_LOCAL);
	event_set_shadow(vcpu, 0);
}

/* Behind the commit point: CR3, LDT, segments. 0, 1 = @fault in the new task, -EFAULT. */
static int load_memory_state(struct mkvm_vcpu *vcpu, const struct tss_ref *new,
			     const struct task *task, struct walk_fault *fault)
{
	static const u8 order[] = { SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	bool v8086 = rflags_read(vcpu) & X86_EFLAGS_VM;
	u8 cpl = v8086 ? 3 : SELECTOR_RPL(task->seg[SEG_CS]);
	int i, ret;

	/* Until each is loaded, none may keep what it had in the old task. */
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (v8086)
			load_v8086_segment(vcpu, order[i], task->seg[order[i]]);
		else
			invalidate_segment(vcpu, order[i], task->seg[order[i]], cpl);
	}
	if (new->is32 && is_paging(vcpu) && cr3_set(vcpu, task->cr3))
		return descriptor_fault(fault, X86_TRAP_GP, 0);
	ret = load_ldt(vcpu, task->ldt, fault);
	for (i = 0; !ret && !v8086 && i < ARRAY_SIZE(order); i++)
		ret = load_segment(vcpu, order[i], task->seg[order[i]], cpl, fault);
	return ret;
}

/* The error code of the event, on the new task's stack. */
static int push_error_code(struct mkvm_vcpu *vcpu, const struct task_switch *ts, bool is32,
			   struct walk_fault *fault)
{
	unsigned int len = is32 ? 4 : 2;
	unsigned long rsp = reg_read(vcpu, GREG_RSP);
	struct kvm_segment ss;
	u32 offset;
	int ret;

	vmx_get_segment(vcpu, &ss, SEG_SS);
	offset = ss.db ? (u32)(rsp - len) : (u16)(rsp - len);
	if (!segment_offset_valid(&ss, offset, len))
		return descriptor_fault(fault, X86_TRAP_SS, 0);
	ret = guest_write_linear(vcpu, (u32)(ss.base + offset), &ts->error_code, len,
				 WALK_STACK | (vmx_get_code(vcpu).cpl == 3 ? WALK_USER : 0), fault);
	if (!ret)
		reg_write(vcpu, GREG_RSP,
			  ss.db ? offset : (rsp & ~0xfffful) | offset);
	return ret;
}

static int check_eip(struct mkvm_vcpu *vcpu, struct walk_fault *fault)
{
	struct kvm_segment cs;

	vmx_get_segment(vcpu, &cs, SEG_CS);
	return rip_read(vcpu) > cs.limit ? descriptor_fault(fault, X86_TRAP_GP, 0) : 0;
}

static int not_memory(struct mkvm_vcpu *vcpu, const struct task_switch *ts)
{
	pr_notice_ratelimited("vm %s vcpu %u: task switch to TSS 0x%x: a TSS, descriptor table or stack is not in memory\n",
			      vcpu->vm->name, vcpu->id, ts->selector);
	return internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
}

static int raise(struct mkvm_vcpu *vcpu, const struct task_switch *ts, struct walk_fault *fault)
{
	if (ts->external && fault->vector != X86_TRAP_PF)
		fault->error_code |= ERROR_EXT;
	descriptor_inject_fault(vcpu, fault);
	return 1;
}

/*
 * The event that caused this is delivered, or a fault has come in its place: it does not come back.
 * An exception stays until the commit point, so that the fault can make it a double fault.
 */
static void event_taken(struct mkvm_vcpu *vcpu, const struct task_switch *ts)
{
	inject_interrupt_done(vcpu);
	/* The handler of an NMI runs with NMIs blocked, until its IRET, even one that faults. */
	if (ts->nmi)
		event_set_nmi_mask(vcpu, true);
	else if (ts->source == TASK_SWITCH_BY_IRET)
		event_set_nmi_mask(vcpu, false);
}

/**
 * task_switch() - leave one task and begin or continue another
 * @vcpu: loaded vCPU in protected mode, vm->srcu read-held, process context
 * @ts: what causes it. An event that does is still marked as injected in vcpu->arch. Where another
 *	vCPU changes a descriptor meanwhile the guest is entered again, and the event or the
 *	instruction comes again.
 *
 * Return: 1 = enter the guest (in the new task, or with a fault queued); 0 with
 * KVM_EXIT_INTERNAL_ERROR when a table is not in memory.
 */
int task_switch(struct mkvm_vcpu *vcpu, const struct task_switch *ts)
{
	struct walk_fault fault;
	struct tss_ref new = {};
	struct task task;
	int ret;

	ret = leave_old_task(vcpu, ts, &new, &task, &fault);
	if (ret == -EAGAIN)
		return 1;
	if (ret < 0)
		return not_memory(vcpu, ts);
	event_taken(vcpu, ts);
	if (ret)
		return raise(vcpu, ts, &fault);

	/* The commit point. The event, if one caused this, is delivered. */
	vcpu->arch.exception.injected = false;
	load_registers(vcpu, ts, &new, &task);
	ret = load_memory_state(vcpu, &new, &task, &fault);
	if (!ret && ts->has_error_code)
		ret = push_error_code(vcpu, ts, new.is32, &fault);
	if (!ret)
		ret = check_eip(vcpu, &fault);
	if (ret < 0)
		return not_memory(vcpu, ts);
	if (ret)
		return raise(vcpu, ts, &fault);
	if (task.trap)
		inject_debug(vcpu, DR6_BT);
	return 1;
}
