// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system and VM part of KVM's ABI (Documentation/virt/kvm/api.rst in the kernel):
 * KVM_CREATE_VM, KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR, KVM_CREATE_IRQCHIP,
 * KVM_CREATE_PIT2, KVM_SET_USER_MEMORY_REGION, KVM_IRQ_LINE, KVM_IRQFD, KVM_IOEVENTFD,
 * KVM_SET_GSI_ROUTING, KVM_CREATE_DEVICE.
 *
 * Relies on the default interrupt routing of the in-kernel controllers: line n is pin n of the
 * 8259 pair and of the IOAPIC.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/node.h"
#include "kvm/refusal.h"
#include "kvm/vm.h"

#define HUGE_PAGE	(2 * MIB)
#define PIC_PINS	16

static int need(const struct vm *vm, int cap, const char *name, struct sentence *why)
{
	if (ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, cap) > 0)
		return 0;
	return say(why, "%s does not offer %s, which this kind of guest needs.", vm->device, name);
}

static int add_slot(struct vm *vm, __u32 slot, __u64 gpa, __u8 *mem, __u64 size,
		    struct sentence *why)
{
	if (vm_set_memory(vm, slot, gpa, mem, size) == 0)
		return 0;
	return say(why, "%s refuses %llu MiB of guest memory at 0x%llx: %s.", vm->device,
		   size / MIB, gpa, refusal(vm->fd));
}

/* MAXPHYADDR: bits of a physical address, the guest's like the host's. */
static unsigned int physical_bits(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
}

/*
 * Memory that another process can map, too: a memfd, which can neither shrink nor grow, so that
 * nobody who has it takes the memory away from under the others.
 */
static int share_memory(struct vm *vm, void *at, __u64 mem, struct sentence *why)
{
	vm->shared_fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vm->shared_fd < 0 || ftruncate(vm->shared_fd, mem) ||
	    fcntl(vm->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    mmap(at, mem, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
		 vm->shared_fd, 0) == MAP_FAILED)
		return say(why, "%llu MiB that other processes can map cannot be had: %s.",
			   mem / MIB, strerror(errno));
	return 0;
}

