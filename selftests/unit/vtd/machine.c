// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine of one remapping unit: see machine.h.
 *
 * The implementations differ in what a driver has to care for: depth and page sizes (CAP.SAGAW,
 * SLLPS), what is read of which memory and when (ECAP.C, CAP.RWBF, CAP.CM), how invalidations may
 * be asked for (CAP.PSI, MAMV, ECAP.MHMV), fault records (CAP.NFR), interrupts (ECAP.EIM, CAP.PI),
 * the stages of scalable mode (ECAP.SMTS, SSTS, FSTS, NEST), what devices keep (ECAP.DT).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

#define LEGACY	(VTD_ECAP_QI | VTD_ECAP_IR)
#define STAGES	(VTD_ECAP_SMTS | VTD_ECAP_SSTS | VTD_ECAP_FSTS | VTD_ECAP_NEST)

const struct implementation implementations[] = {
	{ "3 levels", {
		.cap = VTD_CAP_SAGAW(3) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI | VTD_CAP_PLMR,
		.ecap = LEGACY | VTD_ECAP_C | VTD_ECAP_PT | VTD_ECAP_SC,
		.haw = 39, .mgaw = 39, .domains = 6, .mamv = 18, .mhmv = 15, .records = 1 } },
	{ "4 levels, not coherent", {
		.cap = VTD_CAP_SAGAW(3) | VTD_CAP_SAGAW(4) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI,
		.ecap = LEGACY | VTD_ECAP_EIM | VTD_ECAP_PT,
		.haw = 46, .mgaw = 48, .domains = 6, .mamv = 9, .mhmv = 15, .records = 8 } },
	{ "5 levels, posted interrupts", {
		.cap = VTD_CAP_SAGAW(4) | VTD_CAP_SAGAW(5) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI |
		       VTD_CAP_PI,
		.ecap = LEGACY | VTD_ECAP_EIM | VTD_ECAP_PT | VTD_ECAP_SC | VTD_ECAP_C |
			VTD_ECAP_DT,
		.haw = 52, .mgaw = 57, .domains = 2, .mamv = 63, .mhmv = 15, .records = 64 } },
	{ "caching mode", {
		.cap = VTD_CAP_SAGAW(3) | VTD_CAP_SAGAW(4) | VTD_CAP_2M | VTD_CAP_PSI | VTD_CAP_CM,
		.ecap = LEGACY | VTD_ECAP_C | VTD_ECAP_PT,
		.haw = 46, .mgaw = 48, .domains = 6, .mamv = 18, .mhmv = 0, .records = 2 } },
	{ "caching mode, not coherent, posted interrupts", {
		.cap = VTD_CAP_SAGAW(4) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI | VTD_CAP_CM |
		       VTD_CAP_PI,
		.ecap = LEGACY,
		.haw = 42, .mgaw = 48, .domains = 4, .mamv = 0, .mhmv = 3, .records = 4 } },
	{ "write buffers, small pages, no page-selective invalidation", {
		.cap = VTD_CAP_SAGAW(3) | VTD_CAP_RWBF,
		.ecap = LEGACY | VTD_ECAP_C,
		.haw = 36, .mgaw = 39, .domains = 1, .mhmv = 15, .records = 1 } },
	{ "scalable mode, all stages, PASIDs, ATS", {
		.cap = VTD_CAP_SAGAW(4) | VTD_CAP_SAGAW(5) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI |
		       VTD_CAP_FS1GP | VTD_CAP_FS5LP,
		.ecap = LEGACY | STAGES | VTD_ECAP_C | VTD_ECAP_SMPWC | VTD_ECAP_PT | VTD_ECAP_SC |
			VTD_ECAP_PASID | VTD_ECAP_DT | VTD_ECAP_DIT,
		.haw = 40, .mgaw = 57, .domains = 6, .mamv = 18, .mhmv = 15, .records = 8 } },
	{ "scalable mode, not coherent, first stage alone", {
		.cap = VTD_CAP_SAGAW(4) | VTD_CAP_PSI | VTD_CAP_2M,
		.ecap = LEGACY | VTD_ECAP_SMTS | VTD_ECAP_FSTS | VTD_ECAP_PASID,
		.haw = 46, .mgaw = 48, .domains = 6, .mamv = 9, .mhmv = 15, .records = 1 } },
	{ "scalable mode, caching mode, not coherent, nested", {
		.cap = VTD_CAP_SAGAW(3) | VTD_CAP_SAGAW(4) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI |
		       VTD_CAP_FS1GP | VTD_CAP_CM,
		.ecap = LEGACY | STAGES | VTD_ECAP_PT | VTD_ECAP_DT,
		.haw = 39, .mgaw = 48, .domains = 6, .mamv = 18, .mhmv = 15, .records = 2 } },
	{ "scalable mode, write buffers, no page-selective invalidation", {
		.cap = VTD_CAP_SAGAW(4) | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_RWBF,
		.ecap = LEGACY | STAGES | VTD_ECAP_C | VTD_ECAP_SMPWC | VTD_ECAP_PASID,
		.haw = 40, .mgaw = 48, .domains = 4, .mhmv = 15, .records = 1 } },
};

const unsigned int nr_implementations = ARRAY_SIZE(implementations);

struct vtd vtd;
unsigned long waits;
void (*meanwhile)(void);

static void freed(u64 page)
{
	vtd_page_freed(&vtd, page);
}

/* Power on: memory is empty, the unit is as after reset. */
void machine_start(const struct vtd_choice *choice, u64 seed)
{
	mem_reset(choice->cap & VTD_CAP_RWBF ? MEM_BUFFERED :
		  choice->ecap & VTD_ECAP_C ? MEM_COHERENT : MEM_CACHED, seed);
	vtd_power_on(&vtd, choice);
	memory.freed = freed;
	meanwhile = NULL;
}

u32 shim_read32(void *regs, u32 reg)
{
	mem_settle();
	return vtd_read32(regs, reg);
}

void shim_write32(void *regs, u32 reg, u32 value)
{
	mem_settle();
	vtd_write32(regs, reg, value);
	mem_observe();
}

u64 shim_read64(void *regs, u32 reg)
{
	u64 low = shim_read32(regs, reg);

	return low | (u64)shim_read32(regs, reg + 4) << 32;
}

/* The upper half first: what a write starts, the lower half starts. */
void shim_write64(void *regs, u32 reg, u64 value)
{
	shim_write32(regs, reg + 4, value >> 32);
	shim_write32(regs, reg, value);
}

void shim_delay(void)
{
	waits++;
	vtd_tick(&vtd);
	mem_observe();
}

/* Another processor may have the unit's lock meanwhile. */
void shim_pause(struct shim_lock *lock)
{
	void (*other)(void) = meanwhile;

	meanwhile = NULL;
	if (other)
		other();
	shim_delay();
}

/* What iommu/linux does when it gives the unit's lock back: users' devices are cut off. */
void machine_unlock(const struct remap_unit *unit)
{
	if (unit->times_given_up)
		vtd.no_masters = true;
}

void result(bool good, const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	tap_ok(good && !violations, "%s", name);
	if (violations)
		printf("# %s%s\n", first_violation, violations > 1 ? ", and more" : "");
	fflush(stdout);
	if (tap_failed && getenv("STOP_AT_FAILURE"))
		exit(1);
}
