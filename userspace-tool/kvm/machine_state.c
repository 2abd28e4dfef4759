// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a VM and of its vCPUs, read and written by KVM's ABI (virt/kvm/api.rst in the
 * kernel's documentation): one row for each part. Rows are written from top to bottom. The
 * order matters:
 *
 *	the clock comes before the MSR by which a vCPU shows it to the guest; CPUID before all that
 *	is checked against it; the APIC base (SREGS) before the local APIC; the timer's mode (LAPIC)
 *	before the TSC deadline, the TSC before that (MSRS); events last, since others clear them.
 *
 * Relies on every vCPU standing still with nothing left to complete in KVM_RUN (pause.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "compiler.h"
#include "kvm/guest_cpuid.h"
#include "kvm/machine_state.h"
#include "kvm/refusal.h"

#define MSRS_MAX		1024
#define MSR_IA32_TSC_DEADLINE	0x6e0
#define MSR_KVM_SYSTEM_TIME_NEW	0x4b564d01

/* What a part's ioctl has refused. */
static int refused(const struct vm *vm, const char *ioctl_name, int fd, struct sentence *why)
{
	return say(why, "%s refuses a part of the guest's state (%s): %s.", vm->device, ioctl_name,
		   refusal(fd));
}

static int save_clock(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_out *out, struct sentence *why)
{
	struct kvm_clock_data clock = { };

	if (ioctl(fd, part->get, &clock) < 0)
		return refused(vm, part->get_name, fd, why);
	STATE_PUT(out, clock.clock);
	return 0;
}

/* The guest's clock goes on where it was, as if no time had passed. */
static int load_clock(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_in *in, struct sentence *why)
{
	struct kvm_clock_data clock = { };

	STATE_GET(in, clock.clock);
	if (ioctl(fd, part->set, &clock) < 0)
		return refused(vm, part->set_name, fd, why);
	return 0;
}

/* The three controllers: both 8259s, the IOAPIC. */
static int save_irqchip(const struct vm *vm, const struct state_part *part, int fd,
			struct state_out *out, struct sentence *why)
{
	struct kvm_irqchip chip;
	__u32 i;

	for (i = 0; i < KVM_NR_IRQCHIPS; i++) {
		memset(&chip, 0, sizeof(chip));
		chip.chip_id = i;
		if (ioctl(fd, part->get, &chip) < 0)
			return refused(vm, part->get_name, fd, why);
		STATE_PUT(out, chip);
	}
	return 0;
}

static int load_irqchip(const struct vm *vm, const struct state_part *part, int fd,
			struct state_in *in, struct sentence *why)
{
	struct kvm_irqchip chip;
	__u32 i;

	for (i = 0; i < KVM_NR_IRQCHIPS; i++) {
		STATE_GET(in, chip);
		chip.chip_id = i;
		if (ioctl(fd, part->set, &chip) < 0)
			return refused(vm, part->set_name, fd, why);
	}
	return 0;
}

static int save_cpuid(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_out *out, struct sentence *why)
{
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return say(why, "There is no memory for the CPUID table.");
	cpuid->nent = CPUID_ENTRIES_MAX;
	if (ioctl(fd, part->get, cpuid) < 0)
		ret = refused(vm, part->get_name, fd, why);
	else
		state_put(out, cpuid->entries, cpuid->nent * sizeof(cpuid->entries[0]));
	free(cpuid);
	return ret;
}

static int load_cpuid(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_in *in, struct sentence *why)
{
	size_t size = sizeof(struct kvm_cpuid_entry2), n = in->len / size;
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	if (n > CPUID_ENTRIES_MAX)
		return say(why, "The snapshot's CPUID table has %zu entries, more than %d.", n,
			   CPUID_ENTRIES_MAX);
	cpuid = calloc(1, sizeof(*cpuid) + n * size);
	if (!cpuid)
		return say(why, "There is no memory for the CPUID table.");
	cpuid->nent = n;
	state_get(in, cpuid->entries, n * size);
	if (ioctl(fd, part->set, cpuid) < 0)
		ret = refused(vm, part->set_name, fd, why);
	free(cpuid);
	return ret;
}

/* As many bytes as the guest's features need, and at least struct kvm_xsave. */
static int save_xsave(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_out *out, struct sentence *why)
{
	int size = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	bool extended = size > (int)sizeof(struct kvm_xsave);
	void *xsave;

	xsave = state_room(out, extended ? size : (int)sizeof(struct kvm_xsave));
	if (xsave && ioctl(fd, extended ? KVM_GET_XSAVE2 : part->get, xsave) < 0)
		return refused(vm, extended ? "KVM_GET_XSAVE2" : part->get_name, fd, why);
	return 0;
}

static int load_xsave(const struct vm *vm, const struct state_part *part, int fd,
		      struct state_in *in, struct sentence *why)
{
	int known = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2), ret = 0;
	size_t size = sizeof(struct kvm_xsave);
	void *xsave;

	/* The ioctl reads as much as this host's features need. */
	if (known > (int)size)
		size = known;
	if (in->len > size)
		return say(why,
			   "The guest's FPU state has %zu bytes, and this host's processor has %zu.",
			   in->len, size);
	xsave = calloc(1, size);
	if (!xsave)
		return say(why, "There is no memory for the FPU state.");
	state_get(in, xsave, in->len);
	if (ioctl(fd, part->set, xsave) < 0)
		ret = refused(vm, part->set_name, fd, why);
	free(xsave);
	return ret;
}