static int add_memory(struct vm *vm, __u64 mem, struct sentence *why)
{
	__u64 most = (1ULL << physical_bits()) - (GUEST_HIGH_RAM_BASE - GUEST_LOW_RAM_MAX);
	unsigned long start;

	if (mem > most)
		return say(why,
			   "A guest can have at most %llu MiB of memory here, not %llu: the CPU's physical addresses have %u bits, and 1 GiB below 4 GiB is for devices.",
			   most / MIB, mem / MIB, physical_bits());
	vm->ram.low_size = mem < GUEST_LOW_RAM_MAX ? mem : GUEST_LOW_RAM_MAX;
	vm->ram.high_size = mem - vm->ram.low_size;
	vm->ram_map_size = mem + HUGE_PAGE;
	vm->ram_map = mmap(NULL, vm->ram_map_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram_map == MAP_FAILED) {
		vm->ram_map = NULL;
		return say(why, "%llu MiB for the guest cannot be reserved: %s.", mem / MIB,
			   strerror(errno));
	}
	/* Guest and host address must agree modulo 2 MiB, or nothing is mapped by large pages. */
	start = ((unsigned long)vm->ram_map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	/* What is in the file comes when it is touched; what the guest writes stays in here. */
	if (vm->ram_fd >= 0 &&
	    mmap((void *)start, mem, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, vm->ram_fd, 0) == MAP_FAILED)
		return say(why, "The guest's memory cannot be mapped from its file: %s.",
			   strerror(errno));
	if (vm->shared && share_memory(vm, (void *)start, mem, why))
		return -1;
	madvise((void *)start, mem, MADV_HUGEPAGE);
	vm->ram.low = (__u8 *)start;
	vm->ram.high = vm->ram.high_size ? vm->ram.low + vm->ram.low_size : NULL;
	if (add_slot(vm, 0, 0, vm->ram.low, vm->ram.low_size, why))
		return -1;
	if (!vm->ram.high)
		return 0;
	return add_slot(vm, 1, GUEST_HIGH_RAM_BASE, vm->ram.high, vm->ram.high_size, why);
}

static int add_irqchip(struct vm *vm, struct sentence *why)
{
	/* The kernel serves port 0x61, too: guests calibrate by loops on it. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (need(vm, KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP", why) ||
	    need(vm, KVM_CAP_PIT2, "KVM_CAP_PIT2", why))
		return -1;
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return say(why,
			   "%s cannot create the interrupt controllers (KVM_CREATE_IRQCHIP): %s.",
			   vm->device, refusal(vm->fd));
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		return say(why, "%s cannot create the timer (KVM_CREATE_PIT2): %s.", vm->device,
			   refusal(vm->fd));
	vm->irqchip = true;
	return 0;
}

/* Nothing is there yet: for vm_create(), and for vm_destroy() without one. */
void vm_init(struct vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->fd = -1;
	vm->dev_fd = -1;
	vm->vfio_fd = -1;
	vm->ram_fd = -1;
	vm->shared_fd = -1;
}

/**
 * vm_create() - create a VM with memory, without vCPUs
 * @vm: receives it, after vm_init() or vm_clear(); vm_destroy() must follow in any case
 * @device: the device node
 * @mem: bytes of guest memory
 * @irqchip: with interrupt controllers and timer in the kernel; without them HLT returns here
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vm_create(struct vm *vm, const char *device, __u64 mem, bool irqchip, struct sentence *why)
{
	__u64 identity_map = GUEST_IDENTITY_MAP;

	vm->device = device;
	space_init(&vm->slots, VM_FIRST_FREE_SLOT, VM_FREE_SLOTS);
	space_init(&vm->gsis, VM_FIRST_MSI, VM_MSIS);
	pthread_mutex_init(&vm->route_lock, NULL);
	if (vm->dev_fd < 0)
		vm->dev_fd = node_open(device, why);
	if (vm->dev_fd < 0)
		return -1;
	do {
		vm->fd = ioctl(vm->dev_fd, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return say(why, "%s cannot create a VM (KVM_CREATE_VM): %s.", device,
			   refusal(vm->dev_fd));
	/* Only CPUs without unrestricted guest use these pages; a refusal there shows later. */
	if (ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
		return say(why, "%s refuses KVM_SET_IDENTITY_MAP_ADDR: %s.", device,
			   refusal(vm->fd));
	if (ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)GUEST_TSS) < 0)
		return say(why, "%s refuses KVM_SET_TSS_ADDR: %s.", device, refusal(vm->fd));
	if (irqchip && add_irqchip(vm, why))
		return -1;
	return add_memory(vm, mem, why);
}

/* Destroy the VM; the device node stays open for another vm_create(). */
void vm_clear(struct vm *vm)
{
	int node = vm->dev_fd;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		munmap(vm->vcpu[i].run, vm->vcpu[i].run_size);
		close(vm->vcpu[i].fd);
	}
	if (vm->vfio_fd >= 0)
		close(vm->vfio_fd);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->ram_map)
		munmap(vm->ram_map, vm->ram_map_size);
	if (vm->shared_fd >= 0)
		close(vm->shared_fd);
	free(vm->msi);
	vm_init(vm);
	vm->dev_fd = node;
}

void vm_destroy(struct vm *vm)
{
	vm_clear(vm);
	if (vm->dev_fd >= 0)
		close(vm->dev_fd);
	vm->dev_fd = -1;
}

/* Where devices with addresses of 64 bits may be: above RAM, up to the longest physical address. */
void vm_high_window(const struct vm *vm, __u64 *base, __u64 *size)
{
	__u64 end = 1ULL << physical_bits();

	*base = (GUEST_HIGH_RAM_BASE + vm->ram.high_size + GIB - 1) & ~(GIB - 1);
	*size = end > *base ? end - *base : 0;
}

