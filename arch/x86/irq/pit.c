// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 programmable interval timer.
 *
 * Intel 8254 data sheet. Counters are computed from the time since they were loaded; only
 * channel 0's output is a real timer. It raises GSI 0 straight from the hrtimer callback, a
 * hard interrupt: everything on the way (routing under SRCU, PIC, IOAPIC and LAPIC under raw
 * spinlocks) works there, so no thread has to be woken for a tick. PREEMPT_RT is not supported.
 *
 * Reinjection as in KVM: a tick is raised only when the guest acknowledged the one before;
 * those that came before it are counted and follow one by one at each acknowledgment.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bcd.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pit.h"
#include "virt/vcpu.h"

#define PIT_HZ			1193182
#define PIT_BASE		0x40
#define SPEAKER_PORT		0x61
#define NO_MODE			0xff	/* after reset, until the guest chooses */
#define MAX_PENDING		BIT(20)

/* How a 16-bit counter is read or written through its 8-bit port. */
enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD, RW_WORD_HIGH };

static unsigned int pit_min_period_us = 200;
module_param(pit_min_period_us, uint, 0644);
MODULE_PARM_DESC(pit_min_period_us, "shortest period of the 8254's interrupt, in microseconds");

/* Without port 0x61 no code here moves channel 2's gate: it counts as userspace expects. */
static bool gate_open(struct mkvm_pit *pit, int i)
{
	return pit->ch[i].gate || !pit->speaker.ops;
}

static u64 counted_ns(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];

	if (i == 0 && pit->period) {
		s64 left = ktime_to_ns(hrtimer_expires_remaining(&pit->timer));
		u64 ns;

		/* Negative when the callback is late. */
		div64_u64_rem(pit->period - left, pit->period, &ns);
		return ns;
	}
	if (!gate_open(pit, i) && c->mode != 1 && c->mode != 5)
		return pit->held[i];
	return max_t(s64, ktime_get_ns() - c->count_load_time, 0);
}

static u64 counted_ticks(struct mkvm_pit *pit, int i)
{
	return mul_u64_u32_div(counted_ns(pit, i), PIT_HZ, NSEC_PER_SEC);
}

/* The counting element, as a read shows it. */
static u16 get_count(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];
	u64 d = counted_ticks(pit, i);
	u32 span = c->bcd ? 10000 : 0x10000, now;

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:		/* goes on past zero, round and round */
		now = (c->count + span - (u32)(d % span)) % span;
		break;
	case 3:		/* by twos */
		now = c->count - (u32)((2 * d) % c->count);
		break;
	default:
		now = c->count - (u32)(d % c->count);
		break;
	}
	if (!c->bcd)
		return now;
	now %= 10000;
	return bin2bcd(now / 100) << 8 | bin2bcd(now % 100);
}

/* The OUT pin. */
static bool get_out(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];
	u64 d = counted_ticks(pit, i);

	switch (c->mode) {
	case 1:
		return d >= c->count;
	case 2:		/* low for the last tick of each period */
		return !gate_open(pit, i) || d % c->count != c->count - 1;
	case 3:
		return !gate_open(pit, i) || d % c->count < (c->count + 1) / 2;
	case 4:
	case 5:
		return d != c->count;
	default:
		return d >= c->count;
	}
}

/* One pulse on GSI 0. */
static void pit_pulse(struct mkvm_pit *pit)
{
	struct mkvm_vcpu *vcpu;
	u32 *regs;
	int i;

	/* Masked everywhere: no acknowledgment will come. */
	if (mkvm_set_irq(pit->vm, MKVM_PIT_IRQ_SOURCE, 0, 1) < 0)
		atomic_set(&pit->irq_ack, 1);
	mkvm_set_irq(pit->vm, MKVM_PIT_IRQ_SOURCE, 0, 0);

	/* The line is also wired to LINT0, where old kernels make an NMI watchdog of it. */
	mkvm_for_each_vcpu(i, vcpu, pit->vm) {
		regs = vcpu->arch.apic ? lapic_regs_page(vcpu) : NULL;
		if (regs && (READ_ONCE(regs[APIC_LVT0 / 4]) &
			     (APIC_LVT_MASKED | APIC_MODE_MASK)) == APIC_DM_NMI)
			lapic_deliver_lint(vcpu, 0);
	}
}

static void pit_try_pulse(struct mkvm_pit *pit)
{
	if (!READ_ONCE(pit->reinject) || atomic_xchg(&pit->irq_ack, 0))
		pit_pulse(pit);
}

