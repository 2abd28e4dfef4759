/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel says about a device while a test runs: /dev/kmsg, read without blocking.
 */
#ifndef MINIKVM_SELFTESTS_IOMMU_KERNEL_LOG_H
#define MINIKVM_SELFTESTS_IOMMU_KERNEL_LOG_H

#include <stdbool.h>

/* Opens the log behind its last line. False and a message when it can't be read. */
bool log_open(void);
/* Everything that the log said so far is old. */
void log_forget(void);
/* Has it, since then, a line with all three? Reports come from a thread: waits for a second. */
bool log_has(const char *a, const char *b, const char *c);

#endif
