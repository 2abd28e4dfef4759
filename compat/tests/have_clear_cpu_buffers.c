// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86_clear_cpu_buffers() was mds_clear_cpu_buffers() until AMD's processors needed it, too. Used by
 * arch/x86/run/hot_loop.c through compat_clear_cpu_buffers().
 */
#include <asm/nospec-branch.h>

void probe(void);
void probe(void)
{
	x86_clear_cpu_buffers();
}
