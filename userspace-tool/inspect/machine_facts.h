/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a maintainer asks about a machine first, without what tells whose it is.
 */
#ifndef MINIKVM_TOOL_MACHINE_FACTS_H
#define MINIKVM_TOOL_MACHINE_FACTS_H

#include <stdbool.h>
#include <stdio.h>

#include "inspect/msr_caps.h"

void facts_print_machine(FILE *to);
void facts_print_module(FILE *to);
void facts_print_log(FILE *to);
void facts_put_line(FILE *to, const char *line);

int facts_read_caps(int cpu, struct msr_caps *caps, struct sentence *why);
bool facts_have_vmx(void);

#endif
