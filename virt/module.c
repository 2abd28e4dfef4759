// SPDX-License-Identifier: GPL-2.0-only
/*
 * Insmod, rmmod, and the device node's own ioctls.
 *
 * KVM's ABI, "System ioctls". The node is /dev/minikvm; with node=kvm it takes the name and the
 * number (10:232) of /dev/kvm, for clients that know only that one. /dev/minikvm has a number that
 * is known before the module is loaded, so that a node can stand there whose opening loads it.
 * Every descriptor that the node hands out holds a reference to the module, so rmmod is refused
 * while a VM lives. VT-d is taken over first; a machine that has it but no VT-x gets the module
 * without the node.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "iommu/linux/vtd.h"
#include "trace/events.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"
#include "virt/capability.h"
#include "virt/debugfs.h"
#include "virt/ioctl.h"
#include "virt/irqfd.h"
#include "virt/vfio_device.h"
#include "virt/vm.h"

static char *node = "minikvm";
module_param(node, charp, 0444);
MODULE_PARM_DESC(node, "device node: minikvm (default), or kvm to stand in for /dev/kvm");

static long get_api_version(struct mkvm_call *call)
{
	return KVM_API_VERSION;
}

static long create_vm(struct mkvm_call *call)
{
	return mkvm_vm_create(call->arg);
}

/* kvm_run, the data of KVM_EXIT_IO, the ring of coalesced MMIO. */
static long get_vcpu_mmap_size(struct mkvm_call *call)
{
	return 3 * PAGE_SIZE;
}

static long get_version(struct mkvm_call *call)
{
	return MINIKVM_ABI_VERSION;
}

static const struct mkvm_ioctl rows[] = {
	MKVM_IOCTL(KVM_GET_API_VERSION, get_api_version, .around = MKVM_NO_ARG),
	MKVM_IOCTL(KVM_CREATE_VM, create_vm),
	MKVM_IOCTL(KVM_CHECK_EXTENSION, mkvm_check_extension),
	MKVM_IOCTL(KVM_GET_VCPU_MMAP_SIZE, get_vcpu_mmap_size, .around = MKVM_NO_ARG),
	MKVM_IOCTL(MINIKVM_GET_VERSION, get_version, .around = MKVM_NO_ARG),
	{ }
};

static const struct mkvm_ioctl_set node_ioctls = {
	.of = "the device node",
	.rows = rows,
	.arch_rows = arch_node_ioctls,
	.unknown = -EINVAL,
};

static const struct mkvm_ioctl_set *const all_ioctls[] = {
	&node_ioctls, &mkvm_vm_ioctls, &mkvm_vcpu_ioctls, &mkvm_device_ioctls, NULL
};

static long dev_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct mkvm_call call = { .cmd = cmd, .arg = arg };

	return mkvm_ioctl(&node_ioctls, &call);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* One of those that the kernel's list of devices leaves to local use. */
#define MINIKVM_MINOR	247

static struct miscdevice dev = {
	.minor = MINIKVM_MINOR,
	.name = "minikvm",
	.fops = &dev_fops,
	.mode = 0660,
};

/* What this module drives. */
static bool has_vtd, has_node;

static int __init node_init(void)
{
	int ret;

	if (!strcmp(node, "kvm")) {
		dev.name = "kvm";
		dev.minor = KVM_MINOR;
	} else if (strcmp(node, "minikvm")) {
		pr_err("node=%s: only minikvm and kvm are known\n", node);
		return -EINVAL;
	}
	ret = arch_init();
	if (ret)
		return ret;
	ret = mkvm_irqfd_module_init();
	if (ret)
		goto out_arch;
	mkvm_ioctl_init(all_ioctls);
	/* Here and not with each VM: it patches the scheduler's code. */
	preempt_notifier_inc();
	mkvm_debugfs_init();
	ret = misc_register(&dev);
	if (ret == -EBUSY && dev.minor == MINIKVM_MINOR) {
		pr_notice("10:%d is taken: /dev/%s gets another number, and opening it will not load the module\n",
			  dev.minor, dev.name);
		dev.minor = MISC_DYNAMIC_MINOR;
		ret = misc_register(&dev);
	}
	if (ret) {
		if (ret == -EBUSY)
			pr_err("/dev/%s (10:%d) is taken: unload kvm (modprobe -r kvm_intel kvm) first\n",
			       dev.name, dev.minor);
		goto out_debugfs;
	}
	has_node = true;
	pr_info("ready: /dev/%s\n", dev.name);
	return 0;

out_debugfs:
	mkvm_debugfs_exit();
	preempt_notifier_dec();
	mkvm_irqfd_module_exit();
out_arch:
	arch_exit();
	return ret;
}

static int __init minikvm_init(void)
{
	int ret;

	has_vtd = vtd_init();
	ret = node_init();
	if (has_vtd && (ret == -ENODEV || ret == -EOPNOTSUPP)) {
		pr_notice("VT-d alone: without VT-x there are no VMs and no /dev/%s\n", dev.name);
		ret = 0;
	}
	if (!ret) {
		trace_say_where();
		arch_crash_init();
	} else if (has_vtd) {
		vtd_exit();
	}
	return ret;
}

static void __exit minikvm_exit(void)
{
	arch_crash_exit();
	if (has_node) {
		misc_deregister(&dev);
		mkvm_debugfs_exit();
		preempt_notifier_dec();
		mkvm_irqfd_module_exit();
		arch_exit();
	}
	if (has_vtd)
		vtd_exit();
	/*
	 * A task that put the last reference, or was called by what is unregistered by now, may
	 * still be in the module's code: wait until every task has once slept or been in user mode.
	 */
	synchronize_rcu_tasks();
	pr_info("unloaded\n");
}

module_init(minikvm_init);
module_exit(minikvm_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The minikvm authors");
MODULE_DESCRIPTION("VT-x hypervisor that speaks KVM's ABI and explains itself");
/* Both together make depmod list the node, which systemd-tmpfiles then creates at boot. */
MODULE_ALIAS("devname:minikvm");
MODULE_ALIAS_MISCDEV(MINIKVM_MINOR);
