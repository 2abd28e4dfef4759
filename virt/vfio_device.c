// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's VFIO pseudo device: the VM is told which devices its user assigned to it.
 *
 * KVM's ABI: KVM_CREATE_DEVICE with KVM_DEV_TYPE_VFIO, then KVM_DEV_VFIO_GROUP_ADD and _DEL. The
 * effect: if a device does not snoop the caches, the guest's memory types count. KVM also hands
 * its struct kvm to VFIO, for mediated devices that use it; minikvm has no such structure, so they
 * get none. VFIO is a module that may be absent: its functions are found by name.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/ioctl.h"
#include "virt/vfio_device.h"

struct assigned {
	struct list_head node;
	struct file *file;	/* of a VFIO group or device, a reference */
};

/**
 * struct vfio_device - what the descriptor is
 * @vm: its VM, a reference
 * @lock: changes of @assigned
 * @assigned: struct assigned
 */
struct vfio_device {
	struct mkvm_vm *vm;
	struct mutex lock;
	struct list_head assigned;
};

/* Call a predicate of VFIO's. Returns false where VFIO has none of that name. */
static bool ask_vfio(const char *name, struct file *file, bool *answer)
{
	bool (*predicate)(struct file *file) = __symbol_get(name);

	if (!predicate)
		return false;
	*answer = predicate(file);
	__symbol_put(name);
	return true;
}

static bool is_vfio_file(struct file *file)
{
	bool answer = false;

	/* Older kernels know groups only. */
	if (!ask_vfio("vfio_file_is_valid", file, &answer))
		ask_vfio("vfio_file_is_group", file, &answer);
	return answer;
}

/* device->lock held. */
static void update_coherency(struct vfio_device *device)
{
	bool noncoherent = false, enforced;
	struct assigned *a;

	list_for_each_entry(a, &device->assigned, node) {
		enforced = false;
		ask_vfio("vfio_file_enforced_coherent", a->file, &enforced);
		noncoherent |= !enforced;
	}
	WRITE_ONCE(device->vm->devices_assigned, !list_empty(&device->assigned));
	arch_vm_set_noncoherent_dma(device->vm, noncoherent);
}

static struct assigned *find(struct vfio_device *device, struct file *file)
{
	struct assigned *a;

	list_for_each_entry(a, &device->assigned, node)
		if (a->file == file)
			return a;
	return NULL;
}

static void drop(struct assigned *a)
{
	list_del(&a->node);
	fput(a->file);
	kfree(a);
}

/* device->lock held. */
static int add_file(struct vfio_device *device, struct file *file, s32 fd)
{
	struct assigned *a;

	if (!is_vfio_file(file)) {
		mkvm_refuse(device->vm, "KVM_DEV_VFIO_GROUP_ADD: descriptor %d is no VFIO group",
			    fd);
		return -EINVAL;
	}
	if (find(device, file)) {
		mkvm_refuse(device->vm, "KVM_DEV_VFIO_GROUP_ADD: the group of descriptor %d was added before",
			    fd);
		return -EEXIST;
	}
	a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (!a)
		return -ENOMEM;
	a->file = get_file(file);
	list_add_tail(&a->node, &device->assigned);
	return 0;
}

static int change(struct vfio_device *device, u64 attr, s32 fd)
{
	struct file *file = fget(fd);
	struct assigned *a;
	int ret = 0;

	if (!file) {
		mkvm_refuse(device->vm, "KVM_DEV_VFIO_GROUP: descriptor %d is not open", fd);
		return -EBADF;
	}
	mutex_lock(&device->lock);
	if (attr == KVM_DEV_VFIO_GROUP_ADD) {
		ret = add_file(device, file, fd);
	} else {
		a = find(device, file);
		if (a) {
			drop(a);
		} else {
			mkvm_refuse(device->vm, "KVM_DEV_VFIO_GROUP_DEL: the group of descriptor %d was not added",
				    fd);
			ret = -ENOENT;
		}
	}
	if (!ret)
		update_coherency(device);
	mutex_unlock(&device->lock);
	fput(file);
	return ret;
}

static bool is_known(const struct mkvm_call *call)
{
	const struct kvm_device_attr *attr = call->data;

	return attr->group == KVM_DEV_VFIO_GROUP &&
	       (attr->attr == KVM_DEV_VFIO_GROUP_ADD || attr->attr == KVM_DEV_VFIO_GROUP_DEL);
}

