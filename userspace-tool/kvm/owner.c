// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading and loading the modules that own VT-x: see owner.h.
 *
 * A module leaves by delete_module(2), which refuses while a VM or a descriptor of it lives, and
 * comes by modprobe, which knows its options and what it depends on, or from a file. What the
 * kernel's log says about a module that does not load is part of the sentence: the module knows
 * the reason best. Relies on root, /sys/module, /proc and /dev/kmsg.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvm/kernel_log.h"
#include "kvm/node.h"
#include "kvm/owner.h"

#define OPTIONS_MAX	16
#define OWNERS_NAMED	3

/* Does a line of modules.dep or modules.builtin, "DIRECTORY/NAME.ko: ...", name @module? */
static bool line_names(const char *line, const char *module)
{
	const char *end = strstr(line, ".ko"), *start;
	size_t i, n = strlen(module);

	if (!end)
		return false;
	for (start = end; start > line && start[-1] != '/'; start--)
		;
	if ((size_t)(end - start) != n)
		return false;
	/* Files have dashes where modules have underscores. */
	for (i = 0; i < n; i++)
		if (start[i] != module[i] && !(start[i] == '-' && module[i] == '_'))
			return false;
	return true;
}

/**
 * owner_installed() - can modprobe find this module for the running kernel?
 * @module: its name, with underscores
 *
 * Return: whether the kernel's modules.dep lists it.
 */
bool owner_installed(const char *module)
{
	char path[256], *line = NULL;
	struct utsname name;
	bool found = false;
	size_t size = 0;
	FILE *f;

	if (uname(&name) < 0)
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", name.release);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = line_names(line, module);
	free(line);
	fclose(f);
	return found;
}

/* Has this process a VM, or a node open by which it could make one? */
static bool process_has(const char *pid, const char *node)
{
	char directory[300], path[600], target[64];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(directory, sizeof(directory), "/proc/%s/fd", pid);
	dir = opendir(directory);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		found = !strcmp(target, node) || !strcmp(target, "anon_inode:kvm-vm");
	}
	closedir(dir);
	return found;
}

/* Name a few of the processes that keep the module: " (qemu-system-x86 [12], ...)". */
static void name_users(const char *node, struct sentence *s)
{
	char path[300], comm[32];
	struct dirent *entry;
	unsigned int users = 0;
	size_t used = 0;
	FILE *f;
	DIR *dir = opendir("/proc");

	s->text[0] = 0;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !process_has(entry->d_name, node))
			continue;
		if (users++ == OWNERS_NAMED) {
			snprintf(s->text + used, sizeof(s->text) - used, ", ...");
			break;
		}
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (!f || !fgets(comm, sizeof(comm), f))
			snprintf(comm, sizeof(comm), "?");
		if (f)
			fclose(f);
		comm[strcspn(comm, "\n")] = 0;
		make_printable(comm);
		used += snprintf(s->text + used, sizeof(s->text) - used, "%s%s [%.16s]",
				 users == 1 ? "" : ", ", comm, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/**
 * owner_unload() - take a module off VT-x
 * @module: kvm_intel or minikvm
 * @why: receives the sentence on failure
 *
 * Return: 0, also where it was not loaded, or -1: it is loaded as before.
 */
int owner_unload(const char *module, struct sentence *why)
{
	struct sentence users;
	char path[64];

	if (!module_loaded(module))
		return 0;
	/* What is built in has parameters there, and nothing else. */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	if (access(path, F_OK) < 0)
		return say(why, "%s is built into this kernel and cannot be unloaded: boot a kernel that has it as a module.",
			   module);
	if (!syscall(SYS_delete_module, module, O_NONBLOCK))
		return 0;
	if (errno == ENOENT)
		return 0;
	if (errno != EWOULDBLOCK && errno != EBUSY)
		return say(why, "The module %s cannot be unloaded: %s.", module, strerror(errno));
	name_users(strcmp(module, "minikvm") != 0 ? "/dev/kvm" : node_default(), &users);
	return say(why, "The module %s is in use%s%s: end %s first.", module,
		   users.text[0] ? " by " : "", users.text,
		   users.text[0] ? "these" : "what uses it (its VMs, or a device that it serves)");
}

/* Open the kernel's log behind what it has now. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The last line that the module itself has written since: "minikvm: WORDS". */
static void log_last(int fd, const char *module, struct sentence *line)
{
	char record[KERNEL_LOG_RECORD], *words;

	line->text[0] = 0;
	if (fd < 0)
		return;
	while ((words = kernel_log_next(fd, record)))
		if (!strncmp(words, module, strlen(module)))
			say(line, "%s", words);
	close(fd);
}

/* Run modprobe. Return: its exit status, or -1 where it could not be run. */
static int run_modprobe(const char *module, const char *const *options)
{
	const char *argv[OPTIONS_MAX + 3] = { "modprobe", module };
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	int status, error, i;
	pid_t pid;

	for (i = 0; options && options[i] && i < OPTIONS_MAX; i++)
		argv[i + 2] = options[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	/* The search goes by this process's PATH, which root may have without sbin. */
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	error = posix_spawnp(&pid, "modprobe", &actions, NULL, (char *const *)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (error || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/**
 * owner_load() - give VT-x to a module, by modprobe
 * @module: kvm_intel or minikvm
 * @options: NAME=VALUE, ended by NULL, or NULL
 * @why: receives the sentence on failure, with what the module wrote into the kernel's log
 *
 * Return: 0, or -1: it is not loaded.
 */
int owner_load(const char *module, const char *const *options, struct sentence *why)
{
	struct sentence line;
	int log = log_open(), status = run_modprobe(module, options);

	log_last(log, module, &line);
	if (!status && module_loaded(module))
		return 0;
	if (status < 0)
		return say(why, "modprobe cannot be run, so that %s is not loaded.", module);
	return say(why, "modprobe could not load %s%s%.500s", module,
		   line.text[0] ? "; its message: " : " (dmesg may have the reason).", line.text);
}

/**
 * owner_load_file() - give VT-x to a module, from a file
 * @path: minikvm.ko
 * @options: its parameters, separated by spaces
 * @why: receives the sentence on failure, with what the module wrote into the kernel's log
 *
 * Return: 0, or -1: it is not loaded.
 */
int owner_load_file(const char *path, const char *options, struct sentence *why)
{
	int log = log_open(), fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sentence line;
	int error;

	error = fd < 0 || syscall(SYS_finit_module, fd, options, 0) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	log_last(log, "minikvm", &line);
	if (!error)
		return 0;
	if (line.text[0])
		return say(why, "The module %.100s cannot be loaded (%s); its message: %.500s",
			   path, strerror(error), line.text);
	return say(why, "The module %.100s cannot be loaded: %s.", path, strerror(error));
}
