/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lists of the unit tests.
 *
 * A test is a function; CHECK() records what does not hold, with its place, and goes on.
 */
#ifndef MINIKVM_TOOL_TESTS_H
#define MINIKVM_TOOL_TESTS_H

struct test {
	const char *name;
	void (*run)(void);
};

/* Each file's tests; the last entry has no name. */
extern const struct test loader_tests[];
extern const struct test elf_tests[];
extern const struct test device_tests[];
extern const struct test table_tests[];
extern const struct test bpf_tests[];
extern const struct test fuzz_tests[];
extern const struct test inspect_tests[];
extern const struct test debug_tests[];
extern const struct test stat_tests[];
extern const struct test trace_tests[];
extern const struct test doors_tests[];
extern const struct test virtio_tests[];
extern const struct test snapshot_tests[];
extern const struct test control_tests[];
extern const struct test vhost_user_tests[];
extern const struct test net_tests[];
extern const struct test vsock_tests[];
extern const struct test balloon_tests[];
extern const struct test message_tests[];
extern const struct test seed_tests[];

/* Tell that something does not hold. */
void test_fail(const char *file, int line, const char *what);

#define CHECK(condition)						\
	do {								\
		if (!(condition))					\
			test_fail(__FILE__, __LINE__, #condition);	\
	} while (0)

#endif
