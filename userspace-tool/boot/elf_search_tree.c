// SPDX-License-Identifier: GPL-2.0-only
/*
 * elf_search_tree.c - what Debian 13's static libelf calls and does not have.
 *
 * libelf.a of elfutils 0.192 refers to functions of a library that is private to elfutils and not
 * installed, so that nothing can be linked with it statically. Where libelf does not refer to them,
 * or brings them, these are not used: they are weak. A tree is tsearch(3)'s root and, behind it, a
 * lock for the threads that this program does not let libelf have.
 */
#include <search.h>
#include <stddef.h>

typedef int comparison(const void *a, const void *b);

void eu_search_tree_init(void **tree);
void eu_search_tree_fini(void **tree, void (*free_node)(void *node));
void *eu_tsearch(const void *key, void **tree, comparison *compare);
void *eu_tfind(const void *key, void **tree, comparison *compare);
void *eu_tdelete(const void *key, void **tree, comparison *compare);

__attribute__((weak)) void eu_search_tree_init(void **tree)
{
	*tree = NULL;
}

__attribute__((weak)) void eu_search_tree_fini(void **tree, void (*free_node)(void *node))
{
	tdestroy(*tree, free_node);
}

__attribute__((weak)) void *eu_tsearch(const void *key, void **tree, comparison *compare)
{
	return tsearch(key, tree, compare);
}

__attribute__((weak)) void *eu_tfind(const void *key, void **tree, comparison *compare)
{
	return tfind(key, tree, compare);
}

__attribute__((weak)) void *eu_tdelete(const void *key, void **tree, comparison *compare)
{
	return tdelete(key, tree, compare);
}
