// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_LAPIC and KVM_SET_LAPIC.
 *
 * KVM's ABI: struct kvm_lapic_state is the first KiB of the xAPIC page. In x2APIC mode the ID
 * register holds the ID in bits 31:24, or all 32 bits of it after KVM_CAP_X2APIC_API with
 * KVM_X2APIC_API_USE_32BIT_IDS, and the ICR is split in its two xAPIC registers.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/string.h>

#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/irq/posted.h"

static u32 state_get(const struct kvm_lapic_state *s, u32 reg)
{
	u32 val;

	memcpy(&val, s->regs + reg, sizeof(val));
	return val;
}

static void state_put(struct kvm_lapic_state *s, u32 reg, u32 val)
{
	memcpy(s->regs + reg, &val, sizeof(val));
}

/**
 * lapic_get_state() - KVM_GET_LAPIC
 * @vcpu: the vCPU, loaded, its mutex held
 * @s: gets the registers
 *
 * Return: 0, or -EINVAL without a LAPIC.
 */
int lapic_get_state(struct mkvm_vcpu *vcpu, struct kvm_lapic_state *s)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 reg;

	if (!apic)
		return -EINVAL;
	/* An expiry that is due would be lost: the count that is given reads as 0 already. */
	lapic_inject_timer(vcpu);
	if (posted_used(vcpu)) {
		/* What is held is posted, what is posted is in IRR. */
		lapic_update_eoi_exits(vcpu);
		lapic_collect_posted(vcpu);
	}
	memset(s, 0, sizeof(*s));
	for (reg = APIC_ID; reg < sizeof(s->regs); reg += 0x10)
		state_put(s, reg, lapic_get(apic, reg));
	state_put(s, APIC_LVR, lapic_version(apic));
	state_put(s, APIC_PROCPRI, lapic_ppr(apic));
	state_put(s, APIC_TMCCT, lapic_timer_current(apic));
	if (apic->mode == LAPIC_X2APIC) {
		if (!vcpu->vm->arch.x2apic_32bit)
			state_put(s, APIC_ID, vcpu->id << 24);
		state_put(s, APIC_ICR2, lapic_get(apic, APIC_ICR + 4));
	}
	return 0;
}

static void set_lvt(struct mkvm_lapic *apic, const struct kvm_lapic_state *s, u32 reg)
{
	u32 val = state_get(s, reg) & lapic_lvt_valid_bits(apic, reg);

	lapic_put(apic, reg, val);
}

static void set_ids(struct mkvm_lapic *apic, const struct kvm_lapic_state *s)
{
	u32 id = apic->vcpu->id;

	if (apic->mode == LAPIC_X2APIC) {
		/* Read only for the guest and for userspace. */
		lapic_put(apic, APIC_ID, id);
		lapic_put(apic, APIC_LDR, x2apic_ldr(id));
		lapic_put(apic, APIC_ICR + 4, state_get(s, APIC_ICR2));
		lapic_put(apic, APIC_ICR2, 0);
	} else {
		lapic_put(apic, APIC_ID, state_get(s, APIC_ID) & 0xff000000);
		lapic_put(apic, APIC_LDR, state_get(s, APIC_LDR) & APIC_LDR_MASK);
		lapic_put(apic, APIC_ICR2, state_get(s, APIC_ICR2) & 0xff000000);
	}
	lapic_put(apic, APIC_ICR, state_get(s, APIC_ICR) & ~APIC_ICR_BUSY);
	lapic_put(apic, APIC_DFR, state_get(s, APIC_DFR) | 0x0fffffff);
}

/**
 * lapic_set_state() - KVM_SET_LAPIC
 * @vcpu: the vCPU, loaded, its mutex held
 * @s: registers; a copy of what userspace gave. Bits that do not exist are dropped
 *
 * Interrupts that arrive during the call are either lost, as if they had come before it, or kept.
 *
 * Return: 0, or -EINVAL without a LAPIC or for an x2APIC ID that is not the vCPU's.
 */
int lapic_set_state(struct mkvm_vcpu *vcpu, const struct kvm_lapic_state *s)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 reg;

	if (!apic)
		return -EINVAL;
	if (apic->mode == LAPIC_X2APIC && vcpu->vm->arch.x2apic_32bit &&
	    state_get(s, APIC_ID) != vcpu->id) {
		mkvm_refuse(vcpu->vm, "KVM_SET_LAPIC: x2APIC ID %u is not that of vCPU %u",
			    state_get(s, APIC_ID), vcpu->id);
		return -EINVAL;
	}

	lapic_timer_halt(apic);
	set_ids(apic, s);
	lapic_put(apic, APIC_TASKPRI, state_get(s, APIC_TASKPRI) & 0xff);
	lapic_discard_posted(vcpu);
	for (reg = APIC_ISR; reg < APIC_ESR; reg += 0x10)
		lapic_put(apic, reg, state_get(s, reg));
	lapic_recount(apic);
	/* What waits or is in service may be level triggered. */
	lapic_update_eoi_exits(vcpu);

	lapic_put(apic, APIC_ESR, state_get(s, APIC_ESR));
	/* Before the LVT: VMMs connect LINT0 while bit 8 is off, and KVM leaves it unmasked. */
	lapic_write_svr(apic, state_get(s, APIC_SPIV));
	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 0x10)
		set_lvt(apic, s, reg);
	if (lapic_has_cmci(apic))
		set_lvt(apic, s, APIC_LVTCMCI);

	lapic_put(apic, APIC_TMICT, state_get(s, APIC_TMICT));
	lapic_put(apic, APIC_TDCR, state_get(s, APIC_TDCR) & 0xb);
	lapic_timer_restore(apic, state_get(s, APIC_TMCCT));

	lapic_map_update(vcpu->vm);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}
