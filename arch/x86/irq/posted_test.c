// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests (inject=1): an assigned device, VFIO and the remapping hardware that posts, played.
 *
 * VT-d specification, "Interrupt Posting", "Interrupt-Remapping Table Entry"; linux/irqbypass.h. No
 * emulator has hardware that posts. So a test has its own: an interrupt of Linux' with a chip that
 * keeps the entry that irq_set_vcpu_affinity() leads to, a producer of the bypass manager as VFIO
 * makes one, and a descriptor that raises the interrupt as the entry says.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqbypass.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/irq_remapping.h>

#include "arch/x86/irq/posted.h"
#include "arch/x86/irq/posted_test.h"
#include "arch/x86/vmx/break_field.h"
#include "compat/compat.h"
#include "iommu/hw/irte.h"
#include "uapi/linux/minikvm.h"

/**
 * struct test_device - a device with one interrupt
 * @lock: of @entry; to take posting away waits until no interrupt is being posted
 * @entry: as in the remapping table: in posted format, or zero for remapped
 * @can_post: the hardware can
 * @producer: with the bypass manager
 * @eventfd: what VFIO's handler would signal
 */
struct test_device {
	raw_spinlock_t lock;
	struct entry128 entry;
	bool can_post;
	struct irq_bypass_producer producer;
	struct eventfd_ctx *eventfd;
};

/* What the hardware does to a descriptor: it looks at nothing else. Preemption off. */
static void post(struct posted_desc *desc, u8 vector)
{
	unsigned long old;
	int cpu;

	set_bit(vector, desc->pir);
	old = READ_ONCE(desc->control);
	do {
		if (old & (BIT(POSTED_SN) | BIT(POSTED_ON)))
			return;
	} while (!try_cmpxchg(&desc->control, &old, old | BIT(POSTED_ON)));
	for_each_online_cpu(cpu)
		if (posted_destination(cpu) >> POSTED_NDST_SHIFT == old >> POSTED_NDST_SHIFT)
			apic->send_IPI_mask(cpumask_of(cpu), old >> POSTED_NV_SHIFT & 0xff);
}

/**
 * posted_test_ioctl() - MINIKVM_VM_POST_INTERRUPT
 * @vm: the VM
 * @user: struct minikvm_post
 *
 * Context: process.
 * Return: 0, -EPERM, -EFAULT, -EINVAL, or -EOPNOTSUPP without a descriptor.
 */
long posted_test_ioctl(struct mkvm_vm *vm, void __user *user)
{
	struct minikvm_post args;
	struct mkvm_vcpu *vcpu;

	if (!break_field_allowed(vm, "MINIKVM_VM_POST_INTERRUPT"))
		return -EPERM;
	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	vcpu = mkvm_vcpu_by_id(vm, args.vcpu);
	if (!vcpu || args.vector < 16 || args.vector > 255) {
		mkvm_refuse(vm, "MINIKVM_VM_POST_INTERRUPT: vector %u to vCPU %u", args.vector,
			    args.vcpu);
		return -EINVAL;
	}
	if (!vcpu->arch.posted)
		return -EOPNOTSUPP;
	/* With preemption off no CPU goes offline. */
	preempt_disable();
	post(vcpu->arch.posted, args.vector);
	preempt_enable();
	return 0;
}

/* The lock of the interrupt's descriptor is held, interrupts are off. */
static int set_vcpu_affinity(struct irq_data *data, void *info)
{
	struct test_device *dev = irq_data_get_irq_chip_data(data);
	const struct irte_source source = { .check = IRTE_ANYONE };
	const struct vcpu_data *vcpu = info;

	if (!dev->can_post)
		return -EOPNOTSUPP;
	raw_spin_lock(&dev->lock);
	dev->entry = vcpu ? irte_posted(vcpu->pi_desc_addr, vcpu->vector, false, source) :
			    (struct entry128){ 0 };
	raw_spin_unlock(&dev->lock);
	return 0;
}

static struct irq_chip test_chip = {
	.name = "minikvm-test",
	.irq_set_vcpu_affinity = set_vcpu_affinity,
};

static u64 descriptor_of(struct entry128 entry)
{
	return (entry.hi & ~(u64)U32_MAX) | (entry.lo >> 32 & ~63ul);
}

