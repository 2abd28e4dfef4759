/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IN, OUT, INS, OUTS after their exit.
 */
#ifndef MINIKVM_ARCH_X86_PIO_H
#define MINIKVM_ARCH_X86_PIO_H

#include "virt/vcpu.h"

/*
 * All return what exit handlers return: 1, 0 with KVM_EXIT_IO, or -errno. They move RIP behind
 * the instruction when they are done, if need be in the next KVM_RUN.
 */
int pio_in(struct mkvm_vcpu *vcpu, u16 port, int size);
int pio_out(struct mkvm_vcpu *vcpu, u16 port, int size);
int pio_string(struct mkvm_vcpu *vcpu, bool in, const struct mkvm_pio_request *req);

#endif
