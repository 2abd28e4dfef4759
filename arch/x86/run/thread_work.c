// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread owes the kernel before it may enter a guest.
 *
 * Guest mode is like user mode: rescheduling, task work, rseq and the like come first. The
 * kernel's xfer_to_guest_mode_handle_work() does them all; it was made for KVM and notes a
 * pending signal in KVM's own structure. This file is the only one that knows that structure, and
 * gives the kernel one of its own to write into, which is never read.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>

#include "arch/x86/run/thread_work.h"

static struct kvm_run unread_run;
static struct kvm_vcpu unread_vcpu = { .run = &unread_run };

int thread_work_handle(void)
{
	return xfer_to_guest_mode_handle_work(&unread_vcpu);
}
