// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole virtual machine in one short file: memory, one vCPU, a 16-bit guest, and what its exits
 * mean. Nothing but the ioctls of <linux/kvm.h> (Documentation/virt/kvm/api.rst of the kernel).
 *
 * usage: test_vm [/dev/minikvm | /dev/kvm]
 *
 * Explained line by line in Documentation/first-vm.rst. Relies on a processor that runs real mode
 * as a guest's (unrestricted guest), as every one with EPT does.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RAM_BASE	0x1000	/* guest-physical; the guest's code is its first byte */
#define RAM_SIZE	0x1000
#define DEVICE_BASE	0x8000	/* behind the RAM: no memory is there */
#define PORT		0x3f8	/* where a PC has its first serial port */

static const unsigned char guest_code[] = {
	0x00, 0xd8,		/* add al, bl		2 + 3 */
	0x04, '0',		/* add al, '0'		as a digit */
	0xba, 0xf8, 0x03,	/* mov dx, 0x3f8 */
	0xee,			/* out dx, al		KVM_EXIT_IO: prints it */
	0xa2, 0x00, 0x80,	/* mov [0x8000], al	KVM_EXIT_MMIO: a write */
	0xa0, 0x01, 0x80,	/* mov al, [0x8001]	KVM_EXIT_MMIO: a read */
	0xee,			/* out dx, al		what was read */
	0xb0, '\n',		/* mov al, '\n' */
	0xee,			/* out dx, al */
	0xf4,			/* hlt			KVM_EXIT_HLT */
};

/* An ioctl that must not fail. */
static int must(int fd, unsigned long request, const char *name, void *arg)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		err(1, "%s", name);
	return ret;
}

#define MUST(fd, request, arg) must(fd, request, #request, (void *)(arg))

/* One page of this process becomes the guest's memory. */
static void add_memory(int vm)
{
	void *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = RAM_BASE,
		.memory_size = RAM_SIZE,
		.userspace_addr = (unsigned long)ram,
	};

	if (ram == MAP_FAILED)
		err(1, "mmap");
	memcpy(ram, guest_code, sizeof(guest_code));
	MUST(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* After reset, a processor is in real mode; only CS and RIP lead elsewhere than we want. */
static void set_registers(int vcpu)
{
	struct kvm_regs regs = { .rip = RAM_BASE, .rax = 2, .rbx = 3, .rflags = 2 };
	struct kvm_sregs sregs;

	MUST(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	MUST(vcpu, KVM_SET_SREGS, &sregs);
	MUST(vcpu, KVM_SET_REGS, &regs);
}

/* The device at DEVICE_BASE: swallows what is written, and reads as an exclamation mark. */
static void serve_mmio(struct kvm_run *run)
{
	if (run->mmio.is_write)
		printf("[MMIO: the guest writes 0x%x to 0x%llx]\n", run->mmio.data[0],
		       run->mmio.phys_addr);
	else
		run->mmio.data[0] = '!';
}

static void serve_port(struct kvm_run *run)
{
	const char *data = (const char *)run + run->io.data_offset;

	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == PORT)
		printf("[port 0x%x: the guest prints 0x%02x, '%c']\n", run->io.port, *data,
		       *data == '\n' ? ' ' : *data);
}

/* Enter the guest until it halts. Return: the exit status. */
static int run_guest(int vcpu, struct kvm_run *run)
{
	for (;;) {
		MUST(vcpu, KVM_RUN, 0);
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			serve_port(run);
			break;
		case KVM_EXIT_MMIO:
			serve_mmio(run);
			break;
		case KVM_EXIT_HLT:
			puts("[HLT: the guest has nothing left to do]");
			return 0;
		default:
			fprintf(stderr, "test_vm: exit reason %u\n", run->exit_reason);
			return 1;
		}
	}
}

int main(int argc, char **argv)
{
	int node = open(argc > 1 ? argv[1] : "/dev/minikvm", O_RDWR | O_CLOEXEC);
	struct kvm_run *run;
	int vm, vcpu;

	if (node < 0)
		err(1, "%s", argc > 1 ? argv[1] : "/dev/minikvm");
	if (MUST(node, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		errx(1, "the node does not speak version %d of KVM's ABI", KVM_API_VERSION);
	vm = MUST(node, KVM_CREATE_VM, 0);
	add_memory(vm);
	vcpu = MUST(vm, KVM_CREATE_VCPU, 0);
	run = mmap(NULL, MUST(node, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of struct kvm_run");
	set_registers(vcpu);
	return run_guest(vcpu, run);
}
