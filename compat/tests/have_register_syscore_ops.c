// SPDX-License-Identifier: GPL-2.0-only
/*
 * register_syscore_ops() (6.1) against register_syscore() with a struct syscore (later; Debian
 * took it into its 6.12). Used by arch/x86/vmx/hardware.c.
 */
#include <linux/syscore_ops.h>

void probe(struct syscore_ops *ops);
void probe(struct syscore_ops *ops)
{
	register_syscore_ops(ops);
}
