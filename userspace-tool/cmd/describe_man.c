// SPDX-License-Identifier: GPL-2.0-only
/*
 * Man pages from the commands' descriptions, with the macros of man(7).
 *
 * One page for minikvm, which lists the commands, and one for each of them, as git has it.
 */
#include <ctype.h>
#include <string.h>

#include "cmd/describe.h"

/* A text in which no character is taken for a request: paragraphs become .PP. */
static void text(const char *s)
{
	int start = 1;

	for (; *s; s++) {
		if (s[0] == '\n' && s[1] == '\n') {
			fputs("\n.PP\n", stdout);
			s += strspn(s, "\n") - 1;
			start = 1;
			continue;
		}
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		start = *s == '\n';
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
	putchar('\n');
}

static void title(const char *name, const char *version, const char *date)
{
	const char *p;

	fputs(".\\\" Made by minikvm --describe man: see cmd/describe_man.c.\n.TH MINIKVM", stdout);
	if (name)
		putchar('-');
	for (p = name; p && *p; p++)
		putchar(toupper((unsigned char)*p));
	printf(" 1 \"%s\" \"minikvm %s\" \"User Commands\"\n", date, version);
}

static void synopsis(const struct described_command *command)
{
	const char *form = command->synopsis;

	do {
		int len = strcspn(form, "\n");

		printf(".B minikvm %s\n", command->name);
		if (len) {
			char line[256];

			snprintf(line, sizeof(line), "%.*s", len, form);
			text(line);
		}
		form += len + (form[len] == '\n');
		if (*form)
			puts(".br");
	} while (*form);
}

static void option(const struct described_option *o)
{
	puts(".TP");
	if (o->value < 256)
		printf(".BI \\-%c \", \" \\-\\-", o->value);
	else
		fputs(".BI \\-\\-", stdout);
	for (const char *p = o->name; *p; p++)
		fputs(*p == '-' ? "\\-" : (char []){ *p, 0 }, stdout);
	if (o->argument)
		printf(o->optional ? " \" [=\" \"%s\" ]\"" : " \" \" \"%s\"", o->argument);
	putchar('\n');
	text(o->help);
}

static void command_page(const struct described_command *command)
{
	const struct described_option *o = command->options;
	const struct described_word *w = command->operands;

	printf(".SH NAME\nminikvm\\-%s \\- ", command->name);
	text(command->summary);
	puts(".SH SYNOPSIS");
	synopsis(command);
	puts(".SH DESCRIPTION");
	text(command->about);
	if (w) {
		puts(".PP");
		printf("%s:\n", command->operands_title);
	}
	for (; w && w->name; w++) {
		printf(".TP\n.B %s\n", w->name);
		text(w->what);
	}
	if (o && o->name)
		puts(".SH OPTIONS");
	for (; o && o->name; o++)
		option(o);
	if (command->more) {
		puts(".SH NOTES");
		text(command->more);
	}
	puts(".SH SEE ALSO\n.BR minikvm (1)");
}

static void main_page(void)
{
	const struct described_command *const *c;

	puts(".SH NAME\nminikvm \\- run, watch and explain guests on /dev/minikvm\n"
	     ".SH SYNOPSIS\n.B minikvm\n.I COMMAND\n.RI [ OPTION ]...\n"
	     ".SH DESCRIPTION\n"
	     "The user's side of minikvm.ko, a Linux module that is a VT\\-x and VT\\-d hypervisor\n"
	     "with KVM's ABI. It boots kernels as guests, shows what a guest does, and says what is\n"
	     "wrong when something is. What needs only KVM's ABI works with\n.B \\-\\-dev /dev/kvm\ntoo.\n"
	     ".SH COMMANDS");
	for (c = described_commands; *c; c++) {
		printf(".TP\n.BR minikvm\\-%s (1)\n", (*c)->name);
		text((*c)->summary);
	}
	puts(".SH OPTIONS\n.TP\n.B \\-\\-help\nList the commands; after a command, explain it.\n"
	     ".TP\n.B \\-\\-version\nPrint the version.\n"
	     ".SH EXIT STATUS\n0 success, 1 failure, 2 wrong usage; a command that has more says so in its page.\n"
	     ".SH FILES\n.TP\n.I /dev/minikvm\nthe device node, which minikvm.ko makes\n"
	     ".SH SEE ALSO");
	for (c = described_commands; *c; c++)
		printf(".BR minikvm\\-%s (1)%s\n", (*c)->name, c[1] ? "," : "");
}

/**
 * describe_man() - print a man page
 * @command: the command that it is about, or NULL for minikvm's own
 * @version: the tool's version, for the foot of the page
 * @date: the version's date
 */
void describe_man(const struct described_command *command, const char *version, const char *date)
{
	title(command ? command->name : NULL, version, date);
	if (command)
		command_page(command);
	else
		main_page();
}
