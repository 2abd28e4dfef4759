// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's own counters, from the module: KVM_GET_STATS_FD of KVM's ABI.
 *
 * The file has a header, descriptors, one for each counter, and the values. Relies on
 * Documentation/virt/kvm/api.rst of the kernel, "KVM_GET_STATS_FD", and on no name or order in it.
 */
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/statistics.h"

/* No module has names or numbers of counters near these. */
#define NAME_SIZE_MAX	256U
#define COUNTERS_MAX	4096U

static bool read_at(int fd, void *to, size_t size, __u32 offset)
{
	return pread(fd, to, size, offset) == (ssize_t)size;
}

static void print_counter(FILE *to, int fd, const struct kvm_stats_header *header,
			  const struct kvm_stats_desc *counter, const char *name)
{
	__u64 value;

	/* "exits" is all of them, "exit_..." those for one reason. */
	if (strncmp(name, "exit", 4) != 0 || counter->size != 1 ||
	    (counter->flags & KVM_STATS_TYPE_MASK) != KVM_STATS_TYPE_CUMULATIVE)
		return;
	if (read_at(fd, &value, sizeof(value), header->data_offset + counter->offset) && value)
		fprintf(to, "  %-32s %12llu\n", name, value);
}

/**
 * statistics_print_exits() - print how many VM exits the module has counted, if it tells
 * @to: where to
 * @vcpu: the vCPU
 */
void statistics_print_exits(FILE *to, const struct vcpu *vcpu)
{
	union {
		struct kvm_stats_desc counter;
		char bytes[sizeof(struct kvm_stats_desc) + NAME_SIZE_MAX];
	} d;
	int fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, 0);
	struct kvm_stats_header header;
	size_t size;
	__u32 i;

	if (fd < 0)
		return;
	if (!read_at(fd, &header, sizeof(header), 0) || header.name_size > NAME_SIZE_MAX ||
	    header.num_desc > COUNTERS_MAX) {
		close(fd);
		return;
	}
	size = sizeof(d.counter) + header.name_size;
	for (i = 0; i < header.num_desc; i++) {
		if (!read_at(fd, &d, size, header.desc_offset + i * size))
			break;
		d.bytes[size - 1] = 0;
		print_counter(to, fd, &header, &d.counter, d.counter.name);
	}
	close(fd);
}
