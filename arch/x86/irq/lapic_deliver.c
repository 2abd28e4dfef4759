// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt messages: which vCPUs they address, and what they do to them.
 *
 * SDM, "Determining IPI Destination", "Interrupt Acceptance for Fixed Interrupts", "Lowest
 * Priority Delivery Mode", "Logical Destination Mode in x2APIC Mode", "Message Signalled
 * Interrupts", "Error Handling".
 *
 * Destinations are found through struct lapic_map, which each change of an ID, LDR, DFR or mode
 * refreshes. Its entries are changed one by one, never cleared and refilled, and vCPUs live as
 * long as their VM, so readers need neither lock nor RCU; what an entry says is checked against
 * the vCPU's own registers, and whatever the table cannot tell is found by asking all.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/processor.h>	/* 6.12's linux/bit_spinlock.h needs it and does not say so */
#include <linux/bit_spinlock.h>
#include <linux/nospec.h>

#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/irq/posted.h"

static_assert(LAPIC_MAP_IDS == MKVM_MAX_VCPU_ID);
static_assert(MKVM_MAX_VCPUS < LAPIC_MAP_SEVERAL);

/* A logical destination names at most one cluster of sixteen. */
#define MAX_TARGETS	16

/*
 * The IDs that a vCPU answers to in physical mode: one, or two when it is still in xAPIC mode
 * and its real ID does not fit there, so that a BSP in x2APIC mode can wake it.
 */
static int physical_ids(const struct mkvm_vcpu *vcpu, u32 ids[2])
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int n = 0;

	if (!apic)
		return 0;
	switch (READ_ONCE(apic->mode)) {
	case LAPIC_X2APIC:
		ids[n++] = vcpu->id;
		break;
	case LAPIC_XAPIC:
		ids[n++] = lapic_get(apic, APIC_ID) >> 24;
		if (vcpu->id > 0xff)
			ids[n++] = vcpu->id;
		break;
	}
	return n;
}

static bool matches_physical(const struct mkvm_vcpu *vcpu, u32 dest)
{
	u32 ids[2];
	int n = physical_ids(vcpu, ids);

	return (n > 0 && ids[0] == dest) || (n > 1 && ids[1] == dest);
}

static bool matches_logical(const struct mkvm_lapic *apic, u8 mode, u32 dest)
{
	u32 ldr = lapic_get(apic, APIC_LDR);

	if (mode == LAPIC_X2APIC)
		return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	switch (lapic_get(apic, APIC_DFR) >> 28) {
	case 0xf:
		return ldr & dest;
	case 0x0:
		return ldr >> 4 == dest >> 4 && ldr & dest & 0xf;
	default:
		return false;
	}
}

/* All ones are a broadcast; KVM lets eight ones of a device reach x2APICs, too. */
static bool is_broadcast(const struct mkvm_vm *vm, u8 mode, bool from_ipi, u32 dest)
{
	if (mode != LAPIC_X2APIC)
		return dest == XAPIC_BROADCAST_ID;
	return dest == X2APIC_BROADCAST_ID ||
	       (dest == XAPIC_BROADCAST_ID && !from_ipi && !vm->arch.x2apic_no_broadcast_quirk);
}

/**
 * lapic_matches() - is a vCPU among the destinations of a message?
 * @vcpu: the vCPU
 * @source: the vCPU that sends it, NULL for a device
 * @irq: the message
 *
 * Context: any.
 * Return: whether it is.
 */
bool lapic_matches(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, const struct lapic_irq *irq)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u8 mode;

	if (!apic)
		return false;
	mode = READ_ONCE(apic->mode);
	if (mode == LAPIC_DISABLED)
		return false;
	switch (irq->shorthand) {
	case DSH_SELF:
		return vcpu == source;
	case DSH_ALL:
		return true;
	case DSH_ALL_BUT_SELF:
		return vcpu != source;
	}
	if (is_broadcast(vcpu->vm, mode, source, irq->dest_id))
		return true;
	return irq->logical ? matches_logical(apic, mode, irq->dest_id) :
			      matches_physical(vcpu, irq->dest_id);
}

/* What lapic_map_update() collects of the logical IDs. */
struct logical_view {
	unsigned int models;		/* bit n: some vCPU is of enum lapic_logical_model n */
	u16 flat[8];
	u16 cluster[16][4];
};

