// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines in the log about refused ioctls, and how many of them there may be.
 *
 * An owner of a VM decides how often ioctls are refused, so both a VM and all of them together
 * have a limit: one VM's lines do not drown another's, and a thousand VMs do not drown the log. A
 * line names the check that failed and the value that it was about; no host address is in it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "compat/compat.h"
#include "uapi/linux/minikvm.h"
#include "virt/refuse.h"
#include "virt/vm.h"

#define INTERVAL	(5 * HZ)
#define BURST_ONE	20	/* of one VM */
#define BURST_ALL	200

struct mkvm_refusals mkvm_node_refusals = {
	.limit = RATELIMIT_STATE_INIT(mkvm_node_refusals.limit, INTERVAL, BURST_ONE),
};

static DEFINE_RATELIMIT_STATE(all_limit, INTERVAL, BURST_ALL);

void mkvm_refusals_init(struct mkvm_refusals *refusals)
{
	ratelimit_state_init(&refusals->limit, INTERVAL, BURST_ONE);
	refusals->by = NULL;
}

/**
 * mkvm_refuse() - say why an ioctl is refused
 * @vm: the VM that it is about, or NULL: the device node
 * @fmt: the ioctl, the check that failed and the value, without a newline
 *
 * Context: any.
 */
void mkvm_refuse(struct mkvm_vm *vm, const char *fmt, ...)
{
	struct mkvm_refusals *refusals = vm ? &vm->refusals : &mkvm_node_refusals;
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	WRITE_ONCE(refusals->by, current);
	if (!__ratelimit(&refusals->limit) || !__ratelimit(&all_limit))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	if (vm)
		pr_notice("vm %s: %pV\n", vm->name, &vaf);
	else
		pr_notice("process %d: %pV\n", task_tgid_nr(current), &vaf);
	va_end(args);
}

#define NAME(cmd)	{ cmd, #cmd }

