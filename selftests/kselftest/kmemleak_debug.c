// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the kernel's leak detector after VMs of every make were created, run, looked at and
 * destroyed (Documentation/dev-tools/kmemleak.rst). Needs a debug kernel: the runner starts it only
 * where /sys/kernel/debug/kmemleak is. Relies on lib/.
 */
#include <fcntl.h>
#include <linux/minikvm.h>

#include "guest.h"
#include "stat.h"

static void sync_guest(void)
{
	wr64(KT_TEST_AREA, 1);
	GUEST_SYNC(1);
	guest_done();
}

/* Each takes memory for what it copies. */
static void look_at(struct kt_vcpu *vcpu)
{
	int fd = KT_IOCTL(vcpu->fd, KVM_GET_STATS_FD, 0);
	struct minikvm_vmcs vmcs = { 0 };

	KT_TRUE(kt_stats(fd) > 0);
	close(fd);
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, &vmcs, E2BIG);
}

static void one_vm(u32 flags)
{
	struct kt_vcpu *vcpu = kt_long(0, flags, sync_guest);
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	kt_vcpu_new(vcpu->vm, 1);
	KT_EQ(kt_slot(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 64 << 20, 1 << 20, p), 0);
	KT_RUN_SYNC(vcpu, 1);
	look_at(vcpu);
	KT_RUN_DONE(vcpu);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, 64 << 20, 0, NULL), 0);
	kt_vm_free(vcpu->vm);
	munmap(p, 1 << 20);
}

static void no_leak_found(void)
{
	char buf[4096] = "";
	int fd = open("/sys/kernel/debug/kmemleak", O_RDWR);
	ssize_t n, len = 0;

	if (fd < 0)
		kt_skip("no kmemleak in this kernel");
	if (write(fd, "clear", 5) != 5)
		kt_skip("kmemleak is off");
	/* Each vCPU has its histograms. */
	kt_param_set("latency_stats", "1");
	for (u32 i = 0; i < 50; i++)
		one_vm(i % 3 ? i % 3 == 1 ? KT_IRQCHIP : KT_PIT : 0);
	kt_param_set("latency_stats", "0");
	/* The second scan reports what the first found and what is still there. */
	for (int i = 0; i < 2; i++) {
		kt_msleep(6000);
		if (write(fd, "scan", 4) != 4)
			kt_fail("kmemleak scan: %s", strerror(errno));
	}
	close(fd);
	fd = open("/sys/kernel/debug/kmemleak", O_RDONLY);
	while (len < (ssize_t)sizeof(buf) - 1 &&
	       (n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	if (strstr(buf, "kvm")) {
		for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
			kt_note("%s", line);
		kt_fail("kmemleak has found something");
	}
}

static const struct kt_test tests[] = {
	{ "kmemleak", no_leak_found, 200 },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
