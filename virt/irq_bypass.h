/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An irqfd as a consumer of the kernel's IRQ bypass manager (linux/irqbypass.h).
 *
 * Posted interrupts of assigned devices: VT-d specification, "Interrupt Posting". What irqfd.c
 * embeds in each irqfd; arch_irq_bypass() decides where the interrupt goes.
 */
#ifndef MINIKVM_VIRT_IRQ_BYPASS_H
#define MINIKVM_VIRT_IRQ_BYPASS_H

#include <linux/irqbypass.h>
#include <linux/types.h>

struct eventfd_ctx;
struct mkvm_vm;

/**
 * struct mkvm_irq_bypass - one irqfd's side of a bypass
 * @consumer: what the manager knows
 * @producer: what makes the interrupt, NULL while there is none; under vm->irq_lock
 * @vm: the VM
 * @gsi: the irqfd's GSI
 * @registered: @consumer is with the manager
 */
struct mkvm_irq_bypass {
	struct irq_bypass_consumer consumer;
	struct irq_bypass_producer *producer;
	struct mkvm_vm *vm;
	u32 gsi;
	bool registered;
};

void mkvm_irq_bypass_register(struct mkvm_irq_bypass *bypass, struct mkvm_vm *vm, u32 gsi,
			      struct eventfd_ctx *eventfd);
void mkvm_irq_bypass_unregister(struct mkvm_irq_bypass *bypass);
void mkvm_irq_bypass_update(struct mkvm_irq_bypass *bypass);
void mkvm_irq_bypass_module_init(void);
void mkvm_irq_bypass_module_exit(void);

#endif
