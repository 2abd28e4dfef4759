// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who keeps a device's group keeps the module: rmmod in every state of a VFIO client. TAP.
 *
 * Linux' uapi <linux/vfio.h>. Needs minikvm.ko driving VT-d, and vfio-pci bound to the device named
 * by the only argument. VFIO has the group from the moment its driver binds; it owns the group from
 * VFIO_GROUP_SET_CONTAINER until the container is gone, even when the driver has left. The last
 * step unloads the module while a descriptor of the group is open that owns nothing.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int number, failures;

static void result(bool good, const char *name)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

static bool unloads(void)
{
	return !system("rmmod minikvm 2>/dev/null");
}

static bool driver(const char *change, const char *device)
{
	int fd = open(change, O_WRONLY);
	bool good = fd >= 0 && write(fd, device, strlen(device)) == (ssize_t)strlen(device);

	if (fd >= 0)
		close(fd);
	return good;
}

static int open_group(const char *device)
{
	char link[64], path[128] = "", name[32];

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", device);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return -1;
	snprintf(name, sizeof(name), "/dev/vfio/%.16s", strrchr(path, '/') + 1);
	return open(name, O_RDWR);
}

int main(int argc, char **argv)
{
	static const char unbind[] = "/sys/bus/pci/drivers/vfio-pci/unbind";
	int container, group;

	if (argc != 2)
		return 2;
	result(!unloads(), "held_while_vfio_is_bound");

	container = open("/dev/vfio/vfio", O_RDWR);
	group = open_group(argv[1]);
	result(!unloads(), "held_while_the_group_is_open");
	result(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "claim");
	result(!unloads(), "held_while_the_group_is_claimed");
	result(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "domain");
	result(!unloads(), "held_while_there_is_a_domain");
	result(!ioctl(group, VFIO_GROUP_UNSET_CONTAINER), "give_up_the_claim");
	result(!unloads(), "held_by_the_driver_again");

	/* Newer kernels take the claim away with the driver; then the module may go, too. */
	result(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "claim_again");
	result(driver(unbind, argv[1]), "unbind_while_claimed");
	unloads();
	close(group);
	close(container);
	result(unloads() || access("/sys/module/minikvm", F_OK), "unloads_without_driver_and_claim");
	return failures != 0;
}
