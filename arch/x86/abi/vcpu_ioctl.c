// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU ioctls of x86.
 *
 * KVM's ABI: registers, FPU, MSRs, LAPIC, events and debug state in and out. Most ioctls move
 * one structure whose size and direction are in the ioctl's number: a table gives each its
 * function, and one piece of code copies, once, in or out. The others get the user's pointer.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include "arch/x86/abi/attribute.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/gpr.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_list.h"
#include "arch/x86/cpu/sregs.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/regs.h"
#include "arch/x86/run/run.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/vmx.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"

/*
 * One function per row of the table below; @buf has the size that the ioctl's number says.
 * vm->srcu is read-held.
 */

static int get_regs(struct mkvm_vcpu *vcpu, void *buf)
{
	gpr_get(vcpu, buf);
	return 0;
}

static int set_regs(struct mkvm_vcpu *vcpu, void *buf)
{
	gpr_set(vcpu, buf);
	return 0;
}

static int get_sregs(struct mkvm_vcpu *vcpu, void *buf)
{
	sregs_get(vcpu, buf);
	return 0;
}

static int set_sregs(struct mkvm_vcpu *vcpu, void *buf)
{
	return sregs_set(vcpu, buf);
}

static int get_sregs2(struct mkvm_vcpu *vcpu, void *buf)
{
	sregs2_get(vcpu, buf);
	return 0;
}

static int set_sregs2(struct mkvm_vcpu *vcpu, void *buf)
{
	return sregs2_set(vcpu, buf);
}

static int get_fpu(struct mkvm_vcpu *vcpu, void *buf)
{
	fpu_get_fpu(vcpu, buf);
	return 0;
}

static int set_fpu(struct mkvm_vcpu *vcpu, void *buf)
{
	fpu_set_fpu(vcpu, buf);
	return 0;
}

static int get_xsave(struct mkvm_vcpu *vcpu, void *buf)
{
	/* The old structure has no room for more than its own size. */
	if (fpu_uabi_size() > sizeof(struct kvm_xsave)) {
		vm_refuse(vcpu->vm, "KVM_GET_XSAVE: the state has %u bytes, use KVM_GET_XSAVE2",
			  fpu_uabi_size());
		return -EINVAL;
	}
	fpu_get_xsave(vcpu, buf, sizeof(struct kvm_xsave));
	return 0;
}

static int get_xcrs(struct mkvm_vcpu *vcpu, void *buf)
{
	fpu_get_xcrs(vcpu, buf);
	return 0;
}

static int set_xcrs(struct mkvm_vcpu *vcpu, void *buf)
{
	return fpu_set_xcrs(vcpu, buf);
}

/* What @ioctl works on exists only with an interrupt controller in the kernel. */
static bool has_lapic(struct mkvm_vcpu *vcpu, const char *ioctl)
{
	if (vcpu->arch.apic)
		return true;
	vm_refuse(vcpu->vm, "%s: vCPU %u has no LAPIC in the kernel", ioctl, vcpu->id);
	return false;
}

static int get_lapic(struct mkvm_vcpu *vcpu, void *buf)
{
	return has_lapic(vcpu, "KVM_GET_LAPIC") ? lapic_get_state(vcpu, buf) : -EINVAL;
}

static int set_lapic(struct mkvm_vcpu *vcpu, void *buf)
{
	return has_lapic(vcpu, "KVM_SET_LAPIC") ? lapic_set_state(vcpu, buf) : -EINVAL;
}

static int get_mp_state(struct mkvm_vcpu *vcpu, void *buf)
{
	struct kvm_mp_state *mp = buf;

	/* An INIT or SIPI that came already decides what the state is. */
	vcpu_accept_events(vcpu);
	mp->mp_state = vcpu->arch.mp_state;
	/* A kick that came is in no structure that userspace saves: its effect is. */
	if (mp->mp_state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->arch.pv_unhalted))
		mp->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

static int set_mp_state(struct mkvm_vcpu *vcpu, void *buf)
{
	u32 state = ((struct kvm_mp_state *)buf)->mp_state;

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
		vm_refuse(vcpu->vm, "KVM_SET_MP_STATE: state %u %s", state,
			  vcpu->arch.apic ? "does not exist" : "needs an in-kernel LAPIC");
		return -EINVAL;
	}
	if (state == KVM_MP_STATE_SIPI_RECEIVED) {
		vcpu->arch.mp_state = KVM_MP_STATE_INIT_RECEIVED;
		lapic_post_sipi(vcpu);
	} else {
		vcpu->arch.mp_state = state;
	}
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	return 0;
}

