/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking into a vCPU that may be running. See inspect.c.
 */
#ifndef MINIKVM_VIRT_INSPECT_H
#define MINIKVM_VIRT_INSPECT_H

#include <linux/completion.h>

#include "virt/vcpu.h"

/**
 * struct mkvm_inspection - what another thread wants to look at
 * @look: looks; vcpu->mutex is held, by the caller or by the vCPU's thread; may not sleep long
 * @arg: for @look
 * @done: @look has returned
 */
struct mkvm_inspection {
	void (*look)(struct mkvm_vcpu *vcpu, void *arg);
	void *arg;
	struct completion done;
};

int mkvm_inspect(struct mkvm_vcpu *vcpu, void (*look)(struct mkvm_vcpu *vcpu, void *arg),
		 void *arg);
void mkvm_inspect_serve(struct mkvm_vcpu *vcpu);

#endif
