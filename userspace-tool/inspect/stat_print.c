// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two snapshots as lines for people, as JSON and as CSV.
 *
 * Rates are of the time between the two; without an earlier one they are empty, and the numbers are
 * those since the VM began. Relies on json-c for JSON.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "inspect/stat_data.h"
#include "inspect/stat_print.h"

const char *const stat_sort_names[STAT_SORTS] = {
	[STAT_BY_EXITS] = "exits",
	[STAT_BY_TIME] = "time",
	[STAT_BY_NAME] = "name",
};

double stat_seconds(const struct stat_snapshot *before, const struct stat_snapshot *now)
{
	return before && now->ns > before->ns ? (now->ns - before->ns) / 1e9 : 0;
}

/* The sum of a VM's vCPUs, or the one of the view: what happened, in @d. */
static void vm_between(struct stat_vcpu *d, const struct stat_snapshot *before,
		       const struct stat_vm *vm, int only)
{
	const struct stat_vm *old = before ? stat_find_vm(before, vm->id) : NULL;
	struct stat_vcpu one;
	size_t i;

	memset(d, 0, sizeof(*d));
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (only >= 0 && vm->vcpus[i].id != (unsigned int)only)
			continue;
		stat_vcpu_between(&one, stat_find_vcpu(old, vm->vcpus[i].id), &vm->vcpus[i]);
		stat_vcpu_add(d, &one);
	}
}

static bool shown(const struct stat_view *view, const struct stat_vm *vm)
{
	return !view->vm || !strcmp(view->vm, vm->id);
}

static stat_u64 latencies(const struct stat_vcpu *d)
{
	stat_u64 sum = 0;
	int i;

	for (i = 0; i < STAT_REASONS; i++)
		sum += d->reasons[i].latency.sum;
	return sum;
}

