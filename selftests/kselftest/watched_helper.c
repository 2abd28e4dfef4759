// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest to be watched from outside, for selftests/watch: it does the same on every run, and its
 * exits by reason are printed as the module counted them.
 *
 * usage: [WATCHED_VCPU=NUMBER] [WATCHED_PAUSE=MILLISECONDS] watched_helper [--dev PATH]
 * Prints "exits REASON NUMBER" for each basic exit reason that came, and "last REASON" of the exit
 * after which the guest was not entered again. The pause is behind each KVM_RUN. Relies on lib/ and
 * on debugfs.
 */
#include "guest.h"

#define ROUNDS 20

static void watched_guest(void)
{
	u32 r[4];

	for (int i = 0; i < ROUNDS; i++) {
		guest_cpuid(0, 0, r);
		guest_cpuid(1, 0, r);
		rdmsr(0x1b);
		outb(0x80, i);
		wr32(KT_MMIO, i);
	}
	guest_done();
}

static unsigned int from_environment(const char *name)
{
	const char *number = getenv(name);

	return number ? strtoul(number, NULL, 10) : 0;
}

static void watched(void)
{
	unsigned int pause = from_environment("WATCHED_PAUSE");
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, from_environment("WATCHED_VCPU"));
	u64 counts[KT_EXIT_REASONS];

	kt_vcpu_long(vcpu, watched_guest);
	for (int i = 0; i < ROUNDS; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		kt_msleep(pause);
		KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
		kt_msleep(pause);
	}
	KT_RUN_DONE(vcpu);
	KT_TRUE(kt_exit_counts(vcpu, counts));
	for (int i = 0; i < KT_EXIT_REASONS; i++)
		if (counts[i])
			printf("exits %d %llu\n", i, (unsigned long long)counts[i]);
	printf("last 30\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = { { "watched", watched } };

	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
