// SPDX-License-Identifier: GPL-2.0-only
/*
 * An assigned device's interrupt on its way past the host.
 *
 * The kernel's IRQ bypass manager (linux/irqbypass.h) matches producers, VFIO's interrupts, with
 * consumers, which are irqfds, by the eventfd that both have. While they are matched the
 * architecture may send the interrupt to the guest without the host's handler, the eventfd and the
 * irqfd. These stay in place for the times when it cannot. The manager is a module of its own,
 * irqbypass, which every producer depends on: it is looked up when minikvm is loaded, and without
 * it nothing is bypassed.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kmod.h>
#include <linux/module.h>

#include "virt/arch.h"
#include "virt/irq_bypass.h"
#include "virt/irq_routing.h"

MODULE_SOFTDEP("pre: irqbypass");

static int (*register_consumer)(struct irq_bypass_consumer *consumer);
static void (*unregister_consumer)(struct irq_bypass_consumer *consumer);

/**
 * mkvm_irq_bypass_update() - the interrupt goes where its GSI's route leads now
 * @bypass: its vm->irq_lock is held
 */
void mkvm_irq_bypass_update(struct mkvm_irq_bypass *bypass)
{
	/* No producer has come, or the irqfd was never registered. */
	if (!bypass->producer)
		return;
	lockdep_assert_held(&bypass->vm->irq_lock);
	arch_irq_bypass(bypass->vm, bypass->producer->irq,
			mkvm_message_of_gsi(bypass->vm, bypass->gsi));
}

/* Both with the manager's lock held, which is taken before vm->irq_lock. */
static int add_producer(struct irq_bypass_consumer *consumer, struct irq_bypass_producer *producer)
{
	struct mkvm_irq_bypass *bypass = container_of(consumer, struct mkvm_irq_bypass, consumer);

	mutex_lock(&bypass->vm->irq_lock);
	bypass->producer = producer;
	mkvm_irq_bypass_update(bypass);
	mutex_unlock(&bypass->vm->irq_lock);
	return 0;
}

static void del_producer(struct irq_bypass_consumer *consumer, struct irq_bypass_producer *producer)
{
	struct mkvm_irq_bypass *bypass = container_of(consumer, struct mkvm_irq_bypass, consumer);

	mutex_lock(&bypass->vm->irq_lock);
	bypass->producer = NULL;
	arch_irq_bypass(bypass->vm, producer->irq, NULL);
	mutex_unlock(&bypass->vm->irq_lock);
}

/**
 * mkvm_irq_bypass_register() - offer an irqfd to the producer that has the same eventfd
 * @bypass: zeroed; must stay until mkvm_irq_bypass_unregister()
 * @vm: the VM, whose irq_lock is not held
 * @gsi: what the eventfd drives
 * @eventfd: the eventfd
 *
 * The interrupt may bypass the host before this returns. Where it cannot, nothing changes.
 */
void mkvm_irq_bypass_register(struct mkvm_irq_bypass *bypass, struct mkvm_vm *vm, u32 gsi,
			      struct eventfd_ctx *eventfd)
{
	if (!register_consumer)
		return;
	bypass->vm = vm;
	bypass->gsi = gsi;
	bypass->consumer.token = eventfd;
	bypass->consumer.add_producer = add_producer;
	bypass->consumer.del_producer = del_producer;
	/* -EBUSY: the eventfd has another irqfd, maybe in another VM, which keeps the producer. */
	bypass->registered = !register_consumer(&bypass->consumer);
}

/**
 * mkvm_irq_bypass_unregister() - the interrupt goes through the host again
 * @bypass: its vm->irq_lock is not held; may never have been registered
 */
void mkvm_irq_bypass_unregister(struct mkvm_irq_bypass *bypass)
{
	if (bypass->registered)
		unregister_consumer(&bypass->consumer);
	bypass->registered = false;
}

/**
 * mkvm_irq_bypass_module_init() - look the manager up, if interrupts can bypass this host
 */
void mkvm_irq_bypass_module_init(void)
{
	if (!arch_irq_bypass_possible())
		return;
	request_module("irqbypass");
	register_consumer = symbol_get(irq_bypass_register_consumer);
	unregister_consumer = symbol_get(irq_bypass_unregister_consumer);
	if (register_consumer && unregister_consumer)
		return;
	pr_info("no irqbypass: interrupts of assigned devices go through the host\n");
	mkvm_irq_bypass_module_exit();
}

/**
 * mkvm_irq_bypass_module_exit() - let the manager go; no VM exists any more
 */
void mkvm_irq_bypass_module_exit(void)
{
	if (register_consumer)
		symbol_put(irq_bypass_register_consumer);
	if (unregister_consumer)
		symbol_put(irq_bypass_unregister_consumer);
	register_consumer = NULL;
	unregister_consumer = NULL;
}
