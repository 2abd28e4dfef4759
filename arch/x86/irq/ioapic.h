/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 82093AA IOAPIC: 24 pins, one redirection entry each.
 *
 * Turns lines into interrupt messages for the LAPICs (lapic_deliver()) and hears of their
 * EOIs (ioapic_eoi_broadcast()). At guest-physical 0xfec00000, version 0x11 like KVM's: no
 * EOI register.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_IOAPIC_H
#define MINIKVM_ARCH_X86_IRQ_IOAPIC_H

#include <linux/bitmap.h>
#include <linux/workqueue.h>

#include "virt/io_bus.h"
#include "virt/vcpu.h"

#define IOAPIC_DEFAULT_BASE	0xfec00000ull
#define IOAPIC_MMIO_SIZE	0x100
#define IOAPIC_NR_PINS		KVM_IOAPIC_NUM_PINS

/**
 * struct mkvm_ioapic - the controller
 * @dev: its registers on the MMIO bus
 * @vm: the VM
 * @lock: all below; innermost but for the LAPICs'
 * @state: registers in KVM's format; irr holds the lines that are up
 * @irr_delivered: edges in irr that were sent: not to be sent again after a restore
 * @lines: sources that hold each line up, by MKVM_*_SOURCE
 * @eoi_count: EOIs in a row after which the line was still up
 * @eoi_work: sends again, later, what such a line asks for
 * @eoi_vectors: vectors whose EOI concerns this IOAPIC; read without the lock
 * @unmasked: pins that were unmasked: to be looked at when @lock is dropped
 */
struct mkvm_ioapic {
	struct mkvm_io_device dev;
	struct mkvm_vm *vm;
	raw_spinlock_t lock;
	struct kvm_ioapic_state state;
	u32 irr_delivered;
	u8 lines[IOAPIC_NR_PINS];
	u32 eoi_count[IOAPIC_NR_PINS];
	struct delayed_work eoi_work;
	DECLARE_BITMAP(eoi_vectors, 256);
	u32 unmasked;
};

int ioapic_create(struct mkvm_vm *vm);
void ioapic_destroy(struct mkvm_vm *vm);
int ioapic_set_irq(struct mkvm_ioapic *ioapic, unsigned int pin, int source, int level);
void ioapic_scan(struct mkvm_ioapic *ioapic);
void ioapic_scan_vcpu(struct mkvm_ioapic *ioapic, struct mkvm_vcpu *vcpu);

void ioapic_get_state(struct mkvm_ioapic *ioapic, struct kvm_ioapic_state *s);
void ioapic_set_state(struct mkvm_ioapic *ioapic, const struct kvm_ioapic_state *s);

void ioapic_eoi_pins(struct mkvm_ioapic *ioapic, int vector);

/* Does the EOI of @vector concern the IOAPIC? For EOI-exit bitmaps and fast paths. */
static inline bool ioapic_handles_vector(struct mkvm_vm *vm, int vector)
{
	struct mkvm_ioapic *ioapic = vm->arch.ioapic;

	return ioapic && test_bit(vector & 0xff, ioapic->eoi_vectors);
}

/**
 * ioapic_eoi_broadcast() - a LAPIC finished an interrupt
 * @vcpu: whose LAPIC; its thread, no lock held
 * @vector: the vector
 *
 * To be called for every EOI, edge-triggered vectors included: the PIT's reinjection waits for
 * those. It costs one bit test when nothing waits for this vector.
 */
static inline void ioapic_eoi_broadcast(struct mkvm_vcpu *vcpu, int vector)
{
	if (ioapic_handles_vector(vcpu->vm, vector))
		ioapic_eoi_pins(vcpu->vm->arch.ioapic, vector);
}

#endif
