/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of one remapping unit, from the VT-d specification and not from the driver.
 *
 * "Register Descriptions", "DMA Remapping", "Interrupt Remapping", "Interrupt Posting",
 * "Caching Translation Information", "Queued Invalidation Interface", "Fault Logging"; legacy mode.
 * It shares no definition with iommu/hw, and reads all tables out of memory.h. It is the worst
 * hardware that the specification allows: commands and descriptors complete late, every cache
 * (context, IOTLB, paging structures, interrupt entries) keeps what it has until it is told
 * otherwise, or drops it at any time.
 */
#ifndef MINIKVM_TEST_VTD_H
#define MINIKVM_TEST_VTD_H

#include <stdbool.h>
#include <stdint.h>

/* What an implementation may choose. */
#define VTD_CAP_RWBF		(1UL << 4)
#define VTD_CAP_PLMR		(1UL << 5)
#define VTD_CAP_CM		(1UL << 7)
#define VTD_CAP_SAGAW(levels)	(1UL << ((levels) - 2 + 8))
#define VTD_CAP_2M		(1UL << 34)
#define VTD_CAP_1G		(1UL << 35)
#define VTD_CAP_PSI		(1UL << 39)
#define VTD_CAP_PI		(1UL << 59)
#define VTD_ECAP_C		(1UL << 0)
#define VTD_ECAP_QI		(1UL << 1)
#define VTD_ECAP_DT		(1UL << 2)
#define VTD_ECAP_IR		(1UL << 3)
#define VTD_ECAP_EIM		(1UL << 4)
#define VTD_ECAP_PT		(1UL << 6)
#define VTD_ECAP_SC		(1UL << 7)

#define VTD_FRO			0x400

/** struct vtd_choice - an implementation */
struct vtd_choice {
	uint64_t cap;		/* VTD_CAP_* */
	uint64_t ecap;		/* VTD_ECAP_* */
	unsigned int haw;	/* bits of a physical address */
	unsigned int mgaw;	/* bits of a device's address */
	unsigned int domains;	/* CAP.ND: 2^(4 + 2 * ND) domains */
	unsigned int mamv;
	unsigned int mhmv;
	unsigned int records;	/* fault recording registers */
};

/* One thing of the context cache, IOTLB, paging-structure caches or interrupt-entry cache. */
struct vtd_cached {
	bool valid;
	uint8_t level;		/* paging: of the entry; 1: a page of 4 KiB */
	uint8_t reason;		/* caching mode: the fault instead */
	uint8_t rights;
	uint16_t domain;
	uint64_t tag;		/* requester, first address, or index */
	uint64_t lo, hi;
};

#define VTD_CONTEXTS	64
#define VTD_PAGES	1024
#define VTD_INTERRUPTS	256

/** struct vtd - the unit; tests read it and turn its @hold and the like */
struct vtd {
	struct vtd_choice is;
	uint32_t reg[1024];
	uint64_t root, irt;		/* latched by SRTP and SIRTP */
	uint32_t command;		/* under way */
	unsigned int delay;
	unsigned int next_record;
	unsigned int fault_events;
	unsigned long descriptors;
	unsigned long dma_requests, cache_hits;
	bool hold;			/* the queue makes no progress */
	bool deaf;			/* commands never complete */
	bool time_out;			/* the next device-TLB invalidation is never answered */
	struct vtd_cached contexts[VTD_CONTEXTS];
	struct vtd_cached pages[VTD_PAGES];
	struct vtd_cached interrupts[VTD_INTERRUPTS];
};

enum vtd_outcome { VTD_ADDRESS, VTD_INTERRUPT, VTD_POSTED, VTD_FAULT };

/** struct vtd_answer - what becomes of a request */
struct vtd_answer {
	enum vtd_outcome outcome;
	uint8_t reason;			/* VTD_FAULT: the fault reason code */
	uint64_t address;		/* VTD_ADDRESS: where; VTD_POSTED: the descriptor */
	uint8_t vector, delivery;	/* VTD_INTERRUPT; VTD_POSTED: the bit in PIR */
	bool logical, redirection, level, compatibility;
	uint32_t destination;
	bool notified;			/* VTD_POSTED: @notification was sent to @destination */
	uint8_t notification;
};

/* Fault reason codes, "Fault Conditions". */
enum {
	ROOT_NOT_PRESENT = 0x01, CONTEXT_NOT_PRESENT, CONTEXT_INVALID, ADDRESS_TOO_WIDE,
	WRITE_DENIED, READ_DENIED, PAGING_ACCESS, ROOT_ACCESS, CONTEXT_ACCESS,
	ROOT_RESERVED, CONTEXT_RESERVED, PAGING_RESERVED,
	IRQ_RESERVED = 0x20, IRQ_INDEX, IRTE_NOT_PRESENT, IRT_ACCESS, IRTE_RESERVED,
	IRQ_COMPATIBILITY, IRQ_SOURCE, PID_ACCESS, PID_RESERVED,
};

void vtd_power_on(struct vtd *v, const struct vtd_choice *choice);
uint32_t vtd_read32(struct vtd *v, uint32_t reg);
void vtd_write32(struct vtd *v, uint32_t reg, uint32_t value);
void vtd_tick(struct vtd *v);
void vtd_page_freed(struct vtd *v, uint64_t page);

struct vtd_answer vtd_dma(struct vtd *v, uint16_t source, uint64_t address, bool write);
struct vtd_answer vtd_interrupt(struct vtd *v, uint16_t source, uint64_t address, uint32_t data);

/* Between the model's own files. */
uint64_t vtd_bits(uint64_t value, unsigned int high, unsigned int low);
struct vtd_answer vtd_fault(struct vtd *v, uint8_t reason, uint16_t source, uint64_t info,
			    bool read);
void vtd_forget_contexts(struct vtd *v, unsigned int granularity, uint16_t domain, uint16_t source,
			 unsigned int function_mask);
void vtd_forget_pages(struct vtd *v, unsigned int granularity, uint16_t domain, uint64_t address,
		      unsigned int mask, bool leaf_only);
void vtd_forget_interrupts(struct vtd *v, bool all, unsigned int index, unsigned int mask);

#endif
