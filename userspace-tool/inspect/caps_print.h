/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capabilities of VMX and VT-d for people.
 */
#ifndef MINIKVM_TOOL_CAPS_PRINT_H
#define MINIKVM_TOOL_CAPS_PRINT_H

#include <stdio.h>

int caps_print_vmx(FILE *from, FILE *to);
void caps_print_vtd_unit(FILE *to, const char *unit, unsigned long long cap,
			 unsigned long long ecap, const unsigned long long used[2]);
int caps_print_vtd(FILE *from, FILE *to);

#endif
