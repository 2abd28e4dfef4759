// SPDX-License-Identifier: GPL-2.0-only
/* A scheduler that takes a sleeping task off its queue later: on_rq does not tell that it waits. */
#include <linux/sched.h>

bool test(struct task_struct *task);
bool test(struct task_struct *task)
{
	return task_is_runnable(task);
}
