// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION and KVM_ENABLE_CAP.
 *
 * KVM's ABI. One table: each capability with its value and, in a comment, the file that does
 * what it promises. What is not in the table is 0: a capability is listed when the whole
 * feature behind it works, not before.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cpumask.h>
#include <linux/sched/stat.h>

#include "arch/x86/event/debug.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/arch.h"
#include "virt/irq_routing.h"

#define X2APIC_API_FLAGS \
	(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

#define DIRTY_LOG_FLAGS \
	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

static int nr_vcpus(void)
{
	return min_t(int, num_online_cpus(), MKVM_MAX_VCPUS);
}

static int xsave(void)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static int xsave2(void)
{
	return xsave() ? fpu_uabi_size() : 0;
}

static int tsc_control(void)
{
	return vmx_caps.tsc_scaling;
}

/* As in CPUID: without it the host's scheduler does not count what is stolen. */
static int steal_time(void)
{
	return sched_info_on();
}

/* Quirks of KVM's that the module has too, and can do without. */
#define QUIRKS \
	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED | \
	 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP | \
	 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
	 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

/* What may be asked for. Nobody reads the C-state counters: CSTATE is taken and does nothing. */
#define DISABLE_EXITS_VALID \
	(KVM_X86_DISABLE_EXITS_MWAIT | KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE | \
	 KVM_X86_DISABLE_EXITS_CSTATE)

/* MWAIT that does not exit must not stop the host's timers, nor be broken. */
static int disable_exits(void)
{
	int exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

/* @value when @fn is NULL. */
struct capability {
	u32 cap;
	int value;
	int (*fn)(void);
};

static const struct capability capabilities[] = {
	/* T1: kvmtool and the selftests */
	{ KVM_CAP_USER_MEMORY, 1 },			/* virt/memory_region.c */
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },	/* virt/memory_region.c */
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },	/* virt/memory_region.c */
	{ KVM_CAP_NR_MEMSLOTS, MKVM_USER_MEM_SLOTS },	/* virt/memory_region.c */
	{ KVM_CAP_READONLY_MEM, 1 },			/* virt/memory_region.c */
	{ KVM_CAP_SYNC_MMU, 1 },			/* virt/mmu_notifier.c */
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },		/* virt/vm.c */
	{ KVM_CAP_NR_VCPUS, 0, nr_vcpus },		/* virt/vcpu.c */
	{ KVM_CAP_MAX_VCPUS, MKVM_MAX_VCPUS },		/* virt/vcpu.c */
	{ KVM_CAP_MAX_VCPU_ID, MKVM_MAX_VCPU_ID },	/* virt/vcpu.c */
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },			/* arch/x86/run/run.c */
	{ KVM_CAP_HLT, 1 },				/* arch/x86/run/run.c */
	{ KVM_CAP_HALT_POLL, 1 },			/* virt/halt.c */
	{ KVM_CAP_MP_STATE, 1 },			/* arch/x86/abi/vcpu_ioctl.c */
	{ KVM_CAP_USER_NMI, 1 },			/* arch/x86/event/inject.c */
	{ KVM_CAP_SET_TSS_ADDR, 1 },			/* arch/x86/abi/vm_ioctl.c */
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },		/* arch/x86/abi/vm_ioctl.c */
	{ KVM_CAP_EXT_CPUID, 1 },			/* arch/x86/cpu/cpuid.c */
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },			/* arch/x86/cpu/cpuid.c */
	{ KVM_CAP_NOP_IO_DELAY, 1 },			/* arch/x86/cpu/cpuid.c */
	{ KVM_CAP_IRQCHIP, 1 },				/* arch/x86/irq/irqchip.c */
	{ KVM_CAP_PIT, 1 },				/* arch/x86/irq/pit.c */
	{ KVM_CAP_PIT2, 1 },				/* arch/x86/irq/pit.c */
	{ KVM_CAP_REINJECT_CONTROL, 1 },		/* arch/x86/irq/pit.c */
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },		/* arch/x86/irq/irqchip.c */
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },		/* arch/x86/irq/ioapic.c */
	{ KVM_CAP_IRQ_ROUTING, MKVM_MAX_ROUTES },	/* virt/irq_routing.c */
	{ KVM_CAP_SIGNAL_MSI, 1 },			/* virt/irq_routing.c */
	{ KVM_CAP_IRQFD, 1 },				/* virt/irqfd.c */
	{ KVM_CAP_IOEVENTFD, 1 },			/* virt/ioeventfd.c */
	/* The page of kvm_run's mapping in which the ring is. */
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },	/* virt/coalesced_io.c */

	/* T2: Firecracker and QEMU */
	{ KVM_CAP_PIT_STATE2, 1 },			/* arch/x86/irq/pit.c */
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },		/* virt/ioeventfd.c */
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },		/* virt/ioeventfd.c */
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },			/* virt/irqfd.c */
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },		/* arch/x86/run/run.c */
	{ KVM_CAP_CLOCKSOURCE, 1 },			/* arch/x86/pv/pvclock.c */
	{ KVM_CAP_ADJUST_CLOCK, 0, pvclock_flags },	/* arch/x86/pv/pvclock.c */
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },			/* arch/x86/pv/pvclock.c */
	{ KVM_CAP_STEAL_TIME, 0, steal_time },		/* arch/x86/pv/steal_time.c */
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },	/* arch/x86/cpu/msr.c, hypercall.c */
	{ KVM_CAP_ENABLE_CAP, 1 },			/* this file */
	{ KVM_CAP_DEVICE_CTRL, 1 },			/* virt/vfio_device.c */
	{ KVM_CAP_ASYNC_PF, 1 },			/* arch/x86/pv/async_pf.c */
	{ KVM_CAP_ASYNC_PF_INT, 1 },			/* arch/x86/pv/async_pf.c */
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },			/* arch/x86/abi/attribute.c */
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },			/* arch/x86/abi/attribute.c */
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },			/* arch/x86/abi/vm_ioctl.c */
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },	/* arch/x86/abi/vm_ioctl.c */
	{ KVM_CAP_ENABLE_CAP_VM, 1 },			/* this file */
	{ KVM_CAP_VCPU_EVENTS, 1 },			/* arch/x86/event/inject.c */
	{ KVM_CAP_INTR_SHADOW, 1 },			/* arch/x86/event/inject.c */
	{ KVM_CAP_DEBUGREGS, 1 },			/* arch/x86/event/debug.c */
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },			/* arch/x86/event/debug.c */
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },		/* arch/x86/event/debug.c */
	{ KVM_CAP_XSAVE, 0, xsave },			/* arch/x86/cpu/fpu.c */
	{ KVM_CAP_XCRS, 0, xsave },			/* arch/x86/cpu/fpu.c */
	{ KVM_CAP_MCE, MCE_BANKS },		/* arch/x86/cpu/mce.c */

	/* T3 and T4, as far as they are here */
	{ KVM_CAP_GET_MSR_FEATURES, 1 },		/* arch/x86/cpu/msr_list.c */
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },		/* arch/x86/cpu/msr.c */
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },		/* arch/x86/irq/lapic_timer.c */
	{ KVM_CAP_GET_TSC_KHZ, 1 },			/* arch/x86/cpu/tsc.c */
	{ KVM_CAP_TSC_CONTROL, 0, tsc_control },	/* arch/x86/cpu/tsc.c */
	{ KVM_CAP_VM_TSC_CONTROL, 0, tsc_control },	/* arch/x86/cpu/tsc.c */
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, DIRTY_LOG_FLAGS },	/* virt/dirty_log.c */
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },			/* arch/x86/irq/irqchip.c */
	{ KVM_CAP_X2APIC_API, X2APIC_API_FLAGS },	/* arch/x86/irq/lapic_deliver.c */
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },		/* arch/x86/event/inject.c */
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },		/* arch/x86/event/inject.c */
	{ KVM_CAP_SET_GUEST_DEBUG2, GUESTDBG_KNOWN },	/* arch/x86/event/debug.c */
	{ KVM_CAP_X86_USER_SPACE_MSR, MSR_EXIT_REASONS },	/* arch/x86/cpu/msr_filter.c */
	{ KVM_CAP_X86_MSR_FILTER, 1 },			/* arch/x86/cpu/msr_filter.c */
	{ KVM_CAP_X86_DISABLE_EXITS, 0, disable_exits },	/* arch/x86/vmx/setup.c */
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },	/* arch/x86/insn/mmio.c */
	{ KVM_CAP_DISABLE_QUIRKS, 1 },			/* arch/x86/insn/pio.c, irq/lapic.c, ... */
	{ KVM_CAP_DISABLE_QUIRKS2, QUIRKS },		/* arch/x86/insn/pio.c, irq/lapic.c, ... */
	{ KVM_CAP_BINARY_STATS_FD, 1 },			/* virt/stats_fd.c */
	{ KVM_CAP_COALESCED_PIO, 1 },			/* virt/coalesced_io.c */
	{ COMPAT_CAP_USER_MEMORY2, 1 },			/* virt/vm.c */
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },	/* arch/x86/run/run.c */
	{ KVM_CAP_SREGS2, 1 },				/* arch/x86/cpu/sregs.c */
	{ KVM_CAP_XSAVE2, 0, xsave2 },			/* arch/x86/cpu/fpu.c */
};

