// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-modules.c - loads minikvm.ko, and what it depends on, into a lab host.
 *
 * Reads "depends=" from the module's own .modinfo strings, leaves those modules
 * to modprobe and gives minikvm.ko to finit_module(2) with its parameters, so
 * that the errno, which is all that the kernel returns, can be told.
 */
#include "init.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE	"/lab/minikvm.ko"

/**
 * kernel_release - the release of the running kernel, as uname -r has it
 * @text: receives it
 * @len: room in @text
 */
void kernel_release(char *text, size_t len)
{
	struct utsname name;

	uname(&name);
	snprintf(text, len, "%s", name.release);
}

/**
 * try_modprobe - load a module of the base, with what it depends on
 * @module: its name
 *
 * Return: 0, or -1 where that failed.
 */
int try_modprobe(const char *module)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl("/usr/bin/busybox", "modprobe", module, NULL);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || status ? -1 : 0;
}

static void run_modprobe(const char *module)
{
	if (try_modprobe(module))
		problem("modprobe %s failed", module);
}

static void load_dependencies(int fd)
{
	static const char key[] = "depends=";
	struct stat st;
	const char *data, *found;
	char name[64];
	size_t n;

	if (fstat(fd, &st) || st.st_size < 64)
		problem("%s is not a module", MODULE);
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		problem("%s cannot be read: %s", MODULE, strerror(errno));
	found = memmem(data, st.st_size, "\0depends=", sizeof(key));
	for (found = found ? found + sizeof(key) : NULL; found && *found; found += *found == ',') {
		for (n = 0; n < sizeof(name) - 1 && found < data + st.st_size &&
		     (isalnum((unsigned char)*found) || *found == '_' || *found == '-'); n++)
			name[n] = *found++;
		name[n] = 0;
		if (!n)
			break;
		run_modprobe(name);
	}
	munmap((void *)data, st.st_size);
}

/**
 * load_modules - do what the lines "modprobe=" and "insmod=" of the config say
 *
 * Does not return if one cannot be loaded.
 */
void load_modules(void)
{
	char value[4096];
	int fd, i;

	for (i = 0; config("modprobe", i, value, sizeof(value)); i++)
		run_modprobe(value);
	if (!config("insmod", 0, value, sizeof(value)))
		return;
	fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		problem("%s cannot be opened: %s", MODULE, strerror(errno));
	load_dependencies(fd);
	if (syscall(SYS_finit_module, fd, value, 0))
		problem("minikvm.ko did not load: %s", strerror(errno));
	close(fd);
}
