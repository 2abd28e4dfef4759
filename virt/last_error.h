/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MINIKVM_GET_LAST_ERROR: why the caller's last ioctl was refused.
 */
#ifndef MINIKVM_VIRT_LAST_ERROR_H
#define MINIKVM_VIRT_LAST_ERROR_H

#include "virt/ioctl.h"

/* Those of the descriptor's VM; @vm is NULL on the device node. */
static inline struct mkvm_refusals *mkvm_refusals_of(struct mkvm_vm *vm)
{
	return vm ? &vm->refusals : &mkvm_node_refusals;
}

/* The ioctl that every descriptor has: mkvm_ioctl() looks for it before any other. */
extern const struct mkvm_ioctl mkvm_any_ioctl;

#endif
