// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm hello`: the smallest useful user of KVM's ABI, with every step told in plain words.
 * Seven instructions in real mode add 2 and 2 and send the digit to port 0x3f8.
 *
 * Written against <linux/kvm.h>: from the tool's other files it takes only the opening of the
 * device node and the explanation of a failure, so that this file shows all that a program needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "kvm/exits.h"
#include "kvm/node.h"
#include "kvm/refusal.h"

#define PAGE		4096
#define CODE_ADDRESS	0x1000
#define SERIAL_PORT	0x3f8
#define EXITS_MAX	16	/* the guest makes three; more would be a bug in the hypervisor */

static const __u8 code[] = {
	0xba, 0xf8, 0x03,	/* mov dx, 0x3f8    the first serial port          */
	0x00, 0xd8,		/* add al, bl       the sum                        */
	0x04, '0',		/* add al, '0'      as a digit                     */
	0xee,			/* out dx, al       leaves the guest: KVM_EXIT_IO  */
	0xb0, '\n',		/* mov al, 10                                      */
	0xee,			/* out dx, al       and once more                  */
	0xf4,			/* hlt              leaves it for good             */
};

struct hello {
	const char *device;
	int dev, vm, vcpu;
	size_t run_size;
	struct kvm_run *run;
	__u8 *memory;
};

static int refuse(int fd, const char *what)
{
	const char *words = refusal(fd);

	printf("    -> %s\n", words);
	fflush(stdout);
	fprintf(stderr, "minikvm: %s failed: %s.\n", what, words);
	return -1;
}

static int open_device(struct hello *h)
{
	struct sentence why;

	printf("open(\"%s\")\n", h->device);
	h->dev = node_open(h->device, &why);
	if (h->dev < 0) {
		fflush(stdout);
		fprintf(stderr, "minikvm: %s\n", why.text);
		return -1;
	}
	printf("    -> fd %d. The hypervisor is a device node; a user who may open it may have VMs.\n",
	       h->dev);
	printf("ioctl(%d, KVM_GET_API_VERSION)\n    -> %d. The ABI is frozen at version 12.\n",
	       h->dev, NODE_API_VERSION);
	return 0;
}

static int create_vm(struct hello *h)
{
	struct kvm_userspace_memory_region region = {
		.slot = 0,
		.guest_phys_addr = CODE_ADDRESS,
		.memory_size = PAGE,
	};

	printf("ioctl(%d, KVM_CREATE_VM, 0)\n", h->dev);
	h->vm = ioctl(h->dev, KVM_CREATE_VM, 0);
	if (h->vm < 0)
		return refuse(h->dev, "KVM_CREATE_VM");
	printf("    -> fd %d. An empty machine: no memory, no CPU. Closing the fd destroys it.\n",
	       h->vm);

	h->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h->memory == MAP_FAILED)
		return refuse(-1, "mmap");
	printf("mmap(%d bytes), then copy %zu bytes of machine code into it\n", PAGE, sizeof(code));
	printf("    -> %p. Guest memory is ordinary memory of this process.\n", (void *)h->memory);
	memcpy(h->memory, code, sizeof(code));

	region.userspace_addr = (__u64)(unsigned long)h->memory;
	printf("ioctl(%d, KVM_SET_USER_MEMORY_REGION, {slot 0, guest-physical 0x%x, %d bytes})\n",
	       h->vm, CODE_ADDRESS, PAGE);
	if (ioctl(h->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return refuse(h->vm, "KVM_SET_USER_MEMORY_REGION");
	printf("    -> 0. The guest sees it at 0x%x; EPT will translate, once it is touched.\n",
	       CODE_ADDRESS);
	return 0;
}

static int create_vcpu(struct hello *h)
{
	int size;

	printf("ioctl(%d, KVM_CREATE_VCPU, 0)\n", h->vm);
	h->vcpu = ioctl(h->vm, KVM_CREATE_VCPU, 0);
	if (h->vcpu < 0)
		return refuse(h->vm, "KVM_CREATE_VCPU");
	printf("    -> fd %d. A CPU as it comes out of reset; behind it stands one VMCS.\n",
	       h->vcpu);

	printf("ioctl(%d, KVM_GET_VCPU_MMAP_SIZE), mmap(fd %d)\n", h->dev, h->vcpu);
	size = ioctl(h->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*h->run))
		return refuse(h->dev, "KVM_GET_VCPU_MMAP_SIZE");
	h->run_size = size;
	h->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, h->vcpu, 0);
	if (h->run == MAP_FAILED) {
		h->run = NULL;
		return refuse(-1, "mmap of struct kvm_run");
	}
	printf("    -> %d bytes at %p: struct kvm_run, where it will say why the guest left.\n",
	       size, (void *)h->run);
	return 0;
}

