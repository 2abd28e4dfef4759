// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd_signal(ctx, count) (6.1) against eventfd_signal(ctx) (6.12). Used by virt/irqfd.c
 * and virt/ioeventfd.c through compat_eventfd_signal().
 */
#include <linux/eventfd.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
