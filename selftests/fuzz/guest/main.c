// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_fuzz - the same random guest programs on two hypervisors, compared.
 *
 *   guest_fuzz --dev /dev/kvm --record FILE [--seed S] [--first N] [--cases N]
 *   guest_fuzz --dev /dev/minikvm --compare FILE [--show N] [--case N]
 *
 * The first writes what happened into FILE, with the CPUID that its guests had; the second runs the
 * same cases with the same CPUID and prints those that differ (at most --show of them). --case runs
 * one case alone and prints its transcript beside the recorded one. Status: 0 = all alike but for
 * known differences, 1 = not so.
 */
#include "fuzz.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct header {
	u64 magic, seed, first, cases, cpuid_size;
};

#define MAGIC 0x7a7a75667473756dUL

static struct header header = { .magic = MAGIC, .seed = 1, .cases = 1000 };
static char ours[TRANSCRIPT], theirs[TRANSCRIPT];

static struct {
	unsigned long alike, known, differ, gave_up, stuck, mode[MODES];
} counts;

static void on_alarm(int signal)
{
	(void)signal;
}

static void catch_alarm(void)
{
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
}

static void put(FILE *f, const void *data, size_t n)
{
	if (fwrite(data, 1, n, f) != n)
		machine_die("writing the record");
}

static void get(FILE *f, void *data, size_t n)
{
	errno = EINVAL;
	if (fread(data, 1, n, f) != n)
		machine_die("reading the record");
}

static void print_case(const struct fuzz_case *c)
{
	printf("case %llu: %s ring %d%s%s%s%s%s%s irqs %d nmi %d shadow %d iopl %d dr7 %llx\n",
	       (unsigned long long)c->number, fuzz_mode_name(c->mode), c->user ? 3 : 0,
	       c->tf ? " tf" : "", c->debug ? " debug" : "", c->irqchip ? " irqchip" : "",
	       c->gdt_in_rom ? " gdt_in_rom" : "", c->stack ? " stack" : "",
	       c->strict ? " strict" : "", c->irqs, c->nmi, c->shadow, c->iopl,
	       (unsigned long long)c->dr7);
	printf("  code at %#llx:", (unsigned long long)c->start);
	for (unsigned int i = 0; i < c->len; i++)
		printf(" %02x", c->code[i]);
	printf("\n  rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx rbp %llx rsp %llx rflags %llx\n",
	       (unsigned long long)c->regs.rax, (unsigned long long)c->regs.rbx,
	       (unsigned long long)c->regs.rcx, (unsigned long long)c->regs.rdx,
	       (unsigned long long)c->regs.rsi, (unsigned long long)c->regs.rdi,
	       (unsigned long long)c->regs.rbp, (unsigned long long)c->regs.rsp,
	       (unsigned long long)c->regs.rflags);
}

static void print_lines(const char * const *lines, int n)
{
	for (int i = 0; i < n; i++)
		if (lines[i])
			printf("          %.*s\n", (int)strcspn(lines[i], "\n"), lines[i]);
}

/*
 * The lines in which two transcripts differ, and those before the first of them. When they differ
 * before the registers begin, what follows there tells nothing.
 */
static void print_difference(const char *a, const char *b)
{
	const char *last[3] = {};
	int lines = 0;

	while ((*a || *b) && lines < 24) {
		size_t n = strcspn(a, "\n"), k = strcspn(b, "\n");

		if (n != k || memcmp(a, b, n)) {
			if (!lines)
				print_lines(last, 3);
			printf("  kvm     %.*s\n  minikvm %.*s\n", (int)n, a, (int)k, b);
			lines += 2;
			if (!strncmp(a, "rax", 3) || !strncmp(b, "rax", 3))
				return;
		} else if (!lines) {
			last[0] = last[1];
			last[1] = last[2];
			last[2] = a;
		}
		a += n + (a[n] == '\n');
		b += k + (b[k] == '\n');
	}
}

/* One VM of each kind serves until a program leaves it in a state that cannot be set. */
static void run_on_machine(struct fuzz_case *c, char *transcript)
{
	static struct machine machines[2];
	static bool there[2];
	struct machine *m = &machines[c->irqchip];
	enum ending ending;

	if (!there[c->irqchip]) {
		machine_new(m, c->irqchip);
		there[c->irqchip] = true;
	}
	ending = run_case(m, c, transcript);
	if (ending != ENDED || strstr(transcript, "shutdown")) {
		machine_free(m);
		there[c->irqchip] = false;
	}
	counts.gave_up += ending == GAVE_UP;
	counts.stuck += ending == STUCK;
	counts.mode[c->mode]++;
}

