// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervise-window.c - the supervisor's side of the window (window.h).
 *
 * Looks for the page in the emulator's memory through /proc/PID/maps and
 * process_vm_readv(2), which the emulator's parent may do.  The host is not
 * trusted: lengths are bounded and the sum must be right.
 */
#include "supervise.h"
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE	4096UL
#define BATCH	512

static uint8_t magic[WINDOW_MAGIC];
static int have_magic;
static uintptr_t found, input_page;

/**
 * window_copy_from - read from the emulator's memory
 * @pid: the emulator
 * @address: from where
 * @data: receives it
 * @len: bytes
 *
 * Return: 0 or -1.
 */
int window_copy_from(pid_t pid, uintptr_t address, void *data, size_t len)
{
	struct iovec local = { data, len }, remote = { (void *)address, len };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -1;
}

/**
 * window_copy_to - write to the emulator's memory
 * @pid: the emulator
 * @address: where
 * @data: what
 * @len: bytes
 *
 * Return: 0 or -1.
 */
int window_copy_to(pid_t pid, uintptr_t address, const void *data, size_t len)
{
	struct iovec local = { (void *)data, len }, remote = { (void *)address, len };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -1;
}

/* What is looked for: so many bytes from a page's start on, its magic at both ends */
struct area {
	const uint8_t *magic;
	size_t size;
};

/* Looks at the first bytes of each page of a range, many in a system call. */
static uintptr_t search(pid_t pid, const struct area *area, uintptr_t start, uintptr_t end)
{
	static uint8_t seen[BATCH][WINDOW_MAGIC];
	struct iovec local = { seen, sizeof(seen) }, remote[BATCH];
	uint8_t again[WINDOW_MAGIC];
	uintptr_t at = start;
	size_t i, n;

	while (at + area->size <= end) {
		for (n = 0; n < BATCH && at + n * PAGE + area->size <= end; n++) {
			remote[n].iov_base = (void *)(at + n * PAGE);
			remote[n].iov_len = WINDOW_MAGIC;
		}
		local.iov_len = n * WINDOW_MAGIC;
		if (process_vm_readv(pid, &local, 1, remote, n, 0) != (ssize_t)local.iov_len)
			return 0;
		for (i = 0; i < n; i++) {
			uintptr_t page = at + i * PAGE;

			if (!memcmp(seen[i], area->magic, WINDOW_MAGIC) &&
			    !window_copy_from(pid, page + area->size - WINDOW_MAGIC, again,
				       sizeof(again)) &&
			    !memcmp(again, area->magic, WINDOW_MAGIC))
				return page;
		}
		at += n * PAGE;
	}
	return 0;
}

/* The host's memory is one large range: smaller ones are the emulator's own. */
static uintptr_t find(pid_t pid, const struct area *area)
{
	unsigned long start, end;
	uintptr_t page = 0;
	char path[64], line[512], mode[8];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && !page && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 &&
		    !strncmp(mode, "rw", 2) && end - start >= WINDOW_SIZE)
			page = search(pid, area, start, end);
	if (maps)
		fclose(maps);
	return page;
}

/**
 * window_find - find a page of the host's by its random bytes
 * @pid: the emulator
 * @mask: which bits of the window's random bytes are turned in this page's
 * @size: bytes of the page
 *
 * Return: its address in the emulator, or 0.
 */
uintptr_t window_find(pid_t pid, uint8_t mask, size_t size)
{
	uint8_t turned[WINDOW_MAGIC];
	const struct area area = { turned, size };
	int i;

	for (i = 0; i < WINDOW_MAGIC; i++)
		turned[i] = magic[i] ^ mask;
	return have_magic ? find(pid, &area) : 0;
}

/**
 * window_set_magic - say which random bytes this run was given
 * @text: 32 hexadecimal digits
 *
 * Return: 0, or -1 if they are not.
 */
int window_set_magic(const char *text)
{
	have_magic = !window_parse_magic(text, magic);
	return have_magic ? 0 : -1;
}

/**
 * window_take - take the piece that the host announces
 * @h: the host; its archive receives the piece
 * @pid: the emulator
 * @text: the announcement: number, length in bytes and sum of the piece
 */
void window_take(struct host *h, pid_t pid, const char *text)
{
	static uint8_t data[WINDOW_SIZE];
	uint32_t number;
	unsigned int sum;
	size_t len;

	h->beats++;
	if (!have_magic || sscanf(text, "%u %zu %u", &number, &len, &sum) != 3 ||
	    len > sizeof(((struct window *)0)->data)) {
		h->damaged = "a piece of /out that cannot be";
		return;
	}
	if (number == 1) {
		found = window_find(pid, 0, WINDOW_SIZE);
		if (!found)
			return;		/* no answer: the host takes the port */
	} else if (!found ||
		   window_copy_from(pid, found + offsetof(struct window, data), data, len) ||
		   window_sum(data, len) != sum) {
		h->damaged = "a piece of /out is not what the host sent";
		return;
	}
	errno = 0;
	if (h->archive && fwrite(data, 1, len, h->archive) != len && !h->archive_error)
		h->archive_error = errno ? errno : EIO;
	if (window_copy_to(pid, found + offsetof(struct window, answered), &number, sizeof(number)))
		h->damaged = "the host's memory cannot be written";
}

/**
 * input_ask - the host wants a piece of COMMAND's input
 * @h: the host; its input_wanted is set
 * @pid: the emulator
 * @text: the number of the piece; 1 only asks whether this page can be found
 */
void input_ask(struct host *h, pid_t pid, const char *text)
{
	unsigned int number = strtoul(text, NULL, 10);

	h->beats++;
	if (!have_magic || !number) {
		h->damaged = "a wish for input that cannot be";
		return;
	}
	h->input_wanted = number;
	if (number > 1)
		return;
	input_page = window_find(pid, INPUT_MASK, INPUT_SIZE);
	if (input_page) {
		input_size(h, pid);
		input_give(h, pid, NULL, 0);
		return;
	}
	h->input_wanted = 0;
	complain("COMMAND's input is empty: the emulator's memory cannot be read here (%s).",
		 strerror(errno));
}

/**
 * input_room - how much input_give() takes at once
 *
 * Return: bytes.
 */
size_t input_room(void)
{
	return sizeof(((struct input *)0)->data);
}

static int put_input(pid_t pid, size_t offset, const void *data, size_t len)
{
	return window_copy_to(pid, input_page + offset, data, len);
}

/**
 * input_give - put the piece that the host wants into its memory
 * @h: the host
 * @pid: the emulator
 * @data: the piece
 * @len: bytes, at most input_room(); 0 says that there are no more
 */
void input_give(struct host *h, pid_t pid, const void *data, size_t len)
{
	uint32_t number = h->input_wanted, length = len;

	h->input_wanted = 0;
	/* The number last: it says that the rest is there. */
	if (!input_page ||
	    (len && put_input(pid, offsetof(struct input, data), data, len)) ||
	    put_input(pid, offsetof(struct input, len), &length, sizeof(length)) ||
	    put_input(pid, offsetof(struct input, given), &number, sizeof(number)))
		h->damaged = "the host's memory cannot be written";
}

/**
 * input_size - tell the host how large the window of the caller's terminal is
 * @h: the host
 * @pid: the emulator
 */
void input_size(struct host *h, pid_t pid)
{
	uint16_t size[2];

	if (!input_page || !h->terminal)
		return;
	terminal_size(&size[0], &size[1]);
	if (put_input(pid, offsetof(struct input, rows), size, sizeof(size)))
		h->damaged = "the host's memory cannot be written";
}
