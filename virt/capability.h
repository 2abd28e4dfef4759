/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CHECK_EXTENSION and KVM_ENABLE_CAP: capabilities as rows of two tables.
 *
 * KVM's ABI. What any hypervisor has is in capability.c, the processor's in arch_capabilities[]
 * (virt/arch.h). A row stands when the whole feature behind it works, not before.
 */
#ifndef MINIKVM_VIRT_CAPABILITY_H
#define MINIKVM_VIRT_CAPABILITY_H

#include "virt/ioctl.h"

/**
 * struct mkvm_capability - one capability; a table ends with an empty row
 * @name: KVM's name of it
 * @cap: its number
 * @value: what KVM_CHECK_EXTENSION returns, where @value_fn is NULL
 * @value_fn: computes it
 * @max: the largest args[0] with which it is enabled; 0: there is none
 * @flags: the bits that args[0] may have; 0: any
 * @enable: KVM_ENABLE_CAP on a VM, given args[0]; vm->lock is held. NULL: it cannot be enabled
 * @enable_vcpu: the same on a vCPU; vcpu->mutex is held
 * @needs: what must be so before it is enabled, in order
 */
struct mkvm_capability {
	const char *name;
	unsigned int cap;
	int value;
	int (*value_fn)(void);
	u64 max, flags;
	int (*enable)(struct mkvm_vm *vm, u64 arg);
	int (*enable_vcpu)(struct mkvm_vcpu *vcpu, u64 arg);
	struct mkvm_need needs[2];
};

/* A row, its value, and what else it has. */
#define MKVM_CAP(number, what, ...) \
	{ .name = #number, .cap = number, .value = what, ##__VA_ARGS__ }
#define MKVM_CAP_FN(number, function, ...) \
	{ .name = #number, .cap = number, .value_fn = function, ##__VA_ARGS__ }

long mkvm_check_extension(struct mkvm_call *call);
long mkvm_enable_cap(struct mkvm_call *call);

#endif
