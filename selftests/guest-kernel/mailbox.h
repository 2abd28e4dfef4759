/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between processes: mailbox.c.
 */
#ifndef GUEST_MAILBOX_H
#define GUEST_MAILBOX_H

#include "abi.h"

struct process;

void mailbox_init(void);
struct mailbox *mailbox_of(u8 id);
void mailbox_clear(struct mailbox *m);
int mailbox_send(struct process *to, u8 from, const u8 *data, u32 size);
int mailbox_receive(u8 *data, u32 room, int *from);

#endif
