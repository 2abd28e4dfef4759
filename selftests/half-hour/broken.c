// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that the processor does not let in, for Documentation/first-half-hour.rst: a code
 * segment of 4 GiB whose granularity bit was forgotten, an easy mistake of a first VMM in protected
 * mode. KVM_SET_SREGS takes it; VM entry checks it (SDM volume 3, "Checks on Guest Segment
 * Registers"). It says what KVM_RUN returned, and waits to be looked at, and to be killed.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CR0_PE 1
#define CODE 0xb	/* type: execute, read, accessed */

static int give_up(const char *what)
{
	perror(what);
	return 1;
}

int main(void)
{
	int node = open("/dev/minikvm", O_RDWR), vm, vcpu, size;
	struct kvm_sregs s;
	struct kvm_run *run;

	vm = ioctl(node, KVM_CREATE_VM, 0);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(node, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vcpu < 0 || ioctl(vcpu, KVM_GET_SREGS, &s))
		return give_up("broken: a VM with a vCPU");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		return give_up("broken: mmap");
	s.cr0 |= CR0_PE;
	s.cs = (struct kvm_segment) {
		.selector = 8, .limit = 0xffffffff, .type = CODE, .present = 1, .db = 1, .s = 1,
		/* .g = 1 is what is missing: a limit counts bytes without it, and has 20 bits. */
	};
	if (ioctl(vcpu, KVM_SET_SREGS, &s))
		return give_up("broken: KVM_SET_SREGS");
	if (ioctl(vcpu, KVM_RUN, 0))
		return give_up("broken: KVM_RUN");
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		printf("broken: KVM_EXIT_FAIL_ENTRY, hardware_entry_failure_reason %#llx\n",
		       run->fail_entry.hardware_entry_failure_reason);
	else
		printf("broken: KVM_RUN returned %u\n", run->exit_reason);
	fflush(stdout);
	pause();
	return 0;
}
