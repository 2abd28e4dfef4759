// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential guest fuzzer's known differences between kvm_intel and minikvm, each with the
 * reason why it is right as it is.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

struct known {
	const char *reason;
	bool (*applies)(const struct fuzz_case *c, const char *kvm, const char *ours);
	unsigned long times;
};

/* kvm_intel 6.1's emulator does not know the instruction: KVM_EXIT_INTERNAL_ERROR. */
static bool kvm_gave_up(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)c;
	(void)ours;
	return !!strstr(kvm, "internal error");
}

/* Where a program has no end, where it is stopped is by chance. */
static bool both_stuck(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)c;
	return strstr(kvm, "Interrupted system call") && strstr(ours, "Interrupted system call");
}

/* It enters the guest again and again without coming further. */
static bool kvm_is_stuck(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)c;
	return strstr(kvm, "Interrupted system call") && !strstr(ours, "Interrupted system call");
}

/*
 * An interrupt whose frame would have to go to a device. minikvm says so by
 * KVM_INTERNAL_ERROR_DELIVERY_EV; kvm_intel emulates the instruction at RIP, which did nothing.
 */
static bool frame_on_device(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)kvm;
	return c->stack && strstr(ours, "internal error 3");
}

/* Does the line at @a begin with @prefix? */
static bool begins(const char *a, const char *prefix)
{
	return !strncmp(a, prefix, strlen(prefix));
}

static const char *next_line(const char *a)
{
	a += strcspn(a, "\n");
	return a + (*a == '\n');
}

/* Stack and counts of memory, where a frame more or less shows. */
static bool tells_of_stack(const char *a)
{
	return begins(a, "memory 0xb") || begins(a, "memory 0xd") || !!strstr(a, " words ");
}

/* Both are at the first line that differs. */
static void to_difference(const char **kvm, const char **ours)
{
	size_t n;

	while (**kvm && **ours) {
		n = strcspn(*kvm, "\n");
		if (n != strcspn(*ours, "\n") || memcmp(*kvm, *ours, n))
			return;
		*kvm = next_line(*kvm);
		*ours = next_line(*ours);
	}
}

/* For a program such an instruction is #UD, as it would be on a processor without it. */
static bool kvm_does_not_know(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	to_difference(&kvm, &ours);
	return c->user && begins(kvm, "vector 6 ") && !begins(ours, "vector 6 ");
}

/* minikvm does not read the port when the data has nowhere to go: it would be lost. */
static bool read_port_first(const char *kvm, const char *ours)
{
	return begins(kvm, "in ") && (begins(ours, "vector 14 ") || begins(ours, "vector 13 ") ||
				      begins(ours, "vector 12 ") || begins(ours, "shutdown"));
}

static bool kvm_reads_port_first(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)c;
	to_difference(&kvm, &ours);
	return read_port_first(kvm, ours);
}

/* LTR with a selector of the LDT: #GP(selector), SDM. kvm_intel's emulator gives 0. */
static bool kvm_forgets_selector(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	unsigned int a, b;

	(void)c;
	to_difference(&kvm, &ours);
	return sscanf(kvm, "vector 13 %x", &a) == 1 && sscanf(ours, "vector 13 %x", &b) == 1 &&
	       !a && (b & 4);
}

/* INS to a device: how much is read from the port before the first write is each one's own. */
static bool kvm_reads_ahead(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	(void)c;
	to_difference(&kvm, &ours);
	return (begins(kvm, "in ") && begins(ours, "mmio write ")) ||
	       (begins(ours, "in ") && begins(kvm, "mmio write "));
}

/* MOV from a segment register to memory writes 16 bits, whatever the prefixes: SDM. */
static bool kvm_stores_wide_selector(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	unsigned long long a, b;
	unsigned int n, k;

	(void)c;
	to_difference(&kvm, &ours);
	return sscanf(kvm, "mmio write %llx %u", &a, &n) == 2 &&
	       sscanf(ours, "mmio write %llx %u", &b, &k) == 2 && a == b && n == 8 && k == 2;
}

