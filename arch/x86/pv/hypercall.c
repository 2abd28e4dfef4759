// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL: number in RAX, arguments in RBX, RCX, RDX, RSI.
 *
 * KVM's ABI, "Linux KVM Hypercall". The calls that the guest may use are those that CPUID leaf
 * 40000001H announces, and minikvm's own MINIKVM_HC_EXITS and MINIKVM_HC_ANNOUNCE; everything else
 * gets -KVM_ENOSYS, and user mode gets -KVM_EPERM.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <asm/apicdef.h>

#include "arch/x86/pv/hypercall.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_x86_events.h"
#include "uapi/linux/minikvm.h"
#include "virt/announce.h"
#include "virt/yield.h"

/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID: only what CPUID shows is there. */
static bool offered(struct mkvm_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->arch.pv_enforce_cpuid || (vcpu->arch.pv_features & BIT(feature));
}

#define FEW_TARGETS	8

/* Up to 128 vCPUs (64 in 32-bit mode) with APIC IDs from @min on. How many were reached. */
static long send_ipi(struct mkvm_vcpu *vcpu, unsigned long low, unsigned long high, u32 min,
		     u32 icr, unsigned int bits)
{
	struct lapic_irq irq = {
		.vector = icr & APIC_VECTOR_MASK,
		.delivery_mode = (icr & APIC_MODE_MASK) >> 8,
		.level = true,
	};
	unsigned long map[2] = { low, high };
	unsigned int word, bit;
	long sent = 0;

	if (!vcpu->arch.apic || icr & (APIC_DEST_ALLBUT | APIC_DEST_LOGICAL) ||
	    (irq.delivery_mode != DM_FIXED && irq.delivery_mode != DM_NMI))
		return -KVM_EINVAL;
	for (word = 0; word < ARRAY_SIZE(map); word++) {
		for_each_set_bit(bit, &map[word], bits) {
			irq.dest_id = min + word * bits + bit;
			/* No ID of ours, but it would mean everybody. */
			if (irq.dest_id >= MKVM_MAX_VCPU_ID ||
			    (irq.dest_id == 0xff && !lapic_x2apic_mode(vcpu)))
				continue;
			sent += lapic_deliver(vcpu->vm, vcpu, &irq) > 0;
		}
	}
	return sent;
}

/* The target sleeps for a lock that its owner has released: its next or present HLT ends. */
static void kick_cpu(struct mkvm_vm *vm, u32 apic_id)
{
	struct mkvm_vcpu *vcpu = mkvm_vcpu_by_id(vm, apic_id);

	if (!vcpu)
		return;
	WRITE_ONCE(vcpu->arch.pv_unhalted, true);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	mkvm_vcpu_kick(vcpu);
}

/* VM exits of all vCPUs so far: what a guest costs, told to itself. */
static long count_exits(struct mkvm_vm *vm)
{
	struct mkvm_vcpu *vcpu;
	long exits = 0;
	int i;

	mkvm_for_each_vcpu(i, vcpu, vm)
		exits += READ_ONCE(vcpu->stats.exits);
	return exits;
}

/* What the guest says that it does: of interest outside, and without consequence here. */
static int announce(struct mkvm_vcpu *vcpu)
{
	switch (reg_read(vcpu, GREG_RBX)) {
	case MINIKVM_ANNOUNCE_SWITCH:
		mkvm_announce_switch(vcpu, reg_read(vcpu, GREG_RCX), reg_read(vcpu, GREG_RDX),
				     reg_read(vcpu, GREG_RSI));
		break;
	case MINIKVM_ANNOUNCE_END:
		/* A walk over all vCPUs is nothing to hold interrupts off for. */
		if (irqs_disabled())
			return HYPERCALL_MUST_SLEEP;
		mkvm_announce_end(vcpu->vm);
		break;
	}
	return 1;
}

static void sched_yield_to(struct mkvm_vm *vm, u32 apic_id)
{
	struct mkvm_vcpu *vcpu = mkvm_vcpu_by_id(vm, apic_id);

	if (vcpu && READ_ONCE(vcpu->ready))
		mkvm_vcpu_yield_to(vcpu);
}

