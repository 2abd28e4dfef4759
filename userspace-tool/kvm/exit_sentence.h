/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits to userspace as sentences, and sets of exits by name: for `minikvm run --log exits=...`.
 */
#ifndef MINIKVM_TOOL_EXIT_SENTENCE_H
#define MINIKVM_TOOL_EXIT_SENTENCE_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "terminal/sentence.h"

#define EXIT_REASONS_MAX	64

/* Which exits, by KVM_EXIT_*. */
struct exit_set {
	bool has[EXIT_REASONS_MAX];
};

int exit_set_parse(struct exit_set *set, const char *names, struct sentence *why);
void exit_tell(const struct kvm_run *run, const char *owner, struct sentence *s);

#endif
