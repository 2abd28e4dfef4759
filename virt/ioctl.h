/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of all descriptors as rows of tables.
 *
 * KVM's ABI. Each kind of descriptor (the device node, a VM, a vCPU, a device) has a set: the rows
 * that any hypervisor has, beside the functions they name, and those of the processor, which
 * virt/arch.h declares. mkvm_ioctl() does for every row what the row says: it copies the argument,
 * takes the locks, checks what must be so first, and leaves a line in the log about a refusal.
 */
#ifndef MINIKVM_VIRT_IOCTL_H
#define MINIKVM_VIRT_IOCTL_H

#include <linux/ioctl.h>
#include <linux/kvm.h>

#include "virt/vcpu.h"

/**
 * struct mkvm_call - one ioctl while it is carried out
 * @cmd: its number
 * @name: KVM's name of it, for messages
 * @arg: its argument as it came: a number, or an address of the caller's
 * @data: the kernel's copy of what @arg points to, where the row says that it is copied
 * @vm: the VM that the descriptor belongs to; NULL on the device node
 * @vcpu: on a vCPU's descriptor, the vCPU, its mutex held
 * @device: on a device's descriptor, the device
 * @began: what mkvm_refuse_begin() returned
 */
struct mkvm_call {
	unsigned int cmd;
	const char *name;
	unsigned long arg;
	void *data;
	struct mkvm_vm *vm;
	struct mkvm_vcpu *vcpu;
	void *device;
	u64 began;
};

/* The argument of a row whose function copies by itself: an address of the caller's. */
static inline void __user *mkvm_call_user(const struct mkvm_call *call)
{
	return (void __user *)call->arg;
}

/**
 * struct mkvm_rule - what must be so before an ioctl is carried out
 * @text: the rule as a sentence, for the log
 * @holds: is it so? vm->lock is held where the row says MKVM_VM_LOCK
 */
struct mkvm_rule {
	const char *text;
	bool (*holds)(const struct mkvm_call *call);
};

/**
 * struct mkvm_need - a rule for an ioctl, and what the caller gets when it does not hold
 * @rule: the rule
 * @err: the errno
 */
struct mkvm_need {
	const struct mkvm_rule *rule;
	int err;
};

/* What mkvm_ioctl() does around a row's function. */
#define MKVM_NO_ARG	BIT(0)	/* the argument must be 0 */
#define MKVM_VM_LOCK	BIT(1)	/* vm->lock is held */
#define MKVM_LOADED	BIT(2)	/* the vCPU is loaded (mkvm_vcpu_load()) */
#define MKVM_SRCU	BIT(3)	/* vm->srcu is read-held: the function may reach guest memory */
#define MKVM_RUNNING	BIT(4)	/* also while the vCPU runs: its mutex is not taken */

/**
 * struct mkvm_ioctl - one ioctl of one kind of descriptor; a table ends with an empty row
 * @cmd: its number
 * @in: bytes copied from the caller
 * @out: bytes copied to the caller when the function returned 0
 * @around: MKVM_NO_ARG and so on
 * @name: KVM's name of it
 * @fn: carries it out: 0, a positive result, or an errno
 * @needs: what must be so first, in order
 */
struct mkvm_ioctl {
	unsigned int cmd;
	u16 in, out;
	u8 around;
	const char *name;
	long (*fn)(struct mkvm_call *call);
	struct mkvm_need needs[2];
};

/* A row whose argument is a number, or is copied by its function or as the row says. */
#define MKVM_IOCTL(number, function, ...) \
	{ .cmd = number, .name = #number, .fn = function, ##__VA_ARGS__ }

/* A row whose argument is copied as its number says: one structure, in, out or both. */
#define MKVM_IOCTL_COPY(number, function, ...) \
	{ .cmd = number, .name = #number, .fn = function, \
	  .in = (_IOC_DIR(number) & _IOC_WRITE) ? _IOC_SIZE(number) : 0, \
	  .out = (_IOC_DIR(number) & _IOC_READ) ? _IOC_SIZE(number) : 0, ##__VA_ARGS__ }

/**
 * struct mkvm_ioctl_set - the ioctls of one kind of descriptor
 * @of: whose they are, for the log
 * @rows: those that any hypervisor has
 * @arch_rows: those of the processor, or NULL
 * @unknown: what KVM returns for any other
 */
struct mkvm_ioctl_set {
	const char *of;
	const struct mkvm_ioctl *rows, *arch_rows;
	int unknown;
};

void mkvm_ioctl_init(const struct mkvm_ioctl_set *const *sets);
long mkvm_ioctl(const struct mkvm_ioctl_set *set, struct mkvm_call *call);
int mkvm_check_needs(const struct mkvm_need *needs, const char *name,
		     const struct mkvm_call *call);
long mkvm_ioctl_failed(const struct mkvm_ioctl_set *set, const struct mkvm_call *call, long err);

#endif
