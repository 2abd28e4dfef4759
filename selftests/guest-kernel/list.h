/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Doubly linked lists whose links lie in the elements. A list is a link of its own that stands for
 * both ends; an element that is in no list points to itself, so that taking it out twice is
 * harmless and list_empty() of it tells.
 */
#ifndef GUEST_LIST_H
#define GUEST_LIST_H

#include "types.h"

struct list {
	struct list *next, *prev;
};

#define list_for_each(at, list)	for ((at) = (list)->next; (at) != (list); (at) = (at)->next)

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *prev, struct list *next, struct list *l)
{
	l->prev = prev;
	l->next = next;
	prev->next = l;
	next->prev = l;
}

static inline void list_add_head(struct list *list, struct list *l)
{
	list_insert(list, list->next, l);
}

static inline void list_add_tail(struct list *list, struct list *l)
{
	list_insert(list->prev, list, l);
}

static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#endif