static void view_add(struct logical_view *view, u16 *entry, u16 idx)
{
	if (*entry)
		view->models |= BIT(LOGICAL_MIXED);
	*entry = idx;
}

static void view_add_vcpu(struct logical_view *view, const struct mkvm_vcpu *vcpu, u16 idx)
{
	const struct mkvm_lapic *apic = vcpu->arch.apic;
	u8 mode = READ_ONCE(apic->mode);
	u32 ldr = lapic_get(apic, APIC_LDR) >> 24;

	if (mode == LAPIC_X2APIC)
		view->models |= BIT(LOGICAL_X2APIC);
	if (mode != LAPIC_XAPIC || !ldr)
		return;
	switch (lapic_get(apic, APIC_DFR) >> 28) {
	case 0xf:
		if (hweight8(ldr) == 1) {
			view->models |= BIT(LOGICAL_FLAT);
			view_add(view, &view->flat[__ffs(ldr)], idx);
			return;
		}
		break;
	case 0x0:
		if (!(ldr & 0xf))
			return;
		if (hweight8(ldr & 0xf) == 1) {
			view->models |= BIT(LOGICAL_CLUSTER);
			view_add(view, &view->cluster[ldr >> 4][__ffs(ldr & 0xf)], idx);
			return;
		}
		break;
	}
	view->models |= BIT(LOGICAL_MIXED);
}

/* Write only what changed: a reader must never find an entry empty that is not. */
static void copy_entries(u16 *to, const u16 *from, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (to[i] != from[i])
			WRITE_ONCE(to[i], from[i]);
}

/**
 * lapic_map_update() - enter a changed ID, LDR, DFR or mode in the table of destinations
 * @vm: the VM; the change was made
 *
 * Looks at every vCPU twice, at most 512 steps. Context: process; readers are never blocked.
 */
void lapic_map_update(struct mkvm_vm *vm)
{
	struct lapic_map *map = &vm->arch.apic_map;
	DECLARE_BITMAP(seen, LAPIC_MAP_IDS) = { };
	DECLARE_BITMAP(twice, LAPIC_MAP_IDS) = { };
	struct logical_view view = { };
	struct mkvm_vcpu *vcpu;
	u8 logical = LOGICAL_MIXED;
	u32 ids[2];
	int i, n;

	bit_spin_lock(0, &map->lock);
	mkvm_for_each_vcpu(i, vcpu, vm) {
		for (n = physical_ids(vcpu, ids); n > 0; n--)
			if (test_and_set_bit(ids[n - 1], seen))
				set_bit(ids[n - 1], twice);
		if (vcpu->arch.apic)
			view_add_vcpu(&view, vcpu, i + 1);
	}
	mkvm_for_each_vcpu(i, vcpu, vm) {
		for (n = physical_ids(vcpu, ids); n > 0; n--)
			WRITE_ONCE(map->phys[ids[n - 1]],
				   test_bit(ids[n - 1], twice) ? LAPIC_MAP_SEVERAL : i + 1);
	}

	if (view.models == BIT(LOGICAL_FLAT))
		logical = LOGICAL_FLAT;
	else if (view.models == BIT(LOGICAL_CLUSTER))
		logical = LOGICAL_CLUSTER;
	else if (view.models == BIT(LOGICAL_X2APIC))
		logical = LOGICAL_X2APIC;
	/* All vCPUs are asked while the tables and the model do not fit together. */
	if (logical != map->logical)
		WRITE_ONCE(map->logical, LOGICAL_MIXED);
	smp_wmb();	/* pairs with the load in look_up() */
	copy_entries(map->flat, view.flat, ARRAY_SIZE(view.flat));
	copy_entries(map->cluster[0], view.cluster[0], 16 * 4);
	/* Pairs with the load in look_up(). */
	smp_store_release(&map->logical, logical);
	bit_spin_unlock(0, &map->lock);
}

