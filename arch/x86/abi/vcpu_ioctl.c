// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU ioctls of x86.
 *
 * KVM's ABI: registers, FPU, MSRs, LAPIC, events and debug state in and out. vcpu->mutex is held
 * in all of them and the vCPU is loaded; see virt/ioctl.h for what else the table says.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch/x86/abi/attribute.h"
#include "arch/x86/abi/look.h"
#include "arch/x86/abi/rule.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/gpr.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_list.h"
#include "arch/x86/cpu/sregs.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/mp_state.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/regs.h"
#include "arch/x86/run/init_sipi.h"
#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/vmx.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"

/* Functions of rows that hand their structure on, to one that cannot fail or to one that can. */
#define MOVE(name, to)					\
static long name(struct mkvm_call *call)		\
{							\
	to(call->vcpu, call->data);			\
	return 0;					\
}

#define MOVE_CHECKED(name, to)				\
static long name(struct mkvm_call *call)		\
{							\
	return to(call->vcpu, call->data);		\
}

MOVE(get_regs, gpr_get)
MOVE(set_regs, gpr_set)
MOVE(get_sregs, sregs_get)
MOVE_CHECKED(set_sregs, sregs_set)
MOVE(get_sregs2, sregs2_get)
MOVE_CHECKED(set_sregs2, sregs2_set)
MOVE(get_fpu, fpu_get_fpu)
MOVE(set_fpu, fpu_set_fpu)
MOVE(get_xcrs, fpu_get_xcrs)
MOVE_CHECKED(set_xcrs, fpu_set_xcrs)
MOVE_CHECKED(get_lapic, lapic_get_state)
MOVE_CHECKED(set_lapic, lapic_set_state)
MOVE(get_events, inject_get_events)
MOVE_CHECKED(set_events, inject_set_events)
MOVE(get_debugregs, debug_get_regs)
MOVE_CHECKED(set_debugregs, debug_set_regs)
MOVE_CHECKED(set_guest_debug, debug_set_guest_debug)
MOVE_CHECKED(set_mce, mce_inject)

static long get_xsave(struct mkvm_call *call)
{
	/* The old structure has no room for more than its own size. */
	if (fpu_uabi_size() > sizeof(struct kvm_xsave)) {
		mkvm_refuse(call->vm, "KVM_GET_XSAVE: the state has %u bytes, use KVM_GET_XSAVE2",
			    fpu_uabi_size());
		return -EINVAL;
	}
	fpu_get_xsave(call->vcpu, call->data, sizeof(struct kvm_xsave));
	return 0;
}

static long get_xsave2(struct mkvm_call *call)
{
	u32 size = fpu_uabi_size();
	void *buf = kvzalloc(size, GFP_KERNEL);
	long ret;

	if (!buf)
		return -ENOMEM;
	fpu_get_xsave(call->vcpu, buf, size);
	ret = copy_to_user(mkvm_call_user(call), buf, size) ? -EFAULT : 0;
	kvfree(buf);
	return ret;
}

/* Reads as much as KVM_CAP_XSAVE2 says; that is struct kvm_xsave where nothing is larger. */
static long set_xsave(struct mkvm_call *call)
{
	void *buf = vmemdup_user(mkvm_call_user(call), fpu_uabi_size());
	long ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = fpu_set_xsave(call->vcpu, buf);
	kvfree(buf);
	return ret;
}

static long get_mp_state(struct mkvm_call *call)
{
	struct mkvm_vcpu *vcpu = call->vcpu;
	struct kvm_mp_state *mp = call->data;

	/* An INIT or SIPI that came already decides what the state is. */
	init_sipi_accept(vcpu);
	mp->mp_state = vcpu->arch.mp_state;
	/* A kick that came is in no structure that userspace saves: its effect is. */
	if (mp->mp_state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->arch.pv_unhalted))
		mp->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

static long set_mp_state(struct mkvm_call *call)
{
	struct mkvm_vcpu *vcpu = call->vcpu;
	u32 state = ((struct kvm_mp_state *)call->data)->mp_state;

	switch (state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		/* Only a LAPIC can end these. */
		if (vcpu->arch.apic)
			break;
		fallthrough;
	default:
		mkvm_refuse(vcpu->vm, "KVM_SET_MP_STATE: state %u %s", state,
			    vcpu->arch.apic ? "does not exist" : "needs a LAPIC in the kernel");
		return -EINVAL;
	}
	if (state == KVM_MP_STATE_SIPI_RECEIVED) {
		mp_state_set(vcpu, KVM_MP_STATE_INIT_RECEIVED);
		lapic_post_sipi(vcpu);
	} else {
		mp_state_set(vcpu, state);
	}
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}

