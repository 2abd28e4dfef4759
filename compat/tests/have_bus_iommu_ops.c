// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus_type::iommu_ops (6.1): the IOMMU driver of a bus, which stays when the driver goes. 6.12 asks
 * each device. Used by iommu/linux/domain.c through compat_forget_iommu_ops().
 */
#include <linux/pci.h>

void probe(void);
void probe(void)
{
	pci_bus_type.iommu_ops = NULL;
}
