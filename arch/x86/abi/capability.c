// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capabilities of x86.
 *
 * KVM's ABI, KVM_CHECK_EXTENSION and KVM_ENABLE_CAP, which virt/capability.c carries out. A comment
 * names the file that does what a capability promises.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/sched/stat.h>

#include "arch/x86/abi/rule.h"
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

/* What may be asked for. No guest reads the C-state counters: CSTATE is taken and does nothing. */
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

static int enable_x2apic_api(struct mkvm_vm *vm, u64 flags)
{
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->arch.x2apic_32bit = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->arch.x2apic_no_broadcast_quirk = true;
	return 0;
}

/* vCPUs' controls are written once, so there is none yet. */
static int enable_disable_exits(struct mkvm_vm *vm, u64 exits)
{
	/* What this host cannot do goes on exiting, and works. */
	vm->arch.disabled_exits |= exits & disable_exits();
	return 0;
}

static int enable_disable_quirks(struct mkvm_vm *vm, u64 quirks)
{
	WRITE_ONCE(vm->arch.disabled_quirks, quirks);
	return 0;
}

static int enable_exception_payload(struct mkvm_vm *vm, u64 on)
{
	WRITE_ONCE(vm->arch.exception_payload, on);
	return 0;
}

static int enable_triple_fault_event(struct mkvm_vm *vm, u64 on)
{
	WRITE_ONCE(vm->arch.triple_fault_event, on);
	return 0;
}

static int enable_exit_on_emulation_failure(struct mkvm_vm *vm, u64 on)
{
	WRITE_ONCE(vm->arch.exit_on_emulation_failure, on);
	return 0;
}

static int enable_platform_info(struct mkvm_vm *vm, u64 on)
{
	WRITE_ONCE(vm->arch.guest_can_read_platform_info, on);
	return 0;
}

static int enable_pv_enforce_cpuid(struct mkvm_vcpu *vcpu, u64 on)
{
	vcpu->arch.pv_enforce_cpuid = on;
	return 0;
}

