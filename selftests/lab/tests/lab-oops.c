// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-oops.c - makes the host's kernel oops, for the lab's tests.
 *
 * Writes through a pointer that the compiler cannot see through.  With panic=1
 * the host panics instead, as it does when an interrupt handler fails.
 */
#include <linux/module.h>

static bool panic_too;
module_param_named(panic, panic_too, bool, 0444);
MODULE_PARM_DESC(panic, "panic instead");

static int __init lab_oops_init(void)
{
	int *nowhere = (int *)8;

	if (panic_too)
		panic("a panic on purpose");
	OPTIMIZER_HIDE_VAR(nowhere);
	*nowhere = 1;
	return 0;
}

static void __exit lab_oops_exit(void)
{
}

module_init(lab_oops_init);
module_exit(lab_oops_exit);
MODULE_DESCRIPTION("An oops on purpose");
MODULE_LICENSE("GPL");