static enum hrtimer_restart pit_timer_fn(struct hrtimer *timer)
{
	struct mkvm_pit *pit = container_of(timer, struct mkvm_pit, timer);
	u64 ticks = 1;

	if (pit->period)
		ticks = hrtimer_forward_now(timer, ns_to_ktime(pit->period));
	if (READ_ONCE(pit->reinject) && atomic_read(&pit->pending) < MAX_PENDING)
		atomic_add(min_t(u64, ticks, MAX_PENDING), &pit->pending);
	pit_try_pulse(pit);
	return pit->period ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void pit_acked(struct mkvm_ack_notifier *notifier, struct mkvm_vm *vm)
{
	struct mkvm_pit *pit = container_of(notifier, struct mkvm_pit, ack);

	atomic_set(&pit->irq_ack, 1);
	/* Pairs with the timer, which counts first and then looks at irq_ack. */
	smp_mb();
	if (atomic_dec_if_positive(&pit->pending) > 0)
		pit_try_pulse(pit);
}

static void reset_reinject(struct mkvm_pit *pit)
{
	atomic_set(&pit->pending, 0);
	atomic_set(&pit->irq_ack, 1);
}

/**
 * pit_irq_unmasked() - an interrupt controller's pin was unmasked
 * @vm: the VM
 * @irqchip: KVM_IRQCHIP_*
 * @pin: its pin
 *
 * If it is the timer's, ticks that were missed while it was masked do not count.
 *
 * Context: any.
 */
void pit_irq_unmasked(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin)
{
	struct mkvm_pit *pit;

	/* Pairs with the release in pit_create(): it is complete. */
	pit = smp_load_acquire(&vm->arch.pit);
	if (pit && READ_ONCE(pit->reinject) && mkvm_pin_to_gsi(vm, irqchip, pin) == 0)
		reset_reinject(pit);
}

/* Channel 0 was loaded, or must stop. The callback takes no lock that is held here. */
static void update_timer(struct mkvm_pit *pit)
{
	struct kvm_pit_channel_state *c = &pit->ch[0];
	u64 ns = mul_u64_u32_div(c->count, NSEC_PER_SEC, PIT_HZ);

	hrtimer_cancel(&pit->timer);
	reset_reinject(pit);
	pit->period = 0;
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return;		/* IRQ 0 belongs to userspace's HPET now */
	switch (c->mode) {
	case 0:
	case 4:
		break;
	case 2:
	case 3:
		pit->period = max_t(u64, ns, READ_ONCE(pit_min_period_us) * NSEC_PER_USEC);
		break;
	default:		/* 1 and 5 wait for a gate that never moves */
		return;
	}
	hrtimer_start(&pit->timer, ns_to_ktime(c->count_load_time + (pit->period ?: ns)),
		      HRTIMER_MODE_ABS);
}

static void load_count(struct mkvm_pit *pit, int i, u32 count)
{
	pit->ch[i].count = count;
	pit->ch[i].count_load_time = ktime_get_ns();
	pit->held[i] = 0;
	if (i == 0)
		update_timer(pit);
}

/* A count as the guest wrote it: 0 stands for the highest one. */
static void write_count(struct mkvm_pit *pit, int i, u16 val)
{
	u32 count = val;

	if (pit->ch[i].bcd)
		count = (bcd2bin(val >> 8) * 100 + bcd2bin(val & 0xff)) % 10000 ?: 10000;
	load_count(pit, i, count ?: 0x10000);
}

static void latch_count(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];

	if (c->count_latched)
		return;		/* the first one stays until it was read */
	c->latched_count = get_count(pit, i);
	c->count_latched = c->rw_mode ?: RW_LSB;
}

static void latch_status(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];

	if (c->status_latched)
		return;
	c->status = get_out(pit, i) << 7 | (c->rw_mode & 3) << 4 | (c->mode & 7) << 1 | c->bcd;
	c->status_latched = 1;
}

static void write_control(struct mkvm_pit *pit, u8 val)
{
	unsigned int sel = val >> 6, rw = (val >> 4) & 3;
	struct kvm_pit_channel_state *c;
	int i;

	if (sel == 3) {		/* read-back: latch what is asked, bits low */
		for (i = 0; i < 3; i++) {
			if (!(val & BIT(i + 1)))
				continue;
			if (!(val & BIT(5)))
				latch_count(pit, i);
			if (!(val & BIT(4)))
				latch_status(pit, i);
		}
		return;
	}
	if (rw == RW_LATCH) {
		latch_count(pit, sel);
		return;
	}
	c = &pit->ch[sel];
	c->rw_mode = rw;
	c->read_state = rw;
	c->write_state = rw;
	c->count_latched = 0;
	c->status_latched = 0;
	c->mode = (val >> 1) & 7;
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = val & 1;
	if (sel == 0) {		/* no output until a count is written */
		hrtimer_cancel(&pit->timer);
		pit->period = 0;
	}
}

