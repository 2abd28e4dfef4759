/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a VM and of its vCPUs as KVM's ABI gives and takes it, in parts: machine_state.c.
 */
#ifndef MINIKVM_TOOL_MACHINE_STATE_H
#define MINIKVM_TOOL_MACHINE_STATE_H

#include "kvm/vm.h"
#include "state/state.h"

/**
 * struct state_part - a part of the state of a VM or of a vCPU
 * @name: of its section in a snapshot
 * @get_name: the ioctl that reads it, for sentences
 * @set_name: the ioctl that writes it
 * @get: that ioctl
 * @set: that ioctl
 * @size: bytes of its argument; 0 where @save and @load do it
 * @cap: KVM_CAP_..., without which it does not exist; -1 for none
 * @irqchip: it exists only with interrupt controllers in the kernel
 * @save: reads it
 * @load: writes it
 *
 * The functions get the descriptor of the VM or vCPU. Return: 0, or -1 with the sentence.
 */
struct state_part {
	const char *name;
	const char *get_name;
	const char *set_name;
	unsigned long get;
	unsigned long set;
	__u32 size;
	int cap;
	bool irqchip;
	int (*save)(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_out *out, struct sentence *why);
	int (*load)(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_in *in, struct sentence *why);
};

/* In the order in which they are written; the last entry has no name. */
extern const struct state_part vm_state_parts[];
extern const struct state_part vcpu_state_parts[];

void vcpu_has_paused(const struct vcpu *vcpu);
bool state_part_exists(const struct vm *vm, const struct state_part *part);
int state_part_save(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_out *out, struct sentence *why);
int state_part_load(const struct vm *vm, const struct state_part *part, int fd,
		    struct state_in *in, struct sentence *why);

#endif
