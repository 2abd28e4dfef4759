// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view of `minikvm stat`. Relies on ncurses.
 *
 * Lines are those of stat_lines(), cut to the screen, which scrolls. The terminal is put back in
 * order at the end, and by ncurses on SIGINT and SIGTERM; SIGQUIT is ignored.
 */
#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "compiler.h"
#include "inspect/stat_data.h"
#include "inspect/stat_print.h"

struct page {
	int line, first, height, width;
};

static void put_line(void *ctx, bool bold, const char *text)
{
	struct page *page = ctx;
	int row = page->line++ - page->first + 1;

	if (row < 1 || row >= page->height - 1)
		return;
	if (bold)
		attron(A_BOLD);
	mvaddnstr(row, 0, text, page->width);
	if (bold)
		attroff(A_BOLD);
}

static void draw(const struct stat_snapshot *before, const struct stat_snapshot *now,
		 const struct stat_view *view, struct page *page, const char *trouble)
{
	char text[160];

	getmaxyx(stdscr, page->height, page->width);
	page->line = 0;
	erase();
	snprintf(text, sizeof(text), "minikvm stat: %zu VM%s, every %.1f s, sorted by %s%s%s",
		 now->nr_vms, now->nr_vms == 1 ? "" : "s", stat_seconds(before, now),
		 stat_sort_names[view->sort], view->vm ? ", only " : "", view->vm ? view->vm : "");
	attron(A_REVERSE);
	mvaddnstr(0, 0, text, page->width);
	attroff(A_REVERSE);
	if (trouble)
		put_line(page, true, trouble);
	else
		stat_lines(before, now, view, put_line, page);
	mvaddnstr(page->height - 1, 0, "q leave   e exits   t time   n name   v next VM   c next vCPU   a all   up/down scroll",
		  page->width);
	refresh();
}

/* The VM behind the one that is shown, or the first. */
static void next_vm(const struct stat_snapshot *now, struct stat_view *view, char *id, size_t size)
{
	size_t i;

	view->vcpu = -1;
	for (i = 0; view->vm && i < now->nr_vms && strcmp(now->vms[i].id, view->vm) != 0; i++)
		;
	i = view->vm ? i + 1 : 0;
	if (i >= now->nr_vms)
		i = 0;
	if (!now->nr_vms) {
		view->vm = NULL;
		return;
	}
	snprintf(id, size, "%s", now->vms[i].id);
	view->vm = id;
}

static void next_vcpu(const struct stat_snapshot *now, struct stat_view *view)
{
	const struct stat_vm *vm = view->vm ? stat_find_vm(now, view->vm) : NULL;
	size_t i;

	if (!vm || !vm->nr_vcpus)
		return;
	for (i = 0; i < vm->nr_vcpus; i++)
		if (view->vcpu >= 0 && vm->vcpus[i].id == (unsigned int)view->vcpu)
			break;
	i = view->vcpu < 0 ? 0 : i + 1;
	view->vcpu = i < vm->nr_vcpus ? (int)vm->vcpus[i].id : -1;
}

/* Returns false for "leave". */
static bool key(int c, const struct stat_snapshot *now, struct stat_view *view, struct page *page,
		char *id, size_t size)
{
	switch (c) {
	case 'q':
		return false;
	case 'e':
		view->sort = STAT_BY_EXITS;
		break;
	case 't':
		view->sort = STAT_BY_TIME;
		break;
	case 'n':
		view->sort = STAT_BY_NAME;
		break;
	case 'v':
		next_vm(now, view, id, size);
		page->first = 0;
		break;
	case 'c':
		if (!view->vm)
			next_vm(now, view, id, size);
		next_vcpu(now, view);
		page->first = 0;
		break;
	case 'a':
		view->vm = NULL;
		view->vcpu = -1;
		page->first = 0;
		break;
	case KEY_DOWN:
		if (page->first + page->height - 2 < page->line)
			page->first++;
		break;
	case KEY_UP:
		page->first -= page->first > 0;
		break;
	}
	return true;
}

/**
 * stat_live() - show what happens until the user leaves
 * @directory: minikvm's directory in debugfs
 * @interval: seconds between two snapshots
 * @view: what is shown at first
 * @why: receives what went wrong
 *
 * Return: 0, or -1.
 */
int stat_live(const char *directory, double interval, struct stat_view *view, struct sentence *why)
{
	struct stat_snapshot before, now, next;
	const char *terminal = getenv("TERM");
	struct sentence trouble = { "" };
	struct page page = { 0 };
	char id[32];
	int error, c;

	if (!terminal || setupterm(terminal, STDOUT_FILENO, &error) != OK)
		return say(why, "The terminal '%s' is not known here: set TERM, or use --once.",
			   terminal ? terminal : "");
	if (stat_read(&before, directory, why))
		return -1;
	if (stat_read(&now, directory, why)) {
		stat_free(&before);
		return -1;
	}
	signal(SIGQUIT, SIG_IGN);
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	timeout(interval * 1000);
	for (;;) {
		draw(&before, &now, view, &page, trouble.text[0] ? trouble.text : NULL);
		c = getch();
		if (c != ERR) {
			if (!key(c, &now, view, &page, id, sizeof(id)))
				break;
			continue;
		}
		trouble.text[0] = 0;
		if (stat_read(&next, directory, &trouble))
			continue;
		stat_free(&before);
		before = now;
		now = next;
	}
	endwin();
	stat_free(&before);
	stat_free(&now);
	return 0;
}
