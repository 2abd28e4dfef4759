/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPUs of a virtual machine. vCPU 0 boots; the others wait for INIT and SIPI in the kernel.
 */
#ifndef MINIKVM_TOOL_VCPU_H
#define MINIKVM_TOOL_VCPU_H

#include "boot/load.h"
#include "kvm/vm.h"

/**
 * vcpu_create() - add the next vCPU, with CPUID and local APIC as firmware would leave them
 * @vm: the VM
 * @cpus: how many there will be, for CPUID
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vcpu_create(struct vm *vm, unsigned int cpus, struct sentence *why);

/* Put a vCPU into its first state. Return: 0, or -1 with the sentence in @why. */
int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *state, struct sentence *why);

/* Print the registers to standard error, for the person who has to find out what went wrong. */
void vcpu_print_registers(const struct vcpu *vcpu);

#endif