/* A call that CPUID announces. As hypercall_execute(), with the result in @ret. */
static int execute_pv(struct mkvm_vcpu *vcpu, unsigned long nr, bool cs_l, long *ret)
{
	unsigned long arg[4] = {
		reg_read(vcpu, GREG_RBX), reg_read(vcpu, GREG_RCX), reg_read(vcpu, GREG_RDX),
		reg_read(vcpu, GREG_RSI),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(arg) && !cs_l; i++)
		arg[i] = (u32)arg[i];
	*ret = 0;
	switch (nr) {
	case KVM_HC_KICK_CPU:
		if (!offered(vcpu, KVM_FEATURE_PV_UNHALT))
			break;
		kick_cpu(vcpu->vm, arg[1]);
		return 1;
	case KVM_HC_SEND_IPI:
		if (!offered(vcpu, KVM_FEATURE_PV_SEND_IPI))
			break;
		/* An APIC ID that no vCPU has costs a look at all of them. */
		if (irqs_disabled() && hweight_long(arg[0]) + hweight_long(arg[1]) > FEW_TARGETS)
			return HYPERCALL_MUST_SLEEP;
		*ret = send_ipi(vcpu, arg[0], arg[1], arg[2], arg[3], cs_l ? 64 : 32);
		return 1;
	case KVM_HC_SCHED_YIELD:
		if (!offered(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
			break;
		if (irqs_disabled())
			return HYPERCALL_MUST_SLEEP;
		sched_yield_to(vcpu->vm, arg[0]);
		return 1;
	}
	*ret = -KVM_ENOSYS;
	return 1;
}

static __always_inline int execute(struct mkvm_vcpu *vcpu, bool tell)
{
	unsigned long nr = reg_read(vcpu, GREG_RAX);
	struct vmx_code code = vmx_get_code(vcpu);
	long ret;

	if (!code.l)
		nr = (u32)nr;

	if (code.cpl != 0) {
		ret = -KVM_EPERM;
	} else {
		switch (nr) {
		case MINIKVM_HC_EXITS:
			/* A walk over all vCPUs is nothing to hold interrupts off for. */
			if (irqs_disabled())
				return HYPERCALL_MUST_SLEEP;
			ret = count_exits(vcpu->vm);
			break;
		case MINIKVM_HC_ANNOUNCE:
			if (announce(vcpu) == HYPERCALL_MUST_SLEEP)
				return HYPERCALL_MUST_SLEEP;
			ret = 0;
			break;
		case KVM_HC_VAPIC_POLL_IRQ:
			/* Its whole effect is the exit: interrupts are looked at on the way. */
			ret = 0;
			break;
		case KVM_HC_KICK_CPU:
		case KVM_HC_SEND_IPI:
		case KVM_HC_SCHED_YIELD:
			if (execute_pv(vcpu, nr, code.l, &ret) == HYPERCALL_MUST_SLEEP)
				return HYPERCALL_MUST_SLEEP;
			break;
		default:
			ret = -KVM_ENOSYS;
		}
	}
	if (tell)
		trace_kvm_hypercall(nr, reg_read(vcpu, GREG_RBX), reg_read(vcpu, GREG_RCX),
				    reg_read(vcpu, GREG_RDX), reg_read(vcpu, GREG_RSI));
	reg_write(vcpu, GREG_RAX, code.l ? ret : (u32)ret);
	return 1;
}

/* In place of hypercall_execute(), which so keeps no register for the event's sake. */
static noinline __cold int execute_told(struct mkvm_vcpu *vcpu)
{
	return execute(vcpu, true);
}

/**
 * hypercall_execute() - execute the hypercall in the guest's registers
 * @vcpu: loaded vCPU
 *
 * RAX gets the result; RIP is the caller's.
 *
 * Return: 1, or 0 with KVM_EXIT_HYPERCALL. With interrupts off it may be HYPERCALL_MUST_SLEEP, with
 * nothing done.
 */
int hypercall_execute(struct mkvm_vcpu *vcpu)
{
	return trace_kvm_hypercall_enabled() ? execute_told(vcpu) : execute(vcpu, false);
}
