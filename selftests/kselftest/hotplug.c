// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU of the host goes offline and comes back under running vCPUs.
 *
 * SDM, "Enabling and Entering VMX Operation": a vCPU's VMCS must be flushed by VMCLEAR from the CPU
 * on which it is active before that CPU leaves VMX operation, and no vCPU may be run there after
 * that. Threads that are pinned to the CPU, threads that are not, and halted ones. The host's own
 * TSC_AUX is looked at, because it is switched lazily. Relies on lib/ and root; needs two CPUs.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "guest.h"

#define ONLINE "/sys/devices/system/cpu/cpu1/online"
#define TIMES 200

enum { PINNED = 3, FREE = 2, THREADS = PINNED + FREE };

static struct runner {
	struct kt_vcpu *vcpu;
	pthread_t thread;
	bool pinned;
	u64 runs, runs_on_cpu1, failed, wrong_aux;
} runner[THREADS];

static bool stop;

static void spin(void)
{
	for (u64 n = 0; ; n++) {
		for (volatile u64 i = 0; i < 300; i++)
			;
		GUEST_SYNC(n);
	}
}

static u32 host_cpu(void)
{
	u32 cpu = ~0u;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

/* Linux keeps the CPU's number in the low bits of TSC_AUX. */
static u32 host_tsc_aux(void)
{
	u32 low, high, aux;

	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	return aux & 0xfff;
}

static void *run(void *arg)
{
	struct runner *r = arg;
	cpu_set_t cpu1;

	CPU_ZERO(&cpu1);
	CPU_SET(1, &cpu1);
	for (u64 n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		u32 before, aux;

		/* While the CPU is away this fails, and when it goes it takes the mask along. */
		if (r->pinned)
			sched_setaffinity(0, sizeof(cpu1), &cpu1);
		if (ioctl(r->vcpu->fd, KVM_RUN, 0) || r->vcpu->run->exit_reason != KVM_EXIT_IO)
			r->failed++;
		before = host_cpu();
		aux = host_tsc_aux();
		if (host_cpu() == before) {
			r->wrong_aux += aux != before;
			if (before == 1)
				__atomic_add_fetch(&r->runs_on_cpu1, 1, __ATOMIC_RELAXED);
		}
		__atomic_add_fetch(&r->runs, 1, __ATOMIC_RELAXED);
		/*
		 * The others' turn: without it, each wait for a run of every thread would take the
		 * time slices of all of them, during which an emulated host only spins.
		 */
		sched_yield();
		if (n % 4 == 3)
			usleep(100);
	}
	return NULL;
}

static void cpu1(const char *state)
{
	int fd = open(ONLINE, O_WRONLY);

	if (write(fd, state, 1) != 1)
		kt_fail("%s to " ONLINE ": %s", state, kt_errno_name(errno));
	close(fd);
}

/*
 * Until each thread has run once more. No result depends on how long that takes, and nothing but a
 * thread that no longer runs can keep it from ending.
 */
static void wait_for_runs(bool on_cpu1)
{
	for (int i = 0; i < THREADS; i++) {
		const bool there = on_cpu1 && runner[i].pinned;
		u64 *count = there ? &runner[i].runs_on_cpu1 : &runner[i].runs;
		u64 first = __atomic_load_n(count, __ATOMIC_RELAXED);

		while (__atomic_load_n(count, __ATOMIC_RELAXED) == first)
			usleep(100);
	}
}

static void need_cpu1(void)
{
	if (sysconf(_SC_NPROCESSORS_CONF) < 2 || access(ONLINE, W_OK))
		kt_skip("needs two CPUs, one of which can go offline");
}

static void offline_200_times(void)
{
	need_cpu1();
	for (int i = 0; i < THREADS; i++) {
		runner[i].vcpu = kt_long(0, i & 1 ? KT_IRQCHIP : 0, spin);
		runner[i].pinned = i < PINNED;
		KT_EQ(pthread_create(&runner[i].thread, NULL, run, &runner[i]), 0);
	}
	wait_for_runs(true);
	for (int i = 0; i < TIMES; i++) {
		cpu1("0");
		wait_for_runs(false);
		cpu1("1");
		wait_for_runs(true);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(runner[i].thread, NULL);
		kt_note("thread %d: %lu runs, %lu on CPU 1", i, runner[i].runs,
			runner[i].runs_on_cpu1);
		KT_EQ(runner[i].failed, 0);
		KT_EQ(runner[i].wrong_aux, 0);
	}
}

/* VMs are made and destroyed, their VMCSs active on the CPU or left behind there. */
static void vms_come_and_go(void)
{
	cpu_set_t there;

	need_cpu1();
	CPU_ZERO(&there);
	CPU_SET(1, &there);
	for (int i = 0; i < 20; i++) {
		struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, spin);

		KT_EQ(sched_setaffinity(0, sizeof(there), &there), 0);
		KT_RUN_SYNC(vcpu, 0);
		cpu1("0");
		/* Half of them run elsewhere before they die. */
		if (i & 1)
			KT_RUN_SYNC(vcpu, 1);
		kt_vm_free(vcpu->vm);
		cpu1("1");
	}
}

static const struct kt_test tests[] = {
	{ "offline_200_times", offline_200_times, 220 },
	{ "vms_come_and_go", vms_come_and_go },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
