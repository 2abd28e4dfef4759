// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRQ_DOMAIN_FLAG_ISOLATED_MSI (6.2): what IRQ_DOMAIN_FLAG_MSI_REMAP was called before. Used by
 * iommu/linux/interrupt.c as COMPAT_DOMAIN_ISOLATED.
 */
#include <linux/irqdomain.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return IRQ_DOMAIN_FLAG_ISOLATED_MSI;
}
