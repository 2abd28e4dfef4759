/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits of instructions on control, debug and model-specific registers, RDTSC and MONITOR/MWAIT.
 * exit_fast_*() run with interrupts off.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_REGISTER_H
#define MINIKVM_ARCH_X86_EXIT_REGISTER_H

#include "virt/vcpu.h"

int exit_fast_cr(struct mkvm_vcpu *vcpu);
int exit_fast_rdmsr(struct mkvm_vcpu *vcpu);
int exit_fast_wrmsr(struct mkvm_vcpu *vcpu);
int exit_cr(struct mkvm_vcpu *vcpu);
int exit_dr(struct mkvm_vcpu *vcpu);
int exit_xsetbv(struct mkvm_vcpu *vcpu);
int exit_rdmsr(struct mkvm_vcpu *vcpu);
int exit_wrmsr(struct mkvm_vcpu *vcpu);
int exit_rdtsc(struct mkvm_vcpu *vcpu);
int exit_rdtscp(struct mkvm_vcpu *vcpu);
int exit_monitor_mwait(struct mkvm_vcpu *vcpu);

#endif
