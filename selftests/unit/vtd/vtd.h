/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of one remapping unit, from the VT-d specification and not from the driver.
 *
 * "Register Descriptions", "DMA Remapping", "Interrupt Remapping", "Interrupt Posting", "Caching
 * Translation Information", "Queued Invalidation Interface", "Fault Logging"; legacy and scalable
 * mode. It shares no definition with iommu/hw, and reads all tables out of memory.h. It is the
 * worst hardware that the specification allows: commands and descriptors complete late, every
 * cache (context, PASID, IOTLB, paging structures, device-TLB, interrupt entries) keeps what it has
 * until it is told otherwise, or drops it at any time.
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
#define VTD_CAP_FS1GP		(1UL << 56)
#define VTD_CAP_PI		(1UL << 59)
#define VTD_CAP_FS5LP		(1UL << 60)
#define VTD_ECAP_C		(1UL << 0)
#define VTD_ECAP_QI		(1UL << 1)
#define VTD_ECAP_DT		(1UL << 2)
#define VTD_ECAP_IR		(1UL << 3)
#define VTD_ECAP_EIM		(1UL << 4)
#define VTD_ECAP_PT		(1UL << 6)
#define VTD_ECAP_SC		(1UL << 7)
#define VTD_ECAP_NEST		(1UL << 26)
#define VTD_ECAP_PASID		(1UL << 40)
#define VTD_ECAP_DIT		(1UL << 41)
#define VTD_ECAP_SMTS		(1UL << 43)
#define VTD_ECAP_SSTS		(1UL << 46)
#define VTD_ECAP_FSTS		(1UL << 47)
#define VTD_ECAP_SMPWC		(1UL << 48)

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

/* PGTT of a PASID-table entry; a context entry of legacy mode has the second and the last. */
enum vtd_path { VTD_FIRST = 1, VTD_SECOND, VTD_NESTED, VTD_THROUGH };

/* One thing of the context cache, PASID cache, IOTLB, paging-structure caches or others. */
struct vtd_cached {
	bool valid;
	uint8_t level;		/* paging: of the entry; 1: a page of 4 KiB */
	uint8_t reason;		/* caching mode: the fault instead */
	uint8_t rights;
	uint8_t path;		/* paging: VTD_FIRST, VTD_SECOND, VTD_NESTED */
	uint16_t domain;
	uint32_t pasid;		/* of no meaning to VTD_SECOND */
	uint64_t tag;		/* requester, first address, or index */
	uint64_t lo, hi;
	uint64_t third;		/* PASID-table entry */
};

#define VTD_CONTEXTS	64
#define VTD_PASIDS	64
#define VTD_PAGES	1024
#define VTD_DEVICE_PAGES 256
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
	bool no_masters;		/* no device may send: bus mastering is off */
	bool time_out;			/* no device-TLB invalidation is answered */
	unsigned long marks;		/* accessed and dirty bits that the hardware had to write */
	struct vtd_cached contexts[VTD_CONTEXTS];
	struct vtd_cached pasids[VTD_PASIDS];
	struct vtd_cached pages[VTD_PAGES];
	struct vtd_cached device_pages[VTD_DEVICE_PAGES];	/* what devices keep (ATS) */
	struct vtd_cached interrupts[VTD_INTERRUPTS];
};

enum vtd_outcome { VTD_ADDRESS, VTD_INTERRUPT, VTD_POSTED, VTD_FAULT, VTD_SILENT };

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
	PASID_IN_LEGACY_MODE = 0x31,
	SM_ROOT_ACCESS = 0x38, SM_ROOT_NOT_PRESENT, SM_ROOT_RESERVED,
	SM_CONTEXT_ACCESS = 0x40, SM_CONTEXT_NOT_PRESENT, SM_CONTEXT_RESERVED, SM_CONTEXT_INVALID,
	SM_NO_ATS, SM_NO_PASID, SM_PASID_TOO_LARGE,
	DIRECTORY_ACCESS = 0x50, DIRECTORY_NOT_PRESENT, DIRECTORY_RESERVED,
	PASID_ACCESS = 0x58, PASID_NOT_PRESENT, PASID_RESERVED, PASID_INVALID,
	FS_ACCESS = 0x70, FS_NOT_PRESENT, FS_RESERVED,
	SS_ACCESS = 0x78, SS_NOT_PRESENT, SS_RESERVED,
	FS_NOT_CANONICAL = 0x80, FS_SUPERVISOR, SM_BEYOND_MACHINE = 0x83, SM_BEYOND_TABLE,
	SM_WRITE_DENIED, SM_READ_DENIED,
};

#define VTD_NO_PASID	(~0U)

void vtd_power_on(struct vtd *v, const struct vtd_choice *choice);
uint32_t vtd_read32(struct vtd *v, uint32_t reg);
void vtd_write32(struct vtd *v, uint32_t reg, uint32_t value);
void vtd_tick(struct vtd *v);
void vtd_page_freed(struct vtd *v, uint64_t page);

struct vtd_answer vtd_dma(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			  bool write);
struct vtd_answer vtd_dma_ats(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			      bool write);
struct vtd_answer vtd_interrupt(struct vtd *v, uint16_t source, uint64_t address, uint32_t data);

/* Between the model's own files. */
uint64_t vtd_bits(uint64_t value, unsigned int high, unsigned int low);
struct vtd_answer vtd_fault(struct vtd *v, uint8_t reason, uint16_t source, uint64_t info,
			    bool read);

/* struct vtd_way - what the entries of a requester say */
struct vtd_way {
	uint8_t path;			/* enum vtd_path */
	bool quiet;			/* Fault Processing Disable */
	uint16_t domain;
	uint32_t pasid;
	uint64_t first, second;		/* roots */
	unsigned int first_levels, second_levels;
};

bool vtd_scalable(const struct vtd *v);
bool vtd_translating(const struct vtd *v);
struct vtd_cached *vtd_look_up(struct vtd *v, struct vtd_cached *slot,
			       const struct vtd_cached *what);
uint8_t vtd_find_way(struct vtd *v, uint16_t source, uint32_t pasid, struct vtd_way *way);
uint8_t vtd_may_keep(struct vtd *v, uint16_t source);
void vtd_forget_contexts(struct vtd *v, unsigned int granularity, uint16_t domain, uint16_t source,
			 unsigned int function_mask);
void vtd_forget_pasids(struct vtd *v, unsigned int granularity, uint16_t domain, uint32_t pasid);
void vtd_forget_pages(struct vtd *v, unsigned int granularity, uint16_t domain, uint64_t address,
		      unsigned int mask, bool leaf_only);
void vtd_forget_pasid_pages(struct vtd *v, bool all, uint16_t domain, uint32_t pasid,
			    uint64_t address, unsigned int mask, bool leaf_only);
void vtd_forget_device_pages(struct vtd *v, uint16_t source, uint32_t pasid, uint64_t address,
			     bool range);
void vtd_entries_freed(struct vtd *v, uint64_t page);
void vtd_forget_interrupts(struct vtd *v, bool all, unsigned int index, unsigned int mask);

#endif
