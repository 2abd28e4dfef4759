/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exit reasons and accesses in words. Pure.
 */
#ifndef MINIKVM_TOOL_BPF_REASON_H
#define MINIKVM_TOOL_BPF_REASON_H

#include "bpf/shared.h"

#define REASON_NAME_SIZE	48
#define ACCESS_TEXT_SIZE	80

const char *reason_name(__u32 reason, char name[REASON_NAME_SIZE]);
const char *access_text(const struct access_key *key, char text[ACCESS_TEXT_SIZE]);

#endif
