// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers and sizes as users write them: see number.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "cmd/number.h"
#include "compiler.h"

/* Decimal, or hexadecimal after 0x; a leading zero does not make it octal. Return: what follows. */
static const char *read_number(const char *s, __u64 *value)
{
	int base = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	errno = 0;
	*value = strtoull(s, &end, base);
	return errno ? NULL : end;
}

/* A number from @min to @max and nothing behind it. Return: whether it is one. */
bool parse_number(const char *s, __u64 min, __u64 max, __u64 *value)
{
	const char *end = read_number(s, value);

	return end && !*end && *value >= min && *value <= max;
}

/* A size in bytes from MiB, or from what the suffix says; it has to be whole MiB, up to a TiB. */
bool parse_size(const char *s, __u64 *bytes)
{
	static const struct {
		const char *suffix;
		__u64 unit;
	} units[] = {
		{ "", MIB }, { "K", KIB }, { "M", MIB }, { "G", GIB }, { "T", 1024 * GIB },
		{ "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB }, { "TiB", 1024 * GIB },
	};
	const char *end = read_number(s, bytes);
	size_t i;

	for (i = 0; end && i < ARRAY_SIZE(units); i++) {
		if (strcasecmp(end, units[i].suffix) != 0)
			continue;
		if (*bytes > SIZE_MIB_MAX * MIB / units[i].unit)
			return false;
		*bytes *= units[i].unit;
		return *bytes % MIB == 0;
	}
	return false;
}
