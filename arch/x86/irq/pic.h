/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two cascaded 8259A interrupt controllers with ELCR, as in every PC.
 *
 * Intel 8259A data sheet; the ELCR (edge/level control) is that of the PIIX south bridge.
 * The master's output reaches the vCPUs whose LAPIC passes ExtINT (lapic_accepts_pic()).
 */
#ifndef MINIKVM_ARCH_X86_IRQ_PIC_H
#define MINIKVM_ARCH_X86_IRQ_PIC_H

#include "virt/io_bus.h"

/**
 * struct mkvm_pic - the pair
 * @dev: its ports
 * @vm: the VM
 * @lock: all below; innermost but for the LAPICs'
 * @output: the INTR line, readable without the lock
 * @rose: @output rose, and the vCPUs are still to be told
 * @acked: interrupts whose ISR bit went: notifiers to be run when @lock is dropped
 * @unmasked: interrupts whose IMR bit went: the same
 * @chip: master and slave, in KVM's format
 * @lines: sources that hold each line up, by MKVM_*_SOURCE
 */
struct mkvm_pic {
	struct mkvm_io_device dev;
	struct mkvm_vm *vm;
	raw_spinlock_t lock;
	bool output, rose;
	u16 acked, unmasked;
	struct kvm_pic_state chip[2];
	u8 lines[16];
};

int pic_create(struct mkvm_vm *vm);
void pic_destroy(struct mkvm_vm *vm);

/* Is INTR asserted? Cheap, no lock, any context. */
static inline bool pic_output(struct mkvm_vm *vm)
{
	struct mkvm_pic *pic = vm->arch.pic;

	return pic && READ_ONCE(pic->output);
}

int pic_read_irq(struct mkvm_vm *vm);
int pic_set_irq(struct mkvm_pic *pic, unsigned int irq, int source, int level);

void pic_get_state(struct mkvm_pic *pic, unsigned int chip, struct kvm_pic_state *s);
void pic_set_state(struct mkvm_pic *pic, unsigned int chip, const struct kvm_pic_state *s);

#endif
