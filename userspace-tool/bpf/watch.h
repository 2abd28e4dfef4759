/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the five loaders share: finding the trace events, attaching programs to them, and waiting
 * until the watch is over.
 */
#ifndef MINIKVM_TOOL_BPF_WATCH_H
#define MINIKVM_TOOL_BPF_WATCH_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "bpf/shared.h"
#include "terminal/sentence.h"

#define WATCH_LINKS	8
#define TICK_MS		100

/**
 * struct watch - one run of `minikvm bpf`
 * @system: the trace system of KVM's events: chosen, or NULL to find it
 * @tracefs: where tracefs is mounted
 * @fields: of the records; all but those of kvm_msr, kvm_mmio and kvm_hypercall are there
 * @vm: the process whose VMs are watched, 0 for all
 * @duration_ms: when the watch ends, 0 for no end
 * @command: argument vector of a program that runs meanwhile, or NULL
 * @out: where the result goes
 * @buffer: stream: bytes of its buffer
 * @perf: stream: a perf buffer, even where there is a ring buffer
 * @refused: hello: load the program that the verifier refuses
 * @verbose: print what libbpf says
 * @status: exit status of @command
 * @links: the attached programs
 * @nr_links: how many
 */
struct watch {
	const char *system;
	const char *tracefs;
	struct record_fields fields;
	__u32 vm;
	long long duration_ms;
	char **command;
	FILE *out;
	size_t buffer;
	bool perf;
	bool refused;
	bool verbose;
	int status;
	struct bpf_link *links[WATCH_LINKS];
	unsigned int nr_links;
};

/* What a program needs of its skeleton before it is loaded. */
#define WATCH_CONFIGURE(w, skeleton) do {			\
	(skeleton)->rodata->fields = (w)->fields;		\
	(skeleton)->rodata->only_vm = (w)->vm;			\
} while (0)

int watch_prepare(struct watch *w, struct sentence *why);
int watch_needs_btf(struct sentence *why);
bool watch_has_event(const struct watch *w, const char *event);
int watch_failed_load(int error, struct sentence *why);
int watch_attach(struct watch *w, struct bpf_program *program, const char *event,
		 struct sentence *why);
int watch_run(struct watch *w, int (*tick)(void *opaque), void *opaque, struct sentence *why);
unsigned int watch_read_keys(const struct bpf_map *map, void *rows, size_t row_size,
			     size_t key_size, unsigned int most);
void watch_detach(struct watch *w);

/* The five. Return: 0, or -1 with the reason. */
int bpf_hello(struct watch *w, struct sentence *why);
int bpf_exits(struct watch *w, struct sentence *why);
int bpf_latency(struct watch *w, struct sentence *why);
int bpf_stream(struct watch *w, struct sentence *why);
int bpf_dispatch(struct watch *w, struct sentence *why);

#endif