/* One entry behind the header, which C cannot declare without an extension. */
union one_msr {
	struct kvm_msrs head;
	__u8 bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

static bool get_msr(int fd, __u32 index, __u64 *value)
{
	union one_msr one = { .head = { .nmsrs = 1 } };
	struct kvm_msr_entry e = { .index = index };

	memcpy(one.bytes + sizeof(one.head), &e, sizeof(e));
	if (ioctl(fd, KVM_GET_MSRS, &one) != 1)
		return false;
	memcpy(&e, one.bytes + sizeof(one.head), sizeof(e));
	*value = e.data;
	return true;
}

static bool set_msr(int fd, __u32 index, __u64 value)
{
	union one_msr one = { .head = { .nmsrs = 1 } };
	struct kvm_msr_entry e = { .index = index, .data = value };
	__u64 now;

	memcpy(one.bytes + sizeof(one.head), &e, sizeof(e));
	/* What cannot be written is no loss where it has the value already. */
	return ioctl(fd, KVM_SET_MSRS, &one) == 1 || (get_msr(fd, index, &now) && now == value);
}

static void put_msr(int fd, __u32 index, struct state_out *out)
{
	__u64 value;

	/* The list is of what the host knows; this vCPU need not have all of it. */
	if (!get_msr(fd, index, &value))
		return;
	STATE_PUT(out, index);
	STATE_PUT(out, value);
}

static int save_msrs(const struct vm *vm, const struct state_part *part, int fd,
		     struct state_out *out, struct sentence *why)
{
	struct kvm_msr_list *list;
	bool deadline = false;
	int ret = 0;
	__u32 i;

	(void)part;
	list = calloc(1, sizeof(*list) + MSRS_MAX * sizeof(list->indices[0]));
	if (!list)
		return say(why, "There is no memory for the list of MSRs.");
	list->nmsrs = MSRS_MAX;
	if (ioctl(vm->dev_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		ret = refused(vm, "KVM_GET_MSR_INDEX_LIST", vm->dev_fd, why);
	} else {
		for (i = 0; i < list->nmsrs; i++) {
			if (list->indices[i] == MSR_IA32_TSC_DEADLINE)
				deadline = true;
			else
				put_msr(fd, list->indices[i], out);
		}
		if (deadline)
			put_msr(fd, MSR_IA32_TSC_DEADLINE, out);
	}
	free(list);
	return ret;
}

static int load_msrs(const struct vm *vm, const struct state_part *part, int fd,
		     struct state_in *in, struct sentence *why)
{
	__u32 index;
	__u64 value;

	while (in->at < in->len && !in->failed) {
		STATE_GET(in, index);
		STATE_GET(in, value);
		if (!in->failed && !set_msr(fd, index, value))
			return say(why, "%s refuses 0x%llx for the guest's MSR 0x%x (%s).",
				   vm->device, value, index, part->set_name);
	}
	return 0;
}

/* A hypervisor's guests, where the guest is one. */
static int save_nested(const struct vm *vm, const struct state_part *part, int fd,
		       struct state_out *out, struct sentence *why)
{
	int size = ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE);
	struct kvm_nested_state *nested = calloc(1, size);
	int ret = 0;

	if (!nested)
		return say(why, "There is no memory for the state of nested VMX.");
	nested->size = size;
	if (ioctl(fd, part->get, nested) < 0)
		ret = refused(vm, part->get_name, fd, why);
	else
		state_put(out, nested, nested->size);
	free(nested);
	return ret;
}

static int load_nested(const struct vm *vm, const struct state_part *part, int fd,
		       struct state_in *in, struct sentence *why)
{
	struct kvm_nested_state *nested = calloc(1, in->len + sizeof(*nested));
	int ret = 0;

