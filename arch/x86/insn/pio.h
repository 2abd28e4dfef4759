/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IN, OUT, INS, OUTS after their exit.
 */
#ifndef MINIKVM_ARCH_X86_PIO_H
#define MINIKVM_ARCH_X86_PIO_H

#include "virt/vcpu.h"

int pio_in(struct mkvm_vcpu *vcpu, u16 port, int size);
int pio_out(struct mkvm_vcpu *vcpu, u16 port, int size);
int pio_to_user(struct mkvm_vcpu *vcpu, bool in, u16 port, int size);
int pio_string(struct mkvm_vcpu *vcpu, bool in, const struct mkvm_pio_request *req);

#endif