static void write_channel(struct mkvm_pit *pit, int i, u8 val)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];

	switch (c->write_state) {
	case RW_MSB:
		write_count(pit, i, val << 8);
		break;
	case RW_WORD:
		c->write_latch = val;
		c->write_state = RW_WORD_HIGH;
		break;
	case RW_WORD_HIGH:
		c->write_state = RW_WORD;
		write_count(pit, i, c->write_latch | val << 8);
		break;
	default:
		write_count(pit, i, val);
		break;
	}
}

static u8 read_channel(struct mkvm_pit *pit, int i)
{
	struct kvm_pit_channel_state *c = &pit->ch[i];

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	switch (c->count_latched) {
	case 0:
		break;
	case RW_MSB:
		c->count_latched = 0;
		return c->latched_count >> 8;
	case RW_WORD:
		c->count_latched = RW_MSB;
		return c->latched_count;
	default:
		c->count_latched = 0;
		return c->latched_count;
	}
	switch (c->read_state) {
	case RW_MSB:
		return get_count(pit, i) >> 8;
	case RW_WORD:
		c->read_state = RW_WORD_HIGH;
		return get_count(pit, i);
	case RW_WORD_HIGH:
		c->read_state = RW_WORD;
		return get_count(pit, i) >> 8;
	default:
		return get_count(pit, i);
	}
}

static int pit_read(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		    void *data)
{
	struct mkvm_pit *pit = container_of(dev, struct mkvm_pit, dev);
	unsigned int i = addr & 3;

	memset(data, 0, len);
	if (i == 3)
		return 0;	/* the control word cannot be read */
	spin_lock(&pit->lock);
	*(u8 *)data = read_channel(pit, i);
	spin_unlock(&pit->lock);
	return 0;
}

static int pit_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		     const void *data)
{
	struct mkvm_pit *pit = container_of(dev, struct mkvm_pit, dev);
	u8 val = *(const u8 *)data;

	spin_lock(&pit->lock);
	if ((addr & 3) == 3)
		write_control(pit, val);
	else
		write_channel(pit, addr & 3, val);
	spin_unlock(&pit->lock);
	return 0;
}

static const struct mkvm_io_device_ops pit_ops = {
	.read = pit_read,
	.write = pit_write,
};

/* Channel 2's gate: stops modes 0 and 4, restarts the others when it opens. */
static void set_gate(struct mkvm_pit *pit, bool open)
{
	struct kvm_pit_channel_state *c = &pit->ch[2];

	if (open == !!c->gate)
		return;
	if (!open)
		pit->held[2] = counted_ns(pit, 2);
	else if (c->mode == 0 || c->mode == 4)
		c->count_load_time = ktime_get_ns() - pit->held[2];
	else
		c->count_load_time = ktime_get_ns();
	c->gate = open;
}

static int speaker_read(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
			void *data)
{
	struct mkvm_pit *pit = container_of(dev, struct mkvm_pit, speaker);
	u8 val;

	spin_lock(&pit->lock);
	val = pit->ch[2].gate | !!(pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON) << 1 |
	      get_out(pit, 2) << 5;
	spin_unlock(&pit->lock);
	/* The memory refresh request, which some software takes as a 15 us clock. */
	val |= (ktime_get_ns() >> 14 & 1) << 4;
	memset(data, 0, len);
	*(u8 *)data = val;
	return 0;
}

static int speaker_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr,
			 int len, const void *data)
{
	struct mkvm_pit *pit = container_of(dev, struct mkvm_pit, speaker);
	u8 val = *(const u8 *)data;

	spin_lock(&pit->lock);
	pit->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	if (val & 2)
		pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	set_gate(pit, val & 1);
	spin_unlock(&pit->lock);
	return 0;
}

static const struct mkvm_io_device_ops speaker_ops = {
	.read = speaker_read,
	.write = speaker_write,
};

/**
 * pit_get_state() - KVM_GET_PIT2
 * @pit: the timer
 * @s: where the state goes
 */
void pit_get_state(struct mkvm_pit *pit, struct kvm_pit_state2 *s)
{
	memset(s, 0, sizeof(*s));
	spin_lock(&pit->lock);
	memcpy(s->channels, pit->ch, sizeof(s->channels));
	s->flags = pit->flags;
	spin_unlock(&pit->lock);
}