/* Drive interrupt line @irq of the in-kernel interrupt controllers. */
void vm_irq_line(struct vm *vm, unsigned int irq, bool level)
{
	struct kvm_irq_level line = { .irq = irq, .level = level };

	/* A failure loses an interrupt, and cannot be reported from here. */
	if (vm->irqchip)
		ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

/**
 * vm_set_memory() - make memory of this process the guest's, or take it back
 * @vm: the VM
 * @slot: which slot; taken from vm->slots
 * @gpa: guest-physical address
 * @mem: page-aligned memory
 * @size: bytes, 0 to remove the slot
 *
 * Return: 0, or -1 with errno.
 */
int vm_set_memory(struct vm *vm, __u32 slot, __u64 gpa, void *mem, __u64 size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (__u64)(unsigned long)mem,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void add_pin(struct kvm_irq_routing *table, unsigned int gsi, unsigned int chip,
		    unsigned int pin)
{
	table->entries[table->nr++] = (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* Reserve @count interrupt numbers for messages, in a row. Return: the first, or -1. */
int vm_take_gsis(struct vm *vm, unsigned int count)
{
	__u64 first = space_take(&vm->gsis, count, 1);

	return first == SPACE_NONE ? -1 : (int)first;
}

/* Give back what vm_take_gsis() returned. Their routes stay until somebody else sets them. */
void vm_give_gsis(struct vm *vm, unsigned int first)
{
	space_give(&vm->gsis, first);
}

/* Tell the kernel all routes: pins, and messages that have an address. Route lock held. */
static int set_routes(struct vm *vm)
{
	struct kvm_irq_routing *table;
	unsigned int i;
	int ret;

	table = calloc(1, sizeof(*table) +
		       (PIC_PINS + VM_FIRST_MSI + VM_MSIS) * sizeof(table->entries[0]));
	if (!table)
		return -1;
	for (i = 0; i < PIC_PINS; i++)
		add_pin(table, i, i < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, i % 8);
	for (i = 0; i < VM_FIRST_MSI; i++)
		add_pin(table, i, KVM_IRQCHIP_IOAPIC, i);
	for (i = 0; i < VM_MSIS; i++) {
		if (!vm->msi[i].address)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry) {
			.gsi = VM_FIRST_MSI + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi.address_lo = vm->msi[i].address,
			.u.msi.address_hi = vm->msi[i].address >> 32,
			.u.msi.data = vm->msi[i].data,
		};
	}
	ret = ioctl(vm->fd, KVM_SET_GSI_ROUTING, table);
	free(table);
	return ret;
}

/**
 * vm_route_msi() - let an interrupt number be a message
 * @vm: the VM
 * @gsi: of vm_take_gsis()
 * @message: the message; without an address, the number has no route
 *
 * Return: 0, or -1.
 */
int vm_route_msi(struct vm *vm, unsigned int gsi, const struct msi_message *message)
{
	int ret = 0;

	if (gsi < VM_FIRST_MSI || gsi - VM_FIRST_MSI >= VM_MSIS)
		return -1;
	pthread_mutex_lock(&vm->route_lock);
	if (!vm->msi)
		vm->msi = calloc(VM_MSIS, sizeof(*vm->msi));
	if (vm->msi) {
		vm->msi[gsi - VM_FIRST_MSI] = *message;
		ret = set_routes(vm);
	} else {
		ret = -1;
	}
	pthread_mutex_unlock(&vm->route_lock);
	return ret;
}

/**
 * vm_doorbell() - let a write of the guest's signal an eventfd
 * @vm: the VM
 * @gpa: guest-physical address
 * @len: bytes of the write: 1, 2, 4 or 8; others still come as exits
 * @fd: the eventfd
 * @assign: false takes it back
 *
 * Return: 0, or -1 with errno.
 */
int vm_doorbell(struct vm *vm, __u64 gpa, unsigned int len, int fd, bool assign)
{
	struct kvm_ioeventfd doorbell = {
		.addr = gpa,
		.len = len,
		.fd = fd,
		.flags = assign ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &doorbell);
}

/**
 * vm_irqfd() - let an eventfd be an interrupt
 * @vm: the VM
 * @fd: the eventfd
 * @gsi: the interrupt
 * @resample: eventfd that is told when a level-triggered one was acknowledged, or -1
 * @assign: false takes it back
 *
 * Return: 0, or -1 with errno.
 */
int vm_irqfd(struct vm *vm, int fd, unsigned int gsi, int resample, bool assign)
{
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = gsi };

	if (!assign) {
		irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	} else if (resample >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = resample;
	}
	return ioctl(vm->fd, KVM_IRQFD, &irqfd);
}

/* Tell the VM of a VFIO group, so that it honours caching where the device does not snoop. */
void vm_add_vfio_group(struct vm *vm, int group)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	__s32 fd = group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (__u64)(unsigned long)&fd,
	};

	/* A hypervisor without this device has no memory types but write-back. */
	if (vm->vfio_fd < 0 && ioctl(vm->fd, KVM_CREATE_DEVICE, &device) < 0)
		return;
	if (vm->vfio_fd < 0)
		vm->vfio_fd = device.fd;
	ioctl(vm->vfio_fd, KVM_SET_DEVICE_ATTR, &attr);
}
