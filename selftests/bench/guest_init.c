// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_init - process 1 of the benchmark's Linux guest.
 *
 * A vCPU's TSC starts at 0 when it is created (KVM_CREATE_VCPU), which `minikvm run` does just
 * before the first KVM_RUN: what RDTSC says here is the time from first entry to init. Prints
 * it on the console as `init_tsc N` and powers the guest off.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

int main(void)
{
	unsigned long long now = __rdtsc();
	char line[64];
	int fd, len;

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/ttyS0", O_WRONLY);
	len = snprintf(line, sizeof(line), "\ninit_tsc %llu\n", now);
	if (fd >= 0 && write(fd, line, len) == len)
		fsync(fd);
	/* The kernel's command line: so long can the host look at the VM's counters. */
	if (getenv("linger"))
		sleep(atoi(getenv("linger")));
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
