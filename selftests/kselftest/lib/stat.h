/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading KVM_GET_STATS_FD as a client does: rows are found by their names. KVM's ABI.
 */
#ifndef KT_STAT_H
#define KT_STAT_H

#include "kt.h"

#define KT_STAT_VALUES 64

/**
 * struct kt_stat - one row of a file of statistics
 * @flags: KVM_STATS_*
 * @exponent: of the unit
 * @size: number of values
 * @name: its name
 * @values: the values
 */
struct kt_stat {
	u32 flags;
	int exponent;
	u32 size;
	char name[256];
	u64 values[KT_STAT_VALUES];
};

u32 kt_stats(int fd);
void kt_stat_nth(int fd, u32 n, struct kt_stat *stat);
bool kt_stat_find(int fd, const char *name, struct kt_stat *stat);
u64 kt_stat(int fd, const char *name);
u64 kt_stat_samples(int fd, const char *name);

void kt_param_set(const char *name, const char *value);

#endif
