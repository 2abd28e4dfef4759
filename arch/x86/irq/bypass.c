// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the interrupt of an assigned device goes: into a vCPU's descriptor, or to the host.
 *
 * VT-d specification, "Interrupt Posting": an entry of the remapping table in posted format names
 * one descriptor and one vector. So a message is posted if exactly one vCPU takes it, as an edge
 * with a vector; whatever else a route says goes to the host's handler, which signals the irqfd.
 * The host's IOMMU driver (Linux' or iommu/linux/interrupt.c) writes the entry, for
 * irq_set_vcpu_affinity(); where the hardware cannot post it refuses, and all stays as it was.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <asm/irq_remapping.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/arch.h"
#include "trace/kvm_x86_events.h"
#include "virt/irq_routing.h"

bool arch_irq_bypass_possible(void)
{
	return vmx_caps.apicv;
}

/* The only vCPU that takes @irq, or NULL. */
static struct mkvm_vcpu *only_receiver(struct mkvm_vm *vm, const struct lapic_irq *irq)
{
	struct mkvm_vcpu *vcpu, *found = NULL;
	int i;

	mkvm_for_each_vcpu(i, vcpu, vm) {
		if (!lapic_matches(vcpu, NULL, irq))
			continue;
		if (found)
			return NULL;
		found = vcpu;
	}
	return found;
}

/**
 * arch_irq_bypass() - choose the way of an assigned device's interrupt
 * @vm: the VM; irq_lock is held
 * @host_irq: Linux' number of the interrupt
 * @route: the message that it is to the guest, or NULL: it is the host's
 *
 * A guest that renumbers its LAPICs afterwards has to write the device's message anew, as for KVM.
 */
void arch_irq_bypass(struct mkvm_vm *vm, int host_irq, const struct mkvm_route *route)
{
	struct vcpu_data target;
	struct mkvm_vcpu *vcpu;
	struct lapic_irq irq;

	if (route) {
		lapic_msi_to_irq(vm, (u64)route->msi.address_hi << 32 | route->msi.address_lo,
				 route->msi.data, &irq);
		vcpu = only_receiver(vm, &irq);
		if (vcpu && vcpu->arch.posted && irq.vector >= 16 && !irq.trig_level &&
		    (irq.delivery_mode == DM_FIXED || irq.delivery_mode == DM_LOWEST)) {
			target.pi_desc_addr = virt_to_phys(vcpu->arch.posted);
			target.vector = irq.vector;
			if (!irq_set_vcpu_affinity(host_irq, &target)) {
				trace_kvm_pi_irte_update(host_irq, vcpu->id, route->gsi, irq.vector,
							 target.pi_desc_addr, true);
				return;
			}
		}
	}
	irq_set_vcpu_affinity(host_irq, NULL);
	trace_kvm_pi_irte_update(host_irq, 0, route ? route->gsi : 0, 0, 0, false);
}