/* Add the vCPU of a table entry if the message addresses it; -1 if there may be more. */
static int add_target(struct mkvm_vm *vm, u16 entry, struct mkvm_vcpu *source,
		      const struct lapic_irq *irq, struct mkvm_vcpu **targets, int n)
{
	struct mkvm_vcpu *vcpu;

	if (n < 0 || entry > MKVM_MAX_VCPUS)
		return -1;
	if (!entry)
		return n;
	vcpu = READ_ONCE(vm->vcpus[array_index_nospec(entry - 1, MKVM_MAX_VCPUS)]);
	if (lapic_matches(vcpu, source, irq))
		targets[n++] = vcpu;
	return n;
}

/* The vCPUs that @irq names, at most sixteen; -1 if the table cannot tell. */
static int look_up(struct mkvm_vm *vm, struct mkvm_vcpu *source, const struct lapic_irq *irq,
		   struct mkvm_vcpu **targets)
{
	struct lapic_map *map = &vm->arch.apic_map;
	u32 dest = irq->dest_id;
	unsigned long bits;
	int n = 0, bit;
	u32 base;

	/* Could be a broadcast. */
	if (dest == XAPIC_BROADCAST_ID || dest == X2APIC_BROADCAST_ID)
		return -1;
	if (!irq->logical) {
		if (dest >= LAPIC_MAP_IDS)
			return -1;
		dest = array_index_nospec(dest, LAPIC_MAP_IDS);
		n = add_target(vm, READ_ONCE(map->phys[dest]), source, irq, targets, 0);
		return n > 0 ? n : -1;
	}

	/* The model before its table: pairs with lapic_map_update(). */
	switch (smp_load_acquire(&map->logical)) {
	case LOGICAL_X2APIC:
		base = dest >> 16 << 4;
		if (base >= LAPIC_MAP_IDS)
			return 0;
		base = array_index_nospec(base, LAPIC_MAP_IDS);
		bits = dest & 0xffff;
		for_each_set_bit(bit, &bits, 16)
			n = add_target(vm, READ_ONCE(map->phys[base + bit]), source, irq,
				       targets, n);
		return n;
	case LOGICAL_FLAT:
		if (dest > 0xff)
			return -1;
		bits = dest;
		for_each_set_bit(bit, &bits, 8)
			n = add_target(vm, READ_ONCE(map->flat[bit]), source, irq, targets, n);
		return n;
	case LOGICAL_CLUSTER:
		if (dest > 0xff)
			return -1;
		base = array_index_nospec(dest >> 4, 16);
		bits = dest & 0xf;
		for_each_set_bit(bit, &bits, 4)
			n = add_target(vm, READ_ONCE(map->cluster[base][bit]), source, irq,
				       targets, n);
		return n;
	default:
		return -1;
	}
}

/**
 * lapic_error() - an error that ESR will show at its next write
 * @vcpu: the vCPU, which has a LAPIC
 * @esr_bit: APIC_ESR_*
 *
 * The LVT error entry's interrupt comes with it.
 */
void lapic_error(struct mkvm_vcpu *vcpu, u32 esr_bit)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	/* Once for each bit: an illegal vector in LVT error itself ends here. */
	if (!test_and_set_bit(__ffs(esr_bit), &apic->esr_pending))
		lapic_local_irq(vcpu, NULL, APIC_LVTERR);
}

static int accept_vector(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector,
			 bool trig_level)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (unlikely(!READ_ONCE(apic->sw_enabled)))
		return 0;
	if (unlikely(vector < 16)) {
		lapic_error(vcpu, APIC_ESR_RECVILL);
		return 0;
	}
	/* TMR before IRR: with the interrupt the vCPU finds out how to end it. */
	if (unlikely(lapic_vec_test(apic, APIC_TMR, vector) != trig_level)) {
		if (trig_level)
			set_bit(vector & 31, lapic_vec_long(apic, APIC_TMR, vector));
		else
			clear_bit(vector & 31, lapic_vec_long(apic, APIC_TMR, vector));
	}
	if (posted_used(vcpu))
		return lapic_accept_posted(vcpu, source, vector, trig_level);
	/* The sender who set the bit first also wakes the vCPU. */
	if (test_and_set_bit(vector & 31, lapic_vec_long(apic, APIC_IRR, vector)))
		return 0;
	set_bit(vector >> 5, &apic->irr_summary);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	if (vcpu != source)
		mkvm_vcpu_kick(vcpu);
	return 1;
}

