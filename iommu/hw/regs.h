/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers and in-memory formats of a remapping unit, legacy and scalable mode.
 *
 * VT-d specification, "Register Descriptions", "Translation Structure Formats", "Queued
 * Invalidation Interface", "Fault Recording Registers", "Interrupt Remapping Table Entry". Names
 * and bit numbers only; relies on nothing.
 */
#ifndef MINIKVM_IOMMU_HW_REGS_H
#define MINIKVM_IOMMU_HW_REGS_H

#include "shim.h"

#define DMAR_VER		0x00
#define DMAR_CAP		0x08
#define DMAR_ECAP		0x10
#define DMAR_GCMD		0x18
#define DMAR_GSTS		0x1c
#define DMAR_RTADDR		0x20
#define DMAR_FSTS		0x34
#define DMAR_FECTL		0x38
#define DMAR_FEDATA		0x3c
#define DMAR_FEADDR		0x40
#define DMAR_FEUADDR		0x44
#define DMAR_PMEN		0x64
#define DMAR_IQH		0x80
#define DMAR_IQT		0x88
#define DMAR_IQA		0x90
#define DMAR_IRTA		0xb8

/* Global Command and Global Status share their bits. */
#define GCMD_TE			BIT(31)
#define GCMD_SRTP		BIT(30)
#define GCMD_WBF		BIT(27)
#define GCMD_QIE		BIT(26)
#define GCMD_IRE		BIT(25)
#define GCMD_SIRTP		BIT(24)
#define GCMD_CFI		BIT(23)
/* Bits that are written as they are with each command; the others each start something. */
#define GCMD_STATE		(GCMD_TE | BIT(28) | GCMD_QIE | GCMD_IRE | GCMD_CFI)

#define CAP_ND(c)		((unsigned int)((c) & 7))
#define CAP_RWBF		BIT_ULL(4)
#define CAP_PLMR		BIT_ULL(5)
#define CAP_PHMR		BIT_ULL(6)
#define CAP_CM			BIT_ULL(7)
#define CAP_SAGAW(c)		((unsigned int)((c) >> 8 & 0x1f))
#define CAP_MGAW(c)		((unsigned int)((c) >> 16 & 0x3f) + 1)
#define CAP_FRO(c)		((u32)((c) >> 24 & 0x3ff) * 16)
#define CAP_SLLPS_2M		BIT_ULL(34)
#define CAP_SLLPS_1G		BIT_ULL(35)
#define CAP_PSI			BIT_ULL(39)
#define CAP_NFR(c)		((unsigned int)((c) >> 40 & 0xff) + 1)
#define CAP_MAMV(c)		((unsigned int)((c) >> 48 & 0x3f))
#define CAP_FS1GP		BIT_ULL(56)
#define CAP_PI			BIT_ULL(59)
#define CAP_FS5LP		BIT_ULL(60)

#define ECAP_C			BIT_ULL(0)
#define ECAP_QI			BIT_ULL(1)
#define ECAP_DT			BIT_ULL(2)
#define ECAP_IR			BIT_ULL(3)
#define ECAP_EIM		BIT_ULL(4)
#define ECAP_PT			BIT_ULL(6)
#define ECAP_SC			BIT_ULL(7)
#define ECAP_MHMV(e)		((unsigned int)((e) >> 20 & 0xf))
#define ECAP_NEST		BIT_ULL(26)
#define ECAP_PASID		BIT_ULL(40)
#define ECAP_DIT		BIT_ULL(41)
#define ECAP_SMTS		BIT_ULL(43)
#define ECAP_SSTS		BIT_ULL(46)
#define ECAP_FSTS		BIT_ULL(47)
#define ECAP_SMPWC		BIT_ULL(48)

#define RTADDR_SCALABLE		BIT_ULL(10)
#define IQA_256_BITS		BIT_ULL(11)

