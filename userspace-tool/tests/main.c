// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the tool's pure parts: runs every test and prints TAP. Built with ASan and UBSan,
 * so that a test also fails by touching memory that it should not.
 */
#include <stddef.h>

#include "compiler.h"
#include "tap.h"
#include "tests.h"

static bool failed;

void test_fail(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s does not hold\n", file, line, what);
	failed = true;
}

int main(void)
{
	const struct test * const all[] = {
		loader_tests, elf_tests, device_tests, table_tests, bpf_tests, fuzz_tests,
		debug_tests, inspect_tests, stat_tests, trace_tests, virtio_tests, snapshot_tests,
		control_tests, doors_tests, vhost_user_tests, net_tests, vsock_tests, balloon_tests,
		message_tests, seed_tests,
	};
	const struct test *t;
	size_t i;

	puts("TAP version 13");
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (t = all[i]; t->name; t++) {
			failed = false;
			t->run();
			tap_ok(!failed, "%s", t->name);
		}
	}
	return tap_done();
}
