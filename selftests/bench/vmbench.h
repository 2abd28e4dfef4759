/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vmbench share: how a guest measures itself and how a row is printed.
 *
 * Relies on the kselftests' library; vmbench.c has main() and the rows of single exits,
 * rows_event.c those of interrupts and eventfds, rows_ipi.c those of two vCPUs, rows_memory.c those
 * of memory slots, rows_growth.c those of growth.
 */
#ifndef VMBENCH_H
#define VMBENCH_H

#include <pthread.h>

#include "apic.h"

#define PORT_USER 0xf1		/* has no device: goes to userspace */
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
/* What bench_loop() and bench_samples() print; the latter's VM is the caller's to free. */
long bench_ticks(struct kt_vcpu *vcpu, void (*user)(struct kt_vm *vm));
long bench_median(struct kt_vcpu *vcpu);
void print_row(const char *name, long value);
/* How much of the row is the host kernel's own: measured without a guest. */
void print_own(const char *name, long value);
/* A row of growth, with @n of what it may depend on. */
void print_growth(const char *name, u32 n, long value);
/* Sorts @values; the smallest is first then. Signed: a timer may fire ahead of its time. */
long median(long *values, unsigned int n);
void *map(size_t size);
/* As much address space as is wanted, in 4 KiB pages of little memory. */
u8 *map_repeated(u64 size);

/* Free memory of the host, what earlier VMs left in caches, and a VM that has run once. */
u64 free_kb(void);
void empty_caches(void);
struct kt_vm *idle_vm(struct kt_vm *ram, void (*fn)(void));
void free_idle_vm(struct kt_vm *vm);

/* rows_event.c */
void guest_eoi_xapic(void);
void guest_eoi_x2apic(void);
void guest_tpr_x2apic(void);
void ioeventfd_pio_row(const char *name, void (*unused)(void));
void ioeventfd_mmio_row(const char *name, void (*unused)(void));
void irqfd_running_row(const char *name, void (*unused)(void));
void irqfd_halted_row(const char *name, void (*unused)(void));
void msi_row(const char *name, void (*unused)(void));
long irqfd_with_routes(u32 routes);

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

/* rows_growth.c: each prints its name, or those that come with it, for several numbers. */
void growth_slots(const char *name, void (*unused)(void));
void growth_ipi(const char *name, void (*unused)(void));
void growth_vms(const char *name, void (*fn)(void));
void growth_populate(const char *name, void (*unused)(void));
void growth_routes(const char *name, void (*unused)(void));

#endif