static int get_events(struct mkvm_vcpu *vcpu, void *buf)
{
	inject_get_events(vcpu, buf);
	return 0;
}

static int set_events(struct mkvm_vcpu *vcpu, void *buf)
{
	return inject_set_events(vcpu, buf);
}

static int get_debugregs(struct mkvm_vcpu *vcpu, void *buf)
{
	debug_get_regs(vcpu, buf);
	return 0;
}

static int set_debugregs(struct mkvm_vcpu *vcpu, void *buf)
{
	return debug_set_regs(vcpu, buf);
}

static int set_guest_debug(struct mkvm_vcpu *vcpu, void *buf)
{
	return debug_set_guest_debug(vcpu, buf);
}

static int nmi(struct mkvm_vcpu *vcpu, void *buf)
{
	lapic_post_nmi(vcpu);
	return 0;
}

/* An interrupt of the 8259 that userspace has. */
static int interrupt(struct mkvm_vcpu *vcpu, void *buf)
{
	u32 vector = ((struct kvm_interrupt *)buf)->irq;

	if (vector >= KVM_NR_INTERRUPTS) {
		vm_refuse(vcpu->vm, "KVM_INTERRUPT: %u is no vector", vector);
		return -EINVAL;
	}
	switch (vcpu->vm->arch.irqchip_mode) {
	case MKVM_IRQCHIP_KERNEL:
		vm_refuse(vcpu->vm, "KVM_INTERRUPT: vector %u, but the 8259s are in the kernel",
			  vector);
		return -ENXIO;
	case MKVM_IRQCHIP_SPLIT:
		if (vcpu->arch.pending_extint >= 0) {
			vm_refuse(vcpu->vm, "KVM_INTERRUPT: vector %u, but %d is still waiting",
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

static int translate(struct mkvm_vcpu *vcpu, void *buf)
{
	struct kvm_translation *tr = buf;
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

static int setup_mce(struct mkvm_vcpu *vcpu, void *buf)
{
	return mce_setup_banks(vcpu, *(u64 *)buf);
}

static int set_mce(struct mkvm_vcpu *vcpu, void *buf)
{
	return mce_inject(vcpu, buf);
}

/*
 * With these two userspace patches guests whose accesses to the TPR are slow. The TPR shadow
 * makes them fast; without it they are slow but right, so no access is ever reported.
 */
static int tpr_access_reporting(struct mkvm_vcpu *vcpu, void *buf)
{
	struct kvm_tpr_access_ctl *ctl = buf;

	if (ctl->flags) {
		vm_refuse(vcpu->vm, "KVM_TPR_ACCESS_REPORTING: unknown flags %#x", ctl->flags);
		return -EINVAL;
	}
	return 0;
}

static int set_vapic_addr(struct mkvm_vcpu *vcpu, void *buf)
{
	u64 gpa = ((struct kvm_vapic_addr *)buf)->vapic_addr;

	if (!has_lapic(vcpu, "KVM_SET_VAPIC_ADDR"))
		return -EINVAL;
	if (gpa & vcpu->arch.reserved_gpa_bits) {
		vm_refuse(vcpu->vm, "KVM_SET_VAPIC_ADDR: 0x%llx is no guest-physical address", gpa);
		return -EINVAL;
	}
	return 0;
}

static int enable_cap(struct mkvm_vcpu *vcpu, void *buf)
{
	return arch_vcpu_enable_cap(vcpu, buf);
}

struct vcpu_ioctl_row {
	unsigned int cmd;
	int (*fn)(struct mkvm_vcpu *vcpu, void *buf);
};

static const struct vcpu_ioctl_row rows[] = {
	{ KVM_GET_REGS, get_regs },
	{ KVM_SET_REGS, set_regs },
	{ KVM_GET_SREGS, get_sregs },
	{ KVM_SET_SREGS, set_sregs },
	{ KVM_GET_SREGS2, get_sregs2 },
	{ KVM_SET_SREGS2, set_sregs2 },
	{ KVM_GET_FPU, get_fpu },
	{ KVM_SET_FPU, set_fpu },
	{ KVM_GET_XSAVE, get_xsave },
	{ KVM_GET_XCRS, get_xcrs },
	{ KVM_SET_XCRS, set_xcrs },
	{ KVM_GET_LAPIC, get_lapic },
	{ KVM_SET_LAPIC, set_lapic },
	{ KVM_GET_MP_STATE, get_mp_state },
	{ KVM_SET_MP_STATE, set_mp_state },
	{ KVM_GET_VCPU_EVENTS, get_events },
	{ KVM_SET_VCPU_EVENTS, set_events },
	{ KVM_GET_DEBUGREGS, get_debugregs },
	{ KVM_SET_DEBUGREGS, set_debugregs },
	{ KVM_SET_GUEST_DEBUG, set_guest_debug },
	{ KVM_NMI, nmi },
	{ KVM_INTERRUPT, interrupt },
	{ KVM_TRANSLATE, translate },
	{ KVM_X86_SETUP_MCE, setup_mce },
	{ KVM_X86_SET_MCE, set_mce },
	{ KVM_TPR_ACCESS_REPORTING, tpr_access_reporting },
	{ KVM_SET_VAPIC_ADDR, set_vapic_addr },
	{ KVM_ENABLE_CAP, enable_cap },
};

static long run_row(struct mkvm_vcpu *vcpu, const struct vcpu_ioctl_row *row, void __user *user)
{
	size_t size = _IOC_SIZE(row->cmd);
	void *buf = NULL;
	int ret, idx;

	if (size) {
		/* Zeroed, so that no field left alone tells userspace anything. */
		buf = kzalloc(size, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		if ((_IOC_DIR(row->cmd) & _IOC_WRITE) && copy_from_user(buf, user, size)) {
			kfree(buf);
			return -EFAULT;
		}
	}
	mkvm_vcpu_load(vcpu);
	/*
	 * Some of them read guest memory. Not around the copying, which userspace can make last as
	 * long as it likes: a change of the slots waits for readers, and nothing interrupts it.
	 */
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = row->fn(vcpu, buf);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	mkvm_vcpu_put(vcpu);
	if (!ret && (_IOC_DIR(row->cmd) & _IOC_READ) && copy_to_user(user, buf, size))
		ret = -EFAULT;
	kfree(buf);
	return ret;
}

static long get_xsave2(struct mkvm_vcpu *vcpu, void __user *user)
{
	u32 size = fpu_uabi_size();
	void *buf = kvzalloc(size, GFP_KERNEL);
	long ret;

	if (!buf)
		return -ENOMEM;
	fpu_get_xsave(vcpu, buf, size);
	ret = copy_to_user(user, buf, size) ? -EFAULT : 0;
	kvfree(buf);
	return ret;
}

/* Reads as much as KVM_CAP_XSAVE2 says; that is struct kvm_xsave where nothing is larger. */
static long set_xsave(struct mkvm_vcpu *vcpu, void __user *user)
{
	void *buf = vmemdup_user(user, fpu_uabi_size());
	long ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = fpu_set_xsave(vcpu, buf);
	kvfree(buf);
	return ret;
}

/* They copy what they need themselves. Those that reach guest memory, by MSRs, take vm->srcu. */
static long variable_size_ioctl(struct mkvm_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KVM_SET_CPUID:
		return cpuid_set_legacy_ioctl(vcpu, user);
	case KVM_SET_CPUID2:
		return cpuid_set_ioctl(vcpu, user);
	case KVM_GET_CPUID2:
		return cpuid_get_ioctl(vcpu, user);
	case KVM_GET_MSRS:
		return msr_get_ioctl(vcpu, user);
	case KVM_SET_MSRS:
		return msr_set_ioctl(vcpu, user);
	case KVM_GET_XSAVE2:
		return get_xsave2(vcpu, user);
	case KVM_SET_XSAVE:
		return set_xsave(vcpu, user);
	case KVM_GET_TSC_KHZ:
		return vcpu->arch.virtual_tsc_khz;
	case KVM_SET_TSC_KHZ:
		return tsc_set_khz(vcpu, arg);
	case KVM_KVMCLOCK_CTRL:
		return pvclock_guest_stopped(vcpu);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return attribute_vcpu_ioctl(vcpu, cmd, user);
	case MINIKVM_VCPU_SET_VMCS:
		return break_field_ioctl(vcpu, user);
	}
	return -ENOIOCTLCMD;
}

/**
 * arch_vcpu_ioctl() - the vCPU ioctls that virt/ does not know
 * @vcpu: the vCPU, its mutex held, not loaded
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Return: the ioctl's result; -ENOIOCTLCMD when nobody knows it.
 */
long arch_vcpu_ioctl(struct mkvm_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].cmd == cmd)
			return run_row(vcpu, &rows[i], (void __user *)arg);
	}
	mkvm_vcpu_load(vcpu);
	ret = variable_size_ioctl(vcpu, cmd, arg);
	mkvm_vcpu_put(vcpu);
	return ret;
}
