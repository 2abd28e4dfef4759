// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct msi_parent_ops (6.2): what the vector domain offers to PCI devices. Used by
 * iommu/linux/interrupt.c through compat_make_msi_offer().
 */
#include <linux/irqdomain.h>
#include <linux/msi.h>

unsigned int probe(struct irq_domain *domain);
unsigned int probe(struct irq_domain *domain)
{
	return domain->msi_parent_ops->supported_flags;
}