static long nmi(struct mkvm_call *call)
{
	lapic_post_nmi(call->vcpu);
	return 0;
}

/* KVM_CAP_X86_SMM is 0. The row stands for the name in the message. */
static long smi(struct mkvm_call *call)
{
	mkvm_refuse(call->vm, "KVM_SMI: there is no system-management mode");
	return -EINVAL;
}

/* An interrupt of the 8259 that userspace has. */
static long interrupt(struct mkvm_call *call)
{
	struct mkvm_vcpu *vcpu = call->vcpu;
	u32 vector = ((struct kvm_interrupt *)call->data)->irq;

	if (vector >= KVM_NR_INTERRUPTS) {
		mkvm_refuse(vcpu->vm, "KVM_INTERRUPT: %u is no vector", vector);
		return -EINVAL;
	}
	switch (vcpu->vm->arch.irqchip_mode) {
	case MKVM_IRQCHIP_KERNEL:
		mkvm_refuse(vcpu->vm, "KVM_INTERRUPT: vector %u, but the 8259s are in the kernel",
			    vector);
		return -ENXIO;
	case MKVM_IRQCHIP_SPLIT:
		if (vcpu->arch.pending_extint >= 0) {
			mkvm_refuse(vcpu->vm, "KVM_INTERRUPT: vector %u, but %d is still waiting",
				    vector, vcpu->arch.pending_extint);
			return -EEXIST;
		}
		vcpu->arch.pending_extint = vector;
		break;
	default:
		inject_interrupt(vcpu, vector, false);
	}
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}

static long translate(struct mkvm_call *call)
{
	struct mkvm_vcpu *vcpu = call->vcpu;
	struct kvm_translation *tr = call->data;
	struct walk_fault fault;
	gpa_t gpa = 0;
	int ret;

	ret = guest_translate(vcpu, tr->linear_address, 0, &gpa, &fault);
	tr->physical_address = ret ? ~0ull : gpa;
	/* As in KVM: without paging any 64 bits are themselves, but for its word for "none". */
	if (!is_paging(vcpu))
		tr->physical_address = tr->linear_address;
	tr->valid = tr->physical_address != ~0ull;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}

static long setup_mce(struct mkvm_call *call)
{
	return mce_setup_banks(call->vcpu, *(u64 *)call->data);
}

/*
 * With these two userspace patches guests whose accesses to the TPR are slow. The TPR shadow
 * makes them fast; without it they are slow but right, so no access is ever reported.
 */
static long tpr_access_reporting(struct mkvm_call *call)
{
	const struct kvm_tpr_access_ctl *ctl = call->data;

	if (ctl->flags) {
		mkvm_refuse(call->vm, "KVM_TPR_ACCESS_REPORTING: unknown flags 0x%x", ctl->flags);
		return -EINVAL;
	}
	return 0;
}

static long set_vapic_addr(struct mkvm_call *call)
{
	u64 gpa = ((struct kvm_vapic_addr *)call->data)->vapic_addr;

	if (gpa & call->vcpu->arch.reserved_gpa_bits) {
		mkvm_refuse(call->vm, "KVM_SET_VAPIC_ADDR: 0x%llx is no guest-physical address",
			    gpa);
		return -EINVAL;
	}
	return 0;
}

static long set_cpuid(struct mkvm_call *call)
{
	return cpuid_set_legacy_ioctl(call->vcpu, mkvm_call_user(call));
}

static long set_cpuid2(struct mkvm_call *call)
{
	return cpuid_set_ioctl(call->vcpu, mkvm_call_user(call));
}

static long get_cpuid2(struct mkvm_call *call)
{
	return cpuid_get_ioctl(call->vcpu, mkvm_call_user(call));
}

static long get_msrs(struct mkvm_call *call)
{
	return msr_get_ioctl(call->vcpu, mkvm_call_user(call));
}

static long set_msrs(struct mkvm_call *call)
{
	return msr_set_ioctl(call->vcpu, mkvm_call_user(call));
}

static long get_tsc_khz(struct mkvm_call *call)
{
	return call->vcpu->arch.virtual_tsc_khz;
}

