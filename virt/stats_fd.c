// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of a VM or a vCPU as a file that describes itself.
 *
 * KVM's ABI: KVM_CAP_BINARY_STATS_FD, KVM_GET_STATS_FD. The file holds a header, an identifier,
 * a descriptor with a name for each counter, and the counters; it is put together anew for each
 * read. Names are KVM's where the counter means the same. The descriptor keeps the VM alive.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "virt/stats_fd.h"

#define NAME_SIZE	48

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

struct counter {
	const char *name;
	u32 flags;
	u32 offset;	/* of its u64 in struct mkvm_vcpu_stats; a VM's are gathered in order */
};

#define CUMULATIVE	(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define INSTANT		(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define COUNTER(text, member) \
	{ text, CUMULATIVE, offsetof(struct mkvm_vcpu_stats, member) }

static const struct counter vcpu_counters[] = {
	COUNTER("exits", exits),
	COUNTER("user_exits", user_exits),
	COUNTER("halt_exits", halts),
	COUNTER("halt_wakeup", halt_wakeups),
	COUNTER("halt_successful_poll", halt_polls),
	COUNTER("directed_yield_successful", directed_yields),
	COUNTER("irq_injections", irq_injections),
	COUNTER("nmi_injections", nmi_injections),
	COUNTER("tlb_flush", tlb_flushes),
	COUNTER("insn_emulation", mmio_emulated),
	COUNTER("pf_taken", ept_faults),
};

static const struct counter vm_counters[] = {
	{ "vcpus", INSTANT },
	{ "exits", CUMULATIVE },
};

static void gather_vm(struct mkvm_vm *vm, u64 *data)
{
	struct mkvm_vcpu *vcpu;
	int i;

	data[0] = mkvm_online_vcpus(vm);
	mkvm_for_each_vcpu(i, vcpu, vm)
		data[1] += READ_ONCE(vcpu->stats.exits);
}

static void gather_vcpu(struct mkvm_vcpu *vcpu, u64 *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_counters); i++)
		data[i] = READ_ONCE(*(u64 *)((void *)&vcpu->stats + vcpu_counters[i].offset));
}

/* @vcpu is NULL for the VM's own. */
static ssize_t stats_read(struct mkvm_vm *vm, struct mkvm_vcpu *vcpu, char __user *user,
			  size_t size, loff_t *pos)
{
	const struct counter *c = vcpu ? vcpu_counters : vm_counters;
	u32 n = vcpu ? ARRAY_SIZE(vcpu_counters) : ARRAY_SIZE(vm_counters), i;
	struct kvm_stats_header header = {
		.name_size = NAME_SIZE,
		.num_desc = n,
		.id_offset = sizeof(header),
		.desc_offset = sizeof(header) + NAME_SIZE,
		.data_offset = sizeof(header) + NAME_SIZE + n * sizeof(struct stats_desc),
	};
	size_t total = header.data_offset + n * sizeof(u64);
	struct stats_desc *desc;
	ssize_t ret;
	void *file;

	file = kzalloc(total, GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	memcpy(file, &header, sizeof(header));
	if (vcpu)
		snprintf(file + header.id_offset, NAME_SIZE, "kvm-%d/vcpu-%u", vm->owner_pid,
			 vcpu->id);
	else
		snprintf(file + header.id_offset, NAME_SIZE, "kvm-%d", vm->owner_pid);
	desc = file + header.desc_offset;
	for (i = 0; i < n; i++) {
		desc[i].flags = c[i].flags;
		desc[i].size = 1;
		desc[i].offset = i * sizeof(u64);
		strscpy(desc[i].name, c[i].name, NAME_SIZE);
	}
	if (vcpu)
		gather_vcpu(vcpu, file + header.data_offset);
	else
		gather_vm(vm, file + header.data_offset);
	ret = simple_read_from_buffer(user, size, pos, file, total);
	kfree(file);
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
