/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls that are refused, each with its errno and with words of the reason that minikvm gives.
 *
 * For refusals.c (the line in the log) and last_error.c (MINIKVM_GET_LAST_ERROR). Each is carried
 * out on a VM of its own. Relies on lib/kt.h.
 */
#ifndef KT_REFUSAL_TABLE_H
#define KT_REFUSAL_TABLE_H

#include <asm/kvm_para.h>

#include "apic.h"

struct machine {
	struct kt_vm *vm;
	struct kt_vcpu *vcpu;
};

static inline struct machine plain(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_NOIMAGE);

	return (struct machine){ vm, kt_vcpu_new(vm, 0) };
}

static inline struct machine with_irqchip(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP | KT_NOIMAGE);

	return (struct machine){ vm, kt_vcpu_new(vm, 0) };
}

/* Where the ioctl goes: each column of the table below. */
enum where { NODE, VM, VCPU, VM_IRQCHIP, VCPU_IRQCHIP };

#define ARG(type, ...) (&(type) { __VA_ARGS__ })
#define NUM(n) ((void *)(unsigned long)(n))

static const struct refusal {
	enum where where;
	const char *name;
	unsigned long cmd;
	void *arg;
	int err;
	const char *says;
} refusals[] = {
#define R(where, cmd, arg, err, says) { where, #cmd, cmd, arg, err, says }
	R(NODE, KVM_GET_API_VERSION, NUM(5), EINVAL, "must be 0, not 0x5"),
	R(NODE, KVM_GET_VCPU_MMAP_SIZE, NUM(6), EINVAL, "must be 0, not 0x6"),
	R(NODE, KVM_CREATE_VM, NUM(77), EINVAL, "type 77"),
	R(NODE, KVM_RUN, NULL, EINVAL, "no such ioctl"),
	R(NODE, _IO('x', 0x10), NULL, EINVAL, "0x7810"),
	R(NODE, KVM_GET_SUPPORTED_CPUID, ARG(struct kvm_cpuid2, .nent = 0), E2BIG, "no entry"),
	R(NODE, KVM_GET_SUPPORTED_CPUID, ARG(struct kvm_cpuid2, .nent = 1), E2BIG, "room for 1"),
	R(NODE, KVM_GET_EMULATED_CPUID, ARG(struct kvm_cpuid2, .nent = 0), E2BIG, "no entry"),
	R(NODE, KVM_GET_MSR_INDEX_LIST, ARG(struct kvm_msr_list, .nmsrs = 2), E2BIG, "room for 2"),
	R(NODE, KVM_GET_MSR_FEATURE_INDEX_LIST, ARG(struct kvm_msr_list, .nmsrs = 1), E2BIG,
	  "FEATURE_INDEX_LIST: room for 1"),
	R(NODE, KVM_GET_MSR_INDEX_LIST, NUM(8), EFAULT, "KVM_GET_MSR_INDEX_LIST"),
	R(NODE, KVM_GET_MSRS, ARG(struct kvm_msrs, .nmsrs = 5000), E2BIG, "5000 entries"),
	R(NODE, KVM_HAS_DEVICE_ATTR, ARG(struct kvm_device_attr, .group = 3), ENXIO, "group 3"),
	R(NODE, KVM_X86_GET_MCE_CAP_SUPPORTED, NUM(16), EFAULT, "KVM_X86_GET_MCE_CAP_SUPPORTED"),

	R(VM, KVM_RUN, NULL, ENOTTY, "no such ioctl"),
	R(VM, _IO(KVMIO, 0xff), NULL, ENOTTY, "0xaeff"),
	R(VM, KVM_CREATE_VCPU, NUM(0), EEXIST, "vCPU 0 already"),
	R(VM, KVM_CREATE_VCPU, NUM(100000), EINVAL, "id 100000"),
	R(VM, KVM_CREATE_IRQCHIP, NULL, EINVAL, "there are vCPUs"),
	R(VM, KVM_GET_IRQCHIP, ARG(struct kvm_irqchip, .chip_id = 0), ENXIO, "KVM_CREATE_IRQCHIP"),
	R(VM, KVM_CREATE_PIT2, ARG(struct kvm_pit_config, .flags = 0), ENOENT,
	  "KVM_CREATE_IRQCHIP"),
	R(VM, KVM_GET_PIT2, ARG(struct kvm_pit_state2, .flags = 0), ENXIO, "without a PIT"),
	R(VM, KVM_IRQ_LINE, ARG(struct kvm_irq_level, .irq = 1), ENXIO, "interrupt controller"),
	R(VM, KVM_SIGNAL_MSI, ARG(struct kvm_msi, .flags = 0), EINVAL, "interrupt controller"),
	R(VM, KVM_SET_GSI_ROUTING, ARG(struct kvm_irq_routing, .nr = 0), EINVAL,
	  "interrupt controller"),
	R(VM, KVM_IRQFD, ARG(struct kvm_irqfd, .fd = -1), EINVAL, "interrupt controllers"),
	R(VM, KVM_IRQFD, ARG(struct kvm_irqfd, .fd = -1, .flags = 0x80), EINVAL, "0x80"),
	R(VM, KVM_IOEVENTFD, ARG(struct kvm_ioeventfd, .fd = -1, .flags = 0x80), EINVAL, "0x80"),
	R(VM, KVM_IOEVENTFD, ARG(struct kvm_ioeventfd, .fd = -1, .len = 3), EINVAL, "length 3"),
	R(VM, KVM_IOEVENTFD, ARG(struct kvm_ioeventfd, .fd = -1, .len = 4), EBADF, "-1"),
	R(VM, KVM_SET_TSS_ADDR, NUM(0xfffff000), EINVAL, "0xfffff000"),
	R(VM, KVM_SET_IDENTITY_MAP_ADDR, ARG(u64, 0), EINVAL, "vCPUs already"),
	R(VM, KVM_SET_BOOT_CPU_ID, NUM(1), EBUSY, "vCPUs already"),
	R(VM, KVM_SET_NR_MMU_PAGES, NUM(3), EINVAL, "at least 64"),
	R(VM, KVM_SET_CLOCK, ARG(struct kvm_clock_data, .flags = 0x100), EINVAL, "0x100"),
	R(VM, KVM_SET_TSC_KHZ, NUM(1UL << 40), EINVAL, "1099511627776"),
	R(VM, KVM_SET_USER_MEMORY_REGION, ARG(struct kvm_userspace_memory_region, .slot = 9),
	  EINVAL,
	  "slot 9"),
	R(VM, KVM_SET_USER_MEMORY_REGION, NUM(24), EFAULT, "KVM_SET_USER_MEMORY_REGION"),
	R(VM, KVM_GET_DIRTY_LOG, ARG(struct kvm_dirty_log, .slot = 8), ENOENT, "slot 8"),
	R(VM, KVM_CLEAR_DIRTY_LOG, ARG(struct kvm_clear_dirty_log, .slot = 7), ENOENT, "slot 7"),
	R(VM, KVM_REGISTER_COALESCED_MMIO, ARG(struct kvm_coalesced_mmio_zone, .pio = 7), EINVAL,
	  "space 7"),
	R(VM, KVM_CREATE_DEVICE, ARG(struct kvm_create_device, .type = 99), ENODEV, "type 99"),
	R(VM, KVM_ENABLE_CAP, ARG(struct kvm_enable_cap, .cap = 1, .flags = 4), EINVAL,
	  "flags 0x4"),
	R(VM, KVM_ENABLE_CAP, ARG(struct kvm_enable_cap, .cap = 1), EINVAL, "capability 1"),
	R(VM, KVM_ENABLE_CAP,
	  ARG(struct kvm_enable_cap, .cap = KVM_CAP_MAX_VCPU_ID, .args[0] = 100000), EINVAL,
	  "100000"),
	R(VM, KVM_ENABLE_CAP,
	  ARG(struct kvm_enable_cap, .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24), EEXIST,
	  "SPLIT_IRQCHIP"),
	R(VM, KVM_ENABLE_CAP,
	  ARG(struct kvm_enable_cap, .cap = KVM_CAP_X86_USER_SPACE_MSR, .args[0] = 0x400), EINVAL,
	  "0x400"),
	R(VM, KVM_X86_SET_MSR_FILTER, ARG(struct kvm_msr_filter, .flags = 0x80), EINVAL,
	  "unknown flags 0x80"),
	R(VM, KVM_X86_SET_MSR_FILTER, ARG(struct kvm_msr_filter, .flags = 1), EINVAL, "no range"),
	R(VM_IRQCHIP, KVM_CREATE_IRQCHIP, NULL, EEXIST, "one already"),
	R(VM_IRQCHIP, KVM_SIGNAL_MSI, ARG(struct kvm_msi, .flags = 8), EINVAL, "unknown flags 0x8"),
	R(VM_IRQCHIP, KVM_SET_IRQCHIP, ARG(struct kvm_irqchip, .chip_id = 5), EINVAL, "no chip 5"),
	R(VM_IRQCHIP, KVM_IRQFD, ARG(struct kvm_irqfd, .fd = 12345), EBADF, "12345"),
	R(VM_IRQCHIP, KVM_SET_GSI_ROUTING, ARG(struct kvm_irq_routing, .nr = 9999), EINVAL, "9999"),
	R(VM_IRQCHIP, KVM_SET_USER_MEMORY_REGION,
	  ARG(struct kvm_userspace_memory_region, .slot = 3, .guest_phys_addr = APIC_BASE,
	      .memory_size = 4096), EEXIST, "LAPICs"),

	R(VCPU, KVM_CREATE_VM, NULL, EINVAL, "no such ioctl"),
	R(VCPU, KVM_SMI, NULL, EINVAL, "KVM_SMI"),
	R(VCPU, KVM_RUN, NUM(3), EINVAL, "must be 0, not 0x3"),
	R(VCPU, KVM_GET_LAPIC, ARG(struct kvm_lapic_state), EINVAL, "no LAPIC"),
	R(VCPU, KVM_SET_LAPIC, ARG(struct kvm_lapic_state), EINVAL, "no LAPIC"),
	R(VCPU, KVM_SET_VAPIC_ADDR, ARG(struct kvm_vapic_addr, .vapic_addr = 0), EINVAL,
	  "no LAPIC"),
	R(VCPU, KVM_TPR_ACCESS_REPORTING, ARG(struct kvm_tpr_access_ctl, .flags = 2), EINVAL,
	  "0x2"),
	R(VCPU, KVM_INTERRUPT, ARG(struct kvm_interrupt, .irq = 300), EINVAL, "300"),
	R(VCPU, KVM_SET_REGS, NUM(32), EFAULT, "KVM_SET_REGS"),
	R(VCPU, KVM_GET_REGS, NUM(40), EFAULT, "KVM_GET_REGS"),
	R(VCPU, KVM_SET_SREGS, ARG(struct kvm_sregs, .efer = 1UL << 60), EINVAL, "KVM_SET_SREGS"),
	R(VCPU, KVM_SET_SREGS2, ARG(struct kvm_sregs2, .flags = 0x40), EINVAL, "KVM_SET_SREGS2"),
	R(VCPU, KVM_SET_XCRS, ARG(struct kvm_xcrs, .nr_xcrs = 100), EINVAL, "100 registers"),
	R(VCPU, KVM_SET_MP_STATE, ARG(struct kvm_mp_state, .mp_state = 99), EINVAL, "state 99"),
	R(VCPU, KVM_SET_VCPU_EVENTS, ARG(struct kvm_vcpu_events, .flags = 0x8000), EINVAL,
	  "0x8000"),
	R(VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(struct kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_PAYLOAD), EINVAL,
	  "EXCEPTION_PAYLOAD"),
	R(VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(struct kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT), EINVAL,
	  "TRIPLE_FAULT"),
	R(VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(struct kvm_vcpu_events, .exception.injected = 1, .exception.nr = 40), EINVAL, "40"),
	R(VCPU, KVM_SET_DEBUGREGS, ARG(struct kvm_debugregs, .dr7 = 1UL << 40), EINVAL,
	  "10000000000"),
	R(VCPU, KVM_SET_GUEST_DEBUG, ARG(struct kvm_guest_debug, .control = 1 << 15), EINVAL,
	  "0x8000"),
	R(VCPU, KVM_X86_SETUP_MCE, ARG(u64, 1UL << 40), EINVAL, "0x10000000000"),
	R(VCPU, KVM_X86_SET_MCE, ARG(struct kvm_x86_mce, .bank = 200), EINVAL, "bank 200"),
	R(VCPU, KVM_KVMCLOCK_CTRL, NULL, EINVAL, "kvmclock"),
	R(VCPU, KVM_SET_TSC_KHZ, NUM(1UL << 40), EINVAL, "1099511627776"),
	R(VCPU, KVM_SET_CPUID2, ARG(struct kvm_cpuid2, .nent = 5000), E2BIG, "5000 entries"),
	R(VCPU, KVM_GET_CPUID2, ARG(struct kvm_cpuid2, .nent = 0), E2BIG, "room for 0"),
	R(VCPU, KVM_SET_MSRS, ARG(struct kvm_msrs, .nmsrs = 6000), E2BIG, "6000 entries"),
	R(VCPU, KVM_GET_MSRS, ARG(struct kvm_msrs, .nmsrs = 6001), E2BIG, "6001 entries"),
	R(VCPU, KVM_HAS_DEVICE_ATTR, ARG(struct kvm_device_attr, .group = 7), ENXIO, "group 7"),
	R(VCPU, KVM_SET_SIGNAL_MASK, ARG(struct kvm_signal_mask, .len = 3), EINVAL, "length 3"),
	R(VCPU, KVM_ENABLE_CAP, ARG(struct kvm_enable_cap, .cap = 2), EINVAL, "capability 2"),
	R(VCPU, KVM_ENABLE_CAP, ARG(struct kvm_enable_cap, .cap = 2, .flags = 8), EINVAL, "0x8"),
	R(VCPU_IRQCHIP, KVM_INTERRUPT, ARG(struct kvm_interrupt, .irq = 32), ENXIO, "8259"),
	R(VCPU_IRQCHIP, KVM_SET_VAPIC_ADDR, ARG(struct kvm_vapic_addr, .vapic_addr = 1UL << 60),
	  EINVAL, "0x1000000000000000"),
};

/* Make the VM that a refusal needs; the descriptor that the ioctl goes to. */
static inline int refusal_machine(const struct refusal *r, struct machine *m)
{
	*m = (struct machine){ };
	if (r->where == NODE)
		return kt_sys();
	*m = r->where == VM || r->where == VCPU ? plain() : with_irqchip();
	return r->where == VCPU || r->where == VCPU_IRQCHIP ? m->vcpu->fd : m->vm->fd;
}

static inline void need_minikvm(void)
{
	if (!kt_is_minikvm())
		kt_skip("KVM says nothing");
}

#endif