#define FSTS_PFO		BIT(0)
#define FSTS_IQE		BIT(4)
#define FSTS_ICE		BIT(5)
#define FSTS_ITE		BIT(6)
#define FSTS_FRI(s)		((s) >> 8 & 0xff)
#define FECTL_IM		BIT(31)

/* The upper half of a fault recording register. */
#define FRCD_F			BIT_ULL(63)
#define FRCD_READ		BIT_ULL(62)
#define FRCD_REASON(hi)		((u8)((hi) >> 32))
#define FRCD_SID(hi)		((u16)(hi))

/* In the record of an interrupt, the upper end of the address is the index of its entry. */
#define FRCD_INDEX(lo)		((u16)((lo) >> 48))

#define IRTA_EIME		BIT(11)

#define PMEN_EPM		BIT(31)

#define ENTRY_PRESENT		BIT_ULL(0)
#define ADDR_MASK		GENMASK_ULL(51, 12)

/* Context entries: of legacy mode, then of scalable mode. */
#define CONTEXT_TT_ATS		BIT_ULL(2)
#define CONTEXT_TT_PASS		BIT_ULL(3)
#define CONTEXT_DTE		BIT_ULL(2)
#define CONTEXT_PASIDE		BIT_ULL(3)
/* The directory has 2^(7 + PDTS) entries: a page of them. */
#define CONTEXT_PDTS_PAGE	(2ULL << 9)

/* PASID-table entry: 8 words, of which 3 are in use. */
#define PASID_AW(levels)	((u64)((levels) - 2) << 2)
#define PASID_PGTT(path)	((u64)(path) << 6)
#define PASID_PGTT_OF(word0)	((unsigned int)((word0) >> 6 & 7))
#define PASID_DOMAIN(word1)	((u16)(word1))
#define PASID_PWSNP		BIT_ULL(23)
#define PASID_PGSNP		BIT_ULL(24)
#define PASID_FSPM(levels)	((u64)((levels) - 4) << 2)

/* Second-stage paging entries. */
#define SLPTE_READ		BIT_ULL(0)
#define SLPTE_WRITE		BIT_ULL(1)
#define SLPTE_SNOOP		BIT_ULL(11)
/* First-stage paging entries. */
#define FSPTE_PRESENT		BIT_ULL(0)
#define FSPTE_WRITE		BIT_ULL(1)
#define FSPTE_USER		BIT_ULL(2)
#define FSPTE_ACCESSED		BIT_ULL(5)
#define FSPTE_DIRTY		BIT_ULL(6)
/* Both. */
#define PTE_PAGE		BIT_ULL(7)

/* Invalidation descriptors. */
#define QI_CONTEXT		0x1ULL
#define QI_IOTLB		0x2ULL
#define QI_DEVICE_TLB		0x3ULL
#define QI_IEC			0x4ULL
#define QI_WAIT			0x5ULL
#define QI_PASID_IOTLB		0x6ULL
#define QI_PASID_CACHE		0x7ULL
#define QI_PASID_DEVICE_TLB	0x8ULL
/* Granularity: a field of two bits. */
#define QI_GLOBAL		0x10ULL
#define QI_DOMAIN		0x20ULL
#define QI_FINE			0x30ULL
/* Granularity for the PASID cache: everything, or one PASID of a domain. */
#define QI_PASID_GLOBAL		0x30ULL
#define QI_PASID_ONE		0x10ULL
#define QI_IOTLB_DRAIN		(BIT_ULL(6) | BIT_ULL(7))
#define QI_IEC_INDEX		BIT_ULL(4)
#define QI_WAIT_STATUS		BIT_ULL(5)
#define QI_DEVICE_TLB_RANGE	BIT_ULL(0)
#define QI_PASID_DEVICE_RANGE	BIT_ULL(11)

/** struct entry128 - 128 bits as hardware reads them: an entry of a table, or a descriptor */
struct entry128 {
	u64 lo;
	u64 hi;
};

#endif
