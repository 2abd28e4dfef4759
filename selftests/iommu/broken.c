// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unit that does not answer, seen from VFIO programs whose devices are behind it. TAP.
 *
 * PCI Local Bus specification, "Command Register"; Linux' uapi <linux/vfio.h>. Needs minikvm.ko
 * with vtd_inject=1, debugfs mounted, and vfio-pci bound to both arguments: an edu device, and a
 * PCIe device below a root port. The unit of the lab goes on translating: what stops the device is
 * that it may not master the bus, and that its owner cannot change that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio.h"

#define PAGE	4096ul
#define IOVA	0x100000ul
#define SIZE	2048ul

static int number, failures;
static struct vfio edu, express;
static uint8_t *memory;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

/* The Command register as the host reads it: of the device, or of the bridge above it. */
static int command(const char *device, const char *above)
{
	uint16_t value = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s%s/config", device, above);
	fd = open(path, O_RDONLY);
	if (fd < 0 || pread(fd, &value, 2, PCI_COMMAND) != 2)
		value = 0xffff;
	if (fd >= 0)
		close(fd);
	return value;
}

static bool dma_arrives(void)
{
	memset(memory, 0, PAGE);
	edu_to_memory(&edu, IOVA, SIZE);
	return memory[0] == 0x5a && memory[SIZE - 1] == 0x5a;
}

static bool unit_breaks(void)
{
	int fd = open("/sys/kernel/debug/minikvm-iommu/break", O_WRONLY);
	bool good = fd >= 0 && write(fd, "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return good;
}

/* The error interrupt, which only PCIe devices have. */
static bool wants_errors(int event)
{
	struct {
		struct vfio_irq_set set;
		int fd;
	} irq = {
		.set = {
			.argsz = sizeof(irq), .index = VFIO_PCI_ERR_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		},
		.fd = event,
	};

	return !ioctl(express.device, VFIO_DEVICE_SET_IRQS, &irq);
}

int main(int argc, char **argv)
{
	struct pollfd event = { .events = POLLIN };
	uint16_t wanted;

	if (argc != 3)
		return 2;
	memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	event.fd = eventfd(0, 0);
	if (!vfio_open(&edu, argv[1]) || !vfio_open(&express, argv[2]) ||
	    vfio_map(&edu, memory, IOVA, PAGE)) {
		result(false, "open");
		return 1;
	}
	result(wants_errors(event.fd), "error_interrupt");
	wanted = vfio_config_read16(&edu, PCI_COMMAND) | PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	vfio_config_write16(&edu, PCI_COMMAND, wanted);
	memset(memory, 0x5a, PAGE);
	edu_from_memory(&edu, IOVA, SIZE);
	result(dma_arrives(), "dma_before");

	result(unit_breaks(), "break");
	result(!dma_arrives(), "no_dma_after");
	result(!(command(argv[1], "") & PCI_COMMAND_MASTER), "no_bus_master");
	vfio_config_write16(&edu, PCI_COMMAND, wanted);
	result(!(command(argv[1], "") & PCI_COMMAND_MASTER), "owner_cannot_change_that");
	result(!dma_arrives(), "no_dma_after_that");
	result(!(command(argv[2], "") & PCI_COMMAND_MASTER) &&
	       !(command(argv[2], "/..") & PCI_COMMAND_MASTER), "bridge_does_not_forward");
	result(poll(&event, 1, 20000) == 1, "owner_is_told");
	result(vfio_map(&edu, memory + PAGE, IOVA + PAGE, PAGE), "no_new_mapping");
	result(vfio_unmap(&edu, IOVA, PAGE) == (long)PAGE, "unmap");
	vfio_close(&express);
	vfio_close(&edu);

	result(!vfio_open(&edu, argv[1]), "no_new_owner");
	vfio_close(&edu);
	return failures != 0;
}
