// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page fault of the host's between two entries of the guest.
 *
 * SDM, "VM Exits": CR2 is neither saved nor loaded, so the hypervisor has to give the guest its own
 * value back whatever the host did meanwhile. Relies on lib/, on kprobes and on tracefs.
 */
#include <fcntl.h>
#include <sys/mount.h>

#include "guest.h"

#define TRACING "/sys/kernel/tracing/"
#define PROBE "p:minikvm_cr2 cpuid_execute missing=+u0(\\0x7654321000):u64\n"
#define CR2_PATTERN 0x1122334455667788

static volatile u64 cr2_seen[64];

static void cr2_guest(void)
{
	u32 r[4];

	GUEST_WRITE_REG("cr2", CR2_PATTERN);
	for (int i = 0; i < 64; i++) {
		guest_cpuid(0, 0, r);
		cr2_seen[i] = GUEST_READ_REG("cr2");
	}
	guest_done();
}

static bool trace_write(const char *file, int flags, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC | flags);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * A probe in the loop around the guest reads user memory that is not there: the host faults, with
 * interrupts off, and its address must not be in the CR2 that the guest sees.
 */
static void host_fault_in_the_loop(void)
{
	const char *enable = TRACING "events/kprobes/minikvm_cr2/enable";
	struct kt_vcpu *vcpu = kt_long(0, 0, cr2_guest);
	u32 wrong = 0;

	if (!kt_is_minikvm())
		kt_skip("the probe is in minikvm");
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	if (access(TRACING "kprobe_events", W_OK))
		kt_skip("this host has no kprobes: %s", kt_errno_name(errno));
	/* Refused: the module has no function of that name any more, or it cannot be probed. */
	KT_TRUE(trace_write(TRACING "kprobe_events", O_APPEND, PROBE), "%s", kt_errno_name(errno));
	KT_TRUE(trace_write(enable, 0, "1"), "%s", kt_errno_name(errno));
	KT_RUN_DONE(vcpu);
	trace_write(enable, 0, "0");
	trace_write(TRACING "kprobe_events", O_APPEND, "-:minikvm_cr2\n");
	for (int i = 0; i < 64; i++) {
		if (((volatile u64 *)kt_g2h(vcpu->vm, (u64)cr2_seen))[i] == CR2_PATTERN)
			continue;
		if (!wrong++)
			kt_note("CR2 after exit %d is %#lx", i,
				((volatile u64 *)kt_g2h(vcpu->vm, (u64)cr2_seen))[i]);
	}
	KT_EQ(wrong, 0);
}

static const struct kt_test tests[] = {
	{ "host_fault_in_the_loop", host_fault_in_the_loop },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
