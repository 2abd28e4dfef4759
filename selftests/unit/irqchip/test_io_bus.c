// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_io_bus.c - the I/O bus against a plain list of ranges, with random ones.
 */
#include "bench.h"

#define NR	40

struct device {
	struct mkvm_io_device dev;
	u64 addr;
	int len, destroyed;
	bool on, taken;
};

static struct device devices[NR];
static int asked;

static int note(struct mkvm_vcpu *v, struct mkvm_io_device *dev, gpa_t addr, int len, void *data)
{
	asked++;
	container_of(dev, struct device, dev)->taken = true;
	return -EOPNOTSUPP;
}

static void destroyed(struct mkvm_io_device *dev)
{
	container_of(dev, struct device, dev)->destroyed++;
}

static const struct mkvm_io_device_ops ops = { .read = note, .destroy = destroyed };

static bool covers(const struct device *d, u64 addr, int len)
{
	return d->len ? addr >= d->addr && addr + len <= d->addr + d->len : addr == d->addr;
}

static bool lookup_agrees(u64 addr, int len)
{
	int i, want = 0;
	u64 data;

	asked = 0;
	for (i = 0; i < NR; i++)
		devices[i].taken = false;
	mkvm_io_bus_read(&vcpu, MKVM_MMIO_BUS, addr, len, &data);
	for (i = 0; i < NR; i++) {
		bool expect = devices[i].on && covers(&devices[i], addr, len);

		want += expect;
		if (expect != devices[i].taken) {
			printf("# address %#llx length %d: device at %#llx length %d\n",
			       (unsigned long long)addr, len,
			       (unsigned long long)devices[i].addr, devices[i].len);
			return false;
		}
	}
	return asked == want;
}

static void test_random(unsigned int seed)
{
	int round, i;
	bool ok = true;

	srandom(seed);
	for (round = 0; round < 2000 && ok; round++) {
		struct device *d = &devices[random() % NR];

		mutex_lock(&vm.slots_lock);
		if (d->on) {
			ok = !mkvm_io_bus_unregister(&vm, MKVM_MMIO_BUS, &d->dev) &&
			     d->destroyed == 1;
		} else {
			d->dev.ops = &ops;
			d->addr = random() % 8 ? random() % 64 : 16;
			d->len = random() % 5 ? random() % 9 : random() % 40;
			d->destroyed = 0;
			ok = !mkvm_io_bus_register(&vm, MKVM_MMIO_BUS, d->addr, d->len, &d->dev);
		}
		d->on = !d->on;
		mutex_unlock(&vm.slots_lock);
		for (i = 0; i < 70 && ok; i++)
			ok = lookup_agrees(i, 1 << random() % 4);
	}
	tap_ok(ok, "2000 random changes, each range found where it is (seed %u)", seed);
	mkvm_io_buses_destroy(&vm);
	for (i = 0; i < NR; i++)
		ok &= !devices[i].on || devices[i].destroyed == 1;
	tap_ok(ok, "the end of the bus destroys each device once");
}

int main(int argc, char **argv)
{
	struct device d = { .dev.ops = &ops };
	u64 data;

	vm.users.n = 1;
	vcpu.vm = &vm;
	mutex_lock(&vm.slots_lock);
	tap_ok(mkvm_io_bus_register(&vm, MKVM_PIO_BUS, ~0ull, 2, &d.dev) == -EINVAL,
	       "a range that wraps is refused");
	tap_ok(mkvm_io_bus_unregister(&vm, MKVM_PIO_BUS, &d.dev) == -ENOENT,
	       "what is not there cannot go");
	tap_ok(!mkvm_io_bus_register(&vm, MKVM_PIO_BUS, 1, 1, &d.dev) && !vm.srcu.grace_periods,
	       "before the first vCPU there is no wait");
	vm.online_vcpus = 1;
	mkvm_io_bus_register(&vm, MKVM_PIO_BUS, 5, 1, &d.dev);
	tap_ok(vm.srcu.grace_periods == 1, "afterwards they do");
	tap_ok(!mkvm_io_bus_unregister(&vm, MKVM_PIO_BUS, &d.dev) && d.destroyed == 1,
	       "a device leaves with all its ranges at once");
	mutex_unlock(&vm.slots_lock);
	tap_ok(mkvm_io_bus_read(&vcpu, MKVM_PIO_BUS, 5, 1, &data) == -EOPNOTSUPP,
	       "an address without a device is userspace's");
	test_random(argc > 1 && *argv[1] ? atoi(argv[1]) : (unsigned int)time(NULL));
	return tap_done();
}
