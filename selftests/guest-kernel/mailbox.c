// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between processes: each process has a mailbox with room for a few small messages.
 * Sending never waits; receiving does, until there is a message. A message is copied twice and
 * shared never, so neither side can reach the other's memory.
 */
#include "mailbox.h"
#include "format.h"
#include "task.h"

struct message {
	u8 from, size;
	u8 data[MESSAGE_MAX];
};

struct mailbox {
	struct message message[MESSAGES];
	u32 head, tail;
	struct list readers;
};

static struct mailbox mailboxes[PROCESSES];

void mailbox_init(void)
{
	unsigned int i;

	for (i = 0; i < PROCESSES; i++)
		list_init(&mailboxes[i].readers);
}

struct mailbox *mailbox_of(u8 id)
{
	return &mailboxes[id];
}

/* The process has ended: the messages that it has not received are dropped. */
void mailbox_clear(struct mailbox *m)
{
	m->head = 0;
	m->tail = 0;
}

/* Return: 0, or -EAGAIN if the mailbox is full. */
int mailbox_send(struct process *to, u8 from, const u8 *data, u32 size)
{
	struct mailbox *m = to->mailbox;
	struct message *slot = &m->message[m->head % MESSAGES];

	if (m->head - m->tail == MESSAGES)
		return -EAGAIN;
	slot->from = from;
	slot->size = size;
	memcpy(slot->data, data, size);
	m->head++;
	if (!list_empty(&m->readers))
		task_wake(container_of(m->readers.next, struct task, queue));
	return 0;
}

/**
 * mailbox_receive() - the oldest message to the running process
 * @data: where it goes
 * @room: how much of it there is room for; the rest is lost
 * @from: receives its sender's id
 *
 * Return: its size, or -EINTR.
 */
int mailbox_receive(u8 *data, u32 room, int *from)
{
	struct mailbox *m = current()->process->mailbox;
	struct message *slot;
	u32 size;

	while (m->head == m->tail) {
		task_wait(&m->readers);
		if (current()->interrupted)
			return -EINTR;
	}
	slot = &m->message[m->tail++ % MESSAGES];
	size = min_t(u32, slot->size, room);
	memcpy(data, slot->data, size);
	*from = slot->from;
	return size;
}
