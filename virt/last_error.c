// SPDX-License-Identifier: GPL-2.0-only
/*
 * MINIKVM_GET_LAST_ERROR: why the caller's last ioctl was refused.
 *
 * minikvm's own ABI (uapi/linux/minikvm.h). It is the one ioctl of every kind of descriptor, also
 * of a VM that is dead or belongs to another process: that this is so is then what it tells. It
 * takes no lock of the VM's, so that it does not wait for a vCPU that runs. Relies on
 * virt/refuse.c, which keeps one refusal for each thread and never shows a thread another's.
 */
#include <linux/uaccess.h>

#include "virt/last_error.h"

static long get(struct mkvm_call *call)
{
	struct minikvm_last_error error;

	if (!mkvm_refusal_get(mkvm_refusals_of(call->vm), &error))
		return -ENOENT;
	return copy_to_user(mkvm_call_user(call), &error, sizeof(error)) ? -EFAULT : 0;
}

const struct mkvm_ioctl mkvm_any_ioctl =
	MKVM_IOCTL(MINIKVM_GET_LAST_ERROR, get);
