// SPDX-License-Identifier: GPL-2.0-only
/*
 * FOLL_INTERRUPTIBLE (6.3): a signal ends the wait for a userfaultfd page. Used by
 * virt/host_page.c.
 */
#include <linux/mm.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return FOLL_INTERRUPTIBLE;
}
