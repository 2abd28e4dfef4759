// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT and start-up IPIs: how an application processor comes to life.
 *
 * SDM, "INIT and Startup IPI Handling" and "Typical BSP/AP Initialization"; KVM_GET_MP_STATE. The
 * LAPIC keeps what arrived (lapic_accept_events()); what it does to the vCPU is done here, by the
 * vCPU's own thread.
 */
#include <linux/kvm.h>
#include <asm/msr-index.h>

#include "arch/x86/event/mp_state.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/regs.h"
#include "arch/x86/run/init_sipi.h"
#include "arch/x86/run/reset.h"
#include "arch/x86/vmx/vmx.h"

/* The AP starts in real mode at vector << 12. */
static void start_at_sipi(struct mkvm_vcpu *vcpu, u8 vector)
{
	struct kvm_segment cs;

	vmx_get_segment(vcpu, &cs, SEG_CS);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	vmx_set_segment(vcpu, &cs, SEG_CS);
	rip_write(vcpu, 0);
}

/**
 * init_sipi_accept() - carry out the INIT and the SIPI that wait in the LAPIC
 * @vcpu: the vCPU, loaded; its mp_state changes
 *
 * A SIPI counts only after INIT; one that comes at another time is dropped.
 */
void init_sipi_accept(struct mkvm_vcpu *vcpu)
{
	unsigned long events;
	u8 vector;

	events = lapic_accept_events(vcpu, &vector);
	if (events & BIT(LAPIC_EVENT_INIT)) {
		reset_vcpu(vcpu, true);
		mp_state_set(vcpu, vcpu->arch.apic_base & MSR_IA32_APICBASE_BSP ?
			     KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED);
	}
	if ((events & BIT(LAPIC_EVENT_SIPI)) &&
	    vcpu->arch.mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		start_at_sipi(vcpu, vector);
		mp_state_set(vcpu, KVM_MP_STATE_RUNNABLE);
	}
}
