// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-leak.c - leaks memory and misuses a lock, for the lab's tests.
 *
 * Only the debug kernel can tell: kmemleak finds the memory, lockdep the lock
 * that is taken twice (mode=1), KASAN the byte behind the object (mode=2).
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

static int mode;
module_param(mode, int, 0444);
MODULE_PARM_DESC(mode, "0 leaks, 1 inverts two locks, 2 reads out of bounds");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int __init lab_leak_init(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	if (mode == 1) {
		mutex_lock(&first);
		mutex_lock(&second);
		mutex_unlock(&second);
		mutex_unlock(&first);
		mutex_lock(&second);
		mutex_lock(&first);
		mutex_unlock(&first);
		mutex_unlock(&second);
	}
	if (mode == 2) {
		OPTIMIZER_HIDE_VAR(p);
		pr_info("behind the object: %d\n", READ_ONCE(p[100]));
	}
	if (mode)
		kfree(p);
	return 0;
}

static void __exit lab_leak_exit(void)
{
}

module_init(lab_leak_init);
module_exit(lab_leak_exit);
MODULE_DESCRIPTION("Bugs on purpose");
MODULE_LICENSE("GPL");
