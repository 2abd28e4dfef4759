// SPDX-License-Identifier: GPL-2.0-only
/*
 * From minikvm's directory in debugfs to a snapshot.
 *
 * A VM is a directory <pid>-<number> with a file "state" and a file vcpu<n> for each vCPU; a line
 * is "name value..." (Documentation/statistics.rst). What a line says that is not known here is
 * passed over, so that a newer module can say more. A VM that goes away meanwhile is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compiler.h"
#include "inspect/stat_data.h"

#define MAX_TEXT (256 * 1024)

const char *const stat_phase_names[STAT_PHASES] = {
	"guest", "hot_loop", "slow_path", "userspace", "halted"
};

/* The rest of a line behind "@name ", or NULL if the line is another. */
static const char *after(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

static void take_text(char *to, size_t size, const char *from)
{
	/* A process chooses its name, and it is printed on a terminal. */
	snprintf(to, size, "%.*s", (int)strcspn(from, "\n"), from);
	make_printable(to);
}

static bool take_number(stat_u64 *to, const char *line, const char *name)
{
	const char *value = after(line, name);

	if (value)
		*to = strtoull(value, NULL, 10);
	return value;
}

/* guest_process PROCESS TASK NAME, which the guest chooses */
static void take_process(struct stat_vcpu *vcpu, const char *value)
{
	char *end;

	vcpu->process = strtoul(value, &end, 10);
	vcpu->task = strtoul(end, &end, 10);
	if (*end == ' ')
		take_text(vcpu->runs, sizeof(vcpu->runs), end + 1);
}

static void take_hist(struct stat_hist *h, const char *value)
{
	char *end;
	size_t n;

	h->sum = strtoull(value, &end, 10);
	for (n = 0; n < STAT_BUCKETS && *end == ' '; n++)
		h->bucket[n] = strtoull(end, &end, 10);
}

/* exit[30] 17 I/O instruction; exit_hist[30] SUM BUCKET... */
static void take_reason(struct stat_vcpu *vcpu, const char *line)
{
	bool hist = !strncmp(line, "exit_hist[", 10);
	char *end;
	unsigned long n;

	if (!hist && strncmp(line, "exit[", 5) != 0)
		return;
	n = strtoul(strchr(line, '[') + 1, &end, 10);
	if (n >= STAT_REASONS || end[0] != ']' || end[1] != ' ')
		return;
	if (hist) {
		take_hist(&vcpu->reasons[n].latency, end + 2);
		return;
	}
	vcpu->reasons[n].exits = strtoull(end + 2, &end, 10);
	take_text(vcpu->reasons[n].name, sizeof(vcpu->reasons[n].name), *end == ' ' ? end + 1 : "?");
}

static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	return line && line[1] ? line + 1 : NULL;
}

/**
 * stat_parse_vcpu() - read what the file of a vCPU says
 * @vcpu: the result; its number stays
 * @text: the file
 */
void stat_parse_vcpu(struct stat_vcpu *vcpu, const char *text)
{
	const char *line, *value;
	char name[32];
	int i;

	for (line = *text ? text : NULL; line; line = next_line(line)) {
		value = after(line, "state");
		if (value)
			take_text(vcpu->state, sizeof(vcpu->state), value);
		value = after(line, "guest_process");
		if (value)
			take_process(vcpu, value);
		if (take_number(&vcpu->exits, line, "exits") ||
		    take_number(&vcpu->cpu_ns, line, "cpu_ns") ||
		    take_number(&vcpu->wait_ns, line, "cpu_wait_ns"))
			continue;
		for (i = 0; i < STAT_PHASES; i++) {
			snprintf(name, sizeof(name), "%s_ns", stat_phase_names[i]);
			take_number(&vcpu->phase_ns[i], line, name);
		}
		take_reason(vcpu, line);
	}
}

/**
 * stat_parse_vm() - read what the file "state" of a VM says
 * @vm: the result; its id and vCPUs stay
 * @text: the file
 */
