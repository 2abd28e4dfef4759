/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt-remapping table of a unit.
 *
 * VT-d specification, "Interrupt Remapping", "Interrupt-Remapping Table Entry". Remapped and posted
 * format, source-id checking, blocks of entries, both message formats. The caller holds the lock
 * of the unit.
 */
#ifndef MINIKVM_IOMMU_HW_IRTE_H
#define MINIKVM_IOMMU_HW_IRTE_H

#include "unit.h"

/* Lower half, both formats. */
#define IRTE_PRESENT		BIT_ULL(0)
#define IRTE_POSTED		BIT_ULL(15)
#define IRTE_VECTOR(lo)		((u8)((lo) >> 16))
/* Remapped format. */
#define IRTE_LOGICAL		BIT_ULL(2)
#define IRTE_REDIRECTION	BIT_ULL(3)
#define IRTE_LEVEL		BIT_ULL(4)
#define IRTE_DELIVERY(lo)	((unsigned int)((lo) >> 5 & 7))
#define IRTE_DESTINATION(lo)	((u32)((lo) >> 32))
/* Posted format. */
#define IRTE_URGENT		BIT_ULL(14)
/* Upper half: who may send. */
#define IRTE_SID(hi)		((u16)(hi))
#define IRTE_SVT(hi)		((unsigned int)((hi) >> 18 & 3))

enum irte_check { IRTE_ANYONE = 0, IRTE_REQUESTER = 1, IRTE_BUSES = 2 };

/**
 * struct irte_source - who may use an entry
 * @check: how its requests are checked
 * @id: IRTE_REQUESTER: bus, device and function; IRTE_BUSES: first and last bus
 * @ignore: IRTE_REQUESTER: how many bits of the function number may differ (SQ), 0 to 3
 */
struct irte_source {
	enum irte_check check;
	u16 id;
	u8 ignore;
};

int irt_init(struct remap_unit *unit);
void irt_free(struct remap_unit *unit);
int irt_enable(struct remap_unit *unit, bool x2apic);
int irt_disable(struct remap_unit *unit);
bool irt_pass_compatibility(struct remap_unit *unit, bool pass);

int irte_alloc(struct remap_unit *unit, unsigned int count);
void irte_free(struct remap_unit *unit, unsigned int index, unsigned int count);
struct entry128 irte_get(const struct remap_unit *unit, unsigned int index);
int irte_set(struct remap_unit *unit, unsigned int index, struct entry128 entry);

struct entry128 irte_remapped(const struct remap_unit *unit, u32 address, u32 data, u32 apic,
			      bool level, struct irte_source source);
struct entry128 irte_posted(u64 descriptor, u8 vector, bool urgent, struct irte_source source);
u32 irte_message(unsigned int index, bool block);

#endif