/*
 * INIT or SIPI was noted in @vcpu's events. MKVM_REQ_EVENT alone is served between two entries
 * with interrupts off, where a vCPU cannot be reset; the other request takes its thread through
 * the run loop, which looks at lapic_has_events().
 */
void lapic_announce_event(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source)
{
	mkvm_make_request(MKVM_REQ_INIT_SIPI, vcpu);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	if (vcpu != source)
		mkvm_vcpu_kick(vcpu);
}

/**
 * lapic_post_nmi() - an NMI for a vCPU
 * @vcpu: the vCPU, with or without a LAPIC
 *
 * It is counted; MKVM_REQ_NMI has inject_take_nmis() fetch the count.
 *
 * Context: any.
 */
void lapic_post_nmi(struct mkvm_vcpu *vcpu)
{
	atomic_inc(&vcpu->arch.nmi_queued);
	mkvm_make_request(MKVM_REQ_NMI, vcpu);
	mkvm_vcpu_kick(vcpu);
}

static __always_inline int accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source,
				  const struct lapic_irq *irq)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	switch (irq->delivery_mode) {
	case DM_FIXED:
	case DM_LOWEST:
		return accept_vector(vcpu, source, irq->vector, irq->trig_level);
	case DM_NMI:
		lapic_post_nmi(vcpu);
		return 1;
	case DM_INIT:
		if (irq->trig_level && !irq->level)
			return 1;	/* INIT level de-assert: nothing since the Pentium 4 */
		/* A SIPI that came before this INIT is void. */
		WRITE_ONCE(apic->events, BIT(LAPIC_EVENT_INIT));
		break;
	case DM_SIPI:
		WRITE_ONCE(apic->sipi_vector, irq->vector);
		/* The vector before the event. */
		smp_wmb();
		set_bit(LAPIC_EVENT_SIPI, &apic->events);
		break;
	case DM_SMI:
		return 1;	/* these processors have no system-management mode */
	default:
		return 0;	/* ExtINT: the vCPU asks the 8259 itself */
	}
	lapic_announce_event(vcpu, source);
	return 1;
}

/* In place of the rest of lapic_accept(): a call in there would have it save registers first. */
static noinline __cold int accept_told(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source,
				       const struct lapic_irq *irq)
{
	trace_kvm_apic_accept_irq(vcpu->id, irq->delivery_mode << 8, irq->trig_level, irq->vector);
	return accept(vcpu, source, irq);
}

/**
 * lapic_accept() - a message has reached a vCPU
 * @vcpu: the vCPU; its LAPIC is not disabled
 * @source: the vCPU whose thread this is, or NULL
 * @irq: the message; its destination is not looked at
 *
 * Return: 1, or 0 if it was merged with one that waits or cannot be accepted. Context: any.
 */
int lapic_accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, const struct lapic_irq *irq)
{
	if (trace_kvm_apic_accept_irq_enabled())
		return accept_told(vcpu, source, irq);
	return accept(vcpu, source, irq);
}

/*
 * SDM, "Lowest Priority Delivery Mode": the task priority decides; among equals, the vCPU that has
 * had fewer of these messages. One whose APIC is disabled by software cannot be chosen.
 */
static struct mkvm_vcpu *lower_of(struct mkvm_vcpu *best, struct mkvm_vcpu *vcpu)
{
	u32 a, b;

	if (!READ_ONCE(vcpu->arch.apic->sw_enabled))
		return best;
	if (!best)
		return vcpu;
	a = lapic_tpr(best->arch.apic) >> 4;
	b = lapic_tpr(vcpu->arch.apic) >> 4;
	if (a != b)
		return a < b ? best : vcpu;
	a = READ_ONCE(best->arch.apic->arb);
	b = READ_ONCE(vcpu->arch.apic->arb);
	return (s32)(b - a) < 0 ? vcpu : best;
}

/**
 * lapic_deliver() - send an interrupt message
 * @vm: the VM
 * @source: the vCPU that sends it and whose thread this is, NULL for a device
 * @irq: the message
 *
 * Return: number of vCPUs whose state it changed, 0 if it merged with what waited already (or
 * was refused by all), -1 if it addresses no vCPU. Context: any.
 */
