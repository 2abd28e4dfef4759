// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-warn.c - makes the host's kernel print a WARNING, for the lab's tests.
 *
 * The host goes on and the command that loads this ends with status 0: only the
 * kernel's log shows that something was wrong.
 */
#include <linux/bug.h>
#include <linux/module.h>

static int __init lab_warn_init(void)
{
	WARN(1, "a warning on purpose\n");
	return 0;
}

static void __exit lab_warn_exit(void)
{
}

module_init(lab_warn_init);
module_exit(lab_warn_exit);
MODULE_DESCRIPTION("A WARNING on purpose");
MODULE_LICENSE("GPL");
