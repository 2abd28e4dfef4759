// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-hang.c - hangs a CPU of the host, for the lab's tests.
 *
 * mode=0: without preemption, where the kernel's soft-lockup detector sees it
 * (Documentation/admin-guide/lockup-watchdogs.rst); mode=1: with interrupts
 * off, where nothing in the host can; mode=2: halted with interrupts off.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <asm/processor.h>

static int mode;
module_param(mode, int, 0444);
MODULE_PARM_DESC(mode, "0 spins, 1 with interrupts off, 2 halts with interrupts off");

static int __init lab_hang_init(void)
{
	preempt_disable();
	if (mode)
		local_irq_disable();
	for (;;) {
		if (mode == 2)
			native_halt();
		cpu_relax();
	}
	return 0;
}

static void __exit lab_hang_exit(void)
{
}

module_init(lab_hang_init);
module_exit(lab_hang_exit);
MODULE_DESCRIPTION("A hang on purpose");
MODULE_LICENSE("GPL");
