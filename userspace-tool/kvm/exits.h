/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a return from KVM_RUN means, in words.
 */
#ifndef MINIKVM_TOOL_EXITS_H
#define MINIKVM_TOOL_EXITS_H

#include <linux/kvm.h>

#include "terminal/sentence.h"

/* KVM's name of an exit reason without its prefix, such as "IO". Never NULL. */
const char *exit_name(__u32 reason);

/**
 * exit_explain() - one sentence for an exit that ends the guest
 * @run: the vCPU's struct kvm_run
 * @s: receives the sentence
 *
 * KVM_EXIT_FAIL_ENTRY and KVM_EXIT_INTERNAL_ERROR are decoded down to the VM-instruction error,
 * the exit reason of the CPU, or the instruction bytes that could not be emulated.
 *
 * Return: always -1, like say().
 */
int exit_explain(const struct kvm_run *run, struct sentence *s);

/**
 * run_error_explain() - one sentence for a KVM_RUN that failed
 * @err: the errno
 * @s: receives the sentence
 *
 * Return: always -1, like say().
 */
int run_error_explain(int err, struct sentence *s);

#endif
