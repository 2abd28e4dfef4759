// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_CAP_ENFORCE_CACHE_COHERENCY (6.2): VFIO asks for it before there is a domain. Used by
 * iommu/linux/domain.c through compat_asks_for_snooping().
 */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
