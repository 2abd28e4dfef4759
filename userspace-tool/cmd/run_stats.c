// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --stats`: how long a run took, how much memory it had, and which exits it had, those
 * to this process as it counted them and those that the module counted (statistics.c).
 *
 * Relies on /proc/self/pagemap for the guest's memory, which getrusage(2) counts as this
 * process's.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "cmd/run_stats.h"
#include "compiler.h"
#include "kvm/exits.h"
#include "kvm/statistics.h"

#define PORTS		0x10000
#define TOP_PORTS	8
#define PAGE_BYTES	4096ULL
#define PAGEMAP_PRESENT	BIT_ULL(63)

static void print_top_ports(FILE *to, const struct exit_counts *c)
{
	unsigned int n, port, best;
	unsigned long long before = ~0ULL;

	for (n = 0; c->port && n < TOP_PORTS; n++) {
		best = PORTS;
		for (port = 0; port < PORTS; port++)
			if (c->port[port] && c->port[port] < before &&
			    (best == PORTS || c->port[port] > c->port[best]))
				best = port;
		if (best == PORTS)
			break;
		before = c->port[best];
		for (port = best; port < PORTS; port++)
			if (c->port[port] == before)
				fprintf(to, "    port 0x%04x %12llu\n", port, before);
	}
}

/* Bytes of the guest's RAM that this process has in memory; @pagemap is /proc/self/pagemap. */
static __u64 resident_ram(const struct guest_ram *ram, int pagemap)
{
	/* Above lies what is above 4 GiB: one mapping. */
	__u64 pages = (ram->low_size + ram->high_size) / PAGE_BYTES, done, bytes = 0;
	off_t at = (unsigned long)ram->low / PAGE_BYTES * sizeof(__u64);
	__u64 entry[512];
	ssize_t n, i;

	for (done = 0; done < pages; done += n) {
		n = pread(pagemap, entry, sizeof(entry), at + done * sizeof(__u64));
		n /= (ssize_t)sizeof(__u64);
		if (n <= 0)
			break;
		for (i = 0; i < n && done + i < pages; i++)
			bytes += entry[i] & PAGEMAP_PRESENT ? PAGE_BYTES : 0;
	}
	return bytes;
}

/* How long it took, and how much memory: of the guest's RAM, and of the process without that. */
static void print_summary(FILE *to, const struct machine *m, const struct milestones *when)
{
	__u64 ram = resident_ram(&m->vm.ram, when->pagemap) / KIB;
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	fprintf(to, "Ready to run after %lld.%03lld ms, ended after %lld.%03lld s\n",
		(when->ready - when->begun) / NS_PER_MS,
		(when->ready - when->begun) % NS_PER_MS / 1000,
		(when->ended - when->begun) / NS_PER_S,
		(when->ended - when->begun) % NS_PER_S / NS_PER_MS);
	fprintf(to, "Memory: %llu KiB of the guest's, at most %llu KiB of minikvm's own\n", ram,
		(__u64)usage.ru_maxrss > ram ? usage.ru_maxrss - ram : 0);
}

/* Times, memory and exits. The vCPUs have ended. */
void run_stats_print(FILE *to, const struct machine *m, const struct milestones *when)
{
	long long ns = when->ended - when->ready;
	unsigned int i, reason;

	print_summary(to, m, when);
	for (i = 0; i < m->vm.nr_vcpus; i++) {
		const struct exit_counts *c = &m->counts[i];

		fprintf(to,
			"vCPU %u: %llu times KVM_RUN in %lld.%03lld s, %llu interrupted\n", i,
			c->runs, ns / NS_PER_S, ns % NS_PER_S / NS_PER_MS, c->interrupted);
		for (reason = 0; reason < EXIT_REASONS_MAX; reason++) {
			if (!c->reason[reason])
				continue;
			fprintf(to, "  %-15s %12llu\n", exit_name(reason), c->reason[reason]);
			if (reason == KVM_EXIT_IO)
				print_top_ports(to, c);
		}
		fprintf(to, "vCPU %u: VM exits, by the module's count\n", i);
		statistics_print_exits(to, &m->vm.vcpu[i]);
	}
}
