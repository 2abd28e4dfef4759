// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that may keep translations (ATS), given to a VFIO program without a guest. TAP.
 *
 * Needs a lab host whose unit has device-TLBs, minikvm.ko driving it, debugfs mounted and vfio-pci
 * bound to the device named by the only argument. The device is allowed to while it is assigned and
 * no longer; everything that is unmapped is asked back, which a unit that knows no such descriptor
 * would answer by an error (IQE). VT-d specification, "Device-TLB Invalidate Descriptor".
 */
#include "vfio.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE	4096ul
#define IOVA	0x100000ul

static int number, failures;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

/* What minikvm says of the device. */
static bool keeps(const char *address)
{
	FILE *f = fopen("/sys/kernel/debug/minikvm-iommu/devices", "r");
	char line[256];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, address, strlen(address))) {
			printf("# %s", line);
			found = strstr(line, " ats");
		}
	if (f)
		fclose(f);
	return found;
}

int main(int argc, char **argv)
{
	static const size_t sizes[4] = { PAGE, 2 * PAGE, 3 * PAGE, 64 * PAGE };
	struct vfio v;
	bool good = true;
	size_t i;
	void *m;

	if (argc != 2)
		return 2;
	result(!keeps(argv[1]), "keeps_nothing_for_the_host");
	if (!vfio_open(&v, argv[1])) {
		result(false, "open");
		return 1;
	}
	result(keeps(argv[1]), "may_keep_while_assigned");
	m = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	for (i = 0; i < 4; i++)
		good &= m != MAP_FAILED && !vfio_map(&v, m, IOVA, sizes[i]) &&
			vfio_unmap(&v, IOVA, sizes[i]) == (long)sizes[i];
	result(good, "unmapped_is_asked_back");
	vfio_close(&v);
	result(!keeps(argv[1]), "keeps_nothing_afterwards");
	return failures != 0;
}
