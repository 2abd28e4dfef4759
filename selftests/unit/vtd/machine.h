/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine of one remapping unit for the driver's code (iommu/hw) to run on, and TAP.
 *
 * vtd.h is the unit, memory.h its memory; here are the doors between them and iommu/hw/shim.h, and
 * the implementations that the tests go through.
 */
#ifndef MINIKVM_TEST_VTD_MACHINE_H
#define MINIKVM_TEST_VTD_MACHINE_H

#include "iommu/hw/unit.h"
#include "memory.h"
#include "tap.h"
#include "vtd.h"

/** struct implementation - a unit as somebody might build it */
struct implementation {
	const char *name;
	struct vtd_choice choice;
};

extern const struct implementation implementations[];
extern const unsigned int nr_implementations;

extern struct vtd vtd;
/* How often the driver waited. */
extern unsigned long waits;
/* What another processor does in the driver's next wait, once. */
extern void (*meanwhile)(void);

void machine_start(const struct vtd_choice *choice, u64 seed);
void machine_unlock(const struct remap_unit *unit);

/* One line of TAP; not ok also when there was a violation. */
void result(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
