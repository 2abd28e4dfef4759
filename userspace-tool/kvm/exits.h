/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a return from KVM_RUN means, in words.
 */
#ifndef MINIKVM_TOOL_EXITS_H
#define MINIKVM_TOOL_EXITS_H

#include <linux/kvm.h>

#include "terminal/sentence.h"

const char *exit_name(__u32 reason);
const char *vmx_exit_name(__u32 reason);
int exit_explain(const struct kvm_run *run, struct sentence *s);
int run_error_explain(int err, struct sentence *s);

#endif
