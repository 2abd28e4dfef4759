/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has VT-x: kvm_intel or minikvm, and how one module makes room for the other.
 */
#ifndef MINIKVM_TOOL_OWNER_H
#define MINIKVM_TOOL_OWNER_H

#include <stdbool.h>

#include "terminal/sentence.h"

bool owner_installed(const char *module);
int owner_unload(const char *module, struct sentence *why);
int owner_load(const char *module, const char *const *options, struct sentence *why);
int owner_load_file(const char *path, const char *options, struct sentence *why);

#endif
