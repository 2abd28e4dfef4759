/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers of a VM as a whole.
 *
 * KVM's ABI: KVM_CREATE_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP; and the
 * arch_*irq*() functions of virt/arch.h.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_IRQCHIP_H
#define MINIKVM_ARCH_X86_IRQ_IRQCHIP_H

#include "virt/vcpu.h"

static inline enum mkvm_irqchip_mode irqchip_mode(struct mkvm_vm *vm)
{
	/* Pairs with the release when it was set: the chips are complete. */
	return smp_load_acquire(&vm->arch.irqchip_mode);
}

int irqchip_create(struct mkvm_vm *vm);
int irqchip_enable_split(struct mkvm_vm *vm, u64 reserved_routes);
int irqchip_get_state(struct mkvm_vm *vm, struct kvm_irqchip *chip);
int irqchip_set_state(struct mkvm_vm *vm, const struct kvm_irqchip *chip);
int irqchip_create_pit(struct mkvm_vm *vm, u32 flags);
void irqchip_set_reinject(struct mkvm_vm *vm, bool reinject);
void irqchip_destroy(struct mkvm_vm *vm);
void irqchip_scan_vcpu(struct mkvm_vcpu *vcpu);

#endif
