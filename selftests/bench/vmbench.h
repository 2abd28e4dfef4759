/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vmbench share: how a guest measures itself and how a row is printed.
 *
 * Relies on the kselftests' library; vmbench.c has main() and the rows of single exits,
 * rows_event.c those of interrupts and eventfds, rows_ipi.c those of two vCPUs, rows_memory.c those
 * of memory slots.
 */
#ifndef VMBENCH_H
#define VMBENCH_H

#include <pthread.h>

#include "apic.h"

#define PORT_USER 0xf1		/* nobody's: goes to userspace */
#define VECTOR 0x60

#define BATCHES 16
#define BATCH 64
#define SAMPLES_MAX 512

/* What a guest leaves behind; the host reads the guest's copy of the image. */
extern volatile u64 samples[SAMPLES_MAX];
extern volatile u64 nr_samples;

/*
 * The body runs BATCH times in each of BATCHES batches. UC_SYNC and UC_DONE frame what the host
 * counts. IF=1: no interrupt comes, and Bochs then lets the host's own ones through.
 */
#define GUEST_LOOP(name, prepare, body)					\
	static void name(void)						\
	{								\
		sti();							\
		prepare;						\
		body;							\
		GUEST_SYNC(0);						\
		for (u64 b = 0; b < BATCHES; b++) {			\
			u64 start = rdtsc();				\
									\
			for (u64 i = 0; i < BATCH; i++) {		\
				body;					\
				asm volatile("" : : : "memory");	\
			}						\
			samples[b] = rdtsc() - start;			\
		}							\
		nr_samples = BATCHES;					\
		guest_done();						\
	}

/* In the guest. */
void x2apic_enable(void);
void wait_for_irq(u32 before);

/* A vCPU of a new VM, with the CPUID of all rows, that will run @fn. */
struct kt_vcpu *bench_guest(void (*fn)(void));
/* Number 1 of the same VM, for a thread of its own. */
struct kt_vcpu *bench_second(struct kt_vm *vm, void (*fn)(void));
/* Run a GUEST_LOOP(), print its row and free its VM. @user is called at each OUT to PORT_USER. */
void bench_loop(const char *name, struct kt_vcpu *vcpu, void (*user)(struct kt_vm *vm));
/*
 * Run a guest that takes one sample for each operation, print the median, free its VM. @other, the
 * second vCPU's thread, ends when the guest has told its vCPU so.
 */
void bench_samples(const char *name, struct kt_vcpu *vcpu, pthread_t other);
void print_row(const char *name, long value);
/* Sorts @values; the smallest is first then. Signed: a timer may fire ahead of its time. */
long median(long *values, unsigned int n);
void *map(size_t size);

/* rows_event.c */
void guest_eoi_xapic(void);
void guest_eoi_x2apic(void);
void guest_tpr_x2apic(void);
void ioeventfd_pio_row(const char *name, void (*unused)(void));
void ioeventfd_mmio_row(const char *name, void (*unused)(void));
void irqfd_running_row(const char *name, void (*unused)(void));
void irqfd_halted_row(const char *name, void (*unused)(void));
void msi_row(const char *name, void (*unused)(void));

/* rows_ipi.c */
void ipi_running_row(const char *name, void (*unused)(void));
void ipi_halted_row(const char *name, void (*unused)(void));
void ipi_halted_short_row(const char *name, void (*unused)(void));
void ipi_halted_edge_row(const char *name, void (*unused)(void));
void ipi_halted_burst_row(const char *name, void (*unused)(void));

/* rows_memory.c: each prints the rows of its name and those that come with it. */
void slot_add_row(const char *name, void (*unused)(void));
void slot_delete_row(const char *name, void (*unused)(void));
void dirty_log_rows(const char *name, void (*unused)(void));
void fork_row(const char *name, void (*unused)(void));
void fork_1g_row(const char *name, void (*unused)(void));

#endif
