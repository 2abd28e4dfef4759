// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.c - see kernel.h: a clock that the test moves, and the hrtimers on it.
 */
#include "kernel.h"

s64 now_ns;
u32 tsc_khz = 1000000;
int callbacks;
int preempt_count;

static struct hrtimer *queue;

static void remove_timer(struct hrtimer *t)
{
	struct hrtimer **at = &queue;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->queued = false;
}

void hrtimer_init(struct hrtimer *t, int clock, int mode)
{
	t->queued = false;
}

void hrtimer_start(struct hrtimer *t, ktime_t expires, int mode)
{
	hrtimer_cancel(t);
	t->expires = expires;
	t->queued = true;
	t->next = queue;
	queue = t;
}

int hrtimer_cancel(struct hrtimer *t)
{
	if (!t->queued)
		return 0;
	remove_timer(t);
	return 1;
}

u64 hrtimer_forward_now(struct hrtimer *t, ktime_t interval)
{
	u64 n = 0;

	assert(!t->queued);		/* the kernel warns */
	for (; t->expires <= now_ns; t->expires += interval)
		n++;
	return n;
}

static struct hrtimer *first_due(s64 ns)
{
	struct hrtimer *best = NULL;

	for (struct hrtimer *t = queue; t; t = t->next)
		if (t->expires <= ns && (!best || t->expires < best->expires))
			best = t;
	return best;
}

void advance_to(s64 ns)
{
	struct hrtimer *t;

	while ((t = first_due(ns))) {
		now_ns = max(now_ns, t->expires);
		remove_timer(t);
		callbacks++;
		if (t->function(t) == HRTIMER_RESTART)
			hrtimer_start(t, t->expires, 0);
	}
	now_ns = max(now_ns, ns);
}
