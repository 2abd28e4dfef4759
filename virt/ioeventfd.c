// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest writes that end in an eventfd instead of in userspace.
 *
 * KVM's ABI: KVM_IOEVENTFD, with KVM_CAP_IOEVENTFD_NO_LENGTH and _ANY_LENGTH. Each one is a
 * device on the I/O bus (virt/io_bus.h) that takes the writes it matches and leaves the others
 * to the next device on the same address.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "virt/io_bus.h"
#include "virt/ioeventfd.h"

#define VALID_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

/* On vm->ioeventfds; freed by its destroy() when it leaves the bus. */
struct mkvm_ioeventfd {
	struct mkvm_io_device dev;
	struct list_head list;
	struct eventfd_ctx *eventfd;
	enum mkvm_bus_idx bus;
	gpa_t addr;
	u32 len;		/* 0: any */
	bool any_data;
	u64 datamatch;
};

/* Out of line: an ioeventfd without a datamatch needs no stack. */
static noinline bool data_matches(const struct mkvm_ioeventfd *p, int len, const void *data)
{
	u64 val = 0;

	memcpy(&val, data, min_t(int, len, sizeof(val)));
	return val == p->datamatch;
}

static int ioeventfd_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr,
			   int len, const void *data)
{
	struct mkvm_ioeventfd *p = container_of(dev, struct mkvm_ioeventfd, dev);

	/* The bus also offers accesses that lie inside the range but do not fill it. */
	if (addr != p->addr || (p->len && p->len != len))
		return -EOPNOTSUPP;
	if (!p->any_data && !data_matches(p, len, data))
		return -EOPNOTSUPP;
	compat_eventfd_signal(p->eventfd);
	return 0;
}

static void ioeventfd_destroy(struct mkvm_io_device *dev)
{
	struct mkvm_ioeventfd *p = container_of(dev, struct mkvm_ioeventfd, dev);

	list_del(&p->list);
	eventfd_ctx_put(p->eventfd);
	kfree(p);
}

static const struct mkvm_io_device_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.destroy = ioeventfd_destroy,
	.atomic = true,
};

/* Would some write match both? */
static bool collides(const struct mkvm_ioeventfd *a, const struct mkvm_ioeventfd *b)
{
	if (a->bus != b->bus || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->any_data || b->any_data || a->datamatch == b->datamatch);
}

static int ioeventfd_assign(struct mkvm_vm *vm, const struct mkvm_ioeventfd *want)
{
	struct mkvm_ioeventfd *p, *other;
	int err;

	p = kmemdup(want, sizeof(*want), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->dev.ops = &ioeventfd_ops;
	list_for_each_entry(other, &vm->ioeventfds, list) {
		if (collides(p, other)) {
			mkvm_refuse(vm, "KVM_IOEVENTFD: another one takes the same writes at 0x%llx, length %u",
				    p->addr, p->len);
			kfree(p);
			return -EEXIST;
		}
	}
	err = mkvm_io_bus_register(vm, p->bus, p->addr, p->len, &p->dev);
	if (err) {
		kfree(p);
		return err;
	}
	list_add_tail(&p->list, &vm->ioeventfds);
	return 0;
}

static int ioeventfd_deassign(struct mkvm_vm *vm, const struct mkvm_ioeventfd *want)
{
	struct mkvm_ioeventfd *p;

	list_for_each_entry(p, &vm->ioeventfds, list) {
		if (p->bus == want->bus && p->eventfd == want->eventfd && p->addr == want->addr &&
		    p->len == want->len && p->any_data == want->any_data &&
		    (p->any_data || p->datamatch == want->datamatch))
			return mkvm_io_bus_unregister(vm, p->bus, &p->dev);
	}
	mkvm_refuse(vm, "KVM_IOEVENTFD: no ioeventfd at 0x%llx has this eventfd, length and datamatch",
		    want->addr);
	return -ENOENT;
}

/**
 * mkvm_ioeventfd_ioctl() - KVM_IOEVENTFD
 * @vm: the VM; no lock held
 * @args: in kernel memory
 *
 * Return: 0; -EINVAL for flags, lengths other than 0, 1, 2, 4, 8, a range that wraps, or a
 * datamatch without a length; -EBADF or -EINVAL for what is no eventfd; -EEXIST when another
 * ioeventfd would match the same writes; -ENOENT on deassignment; -ENOMEM, -ENOSPC.
 */
int mkvm_ioeventfd_ioctl(struct mkvm_vm *vm, const struct kvm_ioeventfd *args)
{
	struct mkvm_ioeventfd want = {
		.bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? MKVM_PIO_BUS : MKVM_MMIO_BUS,
		.addr = args->addr,
		.len = args->len,
		.any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.datamatch = args->datamatch,
	};
	bool deassign = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	int err;

	if (args->flags & ~VALID_FLAGS) {
		mkvm_refuse(vm, "KVM_IOEVENTFD: flags 0x%x, known are 0x%x", args->flags,
			    VALID_FLAGS);
		return -EINVAL;
	}
	if (!deassign) {
		switch (args->len) {
		case 0: case 1: case 2: case 4: case 8:
			break;
		default:
			mkvm_refuse(vm, "KVM_IOEVENTFD: length %u, must be 0, 1, 2, 4 or 8",
				    args->len);
			return -EINVAL;
		}
		if (args->addr + args->len < args->addr) {
			mkvm_refuse(vm, "KVM_IOEVENTFD: [0x%llx, +%u) wraps round", args->addr,
				    args->len);
			return -EINVAL;
		}
		if (!args->len && !want.any_data) {
			mkvm_refuse(vm, "KVM_IOEVENTFD: KVM_IOEVENTFD_FLAG_DATAMATCH needs a length other than 0");
			return -EINVAL;
		}
	}
	want.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(want.eventfd)) {
		mkvm_refuse(vm, "KVM_IOEVENTFD: descriptor %d is no eventfd", args->fd);
		return PTR_ERR(want.eventfd);
	}
	mutex_lock(&vm->slots_lock);
	err = deassign ? ioeventfd_deassign(vm, &want) : ioeventfd_assign(vm, &want);
	mutex_unlock(&vm->slots_lock);
	/* A successful assignment keeps the reference. */
	if (deassign || err)
		eventfd_ctx_put(want.eventfd);
	return err;
}
