// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be so before ioctls of x86 are carried out.
 *
 * KVM's ABI: interrupt controllers and the timer are made once, before what uses them. Where a row
 * takes vm->lock a rule still holds while the row's function runs; the others concern what never
 * goes away again.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/abi/rule.h"
#include "arch/x86/irq/irqchip.h"

static bool no_vcpus(const struct mkvm_call *call)
{
	return !call->vm->online_vcpus;
}

const struct mkvm_rule rule_no_vcpus = {
	.text = "there are vCPUs already, and it must come before the first",
	.holds = no_vcpus,
};

static bool no_irqchip(const struct mkvm_call *call)
{
	return irqchip_mode(call->vm) == MKVM_IRQCHIP_NONE;
}

const struct mkvm_rule rule_no_irqchip = {
	.text = "there is one already",
	.holds = no_irqchip,
};

static bool full_irqchip(const struct mkvm_call *call)
{
	return irqchip_mode(call->vm) == MKVM_IRQCHIP_KERNEL;
}

const struct mkvm_rule rule_full_irqchip = {
	.text = "it needs KVM_CREATE_IRQCHIP first",
	.holds = full_irqchip,
};

static bool no_pit(const struct mkvm_call *call)
{
	return !call->vm->arch.pit;
}

const struct mkvm_rule rule_no_pit = {
	.text = "there is one already",
	.holds = no_pit,
};

static bool pit(const struct mkvm_call *call)
{
	return call->vm->arch.pit;
}

const struct mkvm_rule rule_pit = {
	.text = "the VM is without a PIT",
	.holds = pit,
};

static bool lapic(const struct mkvm_call *call)
{
	return call->vcpu->arch.apic;
}

const struct mkvm_rule rule_lapic = {
	.text = "the vCPU has no LAPIC in the kernel",
	.holds = lapic,
};