int lapic_deliver(struct mkvm_vm *vm, struct mkvm_vcpu *source, const struct lapic_irq *irq)
{
	bool lowest = irq->delivery_mode == DM_LOWEST || irq->msi_redir_hint;
	struct mkvm_vcpu *targets[MAX_TARGETS];
	struct mkvm_vcpu *vcpu, *best = NULL;
	int i, n, sent = -1;

	if (irq->shorthand == DSH_SELF)
		return source && lapic_matches(source, source, irq) ?
		       lapic_accept(source, source, irq) : -1;

	n = irq->shorthand == DSH_NONE ? look_up(vm, source, irq, targets) : -1;
	if (likely(n == 1)) {
		return lapic_accept(targets[0], source, irq);
	} else if (n >= 0) {
		for (i = 0; i < n; i++) {
			if (lowest)
				best = lower_of(best, targets[i]);
			else
				sent = max(sent, 0) + lapic_accept(targets[i], source, irq);
		}
	} else {
		mkvm_for_each_vcpu(i, vcpu, vm) {
			if (!lapic_matches(vcpu, source, irq))
				continue;
			if (lowest)
				best = lower_of(best, vcpu);
			else
				sent = max(sent, 0) + lapic_accept(vcpu, source, irq);
		}
	}
	if (best) {
		WRITE_ONCE(best->arch.apic->arb, best->arch.apic->arb + 1);
		sent = lapic_accept(best, source, irq);
	}
	return sent;
}

/**
 * lapic_msi_to_irq() - what an MSI says
 * @vm: the VM: with KVM_X2APIC_API_USE_32BIT_IDS the upper half of @address holds bits 31:8 of
 *	the destination
 * @address: message address
 * @data: message data
 * @irq: gets the message
 *
 * SDM, "Message Address Register Format" and "Message Data Register Format".
 */
void lapic_msi_to_irq(struct mkvm_vm *vm, u64 address, u32 data, struct lapic_irq *irq)
{
	*irq = (struct lapic_irq) {
		.dest_id = (address >> 12) & 0xff,
		.vector = data & 0xff,
		.delivery_mode = (data >> 8) & 7,
		.shorthand = DSH_NONE,
		.logical = address & BIT(2),
		.msi_redir_hint = address & BIT(3),
		.trig_level = data & BIT(15),
		.level = true,
	};
	if (vm->arch.x2apic_32bit)
		irq->dest_id |= (u32)(address >> 32) & 0xffffff00;
}

/* @source is @vcpu if this is its thread, which then need not be kicked, else NULL. */
int lapic_local_irq(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u32 reg)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 lvt = lapic_get(apic, reg);
	struct lapic_irq irq = {
		.vector = lvt & APIC_VECTOR_MASK,
		.delivery_mode = (lvt & APIC_MODE_MASK) >> 8,
		.level = true,
		/* Only LINT0 and LINT1 have a trigger mode, and only for fixed interrupts. */
		.trig_level = lvt & APIC_LVT_LEVEL_TRIGGER,
	};
	int accepted;

	if (lvt & APIC_LVT_MASKED || READ_ONCE(apic->mode) == LAPIC_DISABLED)
		return 0;
	accepted = lapic_accept(vcpu, source, &irq);
	/* SDM, "Local Vector Table": a counter's interrupt masks its own entry. */
	if (accepted && reg == APIC_LVTPC)
		lapic_put(apic, reg, lvt | APIC_LVT_MASKED);
	return accepted;
}

/**
 * lapic_deliver_lvt() - the interrupt of an LVT entry
 * @vcpu: the vCPU
 * @reg: the entry's register offset, such as APIC_LVTPC
 *
 * Context: any.
 * Return: as lapic_deliver().
 */
int lapic_deliver_lvt(struct mkvm_vcpu *vcpu, u32 reg)
{
	return vcpu->arch.apic ? lapic_local_irq(vcpu, NULL, reg) : -1;
}

/**
 * lapic_deliver_lint() - LINT0 or LINT1 rises
 * @vcpu: the vCPU; without a LAPIC nothing is done
 * @lint: 0 or 1
 *
 * Context: any.
 */
void lapic_deliver_lint(struct mkvm_vcpu *vcpu, int lint)
{
	if (vcpu->arch.apic)
		lapic_local_irq(vcpu, NULL, lint ? APIC_LVT1 : APIC_LVT0);
}