/* STR and its kind only write, and CLFLUSH does neither: SDM. */
static bool needless_read(const char *a)
{
	unsigned long long address, written;
	unsigned int n;

	if (sscanf(a, "mmio read %llx %u", &address, &n) != 2)
		return false;
	return n == 1 || (sscanf(next_line(a), "mmio write %llx", &written) == 1 &&
			  address == written);
}

/* "vector 1 dr6 D RIP ...": do two stand at the same RIP, that of a repeated instruction? */
static bool same_step(const char *a, const char *b)
{
	unsigned long long rip, other;

	return sscanf(a, "vector 1 dr6 %*x %llx", &rip) == 1 &&
	       sscanf(b, "vector 1 dr6 %*x %llx", &other) == 1 && rip == other;
}

/*
 * Alike but for lines that one of the two has in addition. SDM, "Debug Trap Exceptions": with
 * RFLAGS.TF set every instruction, and every iteration of a repeated one, ends in #DB. kvm_intel
 * forgets that where the last access goes to userspace, and does many iterations of an emulated
 * instruction at once, with a trap too many when the count is zero; the steps of a VMM it forgets,
 * too, behind an exception that it injects. And kvm_intel reads where an instruction only writes.
 */
static bool additional_lines(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	const char *before = "";
	bool forgot = false, any = false;

	for (;;) {
		const char *from = ours;

		to_difference(&kvm, &ours);
		if (!*kvm && !*ours)
			return any;
		/* The line before, where there is one that both have. */
		for (; from < ours; from = next_line(from))
			before = from;
		if (read_port_first(kvm, ours))
			return true;
		if (begins(ours, "vector 1 ") &&
		    (begins(before, "mmio ") || begins(before, "out ") || begins(before, "in ") ||
		     same_step(before, ours))) {
			forgot = true;
			before = ours;
			ours = next_line(ours);
		} else if (c->debug && begins(ours, "debug exception 1 ")) {
			forgot = true;
			before = ours;
			ours = next_line(ours);
		} else if (needless_read(kvm)) {
			kvm = next_line(kvm);
		} else if (begins(before, "mmio ") && (begins(kvm, "vector 1 ") ||
						       begins(kvm, "debug exception 1 "))) {
			forgot = true;
			kvm = next_line(kvm);
		} else if (forgot && tells_of_stack(kvm)) {
			kvm = next_line(kvm);
		} else if (forgot && tells_of_stack(ours)) {
			ours = next_line(ours);
		} else {
			return false;
		}
		any = true;
	}
}

static struct known list[] = {
	{ "the program has no end", both_stuck },
	{ "kvm_intel does not come to an end", kvm_is_stuck },
	{ "kvm_intel gave up", kvm_gave_up },
	{ "the frame of an interrupt on a device", frame_on_device },
	{ "kvm_intel's emulator does not know the instruction", kvm_does_not_know },
	{ "kvm_intel reads a port whose data has nowhere to go", kvm_reads_port_first },
	{ "kvm_intel's #GP of LTR without the selector", kvm_forgets_selector },
	{ "kvm_intel reads ahead of INS to a device", kvm_reads_ahead },
	{ "kvm_intel stores 64 bits of a selector", kvm_stores_wide_selector },
	{ "kvm_intel forgets a trap, or reads where it should write", additional_lines },
};

/**
 * known_difference() - is it known that the two transcripts of a case differ?
 * @c: the case
 * @kvm: kvm_intel's transcript
 * @ours: minikvm's
 *
 * Return: true if so; known_print() tells the reason.
 */
bool known_difference(const struct fuzz_case *c, const char *kvm, const char *ours)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		if (list[i].applies(c, kvm, ours)) {
			list[i].times++;
			return true;
		}
	}
	return false;
}

/**
 * known_print() - print how often each known difference was met
 */
void known_print(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i].times)
			printf("known, %lu times: %s\n", list[i].times, list[i].reason);
}