const struct mkvm_capability arch_capabilities[] = {
	MKVM_CAP(KVM_CAP_IMMEDIATE_EXIT, 1),			/* arch/x86/run/run.c */
	MKVM_CAP(KVM_CAP_HLT, 1),				/* arch/x86/run/run.c */
	MKVM_CAP(KVM_CAP_MP_STATE, 1),				/* arch/x86/abi/vcpu_ioctl.c */
	MKVM_CAP(KVM_CAP_USER_NMI, 1),				/* arch/x86/event/inject.c */
	MKVM_CAP(KVM_CAP_SET_TSS_ADDR, 1),			/* arch/x86/abi/vm_ioctl.c */
	MKVM_CAP(KVM_CAP_SET_IDENTITY_MAP_ADDR, 1),		/* arch/x86/abi/vm_ioctl.c */
	MKVM_CAP(KVM_CAP_EXT_CPUID, 1),				/* arch/x86/cpu/cpuid_supported.c */
	MKVM_CAP(KVM_CAP_EXT_EMUL_CPUID, 1),			/* arch/x86/cpu/cpuid_supported.c */
	MKVM_CAP(KVM_CAP_NOP_IO_DELAY, 1),			/* arch/x86/cpu/cpuid_supported.c */
	MKVM_CAP(KVM_CAP_IRQCHIP, 1),				/* arch/x86/irq/irqchip.c */
	MKVM_CAP(KVM_CAP_PIT, 1),				/* arch/x86/irq/pit.c */
	MKVM_CAP(KVM_CAP_PIT2, 1),				/* arch/x86/irq/pit.c */
	MKVM_CAP(KVM_CAP_REINJECT_CONTROL, 1),			/* arch/x86/irq/pit.c */
	MKVM_CAP(KVM_CAP_IOAPIC_POLARITY_IGNORED, 1),		/* arch/x86/irq/ioapic.c */
	MKVM_CAP(KVM_CAP_PIT_STATE2, 1),			/* arch/x86/irq/pit.c */
	MKVM_CAP(KVM_CAP_INTERNAL_ERROR_DATA, 1),		/* arch/x86/run/run.c */
	MKVM_CAP(KVM_CAP_CLOCKSOURCE, 1),			/* arch/x86/pv/pvclock.c */
	MKVM_CAP_FN(KVM_CAP_ADJUST_CLOCK, pvclock_flags),	/* arch/x86/pv/pvclock.c */
	MKVM_CAP(KVM_CAP_KVMCLOCK_CTRL, 1),			/* arch/x86/pv/pvclock.c */
	MKVM_CAP_FN(KVM_CAP_STEAL_TIME, steal_time),		/* arch/x86/pv/steal_time.c */
	MKVM_CAP(KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1,		/* arch/x86/pv/hypercall.c, ... */
		 .enable_vcpu = enable_pv_enforce_cpuid),
	MKVM_CAP(KVM_CAP_ASYNC_PF, 1),				/* arch/x86/pv/async_pf.c */
	MKVM_CAP(KVM_CAP_ASYNC_PF_INT, 1),			/* arch/x86/pv/async_pf.c */
	MKVM_CAP(KVM_CAP_VCPU_ATTRIBUTES, 1),			/* arch/x86/abi/attribute.c */
	MKVM_CAP(KVM_CAP_SYS_ATTRIBUTES, 1),			/* arch/x86/abi/attribute.c */
	MKVM_CAP(KVM_CAP_SET_BOOT_CPU_ID, 1),			/* arch/x86/abi/vm_ioctl.c */
	MKVM_CAP(KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1),		/* arch/x86/abi/vm_ioctl.c */
	MKVM_CAP(KVM_CAP_VCPU_EVENTS, 1),			/* arch/x86/event/inject.c */
	MKVM_CAP(KVM_CAP_INTR_SHADOW, 1),			/* arch/x86/event/inject.c */
	MKVM_CAP(KVM_CAP_DEBUGREGS, 1),				/* arch/x86/event/debug.c */
	MKVM_CAP(KVM_CAP_SET_GUEST_DEBUG, 1),			/* arch/x86/event/debug.c */
	MKVM_CAP(KVM_CAP_X86_ROBUST_SINGLESTEP, 1),		/* arch/x86/event/debug.c */
	MKVM_CAP_FN(KVM_CAP_XSAVE, xsave),			/* arch/x86/cpu/fpu.c */
	MKVM_CAP_FN(KVM_CAP_XCRS, xsave),			/* arch/x86/cpu/fpu.c */
	MKVM_CAP(KVM_CAP_MCE, MCE_BANKS),			/* arch/x86/cpu/mce.c */
	MKVM_CAP(KVM_CAP_GET_MSR_FEATURES, 1),			/* arch/x86/cpu/msr_list.c */
	MKVM_CAP(KVM_CAP_MSR_PLATFORM_INFO, 1,			/* arch/x86/cpu/msr.c */
		 .enable = enable_platform_info),
	MKVM_CAP(KVM_CAP_TSC_DEADLINE_TIMER, 1),		/* arch/x86/irq/lapic_timer.c */
	MKVM_CAP(KVM_CAP_GET_TSC_KHZ, 1),			/* arch/x86/cpu/tsc.c */
	MKVM_CAP_FN(KVM_CAP_TSC_CONTROL, tsc_control),		/* arch/x86/cpu/tsc.c */
	MKVM_CAP_FN(KVM_CAP_VM_TSC_CONTROL, tsc_control),	/* arch/x86/cpu/tsc.c */
	MKVM_CAP(KVM_CAP_SPLIT_IRQCHIP, 1,			/* arch/x86/irq/irqchip.c */
		 .enable = irqchip_enable_split, .max = MKVM_MAX_ROUTES,
		 .needs = { { &rule_no_irqchip, -EEXIST }, { &rule_no_vcpus, -EEXIST } }),
	MKVM_CAP(KVM_CAP_X2APIC_API, X2APIC_API_FLAGS,		/* arch/x86/irq/lapic_deliver.c */
		 .enable = enable_x2apic_api, .flags = X2APIC_API_FLAGS),
	MKVM_CAP(KVM_CAP_EXCEPTION_PAYLOAD, 1,			/* arch/x86/event/inject.c */
		 .enable = enable_exception_payload),
	MKVM_CAP(KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1,		/* arch/x86/event/inject.c */
		 .enable = enable_triple_fault_event),
	MKVM_CAP(KVM_CAP_SET_GUEST_DEBUG2, GUESTDBG_KNOWN),	/* arch/x86/event/debug.c */
	MKVM_CAP(KVM_CAP_X86_USER_SPACE_MSR, MSR_EXIT_REASONS,	/* cpu/msr_filter.c */
		 .enable = msr_exits_enable, .flags = MSR_EXIT_REASONS),
	MKVM_CAP(KVM_CAP_X86_MSR_FILTER, 1),			/* arch/x86/cpu/msr_filter.c */
	MKVM_CAP_FN(KVM_CAP_X86_DISABLE_EXITS, disable_exits,	/* arch/x86/vmx/setup.c */
		    .enable = enable_disable_exits, .flags = DISABLE_EXITS_VALID,
		    .needs = { { &rule_no_vcpus, -EINVAL } }),
	MKVM_CAP(KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1,		/* arch/x86/insn/mmio.c */
		 .enable = enable_exit_on_emulation_failure, .flags = 1),
	/* Each quirk is where it belongs: arch/x86/insn/pio.c, irq/lapic.c, ... */
	MKVM_CAP(KVM_CAP_DISABLE_QUIRKS, 1,
		 .enable = enable_disable_quirks),
	MKVM_CAP(KVM_CAP_DISABLE_QUIRKS2, QUIRKS,
		 .enable = enable_disable_quirks, .flags = QUIRKS),
	MKVM_CAP(KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS),	/* arch/x86/run/run.c */
	MKVM_CAP(KVM_CAP_SREGS2, 1),				/* arch/x86/cpu/sregs.c */
	MKVM_CAP_FN(KVM_CAP_XSAVE2, xsave2),			/* arch/x86/cpu/fpu.c */
	{ }
};
