/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread owes the kernel before it may enter a guest.
 */
#ifndef MINIKVM_ARCH_X86_THREAD_WORK_H
#define MINIKVM_ARCH_X86_THREAD_WORK_H

/* Reschedule, run task work and notifications: 0, or -EINTR when a signal is pending. */
int thread_work_handle(void);

#endif
