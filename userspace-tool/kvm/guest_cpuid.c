// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's CPUID table, from what KVM_GET_SUPPORTED_CPUID offers.
 *
 * SDM, "CPUID - CPU Identification": leaves 1, 4, 0BH, 15H, 1FH, 80000008H. Pure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "kvm/guest_cpuid.h"

#define CPUID_1_ECX_TSC_DEADLINE BIT(24)
#define CPUID_1_ECX_HYPERVISOR	BIT(31)
#define CPUID_1_EDX_MTRR	BIT(12)
#define CPUID_1_EDX_HTT		BIT(28)
#define CPUID_TSC		0x15
#define CRYSTAL_KHZ		1000000U
#define ERROR_PPM		20

static unsigned int log2_up(unsigned int n)
{
	unsigned int bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

/**
 * cpuid_adjust() - what the host reports is the host's topology; the guest must see its own
 * @cpuid: the table, changed in place
 * @id: the vCPU's APIC ID
 * @cpus: number of vCPUs
 * @tsc_deadline: the local APIC has a TSC-deadline timer
 *
 * Return: whether the guest has MTRRs.
 */
bool cpuid_adjust(struct kvm_cpuid2 *cpuid, unsigned int id, unsigned int cpus,
		  bool tsc_deadline)
{
	struct kvm_cpuid_entry2 *e;
	bool mtrr = false;

	for (e = cpuid->entries; e < cpuid->entries + cpuid->nent; e++) {
		switch (e->function) {
		case 0x1:
			e->ebx = (e->ebx & 0xffff) | cpus << 16 | id << 24;
			e->ecx |= CPUID_1_ECX_HYPERVISOR;
			if (tsc_deadline)
				e->ecx |= CPUID_1_ECX_TSC_DEADLINE;
			if (cpus == 1)
				e->edx &= ~CPUID_1_EDX_HTT;
			mtrr = e->edx & CPUID_1_EDX_MTRR;
			break;
		case 0x4:
			/* Sharing of caches: every vCPU is a core of one package. */
			e->eax &= 0x3fff;
			if (e->eax & 0x1f)
				e->eax |= (cpus - 1) << 26;
			break;
		case 0xb:
		case 0x1f:
			e->eax = e->index == 1 ? log2_up(cpus) : 0;
			e->ebx = e->index == 0 ? 1 : e->index == 1 ? cpus : 0;
			e->ecx = e->index | (e->index < 2 ? (e->index + 1) << 8 : 0);
			e->edx = id;
			break;
		case 0x80000008:
			e->ecx = cpus - 1;
			break;
		}
	}
	return mtrr;
}

/* The entry of @function, made if there is none and room for one; NULL if not. */
static struct kvm_cpuid_entry2 *cpuid_entry(struct kvm_cpuid2 *cpuid, unsigned int function)
{
	struct kvm_cpuid_entry2 *e;

	for (e = cpuid->entries; e < cpuid->entries + cpuid->nent; e++)
		if (e->function == function)
			return e;
	if (cpuid->nent == CPUID_ENTRIES_MAX)
		return NULL;
	cpuid->nent++;
	memset(e, 0, sizeof(*e));
	e->function = function;
	return e;
}

/**
 * cpuid_announce_tsc() - tell the guest the frequency of its TSC
 * @cpuid: the table, changed in place
 * @tsc_khz: the frequency; 0 = unknown, then nothing is told
 *
 * Leaf 15H, "Time Stamp Counter and Nominal Core Crystal Clock Information": without it, and
 * without a paravirtual clock, a guest has to guess from a PIT that it does not always have. The
 * crystal also is the clock of the local APIC's timer, 1 GHz in KVM's ABI. Nothing is told where
 * the ratio of the two cannot be given to 20 millionths; mostly it is exact to one kHz.
 */
void cpuid_announce_tsc(struct kvm_cpuid2 *cpuid, unsigned int tsc_khz)
{
	__u64 ebx, best_ebx = 1, best_eax = 1, best_error = ~0ULL;
	struct kvm_cpuid_entry2 *max, *e;

	if (!tsc_khz)
		return;
	/* The best EBX / EAX = tsc_khz / CRYSTAL_KHZ; guests multiply EBX and kHz in 32 bits. */
	for (ebx = 1; ebx <= UINT32_MAX / CRYSTAL_KHZ; ebx++) {
		__u64 eax = (ebx * CRYSTAL_KHZ + tsc_khz / 2) / tsc_khz;
		__u64 error;

		if (!eax)
			continue;
		/* In millihertz. */
		error = llabs((long long)(tsc_khz * eax - CRYSTAL_KHZ * ebx)) * 1000000 / eax;
		if (error < best_error) {
			best_error = error;
			best_ebx = ebx;
			best_eax = eax;
		}
	}
	if (best_error / ERROR_PPM > tsc_khz)	/* mHz and kHz: already in millionths */
		return;
	max = cpuid_entry(cpuid, 0);
	e = cpuid_entry(cpuid, CPUID_TSC);
	if (!max || !e)
		return;
	if (max->eax < CPUID_TSC)
		max->eax = CPUID_TSC;
	e->eax = best_eax;
	e->ebx = best_ebx;
	e->ecx = CRYSTAL_KHZ * 1000;
	e->edx = 0;
}