static ssize_t test_device_read(struct file *file, char __user *user, size_t size, loff_t *at)
{
	struct test_device *dev = file->private_data;
	struct minikvm_test_entry entry = { 0 };
	struct entry128 now;

	if (size < sizeof(entry))
		return -EINVAL;
	raw_spin_lock_irq(&dev->lock);
	now = dev->entry;
	raw_spin_unlock_irq(&dev->lock);
	if (now.lo & IRTE_POSTED) {
		entry.posted = 1;
		entry.vector = IRTE_VECTOR(now.lo);
		entry.descriptor = descriptor_of(now);
	}
	return copy_to_user(user, &entry, sizeof(entry)) ? -EFAULT : sizeof(entry);
}

/* The interrupt. VFIO's handler is the rest of the remapped way. */
static ssize_t test_device_write(struct file *file, const char __user *user, size_t size,
				 loff_t *at)
{
	struct test_device *dev = file->private_data;
	bool posted;

	raw_spin_lock_irq(&dev->lock);
	posted = dev->entry.lo & IRTE_POSTED;
	if (posted)
		post(phys_to_virt(descriptor_of(dev->entry)), IRTE_VECTOR(dev->entry.lo));
	raw_spin_unlock_irq(&dev->lock);
	if (!posted)
		compat_eventfd_signal(dev->eventfd);
	return size;
}

static void test_device_free(struct test_device *dev)
{
	if (dev->producer.irq > 0)
		irq_free_desc(dev->producer.irq);
	eventfd_ctx_put(dev->eventfd);
	kfree(dev);
}

static void test_device_remove(struct test_device *dev)
{
	void (*unregister)(struct irq_bypass_producer *producer) =
		symbol_get(irq_bypass_unregister_producer);

	if (unregister) {
		unregister(&dev->producer);
		symbol_put(irq_bypass_unregister_producer);
	}
	symbol_put(irq_bypass_register_producer);
	test_device_free(dev);
}

static int test_device_release(struct inode *inode, struct file *file)
{
	test_device_remove(file->private_data);
	return 0;
}

static const struct file_operations test_device_fops = {
	.owner = THIS_MODULE,
	.read = test_device_read,
	.write = test_device_write,
	.release = test_device_release,
	.llseek = noop_llseek,
};

static int test_device_register(struct test_device *dev)
{
	int (*reg)(struct irq_bypass_producer *producer);
	int ret;

	/* As VFIO's dependency on it does. */
	request_module("irqbypass");
	reg = symbol_get(irq_bypass_register_producer);
	if (!reg)
		return -ENOENT;
	dev->producer.irq = irq_alloc_desc(NUMA_NO_NODE);
	ret = dev->producer.irq;
	if (ret > 0) {
		irq_set_chip_and_handler(dev->producer.irq, &test_chip, handle_simple_irq);
		irq_set_chip_data(dev->producer.irq, dev);
		ret = reg(&dev->producer);
	}
	/* The manager stays for as long as it knows the producer. */
	if (ret)
		symbol_put(irq_bypass_register_producer);
	return ret;
}

/**
 * posted_test_device_ioctl() - MINIKVM_VM_TEST_DEVICE
 * @vm: the VM, asked only for permission; the device does not belong to it
 * @user: struct minikvm_test_device
 *
 * Context: process.
 * Return: a descriptor, -EPERM, -EFAULT, -EBADF, -EINVAL, -ENOENT, -EBUSY, -ENOMEM.
 */
long posted_test_device_ioctl(struct mkvm_vm *vm, void __user *user)
{
	struct minikvm_test_device args;
	struct test_device *dev;
	int ret;

	if (!break_field_allowed(vm, "MINIKVM_VM_TEST_DEVICE"))
		return -EPERM;
	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~MINIKVM_TEST_DEVICE_NO_POSTING)
		return -EINVAL;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return -ENOMEM;
	dev->eventfd = eventfd_ctx_fdget(args.eventfd);
	if (IS_ERR(dev->eventfd)) {
		ret = PTR_ERR(dev->eventfd);
		kfree(dev);
		return ret;
	}
	raw_spin_lock_init(&dev->lock);
	dev->can_post = !(args.flags & MINIKVM_TEST_DEVICE_NO_POSTING);
	dev->producer.token = dev->eventfd;
	ret = test_device_register(dev);
	if (ret) {
		test_device_free(dev);
		return ret;
	}
	ret = anon_inode_getfd("minikvm-test-device", &test_device_fops, dev, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		test_device_remove(dev);
	return ret;
}
