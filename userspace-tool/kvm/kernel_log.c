// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of /dev/kmsg, Documentation/ABI/testing/dev-kmsg in the kernel: "PREFIX,...;WORDS",
 * and lines of a dictionary behind a newline. A read returns one whole record, EPIPE where records
 * were overwritten, and EINVAL where the buffer is too short for one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kvm/kernel_log.h"
#include "terminal/sentence.h"

/**
 * kernel_log_next() - read the next record
 * @fd: /dev/kmsg, opened with O_NONBLOCK
 * @record: KERNEL_LOG_RECORD bytes, which the result is in
 *
 * Return: the record's words, printable; or NULL where there is no further record.
 */
char *kernel_log_next(int fd, char *record)
{
	char *words;
	ssize_t n;

	for (;;) {
		n = read(fd, record, KERNEL_LOG_RECORD - 1);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return NULL;
		record[n] = 0;
		words = strchr(record, ';');
		if (!words)
			continue;
		words++;
		words[strcspn(words, "\n")] = 0;
		make_printable(words);
		return words;
	}
}