	if (!nested)
		return say(why, "There is no memory for the state of nested VMX.");
	state_get(in, nested, in->len);
	if (nested->size > in->len)
		ret = say(why, "The snapshot's state of nested VMX is too short.");
	else if (ioctl(fd, part->set, nested) < 0)
		ret = refused(vm, part->set_name, fd, why);
	free(nested);
	return ret;
}

#define IOCTLS(g, s)	.get = (g), .set = (s), .get_name = #g, .set_name = #s

const struct state_part vm_state_parts[] = {
	{ .name = "clock", IOCTLS(KVM_GET_CLOCK, KVM_SET_CLOCK), .cap = KVM_CAP_ADJUST_CLOCK,
	  .save = save_clock, .load = load_clock },
	{ .name = "irqchip", IOCTLS(KVM_GET_IRQCHIP, KVM_SET_IRQCHIP), .cap = -1, .irqchip = true,
	  .save = save_irqchip, .load = load_irqchip },
	{ .name = "pit", IOCTLS(KVM_GET_PIT2, KVM_SET_PIT2), .cap = KVM_CAP_PIT_STATE2,
	  .irqchip = true, .size = sizeof(struct kvm_pit_state2) },
	{ }
};

const struct state_part vcpu_state_parts[] = {
	{ .name = "cpuid", IOCTLS(KVM_GET_CPUID2, KVM_SET_CPUID2), .cap = -1,
	  .save = save_cpuid, .load = load_cpuid },
	{ .name = "mp-state", IOCTLS(KVM_GET_MP_STATE, KVM_SET_MP_STATE), .cap = KVM_CAP_MP_STATE,
	  .irqchip = true, .size = sizeof(struct kvm_mp_state) },
	{ .name = "regs", IOCTLS(KVM_GET_REGS, KVM_SET_REGS), .cap = -1,
	  .size = sizeof(struct kvm_regs) },
	{ .name = "sregs2", IOCTLS(KVM_GET_SREGS2, KVM_SET_SREGS2), .cap = KVM_CAP_SREGS2,
	  .size = sizeof(struct kvm_sregs2) },
	{ .name = "xcrs", IOCTLS(KVM_GET_XCRS, KVM_SET_XCRS), .cap = KVM_CAP_XCRS,
	  .size = sizeof(struct kvm_xcrs) },
	{ .name = "xsave", IOCTLS(KVM_GET_XSAVE, KVM_SET_XSAVE), .cap = KVM_CAP_XSAVE,
	  .save = save_xsave, .load = load_xsave },
	{ .name = "debugregs", IOCTLS(KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS),
	  .cap = KVM_CAP_DEBUGREGS, .size = sizeof(struct kvm_debugregs) },
	{ .name = "lapic", IOCTLS(KVM_GET_LAPIC, KVM_SET_LAPIC), .cap = -1, .irqchip = true,
	  .size = sizeof(struct kvm_lapic_state) },
	{ .name = "msrs", IOCTLS(KVM_GET_MSRS, KVM_SET_MSRS), .cap = -1,
	  .save = save_msrs, .load = load_msrs },
	{ .name = "nested", IOCTLS(KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE),
	  .cap = KVM_CAP_NESTED_STATE, .save = save_nested, .load = load_nested },
	{ .name = "events", IOCTLS(KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS),
	  .cap = KVM_CAP_VCPU_EVENTS, .size = sizeof(struct kvm_vcpu_events) },
	{ }
};

/* The vCPU stood still: a guest that looks at its clock shall not take that for a lockup. */
void vcpu_has_paused(const struct vcpu *vcpu)
{
	__u64 system_time;

	if (get_msr(vcpu->fd, MSR_KVM_SYSTEM_TIME_NEW, &system_time) && (system_time & 1))
		ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}

/* Does this VM, on this node, have such a part? */
bool state_part_exists(const struct vm *vm, const struct state_part *part)
{
	if (part->irqchip && !vm->irqchip)
		return false;
	return part->cap < 0 || ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, part->cap) > 0;
}

/**
 * state_part_save() - read a part of the state
 * @vm: the VM
 * @part: which
 * @fd: the VM's descriptor, or the vCPU's
 * @out: receives the bytes
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int state_part_save(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_out *out, struct sentence *why)
{
	void *room;

	if (part->save)
		return part->save(vm, part, fd, out, why);
	room = state_room(out, part->size);
	if (room && ioctl(fd, part->get, room) < 0)
		return refused(vm, part->get_name, fd, why);
	return 0;
}

/**
 * state_part_load() - write a part of the state
 * @vm: the VM
 * @part: which
 * @fd: the VM's descriptor, or the vCPU's
 * @in: the bytes; may come from anywhere
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1. Bytes that are missing or left over are found by the caller.
 */
int state_part_load(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_in *in, struct sentence *why)
{
	void *copy;
	int ret = 0;

	if (part->load)
		return part->load(vm, part, fd, in, why);
	/* Aligned, and zeros where the section is too short, which the caller says. */
	copy = calloc(1, part->size);
	if (!copy)
		return say(why, "There is no memory for the guest's state.");
	state_get(in, copy, part->size);
	if (!in->failed && ioctl(fd, part->set, copy) < 0)
		ret = refused(vm, part->set_name, fd, why);
	free(copy);
	return ret;
}
