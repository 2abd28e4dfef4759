// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of a VM or a vCPU as a file that describes itself.
 *
 * KVM's ABI: KVM_CAP_BINARY_STATS_FD, KVM_GET_STATS_FD. The file holds a header, an identifier,
 * a descriptor with a name for each row of the table (stats.c), and the values; it is put together
 * anew for each read. Which rows there are never changes, so that a client may keep what it has
 * read of them. The descriptor keeps the VM alive.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "virt/stats.h"
#include "virt/stats_fd.h"

#define NAME_SIZE	MKVM_STAT_NAME_SIZE

/* As struct kvm_stats_desc, whose name has no length in one kernel and 48 in another. */
struct stats_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};

static_assert(offsetof(struct stats_desc, offset) == offsetof(struct kvm_stats_desc, offset));
static_assert(offsetof(struct stats_desc, name) == offsetof(struct kvm_stats_desc, name));

/**
 * struct layout - the file, while it is measured and then filled
 * @desc: where the next descriptor goes, or NULL: measure
 * @data: where the values begin
 * @nr_desc: descriptors so far
 * @nr_values: values so far
 */
struct layout {
	struct stats_desc *desc;
	u64 *data;
	u32 nr_desc, nr_values;
};

static void add_row(void *ctx, const struct mkvm_stat *stat, unsigned int size, const u64 *values)
{
	struct layout *layout = ctx;
	unsigned int i;

	if (layout->desc) {
		struct stats_desc *desc = layout->desc++;

		desc->flags = stat->flags;
		desc->exponent = stat->exponent;
		desc->size = size;
		desc->offset = layout->nr_values * sizeof(u64);
		strscpy(desc->name, stat->name, NAME_SIZE);
		for (i = 0; i < size; i++)
			layout->data[layout->nr_values + i] = READ_ONCE(values[i]);
	}
	layout->nr_desc++;
	layout->nr_values += size;
}

static void add_rows(struct mkvm_vm *vm, struct mkvm_vcpu *vcpu, struct layout *layout)
{
	layout->nr_desc = 0;
	layout->nr_values = 0;
	mkvm_stats_each(vm, vcpu, add_row, layout);
	if (vcpu)
		mkvm_stats_each_reason(vcpu, add_row, layout);
}

/* @vcpu is NULL for the VM's own. */
static ssize_t stats_read(struct mkvm_vm *vm, struct mkvm_vcpu *vcpu, char __user *user,
			  size_t size, loff_t *pos)
{
	struct layout layout = { NULL };
	struct kvm_stats_header header;
	size_t total;
	ssize_t ret;
	void *file;

	add_rows(vm, vcpu, &layout);
	header = (struct kvm_stats_header) {
		.name_size = NAME_SIZE,
		.num_desc = layout.nr_desc,
		.id_offset = sizeof(header),
		.desc_offset = sizeof(header) + NAME_SIZE,
		.data_offset = sizeof(header) + NAME_SIZE +
			       layout.nr_desc * sizeof(struct stats_desc),
	};
	total = header.data_offset + layout.nr_values * sizeof(u64);
	file = kvzalloc(total, GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	memcpy(file, &header, sizeof(header));
	if (vcpu)
		snprintf(file + header.id_offset, NAME_SIZE, "kvm-%d/vcpu-%u", vm->owner_pid,
			 vcpu->id);
	else
		snprintf(file + header.id_offset, NAME_SIZE, "kvm-%d", vm->owner_pid);
	layout.desc = file + header.desc_offset;
	layout.data = file + header.data_offset;
	add_rows(vm, vcpu, &layout);
	ret = simple_read_from_buffer(user, size, pos, file, total);
	kvfree(file);
	return ret;
}

static ssize_t vm_stats_read(struct file *filp, char __user *user, size_t size, loff_t *pos)
{
	return stats_read(filp->private_data, NULL, user, size, pos);
}

static int vm_stats_release(struct inode *inode, struct file *filp)
{
	mkvm_vm_put(filp->private_data);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = default_llseek,
};

static ssize_t vcpu_stats_read(struct file *filp, char __user *user, size_t size, loff_t *pos)
{
	struct mkvm_vcpu *vcpu = filp->private_data;

	return stats_read(vcpu->vm, vcpu, user, size, pos);
}

static int vcpu_stats_release(struct inode *inode, struct file *filp)
{
	struct mkvm_vcpu *vcpu = filp->private_data;

	mkvm_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = default_llseek,
};

static int new_fd(struct mkvm_vm *vm, const char *name, const struct file_operations *fops,
		  void *private)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, private, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* Userspace reads each part by pread(), at the offset that the header says. */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	mkvm_vm_get(vm);	/* release() drops it */
	fd_install(fd, file);
	return fd;
}

/**
 * mkvm_vm_stats_fd() - KVM_GET_STATS_FD of a VM
 * @vm: the VM
 *
 * Return: a new descriptor, -EMFILE, -ENOMEM.
 */
int mkvm_vm_stats_fd(struct mkvm_vm *vm)
{
	return new_fd(vm, "kvm-vm-stats", &vm_stats_fops, vm);
}

/**
 * mkvm_vcpu_stats_fd() - KVM_GET_STATS_FD of a vCPU
 * @vcpu: the vCPU
 *
 * Return: a new descriptor, -EMFILE, -ENOMEM.
 */
int mkvm_vcpu_stats_fd(struct mkvm_vcpu *vcpu)
{
	return new_fd(vcpu->vm, "kvm-vcpu-stats", &vcpu_stats_fops, vcpu);
}
