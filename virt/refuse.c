// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines in the log about refused ioctls, and how many of them there may be.
 *
 * An owner of a VM decides how often ioctls are refused, so both a VM and all of them together
 * have a limit: one VM's lines do not drown another's, and a thousand VMs do not drown the log. A
 * line names the check that failed and the value that it was about; no host address is in it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "virt/refuse.h"
#include "virt/vm.h"

#define INTERVAL	(5 * HZ)
#define BURST_ONE	20	/* of one VM */
#define BURST_ALL	200

struct mkvm_refusals mkvm_node_refusals = {
	.limit = RATELIMIT_STATE_INIT(mkvm_node_refusals.limit, INTERVAL, BURST_ONE),
};

static DEFINE_RATELIMIT_STATE(all_limit, INTERVAL, BURST_ALL);

/**
 * mkvm_refusals_init() - a VM is made: it has its whole share of the log
 * @refusals: the VM's
 */
void mkvm_refusals_init(struct mkvm_refusals *refusals)
{
	ratelimit_state_init(&refusals->limit, INTERVAL, BURST_ONE);
	refusals->by = NULL;
}

/**
 * mkvm_refuse() - say why an ioctl is refused
 * @vm: the VM that it is about, or NULL: the device node
 * @fmt: the ioctl, the check that failed and the value, without a newline
 *
 * Context: any.
 */
void mkvm_refuse(struct mkvm_vm *vm, const char *fmt, ...)
{
	struct mkvm_refusals *refusals = vm ? &vm->refusals : &mkvm_node_refusals;
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	WRITE_ONCE(refusals->by, current);
	if (!__ratelimit(&refusals->limit) || !__ratelimit(&all_limit))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	if (vm)
		pr_notice("vm %s: %pV\n", vm->name, &vaf);
	else
		pr_notice("process %d: %pV\n", task_tgid_nr(current), &vaf);
	va_end(args);
}

/**
 * mkvm_vm_refuse_use() - say why the caller may not use a VM, see mkvm_vm_may_use()
 * @vm: the VM
 *
 * Return: -EIO.
 */
int mkvm_vm_refuse_use(struct mkvm_vm *vm)
{
	if (vm->mm != current->mm)
		mkvm_refuse(vm, "its memory is another process's: process %d can do nothing with it",
			    task_tgid_nr(current));
	else
		mkvm_refuse(vm, "it is dead: %s", READ_ONCE(vm->dead_reason) ?: "for no reason");
	return -EIO;
}