/**
 * arch_check_extension() - KVM_CHECK_EXTENSION
 * @vm: the VM, or NULL on the device descriptor
 * @cap: KVM_CAP_*
 *
 * Return: the capability's value, 0 when it is unknown or does not work yet.
 */
int arch_check_extension(struct mkvm_vm *vm, long cap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(capabilities); i++) {
		const struct capability *c = &capabilities[i];

		if (c->cap == cap)
			return c->fn ? c->fn() : c->value;
	}
	return 0;
}

/* Once, before there are vCPUs: APIC IDs below a smaller limit make smaller tables. */
static int enable_max_vcpu_id(struct mkvm_vm *vm, u64 limit)
{
	const char *why = NULL;

	mutex_lock(&vm->lock);
	if (limit > MKVM_MAX_VCPU_ID)
		why = "is more than there can be";
	else if (limit < vm->arch.bsp_vcpu_id)
		why = "is below the one of KVM_SET_BOOT_CPU_ID";
	else if (vm->max_vcpu_ids && vm->max_vcpu_ids != limit)
		why = "is not what it was set to before";
	else if (!vm->max_vcpu_ids && vm->created_vcpus)
		why = "comes after the first vCPU";
	else
		vm->max_vcpu_ids = limit;
	mutex_unlock(&vm->lock);
	if (why)
		vm_refuse(vm, "KVM_ENABLE_CAP(MAX_VCPU_ID): %llu %s", limit, why);
	return why ? -EINVAL : 0;
}

