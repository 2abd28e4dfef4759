// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds a VM alive for the bring-up tests: two vCPUs that spin in guest mode, or halt in the
 * kernel with --halt. Prints "holding" once both run. On SIGTERM it asks the guests for their
 * counters twice and ends with 0 if they were still counting. Relies on lib/.
 */
#include <pthread.h>
#include <signal.h>

#include "guest.h"

static volatile u64 progress[2];
static volatile sig_atomic_t over;

static void spin_guest(u64 me)
{
	for (;;) {
		progress[me]++;
		cpu_relax();
	}
}

static void halt_guest(u64 me)
{
	progress[me]++;
	for (;;)
		hlt();
}

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static void *run_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	for (;;)
		if (kt_run_raw(vcpu) && errno != EINTR && errno != EAGAIN)
			kt_fail("KVM_RUN: %s", kt_errno_name(errno));
}

int main(int argc, char **argv)
{
	bool halt = argc > 1 && !strcmp(argv[1], "--halt");
	struct sigaction sa = { .sa_handler = on_term };
	struct kt_vm *vm;
	u64 before[2];

	if (getenv("MINIKVM_DEV"))
		kt_dev = getenv("MINIKVM_DEV");
	sigaction(SIGTERM, &sa, NULL);
	vm = kt_vm_new(KT_MEM, halt ? KT_PIT : 0);
	for (int i = 0; i < 2; i++) {
		struct kt_vcpu *vcpu = kt_vcpu_new(vm, i);
		struct kvm_regs r;
		pthread_t t;

		kt_vcpu_long(vcpu, (void (*)(void))(unsigned long)(halt ? halt_guest : spin_guest));
		kt_get_regs(vcpu, &r);
		r.rdi = i;
		kt_set_regs(vcpu, &r);
		pthread_create(&t, NULL, run_thread, vcpu);
	}
	for (int i = 0; i < 1000 && !(GV(vm, progress)[0] && GV(vm, progress)[1]); i++)
		kt_msleep(10);
	if (!GV(vm, progress)[0] || !GV(vm, progress)[1])
		kt_fail("the guests do not run");
	printf("holding\n");
	fflush(stdout);
	while (!over)
		kt_msleep(20);
	if (halt)
		return 0;
	for (int i = 0; i < 2; i++)
		before[i] = GV(vm, progress)[i];
	for (int i = 0; i < 500; i++) {
		kt_msleep(20);
		if (GV(vm, progress)[0] > before[0] && GV(vm, progress)[1] > before[1])
			return 0;
	}
	kt_fail("a guest stands still");
}
