/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work bench of the MSR table's unit tests: a vCPU with every feature.
 */
#ifndef MSR_TEST_BENCH_H
#define MSR_TEST_BENCH_H

#include "virt/vcpu.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_fast.h"
#include "arch/x86/cpu/msr_feature.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/msr_list.h"
#include "arch/x86/cpu/msr_pass.h"
#include "arch/x86/cpu/msr_table.h"
#include "tap.h"

enum who { GUEST, HOST };

/* After power-up, a LAPIC in x2APIC mode, all in CPUID. */
struct mkvm_vcpu *vcpu_new(void);
void vcpu_free(struct mkvm_vcpu *vcpu);

#define for_each_row(row) \
	for ((row) = msr_table + 1; (row) < msr_table + msr_table_rows; (row)++)

#endif