static long set_tsc_khz(struct mkvm_call *call)
{
	return tsc_set_khz(call->vcpu, call->arg);
}

static long kvmclock_ctrl(struct mkvm_call *call)
{
	return pvclock_guest_stopped(call->vcpu);
}

static long set_vmcs(struct mkvm_call *call)
{
	return break_field_ioctl(call->vcpu, mkvm_call_user(call));
}

/* Functions that copy by themselves take vm->srcu by themselves, if they reach guest memory. */
#define LOADED	.around = MKVM_LOADED
#define SRCU	.around = MKVM_LOADED | MKVM_SRCU

/* Those of which a VMM makes most come first. */
const struct mkvm_ioctl arch_vcpu_ioctls[] = {
	MKVM_IOCTL_COPY(KVM_GET_REGS, get_regs, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_REGS, set_regs, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_SREGS, get_sregs, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_SREGS, set_sregs, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_SREGS2, get_sregs2, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_SREGS2, set_sregs2, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_FPU, get_fpu, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_FPU, set_fpu, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_XSAVE, get_xsave, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_XCRS, get_xcrs, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_XCRS, set_xcrs, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_LAPIC, get_lapic, SRCU, .needs = { { &rule_lapic, -EINVAL } }),
	MKVM_IOCTL_COPY(KVM_SET_LAPIC, set_lapic, SRCU, .needs = { { &rule_lapic, -EINVAL } }),
	MKVM_IOCTL_COPY(KVM_GET_MP_STATE, get_mp_state, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_MP_STATE, set_mp_state, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_VCPU_EVENTS, get_events, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_VCPU_EVENTS, set_events, SRCU),
	MKVM_IOCTL_COPY(KVM_GET_DEBUGREGS, get_debugregs, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_DEBUGREGS, set_debugregs, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_GUEST_DEBUG, set_guest_debug, SRCU),
	MKVM_IOCTL_COPY(KVM_NMI, nmi, SRCU),
	MKVM_IOCTL(KVM_SMI, smi, LOADED),
	MKVM_IOCTL_COPY(KVM_INTERRUPT, interrupt, SRCU),
	MKVM_IOCTL_COPY(KVM_TRANSLATE, translate, SRCU),
	MKVM_IOCTL_COPY(KVM_X86_SETUP_MCE, setup_mce, SRCU),
	MKVM_IOCTL_COPY(KVM_X86_SET_MCE, set_mce, SRCU),
	MKVM_IOCTL_COPY(KVM_TPR_ACCESS_REPORTING, tpr_access_reporting, SRCU),
	MKVM_IOCTL_COPY(KVM_SET_VAPIC_ADDR, set_vapic_addr, SRCU,
			.needs = { { &rule_lapic, -EINVAL } }),
	MKVM_IOCTL(KVM_SET_CPUID, set_cpuid, LOADED),
	MKVM_IOCTL(KVM_SET_CPUID2, set_cpuid2, LOADED),
	MKVM_IOCTL(KVM_GET_CPUID2, get_cpuid2, LOADED),
	MKVM_IOCTL(KVM_GET_MSRS, get_msrs, LOADED),
	MKVM_IOCTL(KVM_SET_MSRS, set_msrs, LOADED),
	MKVM_IOCTL(KVM_GET_XSAVE2, get_xsave2, LOADED),
	MKVM_IOCTL(KVM_SET_XSAVE, set_xsave, LOADED),
	MKVM_IOCTL(KVM_GET_TSC_KHZ, get_tsc_khz, LOADED),
	MKVM_IOCTL(KVM_SET_TSC_KHZ, set_tsc_khz, LOADED),
	MKVM_IOCTL(KVM_KVMCLOCK_CTRL, kvmclock_ctrl, LOADED),
	MKVM_IOCTL_COPY(KVM_HAS_DEVICE_ATTR, attribute_vcpu_ioctl, LOADED),
	MKVM_IOCTL_COPY(KVM_GET_DEVICE_ATTR, attribute_vcpu_ioctl, LOADED),
	MKVM_IOCTL_COPY(KVM_SET_DEVICE_ATTR, attribute_vcpu_ioctl, LOADED),
	MKVM_IOCTL(MINIKVM_VCPU_SET_VMCS, set_vmcs, LOADED),
	MKVM_IOCTL(MINIKVM_GET_VMCS, look_vmcs_ioctl, .around = MKVM_RUNNING),
	{ }
};
