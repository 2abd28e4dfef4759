/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to a vCPU's thread, and the kick that makes it look at them. See request.c.
 */
#ifndef MINIKVM_VIRT_REQUEST_H
#define MINIKVM_VIRT_REQUEST_H

#include "virt/vcpu.h"

static inline void mkvm_make_request(enum mkvm_request req, struct mkvm_vcpu *vcpu)
{
	/* What the request is about must be visible before the request is. */
	smp_wmb();
	set_bit(req, &vcpu->requests);
}

static inline bool mkvm_test_request(enum mkvm_request req, struct mkvm_vcpu *vcpu)
{
	return test_bit(req, &vcpu->requests);
}

static inline void mkvm_clear_request(enum mkvm_request req, struct mkvm_vcpu *vcpu)
{
	clear_bit(req, &vcpu->requests);
}

/* Consume a request: true at most once for each time it was made. */
static inline bool mkvm_check_request(enum mkvm_request req, struct mkvm_vcpu *vcpu)
{
	if (!mkvm_test_request(req, vcpu))
		return false;
	mkvm_clear_request(req, vcpu);
	/* Pairs with the barrier in mkvm_make_request(). */
	smp_mb__after_atomic();
	return true;
}

bool mkvm_vcpu_wake_up(struct mkvm_vcpu *vcpu);
void mkvm_vcpu_kick(struct mkvm_vcpu *vcpu);
void mkvm_make_all_request(struct mkvm_vm *vm, enum mkvm_request req);
void mkvm_request_all_async(struct mkvm_vm *vm, enum mkvm_request req);
void mkvm_vm_kill(struct mkvm_vm *vm, const char *why);

static inline void mkvm_flush_remote_tlbs(struct mkvm_vm *vm)
{
	mkvm_make_all_request(vm, MKVM_REQ_TLB_FLUSH);
}

#endif
