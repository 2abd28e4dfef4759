// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM ioctls of x86.
 *
 * KVM's ABI: the VM as a whole, its clock and its TSC, its interrupt controllers and its timer.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/abi/rule.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/pit.h"
#include "arch/x86/irq/posted_test.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/cpu/tsc.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"

/* KVM refuses fewer; nothing is limited by it here. */
#define MIN_MMU_PAGES		64

/*
 * KVM wants three pages for a TSS, and one for page tables, to run real mode on processors
 * without "unrestricted guest". This module needs that feature, so the addresses are only
 * checked.
 */
static long set_tss_addr(struct mkvm_call *call)
{
	if (call->arg > (u32)(-3 * PAGE_SIZE)) {
		mkvm_refuse(call->vm, "KVM_SET_TSS_ADDR: 0x%lx leaves no three pages below 4 GiB",
			    call->arg);
		return -EINVAL;
	}
	return 0;
}

/* Real mode needs no identity map here (unrestricted guest): the address is read, no more. */
static long set_identity_map_addr(struct mkvm_call *call)
{
	return 0;
}

static long set_boot_cpu_id(struct mkvm_call *call)
{
	u32 limit = call->vm->max_vcpu_ids ?: MKVM_MAX_VCPU_ID;

	if (call->arg > limit) {
		mkvm_refuse(call->vm, "KVM_SET_BOOT_CPU_ID: id %lu is above the limit, %u",
			    call->arg, limit);
		return -EINVAL;
	}
	call->vm->arch.bsp_vcpu_id = call->arg;
	return 0;
}

static long get_clock(struct mkvm_call *call)
{
	pvclock_get_clock(call->vm, call->data);
	return 0;
}

static long set_clock(struct mkvm_call *call)
{
	return pvclock_set_clock(call->vm, call->data);
}

static long get_tsc_khz(struct mkvm_call *call)
{
	return READ_ONCE(call->vm->arch.default_tsc_khz);
}

static long set_tsc_khz(struct mkvm_call *call)
{
	return tsc_vm_set_khz(call->vm, call->arg);
}

static long set_msr_filter(struct mkvm_call *call)
{
	return msr_filter_set_ioctl(call->vm, mkvm_call_user(call));
}

static long set_nr_mmu_pages(struct mkvm_call *call)
{
	if (call->arg < MIN_MMU_PAGES) {
		mkvm_refuse(call->vm, "KVM_SET_NR_MMU_PAGES: %lu pages, must be at least %u",
			    call->arg, MIN_MMU_PAGES);
		return -EINVAL;
	}
	WRITE_ONCE(call->vm->arch.nr_mmu_pages, min_t(unsigned long, call->arg, INT_MAX));
	return 0;
}

static long get_nr_mmu_pages(struct mkvm_call *call)
{
	return READ_ONCE(call->vm->arch.nr_mmu_pages);
}

static long create_irqchip(struct mkvm_call *call)
{
	return irqchip_create(call->vm);
}

static long get_irqchip(struct mkvm_call *call)
{
	return irqchip_get_state(call->vm, call->data);
}

static long set_irqchip(struct mkvm_call *call)
{
	return irqchip_set_state(call->vm, call->data);
}

static long create_pit(struct mkvm_call *call)
{
	return irqchip_create_pit(call->vm, KVM_PIT_SPEAKER_DUMMY);
}

static long create_pit2(struct mkvm_call *call)
{
	return irqchip_create_pit(call->vm, ((struct kvm_pit_config *)call->data)->flags);
}

/* struct kvm_pit_state is how struct kvm_pit_state2 begins. */
static_assert(offsetof(struct kvm_pit_state2, flags) == sizeof(struct kvm_pit_state));

static long get_pit(struct mkvm_call *call)
{
	struct kvm_pit_state2 state = { };

	pit_get_state(call->vm->arch.pit, &state);
	memcpy(call->data, &state, sizeof(struct kvm_pit_state));
	return 0;
}

static long set_pit(struct mkvm_call *call)
{
	struct kvm_pit_state2 state = { };

	pit_get_state(call->vm->arch.pit, &state);
	memcpy(&state, call->data, sizeof(struct kvm_pit_state));
	pit_set_state(call->vm->arch.pit, &state);
	return 0;
}

static long get_pit2(struct mkvm_call *call)
{
	pit_get_state(call->vm->arch.pit, call->data);
	return 0;
}

