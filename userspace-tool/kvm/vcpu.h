/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPUs of a virtual machine. vCPU 0 boots; the others wait for INIT and SIPI in the kernel.
 */
#ifndef MINIKVM_TOOL_VCPU_H
#define MINIKVM_TOOL_VCPU_H

#include <stdio.h>

#include "boot/load.h"
#include "kvm/vm.h"

int vcpu_create(struct vm *vm, unsigned int cpus, struct sentence *why);
int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *state, struct sentence *why);
void vcpu_print_registers(FILE *to, const struct vcpu *vcpu);

#endif
