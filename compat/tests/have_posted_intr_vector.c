// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vectors that the kernel keeps for KVM's posted interrupts, and the hook of the one that
 * wakes: there with KVM in the configuration, or always (6.1). Used by arch/x86/irq/posted.c.
 */
#include <linux/interrupt.h>	/* asm/irq.h does not stand alone */
#include <asm/irq.h>

void probe(void);
void probe(void)
{
	kvm_set_posted_intr_wakeup_handler(NULL);
}
