/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions that exit, the triple fault, and task switches.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_EXCEPTION_H
#define MINIKVM_ARCH_X86_EXIT_EXCEPTION_H

#include "virt/vcpu.h"

int exit_exception_nmi(struct mkvm_vcpu *vcpu);
int exit_triple_fault(struct mkvm_vcpu *vcpu);
int exit_task_switch(struct mkvm_vcpu *vcpu);
int exit_debug(struct mkvm_vcpu *vcpu, u8 vector, unsigned long dr6);

#endif
