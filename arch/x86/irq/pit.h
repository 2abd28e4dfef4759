/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 timer: ports 0x40-0x43, and 0x61 when userspace wants that.
 *
 * Intel 8254 data sheet. Channel 0 drives GSI 0, channel 2 the speaker's gate and output.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_PIT_H
#define MINIKVM_ARCH_X86_IRQ_PIT_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>

#include "virt/io_bus.h"
#include "virt/irq_routing.h"

/**
 * struct mkvm_pit - the timer
 * @dev: ports 0x40-0x43
 * @speaker: port 0x61
 * @vm: the VM
 * @lock: @ch, @held, @flags and starting the timer; never taken by the timer's callback
 * @ch: the three channels in KVM's format; count is 1 to 0x10000
 * @held: what a channel had counted, in ns, when its gate closed
 * @flags: KVM_PIT_FLAGS_*
 * @timer: channel 0's output
 * @period: its period in ns, 0 for one shot; changed only while the timer is stopped
 * @reinject: missed ticks are delivered later (KVM_REINJECT_CONTROL), under vm->lock
 * @irq_ack: the guest acknowledged the last tick
 * @pending: ticks that the guest did not get yet
 * @ack: called when the guest acknowledges GSI 0
 */
struct mkvm_pit {
	struct mkvm_io_device dev, speaker;
	struct mkvm_vm *vm;
	spinlock_t lock;	/* not raw: never taken in interrupts */
	struct kvm_pit_channel_state ch[3];
	u64 held[3];
	u32 flags;
	struct hrtimer timer;
	u64 period;
	bool reinject;
	atomic_t irq_ack, pending;
	struct mkvm_ack_notifier ack;
};

int pit_create(struct mkvm_vm *vm, u32 flags);
void pit_destroy(struct mkvm_vm *vm);
void pit_irq_unmasked(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);
void pit_get_state(struct mkvm_pit *pit, struct kvm_pit_state2 *s);
void pit_set_state(struct mkvm_pit *pit, const struct kvm_pit_state2 *s);
void pit_set_reinject(struct mkvm_pit *pit, bool reinject);

#endif
