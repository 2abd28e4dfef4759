// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM of mmu-harness.ko, as the tests use it. See vm.h.
 *
 * KVM's ABI for slots and logs; HARNESS_* of harness.h for what a guest would do.
 */
#define _GNU_SOURCE
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

const char *mode_name = "";

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			printf("# %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

int vm_open(const struct harness_setup *setup)
{
	static const struct harness_setup plain = { .ad = 1 };
	int fd = open("/dev/" HARNESS_NODE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, HARNESS_SETUP, setup ?: &plain))
		die("/dev/" HARNESS_NODE);
	return fd;
}

int region(int vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size, void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (unsigned long)hva,
	};

	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r) ? errno : 0;
}

/* 0, 1 = MMIO, ACCESS_ERROR with errno. */
static int access_one(int vm, __u32 op, __u64 gpa, __u64 *value)
{
	struct harness_access a = { .op = op, .gpa = gpa, .value = *value };

	if (ioctl(vm, HARNESS_ACCESS, &a))
		return ACCESS_ERROR;
	*value = a.value;
	return a.result;
}

int guest_write(int vm, __u64 gpa, __u64 value)
{
	return access_one(vm, HARNESS_WRITE, gpa, &value);
}

__u64 guest_read(int vm, __u64 gpa)
{
	__u64 value = 0;

	return access_one(vm, HARNESS_READ, gpa, &value) ? ~0ULL : value;
}

int guest_try(int vm, __u32 op, __u64 gpa)
{
	__u64 value = 0;

	return access_one(vm, op, gpa, &value);
}

struct harness_entry entry_of(int vm, __u64 gpa)
{
	struct harness_entry e = { .gpa = gpa };

	if (ioctl(vm, HARNESS_ENTRY, &e))
		die("HARNESS_ENTRY");
	return e;
}

void *map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		       -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

void *map_aligned(size_t size, int advice)
{
	char *p = map(size + HUGE, MAP_NORESERVE);
	char *q = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));

	if (q > p)
		munmap(p, q - p);
	munmap(q + size, p + HUGE - q);
	madvise(q, size, advice);
	return q;
}

int get_log(int vm, __u32 slot, void *log)
{
	struct kvm_dirty_log arg = { .slot = slot, .dirty_bitmap = log };

	return ioctl(vm, KVM_GET_DIRTY_LOG, &arg) ? errno : 0;
}
