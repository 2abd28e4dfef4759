// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM of another process, as the module shows it in debugfs.
 *
 * Each VM has a directory PID-NUMBER there (virt/debugfs.c of the module). On the command line a VM
 * is PID where the process has one VM, else PID-NUMBER; "/N" behind it is a vCPU. Relies on debugfs
 * at /sys/kernel/debug and on root.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "inspect/vm_files.h"

/* A decimal number that begins at *@text; moves behind it. -1: there is none. */
static long number(const char **text)
{
	char *end;
	long n;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	n = strtol(*text, &end, 10);
	if (errno || n > 0x7fffffff)
		return -1;
	*text = end;
	return n;
}

/**
 * vm_target_parse() - PID, PID-NUMBER, PID/VCPU or PID-NUMBER/VCPU
 * @text: from the command line
 * @target: filled, but for its directory
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vm_target_parse(const char *text, struct vm_target *target, struct sentence *why)
{
	const char *at = text;
	long n;

	*target = (struct vm_target){ .vcpu = -1 };
	n = number(&at);
	if (n <= 0)
		goto bad;
	target->pid = (int)n;
	if (*at == '-') {
		at++;
		n = number(&at);
		if (n <= 0)
			goto bad;
		target->number = (unsigned int)n;
	}
	if (*at == '/') {
		at++;
		n = number(&at);
		if (n < 0)
			goto bad;
		target->vcpu = (int)n;
	}
	if (!*at)
		return 0;
bad:
	return say(why,
		   "'%s' is no VM: give the PID of its process, PID-NUMBER where that has several, and /N for a vCPU.",
		   text);
}

static int say_unreadable(const char *path, struct sentence *why)
{
	if (errno == ENOENT)
		return say(why,
			   "%s is not there: is the module loaded, debugfs mounted (mount -t debugfs none /sys/kernel/debug), and does the VM still run?",
			   path);
	if (errno == EACCES || errno == EPERM)
		return say(why, "%s cannot be read: another process's VM is for root to see.",
			   path);
	if (errno == EBUSY)
		return say(why,
			   "%s: the vCPU's thread has been held up in the host's kernel for a second; try again.",
			   path);
	return say(why, "%s cannot be read: %s.", path, strerror(errno));
}

/**
 * vm_target_find() - find the VM's directory
 * @target: parsed; a number of 0 becomes that of the process's only VM
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vm_target_find(struct vm_target *target, struct sentence *why)
{
	DIR *root = opendir(VM_FILES_ROOT);
	struct dirent *entry;
	int found = 0, pid;
	unsigned int n;
	char end;

	if (!root)
		return say_unreadable(VM_FILES_ROOT, why);
	while ((entry = readdir(root))) {
		if (sscanf(entry->d_name, "%d-%u%c", &pid, &n, &end) != 2 || pid != target->pid ||
		    (target->number && n != target->number))
			continue;
		found++;
		snprintf(target->directory, sizeof(target->directory), VM_FILES_ROOT "/%d-%u",
			 pid, n);
	}
	closedir(root);
	if (found == 1)
		return 0;
	if (found)
		return say(why,
			   "Process %d has %d VMs: give PID-NUMBER, as the directories in %s are called.",
			   target->pid, found, VM_FILES_ROOT);
	return say(why, "Process %d has no VM of minikvm%s.", target->pid,
		   target->number ? " of that number" : "");
}

/**
 * vm_file_open() - open a file of a VM
 * @target: found
 * @name: the file's name
 * @why: receives the sentence on failure
 *
 * Return: the file, for reading and, where that is allowed, writing; or NULL.
 */
FILE *vm_file_open(const struct vm_target *target, const char *name, struct sentence *why)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%.40s", target->directory, name);
	file = fopen(path, "r+");
	if (!file && errno == EACCES)
		file = fopen(path, "r");
	if (!file)
		say_unreadable(path, why);
	return file;
}