static const struct {
	unsigned int cmd;
	const char *name;
} names[] = {
	/* the node */
	NAME(KVM_GET_API_VERSION), NAME(KVM_CREATE_VM), NAME(KVM_CHECK_EXTENSION),
	NAME(KVM_GET_VCPU_MMAP_SIZE), NAME(KVM_GET_SUPPORTED_CPUID), NAME(KVM_GET_EMULATED_CPUID),
	NAME(KVM_GET_MSR_INDEX_LIST), NAME(KVM_GET_MSR_FEATURE_INDEX_LIST),
	NAME(KVM_X86_GET_MCE_CAP_SUPPORTED), NAME(MINIKVM_GET_VERSION),
	/* a VM */
	NAME(KVM_CREATE_VCPU), NAME(KVM_SET_USER_MEMORY_REGION), NAME(KVM_GET_DIRTY_LOG),
	NAME(KVM_CLEAR_DIRTY_LOG), NAME(KVM_SET_TSS_ADDR), NAME(KVM_SET_IDENTITY_MAP_ADDR),
	NAME(KVM_SET_BOOT_CPU_ID), NAME(KVM_SET_NR_MMU_PAGES), NAME(KVM_GET_NR_MMU_PAGES),
	NAME(KVM_CREATE_IRQCHIP), NAME(KVM_GET_IRQCHIP), NAME(KVM_SET_IRQCHIP),
	NAME(KVM_CREATE_PIT), NAME(KVM_CREATE_PIT2), NAME(KVM_GET_PIT), NAME(KVM_SET_PIT),
	NAME(KVM_GET_PIT2), NAME(KVM_SET_PIT2), NAME(KVM_REINJECT_CONTROL), NAME(KVM_IRQ_LINE),
	NAME(KVM_IRQ_LINE_STATUS), NAME(KVM_SIGNAL_MSI), NAME(KVM_SET_GSI_ROUTING),
	NAME(KVM_IRQFD), NAME(KVM_IOEVENTFD), NAME(KVM_REGISTER_COALESCED_MMIO),
	NAME(KVM_UNREGISTER_COALESCED_MMIO), NAME(KVM_GET_CLOCK), NAME(KVM_SET_CLOCK),
	NAME(KVM_X86_SET_MSR_FILTER), NAME(KVM_CREATE_DEVICE), NAME(KVM_GET_STATS_FD),
	NAME(MINIKVM_VM_POST_INTERRUPT), NAME(MINIKVM_VM_TEST_DEVICE),
	/* a vCPU */
	NAME(KVM_RUN), NAME(KVM_GET_REGS), NAME(KVM_SET_REGS), NAME(KVM_GET_SREGS),
	NAME(KVM_SET_SREGS), NAME(KVM_GET_SREGS2), NAME(KVM_SET_SREGS2), NAME(KVM_TRANSLATE),
	NAME(KVM_INTERRUPT), NAME(KVM_NMI), NAME(KVM_SMI), NAME(KVM_GET_MSRS), NAME(KVM_SET_MSRS),
	NAME(KVM_SET_CPUID), NAME(KVM_SET_CPUID2), NAME(KVM_GET_CPUID2),
	NAME(KVM_SET_SIGNAL_MASK), NAME(KVM_GET_FPU), NAME(KVM_SET_FPU), NAME(KVM_GET_XSAVE),
	NAME(KVM_GET_XSAVE2), NAME(KVM_SET_XSAVE), NAME(KVM_GET_XCRS), NAME(KVM_SET_XCRS),
	NAME(KVM_GET_LAPIC), NAME(KVM_SET_LAPIC), NAME(KVM_GET_MP_STATE), NAME(KVM_SET_MP_STATE),
	NAME(KVM_GET_VCPU_EVENTS), NAME(KVM_SET_VCPU_EVENTS), NAME(KVM_GET_DEBUGREGS),
	NAME(KVM_SET_DEBUGREGS), NAME(KVM_SET_GUEST_DEBUG), NAME(KVM_X86_SETUP_MCE),
	NAME(KVM_X86_SET_MCE), NAME(KVM_TPR_ACCESS_REPORTING), NAME(KVM_SET_VAPIC_ADDR),
	NAME(KVM_KVMCLOCK_CTRL), NAME(KVM_GET_TSC_KHZ), NAME(KVM_SET_TSC_KHZ),
	NAME(MINIKVM_VCPU_SET_VMCS),
	/* several */
	NAME(KVM_ENABLE_CAP), NAME(KVM_HAS_DEVICE_ATTR), NAME(KVM_GET_DEVICE_ATTR),
	NAME(KVM_SET_DEVICE_ATTR),
	{ COMPAT_SET_USER_MEMORY_REGION2, "KVM_SET_USER_MEMORY_REGION2" },
};

static const char *name_of(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].cmd == cmd)
			return names[i].name;
	}
	return "ioctl";
}

/**
 * mkvm_refuse_default() - an ioctl was refused and its handler did not say why
 * @vm: the VM, or NULL: the device node
 * @cmd: ioctl number
 * @arg: its argument, a number or an address of the caller's
 * @ret: the errno; -ENOIOCTLCMD: this descriptor has no such ioctl
 *
 * KVM_RUN's -EINTR and -EAGAIN, and a signal that came before an ioctl began, are no refusals: the
 * caller is to come again.
 *
 * Context: any.
 */
void mkvm_refuse_default(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg, long ret)
{
	const char *name = name_of(cmd);

	switch (ret) {
	case -EINTR:
		break;
	case -EAGAIN:
		if (cmd != KVM_RUN)
			mkvm_refuse(vm, "%s: try again", name);
		break;
	case -ENOIOCTLCMD:
		mkvm_refuse(vm, "%s %#x: this descriptor has no such ioctl", name, cmd);
		break;
	case -EFAULT:
		mkvm_refuse(vm, "%s: its argument, or what that points to, cannot be read or written at %#lx",
			    name, arg);
		break;
	case -ENOMEM:
		mkvm_refuse(vm, "%s: no memory is left", name);
		break;
	case -EMFILE:
	case -ENFILE:
		mkvm_refuse(vm, "%s: no file descriptor is left", name);
		break;
	default:
		mkvm_refuse(vm, "%s: %pe, argument %#lx", name, ERR_PTR(ret), arg);
	}
}
