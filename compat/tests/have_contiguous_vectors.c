// SPDX-License-Identifier: GPL-2.0-only
/*
 * X86_IRQ_ALLOC_CONTIGUOUS_VECTORS (until 6.5): the vectors of one device's MSI follow each other.
 * Used by iommu/linux/interrupt.c as compat_any_vectors().
 */
#include <asm/irqdomain.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return X86_IRQ_ALLOC_CONTIGUOUS_VECTORS;
}
