/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why an ioctl was refused: errno's words, and minikvm's own.
 */
#ifndef MINIKVM_TOOL_REFUSAL_H
#define MINIKVM_TOOL_REFUSAL_H

#include "terminal/sentence.h"

const char *refusal(int fd);
void refusal_add(int fd, int err, struct sentence *why);

#endif