/**
 * pit_set_state() - KVM_SET_PIT2
 * @pit: the timer
 * @s: the state; values that no 8254 can have are cut to ones that it can. Counting begins
 *	anew with the counts given.
 */
void pit_set_state(struct mkvm_pit *pit, const struct kvm_pit_state2 *s)
{
	int i;

	spin_lock(&pit->lock);
	pit->flags = s->flags & (KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	for (i = 0; i < 3; i++) {
		struct kvm_pit_channel_state *c = &pit->ch[i];
		u32 count = s->channels[i].count;

		*c = s->channels[i];
		if (c->mode > 5)
			c->mode = NO_MODE;
		c->bcd &= 1;
		c->gate = i == 2 ? c->gate & 1 : 1;
		load_count(pit, i, count && count <= 0x10000 ? count : 0x10000);
	}
	spin_unlock(&pit->lock);
}

/**
 * pit_set_reinject() - KVM_REINJECT_CONTROL
 * @pit: the timer; vm->lock held
 * @reinject: deliver ticks that the guest missed
 *
 * The caller then lets the IOAPIC scan its pins: another set of EOIs is waited for.
 */
void pit_set_reinject(struct mkvm_pit *pit, bool reinject)
{
	struct mkvm_vm *vm = pit->vm;

	if (pit->reinject == reinject)
		return;
	mutex_lock(&vm->irq_lock);
	if (reinject) {
		reset_reinject(pit);
		mkvm_register_ack_notifier(vm, &pit->ack);
	}
	WRITE_ONCE(pit->reinject, reinject);
	if (!reinject)
		mkvm_unregister_ack_notifier(vm, &pit->ack);
	mutex_unlock(&vm->irq_lock);
}

/**
 * pit_create() - KVM_CREATE_PIT2
 * @vm: the VM, with a PIC and without a PIT; vm->lock held, vm->slots_lock not
 * @flags: KVM_PIT_SPEAKER_DUMMY: port 0x61 is emulated, too
 *
 * Return: 0 or -errno with nothing left behind.
 */
int pit_create(struct mkvm_vm *vm, u32 flags)
{
	struct mkvm_pit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	int i, err;

	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	spin_lock_init(&pit->lock);
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pit->timer.function = pit_timer_fn;
	pit->ack.acked = pit_acked;
	pit->dev.ops = &pit_ops;
	if (flags & KVM_PIT_SPEAKER_DUMMY)
		pit->speaker.ops = &speaker_ops;
	for (i = 0; i < 3; i++) {
		pit->ch[i].mode = NO_MODE;
		pit->ch[i].gate = i != 2;
		load_count(pit, i, 0x10000);
	}

	mutex_lock(&vm->slots_lock);
	err = mkvm_io_bus_register(vm, MKVM_PIO_BUS, PIT_BASE, 4, &pit->dev);
	if (!err && pit->speaker.ops) {
		err = mkvm_io_bus_register(vm, MKVM_PIO_BUS, SPEAKER_PORT, 1, &pit->speaker);
		if (err)
			mkvm_io_bus_unregister(vm, MKVM_PIO_BUS, &pit->dev);
	}
	mutex_unlock(&vm->slots_lock);
	if (err) {
		/* A vCPU may have started it in between. */
		hrtimer_cancel(&pit->timer);
		kfree(pit);
		return err;
	}
	pit_set_reinject(pit, true);
	/* Complete before pit_irq_unmasked() sees it. */
	smp_store_release(&vm->arch.pit, pit);
	return 0;
}

/**
 * pit_destroy() - stop the timer, take it off the bus and free it
 * @vm: the VM; no vCPU can run; vm->slots_lock and vm->irq_lock not held; may have no PIT
 */
void pit_destroy(struct mkvm_vm *vm)
{
	struct mkvm_pit *pit = vm->arch.pit;

	if (!pit)
		return;
	mutex_lock(&vm->slots_lock);
	mkvm_io_bus_unregister(vm, MKVM_PIO_BUS, &pit->dev);
	if (pit->speaker.ops)
		mkvm_io_bus_unregister(vm, MKVM_PIO_BUS, &pit->speaker);
	mutex_unlock(&vm->slots_lock);
	if (pit->reinject) {
		mutex_lock(&vm->irq_lock);
		mkvm_unregister_ack_notifier(vm, &pit->ack);
		mutex_unlock(&vm->irq_lock);
	}
	hrtimer_cancel(&pit->timer);
	vm->arch.pit = NULL;
	kfree(pit);
}