static int refuse_unknown(const struct mkvm_call *call)
{
	const struct kvm_device_attr *attr = call->data;

	mkvm_refuse(call->vm, "%s: group %u of the VFIO device has no attribute %llu", call->name,
		    attr->group, attr->attr);
	return -ENXIO;
}

static long has_attr(struct mkvm_call *call)
{
	return is_known(call) ? 0 : refuse_unknown(call);
}

static long set_attr(struct mkvm_call *call)
{
	const struct kvm_device_attr *attr = call->data;
	s32 fd;

	if (!is_known(call))
		return refuse_unknown(call);
	if (get_user(fd, (s32 __user *)u64_to_user_ptr(attr->addr)))
		return -EFAULT;
	return change(call->device, attr->attr, fd);
}

static long get_attr(struct mkvm_call *call)
{
	mkvm_refuse(call->vm, "KVM_GET_DEVICE_ATTR: no attribute of the VFIO device can be read");
	return -EPERM;
}

static const struct mkvm_ioctl rows[] = {
	MKVM_IOCTL_COPY(KVM_HAS_DEVICE_ATTR, has_attr),
	MKVM_IOCTL_COPY(KVM_SET_DEVICE_ATTR, set_attr),
	MKVM_IOCTL(KVM_GET_DEVICE_ATTR, get_attr),
	{ }
};

const struct mkvm_ioctl_set mkvm_device_ioctls = {
	.of = "a device",
	.rows = rows,
	.unknown = -ENOTTY,
};

static long vfio_device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct vfio_device *device = filp->private_data;
	struct mkvm_call call = { .cmd = cmd, .arg = arg, .vm = device->vm, .device = device };

	return mkvm_ioctl(&mkvm_device_ioctls, &call);
}

static void destroy(struct vfio_device *device)
{
	struct mkvm_vm *vm = device->vm;
	struct assigned *a, *next;

	list_for_each_entry_safe(a, next, &device->assigned, node)
		drop(a);
	update_coherency(device);
	mutex_lock(&vm->lock);
	vm->has_vfio_device = false;
	mutex_unlock(&vm->lock);
	kfree(device);
	mkvm_vm_put(vm);
}

static int vfio_device_release(struct inode *inode, struct file *filp)
{
	destroy(filp->private_data);
	return 0;
}

static const struct file_operations vfio_device_fops = {
	.owner = THIS_MODULE,
	.release = vfio_device_release,
	.unlocked_ioctl = vfio_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct vfio_device *create(struct mkvm_vm *vm)
{
	struct vfio_device *device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	bool taken;

	if (!device)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&vm->lock);
	taken = vm->has_vfio_device;
	vm->has_vfio_device = true;
	mutex_unlock(&vm->lock);
	if (taken) {
		mkvm_refuse(vm, "KVM_CREATE_DEVICE: the VM has its VFIO device already");
		kfree(device);
		return ERR_PTR(-EBUSY);
	}
	mkvm_vm_get(vm);
	device->vm = vm;
	mutex_init(&device->lock);
	INIT_LIST_HEAD(&device->assigned);
	return device;
}

/**
 * mkvm_create_device() - KVM_CREATE_DEVICE
 * @vm: the VM; no lock held
 * @args: what to create
 * @user: where the caller has it; its @fd receives the new descriptor
 *
 * With KVM_CREATE_DEVICE_TEST nothing is made. The descriptor keeps the VM alive.
 *
 * Return: 0; -ENODEV for any type but KVM_DEV_TYPE_VFIO; -EBUSY when the VM has one; -EFAULT,
 * -ENOMEM, -EMFILE.
 */
int mkvm_create_device(struct mkvm_vm *vm, const struct kvm_create_device *args,
		       struct kvm_create_device __user *user)
{
	struct vfio_device *device;
	struct file *file;
	int fd;

	if (args->type != KVM_DEV_TYPE_VFIO) {
		mkvm_refuse(vm, "KVM_CREATE_DEVICE: there is no device of type %u", args->type);
		return -ENODEV;
	}
	if (args->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	device = create(vm);
	if (IS_ERR(device))
		return PTR_ERR(device);
	file = anon_inode_getfile("kvm-vfio", &vfio_device_fops, device, O_RDWR);
	if (IS_ERR(file)) {
		destroy(device);
		return PTR_ERR(file);
	}
	/* From here on, the file's end is the device's. */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd >= 0 && put_user(fd, &user->fd)) {
		put_unused_fd(fd);
		fd = -EFAULT;
	}
	if (fd < 0) {
		fput(file);
		return fd;
	}
	fd_install(fd, file);
	return 0;
}
