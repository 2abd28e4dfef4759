/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's log, record by record: kernel_log.c.
 */
#ifndef MINIKVM_TOOL_KERNEL_LOG_H
#define MINIKVM_TOOL_KERNEL_LOG_H

#define KERNEL_LOG_RECORD	8192	/* bytes of the longest record, and of its NUL */

char *kernel_log_next(int fd, char *record);

#endif
