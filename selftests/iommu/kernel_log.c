// SPDX-License-Identifier: GPL-2.0-only
/*
 * See kernel_log.h. Documentation/ABI/testing/dev-kmsg of Linux: each read gives one line,
 * "level,number,time,flags;text".
 */
#include "kernel_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int kmsg = -1;

bool log_open(void)
{
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		perror("/dev/kmsg");
	else
		log_forget();
	return kmsg >= 0;
}

void log_forget(void)
{
	lseek(kmsg, 0, SEEK_END);
}

bool log_has(const char *a, const char *b, const char *c)
{
	char line[1024], *text;
	ssize_t n;
	int i;

	for (i = 0; i < 1000; i++) {
		while ((n = read(kmsg, line, sizeof(line) - 1)) > 0) {
			line[n] = 0;
			if (!strstr(line, a) || !strstr(line, b) || !strstr(line, c))
				continue;
			text = strchr(line, ';');
			printf("# %s", text ? text + 1 : line);
			return true;
		}
		usleep(10000);
	}
	printf("# the log has no line with '%s', '%s', '%s'\n", a, b, c);
	return false;
}
