/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers of a VM as a whole.
 *
 * KVM's ABI: KVM_CREATE_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, the KVM_*_PIT* ioctls,
 * KVM_REINJECT_CONTROL and KVM_CAP_SPLIT_IRQCHIP; and the arch_*irq*() functions of
 * virt/arch.h.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_IRQCHIP_H
#define MINIKVM_ARCH_X86_IRQ_IRQCHIP_H

#include "virt/vcpu.h"

/**
 * irqchip_vm_ioctl() - the VM ioctls of the interrupt controllers and the timer
 * @vm: the VM; no lock held
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Return: the ioctl's result, or -ENOIOCTLCMD when @cmd is none of them.
 */
long irqchip_vm_ioctl(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg);

/**
 * irqchip_enable_split() - KVM_CAP_SPLIT_IRQCHIP: LAPICs here, the rest in userspace
 * @vm: the VM; no lock held
 * @reserved_routes: args[0], how many GSIs from 0 stand for userspace's IOAPIC pins
 *
 * Return: 0, -EINVAL, -EEXIST (there is an irqchip, or there are vCPUs already).
 */
int irqchip_enable_split(struct mkvm_vm *vm, u64 reserved_routes);

/*
 * Free PIC, IOAPIC and PIT. No vCPU can run, but their LAPICs still exist: the timer may fire
 * until this returns. Process context.
 */
void irqchip_destroy(struct mkvm_vm *vm);

/*
 * Tell a new vCPU's LAPIC which EOIs are waited for (lapic_set_eoi_bitmap()); later changes
 * come by themselves. To be called when the vCPU is visible. Process context.
 */
void irqchip_scan_vcpu(struct mkvm_vcpu *vcpu);

#endif
