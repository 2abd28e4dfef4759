/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Codes in words, for `minikvm explain`.
 */
#ifndef MINIKVM_TOOL_CODES_H
#define MINIKVM_TOOL_CODES_H

#include <stdio.h>

#include "terminal/sentence.h"

/**
 * struct ioctl_code - one ioctl
 * @number: its number
 * @name: its name
 * @where: the descriptor that it goes to
 * @sentence: what it is for
 */
struct ioctl_code {
	unsigned long number;
	const char *name, *where, *sentence;
};

extern const struct ioctl_code ioctl_codes[];
extern const unsigned int nr_ioctl_codes;

int explain_code(const char *topic, const char *code, FILE *to, struct sentence *why);

#endif