/* "12.3 us" in at most 8 characters; "-" for nothing */
static const char *duration(stat_u64 ns, bool known, char *to, size_t size)
{
	if (!known)
		snprintf(to, size, "-");
	else if (ns < 1000)
		snprintf(to, size, "%llu ns", ns);
	else if (ns < 1000000)
		snprintf(to, size, "%.1f us", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(to, size, "%.1f ms", ns / 1e6);
	else
		snprintf(to, size, "%.2f s", ns / 1e9);
	return to;
}

/* A share or a rate, or "-" where there is nothing to divide by. */
static const char *ratio(double value, double by, const char *format, char *to, size_t size)
{
	if (by <= 0)
		snprintf(to, size, "-");
	else
		snprintf(to, size, format, value / by);
	return to;
}

struct order {
	const struct stat_vcpu *d;
	enum stat_sort sort;
};

static int by_reason(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct stat_reason *x = &o->d->reasons[*(const int *)a];
	const struct stat_reason *y = &o->d->reasons[*(const int *)b];

	if (o->sort == STAT_BY_NAME)
		return strcmp(x->name, y->name);
	if (o->sort == STAT_BY_TIME && x->latency.sum != y->latency.sum)
		return x->latency.sum < y->latency.sum ? 1 : -1;
	return x->exits == y->exits ? *(const int *)a - *(const int *)b :
	       x->exits < y->exits ? 1 : -1;
}

static void reason_lines(const struct stat_vcpu *d, double seconds, enum stat_sort sort,
			 stat_line_fn line, void *ctx)
{
	struct order order = { d, sort };
	char text[256], rate[24], share[24], p50[24], p99[24];
	stat_u64 all = latencies(d);
	int rows[STAT_REASONS], n = 0, i;

	for (i = 0; i < STAT_REASONS; i++)
		if (d->reasons[i].exits)
			rows[n++] = i;
	qsort_r(rows, n, sizeof(rows[0]), by_reason, &order);
	snprintf(text, sizeof(text), "    %-28s %10s %10s %7s %9s %9s", "EXIT REASON", "EXITS",
		 "EXITS/S", "TIME", "P50", "P99");
	line(ctx, true, text);
	for (i = 0; i < n; i++) {
		const struct stat_reason *r = &d->reasons[rows[i]];
		bool known = stat_samples(&r->latency);

		snprintf(text, sizeof(text), "    %-28.28s %10llu %10s %7s %9s %9s",
			 r->name, r->exits,
			 ratio(r->exits, seconds, "%.0f", rate, sizeof(rate)),
			 ratio(100.0 * r->latency.sum, all, "%.1f%%", share, sizeof(share)),
			 duration(stat_percentile(&r->latency, 50), known, p50, sizeof(p50)),
			 duration(stat_percentile(&r->latency, 99), known, p99, sizeof(p99)));
		line(ctx, false, text);
	}
	if (!n)
		line(ctx, false, "    no exits");
	else if (!all)
		line(ctx, false, "    (times: echo 1 > /sys/module/minikvm/parameters/latency_stats)");
}

static void vcpu_line(const struct stat_vcpu *d, double seconds, stat_line_fn line, void *ctx)
{
	char text[256], rate[24], cpu[24], wait[24], guest[24], halted[24];
	stat_u64 all = 0;
	size_t used;
	int i;

	for (i = 0; i < STAT_PHASES; i++)
		all += d->phase_ns[i];
	snprintf(text, sizeof(text), "  vcpu%-4u %-18s %10llu %10s %7s %7s %7s %7s",
		 d->id, d->state, d->exits, ratio(d->exits, seconds, "%.0f", rate, sizeof(rate)),
		 ratio(d->cpu_ns / 1e7, seconds, "%.0f%%", cpu, sizeof(cpu)),
		 ratio(d->wait_ns / 1e7, seconds, "%.0f%%", wait, sizeof(wait)),
		 ratio(100.0 * d->phase_ns[STAT_GUEST], all, "%.0f%%", guest, sizeof(guest)),
		 ratio(100.0 * d->phase_ns[STAT_HALTED], all, "%.0f%%", halted, sizeof(halted)));
	used = strlen(text);
	if (d->runs[0])
		snprintf(text + used, sizeof(text) - used, "  process %u (%s)", d->process,
			 d->runs);
	line(ctx, false, text);
}

struct vm_order {
	const struct stat_snapshot *before;
	enum stat_sort sort;
};

static int by_vm(const void *a, const void *b, void *arg)
{
	const struct vm_order *o = arg;
	const struct stat_vm *x = *(const struct stat_vm *const *)a;
	const struct stat_vm *y = *(const struct stat_vm *const *)b;
	struct stat_vcpu dx, dy;
	stat_u64 m, n;

	if (o->sort == STAT_BY_NAME)
		return strcmp(x->name, y->name);
	vm_between(&dx, o->before, x, -1);
	vm_between(&dy, o->before, y, -1);
	m = o->sort == STAT_BY_TIME ? dx.cpu_ns : dx.exits;
	n = o->sort == STAT_BY_TIME ? dy.cpu_ns : dy.exits;
	return m == n ? strcmp(x->id, y->id) : m < n ? 1 : -1;
}

static void vm_lines(const struct stat_snapshot *before, double seconds, const struct stat_vm *vm,
		     const struct stat_view *view, stat_line_fn line, void *ctx)
{
	const struct stat_vm *old = before ? stat_find_vm(before, vm->id) : NULL;
	struct stat_vcpu d;
	char text[320];
	size_t i;

	snprintf(text, sizeof(text), "%s: %s, user %u, memory %llu MiB, page tables %llu KiB, pinned %llu MiB",
		 vm->name[0] ? vm->name : vm->id, vm->state, vm->uid, vm->memory >> 20,
		 vm->tables >> 10, vm->pinned >> 20);
	line(ctx, true, text);
	snprintf(text, sizeof(text), "  %-8s %-18s %10s %10s %7s %7s %7s %7s", "VCPU", "STATE", "EXITS",
		 "EXITS/S", "CPU", "WAITS", "GUEST", "HALTED");
	line(ctx, true, text);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (view->vcpu >= 0 && vm->vcpus[i].id != (unsigned int)view->vcpu)
			continue;
		stat_vcpu_between(&d, stat_find_vcpu(old, vm->vcpus[i].id), &vm->vcpus[i]);
		vcpu_line(&d, seconds, line, ctx);
	}
	vm_between(&d, before, vm, view->vcpu);
	reason_lines(&d, seconds, view->sort, line, ctx);
}

