// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm ept` and `minikvm walk`: how an address of a guest is translated, level by level.
 *
 * Relies on the files ept, slots and vmcsN that the module has for each VM in debugfs, on
 * /proc/PID/mem for the guest's page tables, and on root.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "inspect/vm_files.h"
#include "inspect/vmcs_print.h"
#include "inspect/walk.h"

#define SLOTS_MAX	4096

static int fail(const struct sentence *why, int status)
{
	fprintf(stderr, "minikvm: %s\n", why->text);
	return status;
}

static int parse_address(const char *text, unsigned long long *address, struct sentence *why)
{
	char *end;

	errno = 0;
	*address = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && !*end && !errno)
		return 0;
	return say(why, "'%s' is no address: 0x1000, say.", text);
}

static int print_ept(const struct vm_target *target, unsigned long long gpa, struct sentence *why)
{
	FILE *file = vm_file_open(target, "ept", why);
	int ret;

	if (!file)
		return -1;
	fprintf(file, "0x%llx", gpa);
	if (fflush(file)) {
		fclose(file);
		return say(why, "%s/ept cannot be asked: %s.", target->directory, strerror(errno));
	}
	rewind(file);
	ret = ept_print(file, stdout, why);
	fclose(file);
	return ret;
}

/* Both commands take a VM and an address. Return: 0, or the exit status plus 1. */
static int parse(const struct described_command *command, int argc, char **argv,
		 struct vm_target *target, unsigned long long *address)
{
	int ret = describe_next(command, argc, argv);
	struct sentence why;

	if (ret == OPTION_HELP)
		return STATUS_OK + 1;
	if (ret != OPTION_END)
		return STATUS_USAGE + 1;
	if (argc - optind != 2) {
		describe_help(command, stderr);
		return STATUS_USAGE + 1;
	}
	if (vm_target_parse(argv[optind], target, &why) ||
	    parse_address(argv[optind + 1], address, &why))
		return fail(&why, STATUS_USAGE) + 1;
	if (vm_target_find(target, &why))
		return fail(&why, STATUS_FAILED) + 1;
	return 0;
}

static int command_ept(int argc, char **argv)
{
	struct vm_target target;
	unsigned long long gpa;
	struct sentence why;
	int ret = parse(&ept_description, argc, argv, &target, &gpa);

	if (ret)
		return ret - 1;
	return print_ept(&target, gpa, &why) ? fail(&why, STATUS_FAILED) : STATUS_OK;
}

const struct described_command ept_description = {
	.name = "ept",
	.run = command_ept,
	.summary = "how a guest-physical address is translated, level by level",
	.synopsis = "PID[-VM] ADDRESS",
	.about =
	"Prints the memory slot of a guest-physical address and the entry of EPT at each level,\n"
	"for the VM that process PID has. Root only.",
};

/* The guest's memory, as memory of the process that made the VM. */
struct guest {
	int mem;
	unsigned int slots;
	struct { unsigned long long gpa, size, hva; } slot[SLOTS_MAX];
};

static bool read_guest(void *arg, unsigned long long gpa, void *to, size_t size)
{
	const struct guest *g = arg;
	unsigned long long offset;
	unsigned int i;

	for (i = 0; i < g->slots; i++) {
		offset = gpa - g->slot[i].gpa;
		if (gpa < g->slot[i].gpa || offset >= g->slot[i].size ||
		    size > g->slot[i].size - offset)
			continue;
		return pread(g->mem, to, size, (off_t)(g->slot[i].hva + offset)) == (ssize_t)size;
	}
	return false;
}

static int open_guest(const struct vm_target *target, struct guest *g, struct sentence *why)
{
	FILE *file = vm_file_open(target, "slots", why);
	char line[256], path[32];

	if (!file)
		return -1;
	while (g->slots < SLOTS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, "slot %*u gpa %llx size %llx hva %llx", &g->slot[g->slots].gpa,
			   &g->slot[g->slots].size, &g->slot[g->slots].hva) == 3)
			g->slots++;
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/mem", target->pid);
	g->mem = open(path, O_RDONLY | O_CLOEXEC);
	if (g->mem < 0)
		return say(why, "%s cannot be read: %s.", path, strerror(errno));
	return 0;
}

static void take_register(struct walk_registers *r, unsigned int field, unsigned long long value)
{
	switch (field) {
	case F_GUEST_CR0:
		r->cr0 = value;
		break;
	case F_GUEST_CR3:
		r->cr3 = value;
		break;
	case F_GUEST_CR4:
		r->cr4 = value;
		break;
	case F_EFER:
		r->efer = value;
		break;
	case F_PDPTE0:
	case F_PDPTE1:
	case F_PDPTE2:
	case F_PDPTE3:
		r->pdpte[(field - F_PDPTE0) / 2] = value;
		break;
	}
}

static int read_registers(const struct vm_target *target, struct walk_registers *r,
			  struct sentence *why)
{
	unsigned long long value;
	unsigned int field;
	char line[512], name[24];
	FILE *file;
	int lines = 0;

	snprintf(name, sizeof(name), "vmcs%d", target->vcpu);
	file = vm_file_open(target, name, why);
	if (!file)
		return -1;
	for (; fgets(line, sizeof(line), file); lines++)
		if (sscanf(line, "field %x %llx", &field, &value) == 2)
			take_register(r, field, value);
	fclose(file);
	return lines ? 0 : say(why, "The vCPU's registers cannot be read.");
}

static unsigned int physical_bits(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
}

static int walk(const struct vm_target *target, unsigned long long linear, struct sentence *why)
{
	struct guest *g = calloc(1, sizeof(*g));
	struct walk_registers regs = { 0 };
	unsigned long long gpa;
	int ret;

	if (!g)
		return say(why, "There is no memory for the list of slots.");
	ret = open_guest(target, g, why);
	if (!ret)
		ret = read_registers(target, &regs, why);
	if (!ret && walk_print(&regs, &(struct walk_memory){ read_guest, g }, linear,
			       physical_bits(), stdout, &gpa) == 0) {
		printf("  guest-physical 0x%llx\n", gpa);
		ret = print_ept(target, gpa, why);
	}
	if (g->mem > 0)
		close(g->mem);
	free(g);
	return ret;
}

static int command_walk(int argc, char **argv)
{
	unsigned long long linear;
	struct vm_target target;
	struct sentence why;
	int ret = parse(&walk_description, argc, argv, &target, &linear);

	if (ret)
		return ret - 1;
	if (target.vcpu < 0)
		target.vcpu = 0;
	return walk(&target, linear, &why) ? fail(&why, STATUS_FAILED) : STATUS_OK;
}

const struct described_command walk_description = {
	.name = "walk",
	.run = command_walk,
	.summary = "how a guest's linear address is translated, level by level",
	.synopsis = "PID[-VM][/VCPU] ADDRESS",
	.about =
	"Prints how a vCPU (the first, if none is given) of the VM that process PID has\n"
	"translates a linear address: the entry of the guest's page tables at each level, and\n"
	"then the walk of EPT. Nothing is changed by it. Root only.",
};
