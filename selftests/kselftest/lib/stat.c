// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading KVM_GET_STATS_FD, and the module's parameters. KVM's ABI; see stat.h.
 */
#include "stat.h"

static void header(int fd, struct kvm_stats_header *h)
{
	KT_EQ(pread(fd, h, sizeof(*h), 0), sizeof(*h));
	KT_TRUE(h->num_desc && h->name_size && h->name_size < 256 && !h->flags);
}

/**
 * kt_stats() - how many rows a file of statistics has
 * @fd: what KVM_GET_STATS_FD returned
 */
u32 kt_stats(int fd)
{
	struct kvm_stats_header h;

	header(fd, &h);
	return h.num_desc;
}

/**
 * kt_stat_nth() - read a row
 * @fd: what KVM_GET_STATS_FD returned
 * @n: its number
 * @stat: the result
 */
void kt_stat_nth(int fd, u32 n, struct kt_stat *stat)
{
	struct kvm_stats_header h;
	struct {
		struct kvm_stats_desc d;
		char name[256];
	} desc;
	size_t size;

	header(fd, &h);
	size = sizeof(desc.d) + h.name_size;
	KT_EQ(pread(fd, &desc, size, h.desc_offset + n * size), size);
	KT_TRUE(desc.d.size && desc.d.size <= KT_STAT_VALUES, "%s has %u values", desc.name,
		desc.d.size);
	KT_TRUE(memchr(desc.name, 0, h.name_size));
	stat->flags = desc.d.flags;
	stat->exponent = desc.d.exponent;
	stat->size = desc.d.size;
	strcpy(stat->name, desc.name);
	size = stat->size * 8;
	KT_EQ(pread(fd, stat->values, size, h.data_offset + desc.d.offset), size);
}

/**
 * kt_stat_find() - read the row of a name
 * @fd: what KVM_GET_STATS_FD returned
 * @name: the name
 * @stat: the result
 * Return: false if there is none.
 */
bool kt_stat_find(int fd, const char *name, struct kt_stat *stat)
{
	u32 n = kt_stats(fd);

	for (u32 i = 0; i < n; i++) {
		kt_stat_nth(fd, i, stat);
		if (!strcmp(stat->name, name))
			return true;
	}
	return false;
}

/**
 * kt_stat() - the value of a counter
 * @fd: what KVM_GET_STATS_FD returned
 * @name: its name
 */
u64 kt_stat(int fd, const char *name)
{
	struct kt_stat stat;

	if (!kt_stat_find(fd, name, &stat))
		kt_fail("no counter %s", name);
	KT_EQ(stat.size, 1);
	return stat.values[0];
}

/**
 * kt_stat_samples() - how many samples a histogram has
 * @fd: what KVM_GET_STATS_FD returned
 * @name: its name
 */
u64 kt_stat_samples(int fd, const char *name)
{
	struct kt_stat stat;
	u64 n = 0;

	if (!kt_stat_find(fd, name, &stat))
		kt_fail("no histogram %s", name);
	KT_EQ(stat.flags & KVM_STATS_TYPE_MASK, KVM_STATS_TYPE_LOG_HIST);
	for (u32 i = 0; i < stat.size; i++)
		n += stat.values[i];
	return n;
}

/**
 * kt_param_set() - set a parameter of the module
 * @name: its name
 * @value: its value
 */
void kt_param_set(const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/minikvm/parameters/%s", name);
	f = fopen(path, "we");
	KT_TRUE(f && fputs(value, f) >= 0 && !fclose(f), "%s = %s: %s", path, value,
		kt_errno_name(errno));
}
