/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMCS for people.
 */
#ifndef MINIKVM_TOOL_VMCS_PRINT_H
#define MINIKVM_TOOL_VMCS_PRINT_H

#include <stdio.h>

#include "terminal/sentence.h"

int vmcs_print(FILE *from, FILE *to, struct sentence *why);
void vmcs_decode(unsigned int field, unsigned long long value, char *text, size_t size);

#endif