static void record(const char *name)
{
	FILE *f = fopen(name, "w");
	struct fuzz_case c;

	if (!f)
		machine_die(name);
	header.cpuid_size = sizeof(*fuzz_cpuid) +
			    fuzz_cpuid->nent * sizeof(struct kvm_cpuid_entry2);
	put(f, &header, sizeof(header));
	put(f, fuzz_cpuid, header.cpuid_size);
	for (u64 n = 0; n < header.cases; n++) {
		u32 size;

		fuzz_make(&c, header.seed, header.first + n);
		run_on_machine(&c, ours);
		size = strlen(ours) + 1;
		put(f, &size, sizeof(size));
		put(f, ours, size);
	}
	if (fclose(f))
		machine_die(name);
}

static void compare_one(struct fuzz_case *c, unsigned int show)
{
	run_on_machine(c, ours);
	if (!strcmp(ours, theirs)) {
		counts.alike++;
	} else if (known_difference(c, theirs, ours)) {
		counts.known++;
	} else if (counts.differ++ < show) {
		print_case(c);
		print_difference(theirs, ours);
	}
}

static FILE *open_record(const char *name)
{
	FILE *f = fopen(name, "r");

	if (!f)
		machine_die(name);
	get(f, &header, sizeof(header));
	if (header.magic != MAGIC || header.cpuid_size > 1 << 20) {
		errno = EINVAL;
		machine_die(name);
	}
	fuzz_cpuid = malloc(header.cpuid_size);
	if (!fuzz_cpuid)
		machine_die("memory");
	get(f, fuzz_cpuid, header.cpuid_size);
	return f;
}

static void compare(FILE *f, unsigned int show, int64_t only)
{
	struct fuzz_case c;

	for (u64 n = 0; n < header.cases; n++) {
		u32 size;

		get(f, &size, sizeof(size));
		if (size > TRANSCRIPT)
			machine_die("the record");
		get(f, theirs, size);
		fuzz_make(&c, header.seed, header.first + n);
		if (only < 0) {
			compare_one(&c, show);
		} else if (c.number == (u64)only) {
			run_on_machine(&c, ours);
			print_case(&c);
			printf("kvm_intel:\n%s\nminikvm:\n%s\n", theirs, ours);
		}
	}
	fclose(f);
}

static void usage(void)
{
	fprintf(stderr, "usage: guest_fuzz --dev PATH --record FILE [--seed S] [--first N] [--cases N]\n"
		"       guest_fuzz --dev PATH --compare FILE [--show N] [--case N]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", 1, NULL, 'd' }, { "record", 1, NULL, 'r' }, { "compare", 1, NULL, 'c' },
		{ "seed", 1, NULL, 's' }, { "first", 1, NULL, 'f' }, { "cases", 1, NULL, 'n' },
		{ "show", 1, NULL, 'w' }, { "case", 1, NULL, 'o' }, {},
	};
	const char *device = "/dev/minikvm", *to = NULL, *from = NULL;
	unsigned int show = 10;
	int64_t only = -1;
	FILE *f = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
			break;
		case 'r':
			to = optarg;
			break;
		case 'c':
			from = optarg;
			break;
		case 's':
			header.seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			header.first = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			header.cases = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			show = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			only = strtoll(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	}
	if (!to == !from || optind != argc)
		usage();
	catch_alarm();
	if (from)
		f = open_record(from);
	machine_open(device);
	if (to)
		record(to);
	else
		compare(f, show, only);
	known_print();
	printf("guest_fuzz: seed %llu, %llu cases (", (unsigned long long)header.seed,
	       (unsigned long long)header.cases);
	for (int i = 0; i < MODES; i++)
		printf("%s%s %lu", i ? ", " : "", fuzz_mode_name(i), counts.mode[i]);
	printf("), gave up on %lu, %lu without end", counts.gave_up, counts.stuck);
	if (from)
		printf("; %lu alike, %lu known differences, %lu differ", counts.alike, counts.known,
		       counts.differ);
	printf("\n");
	return counts.differ != 0;
}
