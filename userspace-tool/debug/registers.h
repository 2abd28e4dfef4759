/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's registers in gdb's order, and the target description that tells gdb that order.
 */
#ifndef MINIKVM_TOOL_REGISTERS_H
#define MINIKVM_TOOL_REGISTERS_H

#include <linux/kvm.h>
#include <stddef.h>

#include "debug/packet.h"

/* Everything that a debugger may see, as KVM_GET_REGS, KVM_GET_SREGS and KVM_GET_FPU give it. */
struct debug_registers {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
};

#define REGISTER_SIZE_MAX	16

const char *registers_description(void);
unsigned int registers_count(void);
void registers_all(const struct debug_registers *r, struct packet_text *t);
size_t register_get(const struct debug_registers *r, unsigned int n, __u8 value[REGISTER_SIZE_MAX]);
size_t register_size(unsigned int n);
int register_set(struct debug_registers *r, unsigned int n, const __u8 *value);
int registers_set_all(struct debug_registers *r, const char *hex, size_t len);

#endif
