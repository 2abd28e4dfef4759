/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl fuzzer: what its parts share.
 *
 * A run is a row of numbered cases. A case is a process with VMs, vCPU threads, threads that issue
 * ioctls, and one that disturbs; what each thread does in its n-th step depends on (seed, case,
 * thread, n) alone, so that a subset of the steps can be run again. Relies on the library of
 * selftests/kselftest for guests; Documentation/fuzzing.rst tells the whole.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <pthread.h>

#include "guest.h"

/* Random numbers: SplitMix64. */
struct fz_rng {
	u64 state;
};

void fz_seed(struct fz_rng *r, u64 seed, u64 nr, u64 thread, u64 step);
u64 fz_next(struct fz_rng *r);
u64 fz_below(struct fz_rng *r, u64 n);
bool fz_one_in(struct fz_rng *r, u64 n);

/* Kinds of descriptors. */
enum fz_fd {
	FZ_SYS, FZ_VM, FZ_VCPU, FZ_DEVICE, FZ_STATS, FZ_EVENT, FZ_TEST_DEVICE, FZ_NR_FDS,
};

#define FZ_FDS 16	/* of each kind, at most */
#define FZ_VMS 2
#define FZ_VCPUS 4	/* threads that run vCPUs, at most */
#define FZ_IOCTLERS 3	/* threads that issue ioctls, at most */
#define FZ_DISTURBER FZ_IOCTLERS	/* number of the thread that disturbs */
#define FZ_RUNNER (FZ_DISTURBER + 1)	/* number of the first vCPU thread */
#define FZ_THREADS (FZ_RUNNER + FZ_VCPUS)
#define FZ_ROOM (32 << 10)	/* bytes of an ioctl's structure, at most */

/* Which steps of which threads are run: --ops, --threads. */
struct fz_range {
	u32 first, last;
};

struct fz_subset {
	struct fz_range range[64];
	u32 n;			/* 0: all */
};

bool fz_in_subset(const struct fz_subset *s, u32 x);

struct fz_options {
	u64 seed;
	u32 first, last;	/* cases */
	struct fz_subset ops, threads;
	const char *kind;	/* of all cases, or NULL */
	bool verbose;
};

extern struct fz_options fz_opt;

/* What the process of a case tells its parent, in shared memory. */
struct fz_report {
	volatile int will_kill_itself;
	volatile int failed;
	volatile u64 ioctls, runs, accepted;
	char why[512];
};

extern struct fz_report *fz_report;

struct fz_case;

struct fz_thread {
	struct fz_case *c;
	struct fz_rng rng;
	u32 nr;			/* in the case */
	u32 steps;
	pthread_t id;
	volatile bool running;
	u8 *buf;		/* FZ_ROOM bytes, then a page that is not there */
	struct kt_vcpu *vcpu;	/* of a vCPU thread */
	struct kvm_regs regs;	/* where it begins, and begins again */
	struct kvm_sregs sregs;
};

struct fz_case {
	u32 nr;
	struct fz_rng rng;
	struct kt_vm *vm[FZ_VMS];
	u32 vms, vcpus, ioctlers;
	int fd[FZ_NR_FDS][FZ_FDS];
	u8 *scratch;		/* 8 MiB of the process, memory for slots */
	bool sane;		/* no vCPU's state is touched: its guest must go on */
	volatile bool stop;
	volatile int busy;	/* threads that are not through with their steps */
	struct fz_thread thread[FZ_THREADS];
};

/* values.c */
u64 fz_value(struct fz_rng *r);
u64 fz_gpa(struct fz_rng *r);
u64 fz_hva(struct fz_thread *t);
u32 fz_msr(struct fz_rng *r);
void fz_mutate(struct fz_rng *r, void *buf, size_t size);

/* table.c */
void fz_ioctl_step(struct fz_thread *t);
int fz_fd_get(struct fz_case *c, struct fz_rng *r, enum fz_fd kind);
void fz_fd_put(struct fz_case *c, struct fz_rng *r, enum fz_fd kind, int fd);
void fz_check_errno(const char *name, int err);

/* fill.c: structures that need more than mutation */
void fz_fill_region(struct fz_thread *t, void *buf, int fd);
void fz_fill_irqfd(struct fz_thread *t, void *buf, int fd);
void fz_fill_ioeventfd(struct fz_thread *t, void *buf, int fd);
void fz_fill_routing(struct fz_thread *t, void *buf, int fd);
void fz_fill_dirty_log(struct fz_thread *t, void *buf, int fd);
void fz_fill_clear_log(struct fz_thread *t, void *buf, int fd);
void fz_fill_zone(struct fz_thread *t, void *buf, int fd);
void fz_fill_irq_level(struct fz_thread *t, void *buf, int fd);
void fz_fill_irqchip(struct fz_thread *t, void *buf, int fd);
void fz_fill_msi(struct fz_thread *t, void *buf, int fd);
void fz_fill_cap(struct fz_thread *t, void *buf, int fd);
void fz_fill_vcpu_cap(struct fz_thread *t, void *buf, int fd);
void fz_fill_device(struct fz_thread *t, void *buf, int fd);
void fz_fill_attribute(struct fz_thread *t, void *buf, int fd);
void fz_fill_msrs(struct fz_thread *t, void *buf, int fd);
void fz_fill_index_list(struct fz_thread *t, void *buf, int fd);
void fz_fill_cpuid(struct fz_thread *t, void *buf, int fd);
void fz_fill_supported(struct fz_thread *t, void *buf, int fd);
void fz_fill_filter(struct fz_thread *t, void *buf, int fd);
void fz_fill_signal_mask(struct fz_thread *t, void *buf, int fd);
void fz_fill_mp_state(struct fz_thread *t, void *buf, int fd);
void fz_fill_vmcs(struct fz_thread *t, void *buf, int fd);
void fz_fill_vmcs_room(struct fz_thread *t, void *buf, int fd);
void fz_fill_post(struct fz_thread *t, void *buf, int fd);
void fz_fill_test_device(struct fz_thread *t, void *buf, int fd);

/* guests.c */
typedef void (*fz_guest)(u64 seed);
fz_guest fz_pick_guest(struct fz_rng *r);
void fz_guest_sane(u64 seed);
void fz_guest_doorbell_steps(void);
void fz_guests_init(void);

/* What fz_guest_doorbell_steps() does: the instruction is written, then called. */
struct fz_bell_step {
	u64 start;		/* linear address of the instruction */
	u64 rdi;
	u64 tail_at;		/* of each page, where spray_len bytes of spray are put first */
	u8 insn[16];
	u8 spray[16];
	u32 len, spray_len, times;
};

#define FZ_BELL_STEPS 48
#define FZ_BELL_PAGES 6
extern volatile struct fz_bell_step fz_bell_steps[FZ_BELL_STEPS];
extern volatile u64 fz_bell_n;

/* disturb.c */
void fz_disturb_step(struct fz_thread *t);
void fz_set_online(bool online);
bool fz_can_hotplug(void);
void fz_own_affinity(struct fz_rng *r);

/* run.c */
void *fz_vcpu_thread(void *arg);
void fz_soup(struct fz_case *c);
void fz_sane(struct fz_case *c);

/* doorbell.c */
void fz_doorbell(struct fz_case *c);

/* oracle.c */
void fz_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fz_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fz_oracle_init(void);
bool fz_oracle_case(u32 nr, char *why, size_t size);
bool fz_oracle_end(char *why, size_t size);
void fz_oracle_stacks(int pid);

#endif
