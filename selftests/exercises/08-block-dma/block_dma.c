// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 8: a device writes to an address that was never mapped for it. VT-d specification,
 * "Address Translation", "Fault Logging". The device is QEMU's edu, given to vfio-pci; this program
 * is its owner. Relies on selftests/iommu/vfio.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>

#include "vfio.h"

#define PAGE 4096UL
#define IOVA 0x100000UL

int main(int argc, char **argv)
{
	struct vfio edu;
	unsigned char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (argc != 2 || memory == MAP_FAILED || !vfio_open(&edu, argv[1]))
		return 1;
	/* The first page is the device's, the second is not. */
	if (vfio_map(&edu, memory, IOVA, PAGE))
		return 1;
	vfio_config_write16(&edu, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	strcpy((char *)memory, "in my memory");
	strcpy((char *)memory + PAGE, "not the device's");
	edu_from_memory(&edu, IOVA, 64);
	edu_to_memory(&edu, IOVA + 64, 64);
	printf("the first page: %s\n", memory + 64);
	/* Your turn: let the device write to the second page. */
	printf("the second page: %s\n", memory + PAGE);
	return 0;
}
