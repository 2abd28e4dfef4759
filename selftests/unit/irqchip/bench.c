// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench.c - see bench.h: what stands for routing and LAPIC.
 */
#include "bench.h"

struct mkvm_vm vm;
struct mkvm_vcpu vcpu;
int messages, deliver_result;
struct lapic_irq last_message;
int edges[24], acks[24];
bool accepts_pic;

static u32 lapic_regs[1024];
static struct mkvm_ack_notifier *notifier;

int lapic_deliver(struct mkvm_vm *v, struct mkvm_vcpu *source, const struct lapic_irq *irq)
{
	messages++;
	last_message = *irq;
	return deliver_result;
}

bool lapic_accepts_pic(struct mkvm_vcpu *v)
{
	return accepts_pic;
}

void *lapic_regs_page(struct mkvm_vcpu *v)
{
	return lapic_regs;
}

void lapic_deliver_lint(struct mkvm_vcpu *v, int lint)
{
	v->nmis++;
}

void lapic_set_eoi_bitmap(struct mkvm_vcpu *v, const unsigned long *bitmap)
{
}

int mkvm_set_irq(struct mkvm_vm *v, int source, u32 gsi, int level)
{
	int pic = -1, ioapic;

	edges[gsi] += level;
	if (gsi < 16)
		pic = pic_set_irq(vm.arch.pic, gsi, source, level);
	ioapic = ioapic_set_irq(vm.arch.ioapic, gsi, source, level);
	return pic < 0 ? ioapic : ioapic < 0 ? pic : pic + ioapic;
}

int mkvm_pin_to_gsi(struct mkvm_vm *v, unsigned int irqchip, unsigned int pin)
{
	return irqchip == KVM_IRQCHIP_PIC_SLAVE ? pin + 8 : pin;
}

void mkvm_notify_acked_irq(struct mkvm_vm *v, unsigned int irqchip, unsigned int pin)
{
	int gsi = mkvm_pin_to_gsi(v, irqchip, pin);

	acks[gsi]++;
	if (notifier && notifier->gsi == gsi)
		notifier->acked(notifier, v);
}

bool mkvm_pin_has_ack_notifier(struct mkvm_vm *v, unsigned int irqchip, unsigned int pin)
{
	return notifier && notifier->gsi == mkvm_pin_to_gsi(v, irqchip, pin);
}

void mkvm_register_ack_notifier(struct mkvm_vm *v, struct mkvm_ack_notifier *n)
{
	notifier = n;
	ioapic_scan(vm.arch.ioapic);
}

void mkvm_unregister_ack_notifier(struct mkvm_vm *v, struct mkvm_ack_notifier *n)
{
	notifier = NULL;
	ioapic_scan(vm.arch.ioapic);
}

void bench_new(u32 pit_flags)
{
	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(edges, 0, sizeof(edges));
	memset(acks, 0, sizeof(acks));
	memset(lapic_regs, 0, sizeof(lapic_regs));
	messages = 0;
	deliver_result = 1;
	accepts_pic = true;
	now_ns = 1000000;
	vcpu.vm = &vm;
	vcpu.arch.apic = lapic_regs;
	vm.vcpus[0] = &vcpu;
	vm.online_vcpus = 1;
	vm.users.n = 1;
	mutex_lock(&vm.slots_lock);
	assert(!pic_create(&vm) && !ioapic_create(&vm));
	mutex_unlock(&vm.slots_lock);
	assert(!pit_create(&vm, pit_flags));
}

void bench_free(void)
{
	pit_destroy(&vm);
	mutex_lock(&vm.slots_lock);
	ioapic_destroy(&vm);
	pic_destroy(&vm);
	mutex_unlock(&vm.slots_lock);
	mkvm_io_buses_destroy(&vm);
}