static int set_registers(struct hello *h)
{
	struct kvm_regs regs = { .rip = CODE_ADDRESS, .rax = 2, .rbx = 2, .rflags = 2 };
	struct kvm_sregs sregs;

	printf("ioctl(%d, KVM_GET_SREGS), set CS to 0, ioctl(%d, KVM_SET_SREGS)\n", h->vcpu,
	       h->vcpu);
	if (ioctl(h->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return refuse(h->vcpu, "KVM_GET_SREGS");
	printf("    -> CS was %04x with base 0x%llx: after reset, a CPU fetches from below 4 GiB.\n",
	       sregs.cs.selector, sregs.cs.base);
	sregs.cs.selector = 0;
	sregs.cs.base = 0;
	if (ioctl(h->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return refuse(h->vcpu, "KVM_SET_SREGS");
	printf("ioctl(%d, KVM_SET_REGS, {rip 0x%x, rax 2, rbx 2, rflags 2})\n", h->vcpu,
	       CODE_ADDRESS);
	if (ioctl(h->vcpu, KVM_SET_REGS, &regs) < 0)
		return refuse(h->vcpu, "KVM_SET_REGS");
	printf("    -> 0. Bit 1 of RFLAGS is always 1; where it is left out, the hypervisor sets it.\n");
	return 0;
}

/* Return: 1 to enter the guest again, 0 at the end, -1 on failure. */
static int explain_one_exit(struct hello *h, char *digit)
{
	struct sentence why;
	__u8 byte;

	switch (h->run->exit_reason) {
	case KVM_EXIT_IO:
		byte = *((__u8 *)h->run + h->run->io.data_offset);
		printf("    -> 0, exit_reason KVM_EXIT_IO: %s of %u byte at port 0x%x, data 0x%02x",
		       h->run->io.direction == KVM_EXIT_IO_OUT ? "OUT" : "IN", h->run->io.size,
		       h->run->io.port, byte);
		printf(byte >= ' ' && byte < 127 ? " ('%c').\n" : " (line feed).\n", byte);
		if (h->run->io.port != SERIAL_PORT)
			break;
		if (byte != '\n')
			*digit = byte;
		printf("       This program is the serial port now. Enter again, behind OUT.\n");
		return 1;
	case KVM_EXIT_HLT:
		printf("    -> 0, exit_reason KVM_EXIT_HLT: the guest waits for an interrupt.\n");
		printf("       Without KVM_CREATE_IRQCHIP nothing can send one: it is done.\n");
		return 0;
	}
	fflush(stdout);
	exit_explain(h->run, &why);
	fprintf(stderr, "minikvm: %s\n", why.text);
	return -1;
}

static int run_guest(struct hello *h)
{
	struct sentence why;
	char digit = '?';
	int i, ret = 1;

	for (i = 0; i < EXITS_MAX && ret > 0; i++) {
		printf("ioctl(%d, KVM_RUN)\n", h->vcpu);
		if (ioctl(h->vcpu, KVM_RUN, 0) < 0) {
			int err = errno;

			run_error_explain(err, &why);
			refusal_add(h->vcpu, err, &why);
			fflush(stdout);
			fprintf(stderr, "minikvm: %s\n", why.text);
			return -1;
		}
		ret = explain_one_exit(h, &digit);
	}
	if (ret < 0)
		return -1;
	if (ret > 0 || digit != '4') {
		fflush(stdout);
		fprintf(stderr, "minikvm: The guest did not compute 2 + 2 as it should have.\n");
		return -1;
	}
	printf("\nThe guest says: 2 + 2 = %c\n", digit);
	return 0;
}

static void clean_up(struct hello *h)
{
	if (h->run)
		munmap(h->run, h->run_size);
	if (h->memory && h->memory != MAP_FAILED)
		munmap(h->memory, PAGE);
	if (h->vcpu >= 0)
		close(h->vcpu);
	if (h->vm >= 0)
		close(h->vm);
	if (h->dev >= 0)
		close(h->dev);
}

static const struct described_option options[] = {
	DESCRIBED_DEV,
	{ }
};

static int command_hello(int argc, char **argv)
{
	struct hello h = { .device = node_default(), .dev = -1, .vm = -1, .vcpu = -1 };
	int status = describe_device(&hello_description, argc, argv, &h.device), ret;

	if (status >= 0)
		return status;
	ret = open_device(&h) || create_vm(&h) || create_vcpu(&h) || set_registers(&h) ||
	      run_guest(&h);
	clean_up(&h);
	return ret ? STATUS_FAILED : STATUS_OK;
}

const struct described_command hello_description = {
	.name = "hello",
	.run = command_hello,
	.summary = "the first program of every KVM tutorial, narrated",
	.synopsis = "[--dev NODE]",
	.about = "Runs seven instructions as a guest and tells every step.",
	.options = options,
};
