// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking out of a line what tells whose machine it is: see scrub.h.
 *
 * A report is read by strangers. Out go UUIDs and machine IDs, MAC and IP addresses, addresses of
 * the kernel (16 hexadecimal digits that begin with ffff), host and user names that the caller
 * knows, and words of a command line that name devices, files and passwords. What is left out
 * leaves its mark, so that nobody looks for a fault where there is none. Pure.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "compiler.h"
#include "inspect/scrub.h"

#define MARK	"(left out)"

static size_t span(const char *s, int (*is)(int), size_t most)
{
	size_t n = 0;

	while (n < most && is((unsigned char)s[n]))
		n++;
	return n;
}

/* Groups of hexadecimal digits of these lengths with @between. Return: characters, or 0. */
static size_t hex_groups(const char *s, const unsigned char *groups, size_t count, char between)
{
	size_t n = 0, i;

	for (i = 0; i < count; i++) {
		if (span(s + n, isxdigit, groups[i] + 1) != groups[i])
			return 0;
		n += groups[i];
		if (i + 1 < count && s[n++] != between)
			return 0;
	}
	return n;
}

static size_t ipv4(const char *s)
{
	size_t n = 0, digits, i;

	for (i = 0; i < 4; i++) {
		digits = span(s + n, isdigit, 4);
		if (!digits || digits > 3)
			return 0;
		n += digits;
		if (i < 3 && s[n++] != '.')
			return 0;
	}
	return s[n] == '.' ? 0 : n;
}

/* At least three colons between groups of up to four digits: "fe80::1" has two and a void. */
static size_t ipv6(const char *s)
{
	size_t n = 0, digits, groups = 0, colons = 0;
	bool empty = false;

	for (;;) {
		digits = span(s + n, isxdigit, 5);
		if (digits > 4)
			return 0;
		groups += digits > 0;
		n += digits;
		if (s[n] != ':')
			break;
		colons++;
		n++;
		if (s[n] == ':') {
			empty = true;
			n++;
			colons++;
		}
	}
	if (colons == 7 && groups == 8)
		return n;
	return empty && groups && colons >= 2 ? n : 0;
}

static size_t kernel_address(const char *s)
{
	size_t prefix = s[0] == '0' && s[1] == 'x' ? 2 : 0;

	if (strncasecmp(s + prefix, "ffff", 4) != 0 || span(s + prefix, isxdigit, 17) != 16)
		return 0;
	return prefix + 16;
}

/* How much of what begins here, at the beginning of a word, is left out; or 0. */
static size_t secret(const char *s, const char *const *names)
{
	static const unsigned char uuid[] = { 8, 4, 4, 4, 12 }, mac[] = { 2, 2, 2, 2, 2, 2 };
	static const unsigned char id[] = { 32 };
	size_t n = hex_groups(s, uuid, ARRAY_SIZE(uuid), '-');

	if (!n)
		n = hex_groups(s, mac, ARRAY_SIZE(mac), ':');
	if (!n)
		n = hex_groups(s, id, ARRAY_SIZE(id), 0);
	if (!n)
		n = ipv4(s);
	if (!n)
		n = ipv6(s);
	if (!n)
		n = kernel_address(s);
	for (; !n && names && *names; names++)
		if ((*names)[0] && !strncmp(s, *names, strlen(*names)) &&
		    !isalnum((unsigned char)s[strlen(*names)]))
			n = strlen(*names);
	return n;
}

/* The length of "KEY=" in "KEY=VALUE", whose value is left out; or 0. */
static size_t private_key(const char *s)
{
	static const char * const keys[] = {
		"root=", "resume=", "ip=", "nfsroot=", "BOOT_IMAGE=", "initrd=", "hostname=",
		"systemd.hostname=", "rd.luks", "cryptdevice=", "luks", "password=", "netconsole=",
		"ks=", "inst.", "url=", "serial=", "serial_number=", "rootflags=", "zfs=", "iscsi",
	};
	const char *equals;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strncasecmp(s, keys[i], strlen(keys[i])) != 0)
			continue;
		equals = strpbrk(s, "= ");
		return equals && *equals == '=' ? equals - s + 1 : 0;
	}
	return 0;
}

static bool put(char *out, size_t size, size_t *used, const char *from, size_t n)
{
	if (*used + n >= size)
		return false;
	memcpy(out + *used, from, n);
	*used += n;
	out[*used] = 0;
	return true;
}

/**
 * scrub_line() - a line without what tells whose machine it is
 * @line: it
 * @names: words to be left out as well, ended by NULL; or NULL
 * @out: receives the line; what does not fit is cut off
 * @size: of @out, at least 1
 */
void scrub_line(const char *line, const char *const *names, char *out, size_t size)
{
	size_t used = 0, n;
	bool word_begins = true;

	out[0] = 0;
	while (*line) {
		n = word_begins ? private_key(line) : 0;
		if (n) {
			if (!put(out, size, &used, line, n) ||
			    !put(out, size, &used, MARK, strlen(MARK)))
				return;
			line += n;
			line += strcspn(line, " \t\n");
			continue;
		}
		n = word_begins ? secret(line, names) : 0;
		if (n) {
			if (!put(out, size, &used, MARK, strlen(MARK)))
				return;
			line += n;
		}
		if (!*line)
			return;
		word_begins = !isalnum((unsigned char)*line) && *line != '_';
		if (!put(out, size, &used, line++, 1))
			return;
	}
}