void stat_parse_vm(struct stat_vm *vm, const char *text)
{
	const char *line, *value;
	stat_u64 uid;

	for (line = *text ? text : NULL; line; line = next_line(line)) {
		value = after(line, "state");
		if (value)
			take_text(vm->state, sizeof(vm->state), value);
		value = after(line, "name");
		if (value)
			take_text(vm->name, sizeof(vm->name), value);
		if (take_number(&uid, line, "uid"))
			vm->uid = uid;
		take_number(&vm->memory, line, "guest_memory_bytes");
		take_number(&vm->tables, line, "page_table_bytes");
		take_number(&vm->pinned, line, "pinned_bytes");
	}
}

/* The file's text, to be freed, or NULL. */
static char *read_text(const char *directory, const char *vm, const char *name)
{
	char path[512], *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", directory, vm, name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	text = malloc(MAX_TEXT);
	n = text ? fread(text, 1, MAX_TEXT - 1, f) : 0;
	if (text && ferror(f)) {
		free(text);
		text = NULL;
	}
	fclose(f);
	if (text)
		text[n] = 0;
	return text;
}

static int is_vm(const struct dirent *entry)
{
	unsigned int pid, number;
	char more;

	return sscanf(entry->d_name, "%u-%u%c", &pid, &number, &more) == 2;
}

static int is_vcpu(const struct dirent *entry)
{
	unsigned int id;
	char more;

	return sscanf(entry->d_name, "vcpu%u%c", &id, &more) == 1;
}

/* Returns false if the VM is gone. */
static bool read_vm(struct stat_vm *vm, const char *directory, const char *id)
{
	struct dirent **names;
	char path[400], *text = read_text(directory, id, "state");
	int i, n;

	memset(vm, 0, sizeof(*vm));
	snprintf(vm->id, sizeof(vm->id), "%.31s", id);
	if (!text)
		return false;
	stat_parse_vm(vm, text);
	free(text);
	snprintf(path, sizeof(path), "%s/%s", directory, id);
	n = scandir(path, &names, is_vcpu, versionsort);
	if (n < 0)
		return false;
	vm->vcpus = calloc(n ? n : 1, sizeof(*vm->vcpus));
	for (i = 0; i < n; i++) {
		text = vm->vcpus ? read_text(directory, id, names[i]->d_name) : NULL;
		if (text) {
			struct stat_vcpu *vcpu = &vm->vcpus[vm->nr_vcpus++];

			vcpu->id = strtoul(names[i]->d_name + 4, NULL, 10);
			stat_parse_vcpu(vcpu, text);
		}
		free(text);
		free(names[i]);
	}
	free(names);
	return true;
}

static int say_why(struct sentence *why, const char *directory, int err)
{
	if (err == EACCES || err == EPERM)
		return say(why, "%s can be read by root alone: run this as root (sudo minikvm stat).",
			   directory);
	if (err == ENOENT)
		return say(why, "There is no %s: load the module (modprobe minikvm), and mount debugfs if it is not (mount -t debugfs none /sys/kernel/debug).",
			   directory);
	return say(why, "%s cannot be read: %s.", directory, strerror(err));
}

/**
 * stat_read() - take a snapshot
 * @s: the result, to be freed by stat_free()
 * @directory: minikvm's directory in debugfs
 * @why: receives what went wrong
 *
 * Return: 0, or -1.
 */
int stat_read(struct stat_snapshot *s, const char *directory, struct sentence *why)
{
	struct dirent **names;
	int i, n;

	memset(s, 0, sizeof(*s));
	n = scandir(directory, &names, is_vm, versionsort);
	if (n < 0)
		return say_why(why, directory, errno);
	s->vms = calloc(n ? n : 1, sizeof(*s->vms));
	s->ns = now_ns();
	for (i = 0; i < n; i++) {
		if (s->vms && read_vm(&s->vms[s->nr_vms], directory, names[i]->d_name))
			s->nr_vms++;
		free(names[i]);
	}
	free(names);
	return s->vms ? 0 : say(why, "There is no memory left.");
}

/**
 * stat_free() - let go of a snapshot
 * @s: the snapshot
 */
void stat_free(struct stat_snapshot *s)
{
	size_t i;

	for (i = 0; i < s->nr_vms; i++)
		free(s->vms[i].vcpus);
	free(s->vms);
	memset(s, 0, sizeof(*s));
}