/* Before there are vCPUs: their controls are written once. */
static int enable_disable_exits(struct mkvm_vm *vm, u64 exits)
{
	int ret = -EINVAL;

	mutex_lock(&vm->lock);
	if (!(exits & ~(u64)DISABLE_EXITS_VALID) && !vm->created_vcpus) {
		/* What this host cannot do goes on exiting, and works. */
		vm->arch.disabled_exits |= exits & disable_exits();
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	if (ret)
		vm_refuse(vm, "KVM_ENABLE_CAP(X86_DISABLE_EXITS): 0x%llx is unknown or too late",
			  exits);
	return ret;
}

/**
 * arch_vm_enable_cap() - KVM_ENABLE_CAP on a VM
 * @vm: the VM; no lock held
 * @cap: what to enable, in kernel memory
 *
 * Return: 0 or -EINVAL.
 */
int arch_vm_enable_cap(struct mkvm_vm *vm, struct kvm_enable_cap *cap)
{
	if (cap->flags) {
		vm_refuse(vm, "KVM_ENABLE_CAP: capability %u, unknown flags %#x", cap->cap,
			  cap->flags);
		return -EINVAL;
	}
	switch (cap->cap) {
	case KVM_CAP_MAX_VCPU_ID:
		return enable_max_vcpu_id(vm, cap->args[0]);
	case KVM_CAP_SPLIT_IRQCHIP:
		return irqchip_enable_split(vm, cap->args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		/* "Initially set" makes sense only when userspace clears by hand. */
		if (cap->args[0] & ~(u64)DIRTY_LOG_FLAGS ||
		    cap->args[0] == KVM_DIRTY_LOG_INITIALLY_SET)
			break;
		WRITE_ONCE(vm->dirty_log_manual, cap->args[0]);
		return 0;
	case KVM_CAP_X2APIC_API:
		if (cap->args[0] & ~(u64)X2APIC_API_FLAGS)
			break;
		if (cap->args[0] & KVM_X2APIC_API_USE_32BIT_IDS)
			vm->arch.x2apic_32bit = true;
		if (cap->args[0] & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
			vm->arch.x2apic_no_broadcast_quirk = true;
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		return msr_exits_enable(vm, cap->args[0]);
	case KVM_CAP_X86_DISABLE_EXITS:
		return enable_disable_exits(vm, cap->args[0]);
	case KVM_CAP_DISABLE_QUIRKS2:
		if (cap->args[0] & ~(u64)QUIRKS)
			break;
		fallthrough;
	case KVM_CAP_DISABLE_QUIRKS:
		WRITE_ONCE(vm->arch.disabled_quirks, cap->args[0]);
		return 0;
	case KVM_CAP_HALT_POLL:
		if (cap->args[0] > UINT_MAX)
			break;
		WRITE_ONCE(vm->halt_poll_limit, cap->args[0]);
		return 0;
	case KVM_CAP_EXCEPTION_PAYLOAD:
		WRITE_ONCE(vm->arch.exception_payload, cap->args[0]);
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		WRITE_ONCE(vm->arch.triple_fault_event, cap->args[0]);
		return 0;
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		if (cap->args[0] & ~1ull)
			break;
		WRITE_ONCE(vm->arch.exit_on_emulation_failure, cap->args[0]);
		return 0;
	case KVM_CAP_MSR_PLATFORM_INFO:
		WRITE_ONCE(vm->arch.guest_can_read_platform_info, cap->args[0]);
		return 0;
	}
	vm_refuse(vm, "KVM_ENABLE_CAP: capability %u cannot be enabled with %#llx", cap->cap,
		  cap->args[0]);
	return -EINVAL;
}

/* KVM_ENABLE_CAP on a vCPU: what else KVM has there are Hyper-V's and later ones. */
int arch_vcpu_enable_cap(struct mkvm_vcpu *vcpu, struct kvm_enable_cap *cap)
{
	if (!cap->flags && cap->cap == KVM_CAP_ENFORCE_PV_FEATURE_CPUID) {
		vcpu->arch.pv_enforce_cpuid = cap->args[0];
		return 0;
	}
	vm_refuse(vcpu->vm, "KVM_ENABLE_CAP: capability %u, flags %#x: not on a vCPU", cap->cap,
		  cap->flags);
	return -EINVAL;
}
