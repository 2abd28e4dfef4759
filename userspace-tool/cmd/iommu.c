// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm iommu`: what minikvm's IOMMU driver does, from debugfs.
 *
 * It prints units with their capabilities, devices with driver and domain, groups and what keeps
 * one from being assigned, remapped interrupts; with a device and an address, the page-table walk.
 * VT-d specification, "Address Translation", "Interrupt Remapping". Relies on debugfs at
 * /sys/kernel/debug, on /sys/bus/pci, /sys/kernel/iommu_groups and on root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"

#define DIRECTORY "/sys/kernel/debug/minikvm-iommu/"
#define GROUPS "/sys/kernel/iommu_groups"

static FILE *open_state(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file)
		return file;
	if (errno == ENOENT)
		fputs("minikvm: minikvm does not drive VT-d here: is the module loaded, is debugfs mounted (mount -t debugfs none /sys/kernel/debug), and what does `dmesg | grep VT-d` say?\n",
		      stderr);
	else
		fprintf(stderr, "minikvm: %s: %s\n", path, strerror(errno));
	return NULL;
}

/* The driver of the device that a line of "devices" begins with. */
static const char *driver_of(const char *line, char *path, size_t size)
{
	char link[96];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%.12s/driver", line);
	n = readlink(link, path, size - 1);
	if (n <= 0)
		return "no driver";
	path[n] = 0;
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

/* @lines, where it is not NULL, receives how many there were. */
static int print_file(const char *path, int with_driver, int *lines)
{
	char line[512], target[256];
	FILE *file = open_state(path);
	int n = 0;

	if (!file)
		return STATUS_FAILED;
	for (; fgets(line, sizeof(line), file); n++) {
		line[strcspn(line, "\n")] = 0;
		if (with_driver)
			printf("%s (%s)\n", line, driver_of(line, target, sizeof(target)));
		else
			puts(line);
	}
	fclose(file);
	if (lines)
		*lines = n;
	return STATUS_OK;
}

static int skip_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Drivers that do no DMA of their own, or do it for userspace: with them a group is viable. */
static int leaves_viable(const char *driver)
{
	return !strcmp(driver, "no driver") || !strncmp(driver, "vfio", 4) ||
	       !strcmp(driver, "pci-stub") || !strcmp(driver, "pcieport");
}

/* Firmware's own memory of a device: /reserved_regions names it "direct". */
static int has_reserved_memory(const char *group)
{
	char path[128], line[128];
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), GROUPS "/%.16s/reserved_regions", group);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		found |= !!strstr(line, " direct");
	if (file)
		fclose(file);
	return found;
}

static void print_group(const char *group)
{
	char path[128], target[256], holder[32] = "", held[32] = "";
	struct dirent **devices;
	const char *driver;
	int i, n;

	snprintf(path, sizeof(path), GROUPS "/%.16s/devices", group);
	n = scandir(path, &devices, skip_dots, alphasort);
	if (n < 0)
		return;
	printf("group %s:", group);
	for (i = 0; i < n; i++) {
		driver = driver_of(devices[i]->d_name, target, sizeof(target));
		printf(" %s (%s)", devices[i]->d_name, driver);
		if (!leaves_viable(driver)) {
			snprintf(holder, sizeof(holder), "%.31s", driver);
			snprintf(held, sizeof(held), "%.31s", devices[i]->d_name);
		}
		free(devices[i]);
	}
	free(devices);
	if (has_reserved_memory(group))
		puts("; not viable: firmware keeps memory mapped for it (RMRR)");
	else if (!held[0])
		puts("; viable");
	else if (n == 1)
		printf("; not viable: the host uses it, unbind it from %s\n", holder);
	else
		printf("; not viable: the host uses %s, unbind it from %s (what is in one group is not isolated from each other and is assigned together)\n",
		       held, holder);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int print_groups(void)
{
	struct dirent **groups;
	int i, n = scandir(GROUPS, &groups, skip_dots, by_number);

	if (n < 0) {
		fprintf(stderr, "minikvm: %s: %s\n", GROUPS, strerror(errno));
		return STATUS_FAILED;
	}
	for (i = 0; i < n; i++) {
		print_group(groups[i]->d_name);
		free(groups[i]);
	}
	free(groups);
	return STATUS_OK;
}

static int walk(const char *device, const char *address)
{
	const char *path = DIRECTORY "walk";
	FILE *file = fopen(path, "w");
	int bad, lines;

	if (!file) {
		file = open_state(path);
		if (file)
			fclose(file);
		return STATUS_FAILED;
	}
	fprintf(file, "%s %s", device, address);
	bad = fclose(file);
	if (bad) {
		fprintf(stderr, "minikvm: '%s' '%s' is not a device (0000:00:01.0) and an address (0x1000)\n",
			device, address);
		return STATUS_USAGE;
	}
	if (print_file(path, 0, &lines))
		return STATUS_FAILED;
	if (!lines) {
		fprintf(stderr, "minikvm: there is no device %s behind a unit that minikvm drives (`minikvm iommu` lists those that are)\n",
			device);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int command_iommu(int argc, char **argv)
{
	int ret = describe_next(&iommu_description, argc, argv);

	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc - optind == 2)
		return walk(argv[optind], argv[optind + 1]);
	if (argc != optind) {
		describe_help(&iommu_description, stderr);
		return STATUS_USAGE;
	}
	ret = print_file(DIRECTORY "units", 0, NULL);
	if (!ret)
		ret = print_file(DIRECTORY "devices", 1, NULL);
	if (!ret)
		ret = print_groups();
	return ret ? ret : print_file(DIRECTORY "interrupts", 0, NULL);
}

const struct described_command iommu_description = {
	.name = "iommu",
	.run = command_iommu,
	.summary = "VT-d units, devices and page-table walks",
	.synopsis = "[DEVICE ADDRESS]",
	.about =
	"Prints the units of VT-d that minikvm drives, the devices behind them, and the groups with what\n"
	"keeps one from being assigned, and the remapped interrupts; with a device (0000:00:01.0) and an\n"
	"address (0x1000), the walk of its page table.",
};