/**
 * stat_lines() - what a person wants to see
 * @before: the earlier snapshot, or NULL: numbers since each VM began
 * @now: the later one
 * @view: what is shown
 * @line: gets each line
 * @ctx: its first argument
 */
void stat_lines(const struct stat_snapshot *before, const struct stat_snapshot *now,
		const struct stat_view *view, stat_line_fn line, void *ctx)
{
	struct vm_order order = { before, view->sort };
	const struct stat_vm **sorted = calloc(now->nr_vms + 1, sizeof(void *));
	double seconds = stat_seconds(before, now);
	size_t i, n = 0;

	for (i = 0; sorted && i < now->nr_vms; i++)
		if (shown(view, &now->vms[i]))
			sorted[n++] = &now->vms[i];
	if (!n)
		line(ctx, false, view->vm ? "There is no such VM (any more)." : "No VM exists at the moment.");
	else
		qsort_r(sorted, n, sizeof(void *), by_vm, &order);
	for (i = 0; i < n; i++)
		vm_lines(before, seconds, sorted[i], view, line, ctx);
	free(sorted);
}

/* ---- JSON and CSV ---------------------------------------------------------------------------- */

static void add_number(struct json_object *to, const char *key, stat_u64 value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_double(struct json_object *to, const char *key, double value, double by)
{
	json_object_object_add(to, key, by > 0 ? json_object_new_double(value / by) : NULL);
}

static struct json_object *json_reasons(const struct stat_vcpu *d, const struct stat_vcpu *now,
					double seconds)
{
	struct json_object *list = json_object_new_array();
	stat_u64 all = latencies(d);
	int i;

	for (i = 0; i < STAT_REASONS; i++) {
		const struct stat_reason *r = &d->reasons[i];
		struct json_object *o;

		if (!now->reasons[i].exits)
			continue;
		o = json_object_new_object();
		add_number(o, "reason", i);
		json_object_object_add(o, "name", json_object_new_string(now->reasons[i].name));
		add_number(o, "exits", now->reasons[i].exits);
		add_double(o, "exits_per_second", r->exits, seconds);
		add_double(o, "time_share", r->latency.sum, all);
		add_number(o, "samples", stat_samples(&r->latency));
		add_number(o, "p50_ns", stat_percentile(&r->latency, 50));
		add_number(o, "p99_ns", stat_percentile(&r->latency, 99));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_vcpu(const struct stat_vcpu *before, const struct stat_vcpu *now,
				     double seconds)
{
	struct json_object *o = json_object_new_object(), *time = json_object_new_object();
	struct json_object *process;
	struct stat_vcpu d;
	int i;

	stat_vcpu_between(&d, before, now);
	add_number(o, "id", now->id);
	json_object_object_add(o, "state", json_object_new_string(now->state));
	if (now->runs[0]) {
		process = json_object_new_object();
		add_number(process, "id", now->process);
		add_number(process, "task", now->task);
		json_object_object_add(process, "name", json_object_new_string(now->runs));
		json_object_object_add(o, "guest_process", process);
	}
	add_number(o, "exits", now->exits);
	add_double(o, "exits_per_second", d.exits, seconds);
	add_number(o, "cpu_ns", now->cpu_ns);
	add_number(o, "cpu_wait_ns", now->wait_ns);
	for (i = 0; i < STAT_PHASES; i++)
		add_number(time, stat_phase_names[i], d.phase_ns[i]);
	json_object_object_add(o, "time_ns", time);
	json_object_object_add(o, "reasons", json_reasons(&d, now, seconds));
	return o;
}

/**
 * stat_json() - one JSON object on one line
 * @before: the earlier snapshot, or NULL
 * @now: the later one
 * @view: which VM and vCPU
 * @to: where to
 *
 * Return: 0, or -1 if it cannot be written.
 */
int stat_json(const struct stat_snapshot *before, const struct stat_snapshot *now,
	      const struct stat_view *view, FILE *to)
{
	struct json_object *top = json_object_new_object(), *vms = json_object_new_array();
	double seconds = stat_seconds(before, now);
	size_t i, k;
	int ret;

	json_object_object_add(top, "seconds", json_object_new_double(seconds));
	json_object_object_add(top, "vms", vms);
	for (i = 0; i < now->nr_vms; i++) {
		const struct stat_vm *vm = &now->vms[i];
		const struct stat_vm *old = before ? stat_find_vm(before, vm->id) : NULL;
		struct json_object *o, *vcpus = json_object_new_array();

		if (!shown(view, vm)) {
			json_object_put(vcpus);
			continue;
		}
		o = json_object_new_object();
		json_object_object_add(o, "id", json_object_new_string(vm->id));
		json_object_object_add(o, "name", json_object_new_string(vm->name));
		json_object_object_add(o, "state", json_object_new_string(vm->state));
		add_number(o, "uid", vm->uid);
		add_number(o, "guest_memory_bytes", vm->memory);
		add_number(o, "page_table_bytes", vm->tables);
		add_number(o, "pinned_bytes", vm->pinned);
		for (k = 0; k < vm->nr_vcpus; k++) {
			const struct stat_vcpu *v = &vm->vcpus[k];

			if (view->vcpu < 0 || v->id == (unsigned int)view->vcpu)
				json_object_array_add(vcpus, json_vcpu(stat_find_vcpu(old, v->id),
								       v, seconds));
		}
		json_object_object_add(o, "vcpus", vcpus);
		json_object_array_add(vms, o);
	}
	ret = fprintf(to, "%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN |
						     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
	return ret < 0 ? -1 : 0;
}

/**
 * stat_csv() - a line for each exit reason of each vCPU, and one for all of them
 * @before: the earlier snapshot, or NULL
 * @now: the later one
 * @view: which VM and vCPU
 * @to: where to
 */
void stat_csv(const struct stat_snapshot *before, const struct stat_snapshot *now,
	      const struct stat_view *view, FILE *to)
{
	double seconds = stat_seconds(before, now);
	struct stat_vcpu d;
	size_t i, k;
	int r;

	fputs("vm,vcpu,state,reason,name,exits,exits_per_second,latency_ns,p50_ns,p99_ns\n", to);
	for (i = 0; i < now->nr_vms; i++) {
		const struct stat_vm *vm = &now->vms[i];
		const struct stat_vm *old = before ? stat_find_vm(before, vm->id) : NULL;

		for (k = 0; shown(view, vm) && k < vm->nr_vcpus; k++) {
			const struct stat_vcpu *v = &vm->vcpus[k];

			if (view->vcpu >= 0 && v->id != (unsigned int)view->vcpu)
				continue;
			stat_vcpu_between(&d, stat_find_vcpu(old, v->id), v);
			fprintf(to, "%s,%u,%s,,all,%llu,%.1f,%llu,,\n", vm->id, v->id, v->state,
				v->exits, seconds > 0 ? d.exits / seconds : 0, latencies(&d));
			for (r = 0; r < STAT_REASONS; r++)
				if (v->reasons[r].exits)
					fprintf(to, "%s,%u,%s,%d,%s,%llu,%.1f,%llu,%llu,%llu\n",
						vm->id, v->id, v->state, r, v->reasons[r].name,
						v->reasons[r].exits,
						seconds > 0 ? d.reasons[r].exits / seconds : 0,
						d.reasons[r].latency.sum,
						stat_percentile(&d.reasons[r].latency, 50),
						stat_percentile(&d.reasons[r].latency, 99));
		}
	}
}
