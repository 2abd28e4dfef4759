/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's own counters, from the module: KVM_GET_STATS_FD of KVM's ABI.
 */
#ifndef MINIKVM_TOOL_STATISTICS_H
#define MINIKVM_TOOL_STATISTICS_H

#include <stdio.h>

#include "kvm/vm.h"

void statistics_print_exits(FILE *to, const struct vcpu *vcpu);

#endif