static long set_pit2(struct mkvm_call *call)
{
	pit_set_state(call->vm->arch.pit, call->data);
	return 0;
}

static long reinject_control(struct mkvm_call *call)
{
	const struct kvm_reinject_control *control = call->data;

	irqchip_set_reinject(call->vm, control->pit_reinject);
	return 0;
}

static long post_interrupt(struct mkvm_call *call)
{
	return posted_test_ioctl(call->vm, mkvm_call_user(call));
}

static long test_device(struct mkvm_call *call)
{
	return posted_test_device_ioctl(call->vm, mkvm_call_user(call));
}

/* Some of KVM's numbers have the wrong direction, or none: those rows give the size themselves. */
const struct mkvm_ioctl arch_vm_ioctls[] = {
	MKVM_IOCTL(KVM_SET_TSS_ADDR, set_tss_addr),
	MKVM_IOCTL_COPY(KVM_SET_IDENTITY_MAP_ADDR, set_identity_map_addr, .around = MKVM_VM_LOCK,
			.needs = { { &rule_no_vcpus, -EINVAL } }),
	MKVM_IOCTL(KVM_SET_BOOT_CPU_ID, set_boot_cpu_id, .around = MKVM_VM_LOCK,
		   .needs = { { &rule_no_vcpus, -EBUSY } }),
	MKVM_IOCTL_COPY(KVM_GET_CLOCK, get_clock),
	MKVM_IOCTL_COPY(KVM_SET_CLOCK, set_clock),
	MKVM_IOCTL(KVM_GET_TSC_KHZ, get_tsc_khz),
	MKVM_IOCTL(KVM_SET_TSC_KHZ, set_tsc_khz),
	MKVM_IOCTL(KVM_X86_SET_MSR_FILTER, set_msr_filter),
	MKVM_IOCTL(KVM_SET_NR_MMU_PAGES, set_nr_mmu_pages),
	MKVM_IOCTL(KVM_GET_NR_MMU_PAGES, get_nr_mmu_pages),

	MKVM_IOCTL(KVM_CREATE_IRQCHIP, create_irqchip, .around = MKVM_VM_LOCK,
		   .needs = { { &rule_no_irqchip, -EEXIST }, { &rule_no_vcpus, -EINVAL } }),
	MKVM_IOCTL_COPY(KVM_GET_IRQCHIP, get_irqchip, .needs = { { &rule_full_irqchip, -ENXIO } }),
	MKVM_IOCTL(KVM_SET_IRQCHIP, set_irqchip, .in = sizeof(struct kvm_irqchip),
		   .needs = { { &rule_full_irqchip, -ENXIO } }),
	MKVM_IOCTL(KVM_CREATE_PIT, create_pit, .around = MKVM_VM_LOCK,
		   .needs = { { &rule_no_pit, -EEXIST }, { &rule_full_irqchip, -ENOENT } }),
	MKVM_IOCTL_COPY(KVM_CREATE_PIT2, create_pit2, .around = MKVM_VM_LOCK,
			.needs = { { &rule_no_pit, -EEXIST }, { &rule_full_irqchip, -ENOENT } }),
	MKVM_IOCTL_COPY(KVM_GET_PIT, get_pit, .around = MKVM_VM_LOCK,
			.needs = { { &rule_pit, -ENXIO } }),
	MKVM_IOCTL(KVM_SET_PIT, set_pit, .in = sizeof(struct kvm_pit_state), .around = MKVM_VM_LOCK,
		   .needs = { { &rule_pit, -ENXIO } }),
	MKVM_IOCTL_COPY(KVM_GET_PIT2, get_pit2, .around = MKVM_VM_LOCK,
			.needs = { { &rule_pit, -ENXIO } }),
	MKVM_IOCTL_COPY(KVM_SET_PIT2, set_pit2, .around = MKVM_VM_LOCK,
			.needs = { { &rule_pit, -ENXIO } }),
	MKVM_IOCTL(KVM_REINJECT_CONTROL, reinject_control, .around = MKVM_VM_LOCK,
		   .in = sizeof(struct kvm_reinject_control), .needs = { { &rule_pit, -ENXIO } }),

	MKVM_IOCTL(MINIKVM_VM_POST_INTERRUPT, post_interrupt),
	MKVM_IOCTL(MINIKVM_VM_TEST_DEVICE, test_device),
	{ }
};
