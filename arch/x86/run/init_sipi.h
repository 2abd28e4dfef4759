/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * INIT and start-up IPIs: how an application processor comes to life.
 */
#ifndef MINIKVM_ARCH_X86_INIT_SIPI_H
#define MINIKVM_ARCH_X86_INIT_SIPI_H

#include "virt/vcpu.h"

void init_sipi_accept(struct mkvm_vcpu *vcpu);

#endif
