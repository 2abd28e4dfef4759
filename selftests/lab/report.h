/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - which lines of a kernel log say that the kernel is broken.
 *
 * Shared by init-log.c, which reads the log in the host, and supervise-host.c,
 * which has only the console where the host could not reach its end.
 */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

int report_begins(const char *line);

#endif
