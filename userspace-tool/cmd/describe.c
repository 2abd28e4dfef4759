// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command's parser and its help, from its description (describe.h).
 *
 * Relies on getopt_long(3). `minikvm --describe man|bash|zsh`, which is for the Makefile, prints
 * the rest that is made of the descriptions.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "terminal/message.h"

#define OPTIONS_MAX	64
#define LETTERS		256	/* values below are short forms */
#define WIDTH		80	/* of the lines of help */
#define OPTION_COLUMN	20	/* where the sentences about options begin */

/* How getopt_long() sees a command's options, and --help behind them */
static void fill_options(const struct described_command *command, struct option *options,
			 char *letters)
{
	const struct described_option *o;
	int n = 0;

	if (command->command_follows)
		*letters++ = '+';
	for (o = command->options; o && o->name && n < OPTIONS_MAX; o++) {
		options[n++] = (struct option){
			.name = o->name,
			.has_arg = !o->argument ? no_argument :
				   o->optional ? optional_argument : required_argument,
			.val = o->value,
		};
		if (o->value < LETTERS)
			*letters++ = o->value;
		if (o->value < LETTERS && o->argument)
			*letters++ = ':';
	}
	options[n++] = (struct option){ .name = "help", .val = 'h' };
	options[n] = (struct option){ };
	memcpy(letters, "h", sizeof("h"));
}

/**
 * describe_next() - parse the next option of a command
 * @command: the command
 * @argc: how many arguments, with argv[0]
 * @argv: the arguments; argv[0] is the command's name, and receives what messages begin with
 *
 * Return: the option's value, its argument being in optarg; or OPTION_END, after which
 * the operands begin at argv[optind]; OPTION_HELP; OPTION_WRONG.
 */
int describe_next(const struct described_command *command, int argc, char **argv)
{
	static struct option options[OPTIONS_MAX + 2];
	static char title[64], letters[2 * OPTIONS_MAX + 3];
	int option;

	snprintf(title, sizeof(title), "minikvm %s", command->name);
	argv[0] = title;
	fill_options(command, options, letters);
	opterr = !message_is_json();
	option = getopt_long(argc, argv, letters, options, NULL);
	if (option == 'h') {
		describe_help(command, stdout);
		return OPTION_HELP;
	}
	if (option == '?' && !opterr) {
		message_end(MESSAGE_ERROR, STATUS_USAGE,
			    "An option is not known, or its argument is missing or too much.");
		return OPTION_WRONG;
	}
	if (option == '?') {
		/* getopt_long() has said what is wrong. */
		fprintf(stderr, "Try '%s --help'.\n", title);
		return OPTION_WRONG;
	}
	return option < 0 ? OPTION_END : option;
}

/**
 * describe_device() - parse the arguments of a command that takes --dev alone
 * @command: the command
 * @argc: as for describe_next()
 * @argv: as for describe_next()
 * @device: receives the argument of --dev, if it is given
 *
 * Return: -1 to go on; otherwise the exit status.
 */
int describe_device(const struct described_command *command, int argc, char **argv,
		    const char **device)
{
	int option;

	while ((option = describe_next(command, argc, argv)) == OPT_DEV)
		*device = optarg;
	if (option != OPTION_END)
		return option == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (optind == argc)
		return -1;
	fprintf(stderr, "minikvm %s: '%s' is not an option.\n", command->name, argv[optind]);
	return STATUS_USAGE;
}

/* Print a text with lines of WIDTH, all but the first beginning at a column. */
static void print_wrapped(FILE *to, const char *text, int column, int indent)
{
	while (*text) {
		int word = strcspn(text, "\n ");

		if (column > indent && column + 1 + word > WIDTH) {
			fprintf(to, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', to);
			column++;
		}
		column += fprintf(to, "%.*s", word, text);
		text += word;
		if (text[0] == '\n' && text[1] == '\n') {
			fprintf(to, "\n\n%*s", indent, "");
			column = indent;
		}
		text += strspn(text, "\n ");
	}
	fputc('\n', to);
}

static void print_option(FILE *to, const struct described_option *o)
{
	int column = o->value < LETTERS ? fprintf(to, "  -%c, --%s", o->value, o->name) :
					  fprintf(to, "  --%s", o->name);

	if (o->argument)
		column += fprintf(to, o->optional ? "[=%s]" : " %s", o->argument);
	if (column >= OPTION_COLUMN) {
		fputc('\n', to);
		column = 0;
	}
	fprintf(to, "%*s", OPTION_COLUMN - column, "");
	print_wrapped(to, o->help, OPTION_COLUMN, OPTION_COLUMN);
}

/**
 * describe_help() - print what --help prints
 * @command: the command
 * @to: where
 */
void describe_help(const struct described_command *command, FILE *to)
{
	const struct described_option *o = command->options;
	const struct described_word *w = command->operands;
	const char *form = command->synopsis;
	const char *lead = "Usage:";

	do {
		int len = strcspn(form, "\n");

		fprintf(to, "%-6s minikvm %s%s%.*s\n", lead, command->name, len ? " " : "", len,
			form);
		form += len + (form[len] == '\n');
		lead = "";
	} while (*form);
	fputc('\n', to);
	print_wrapped(to, command->about, 0, 0);
	if (w)
		fprintf(to, "\n%s:\n", command->operands_title);
	for (; w && w->name; w++)
		fprintf(to, "  %-*s%s\n", OPTION_COLUMN - 2, w->name, w->what);
	if (o && o->name)
		fputc('\n', to);
	for (; o && o->name; o++)
		print_option(to, o);
	if (command->more) {
		fputc('\n', to);
		print_wrapped(to, command->more, 0, 0);
	}
}

/**
 * describe_list() - print every command with half a line about it
 * @to: where
 */
void describe_list(FILE *to)
{
	const struct described_command *const *c;

	for (c = described_commands; *c; c++)
		fprintf(to, "  %-8s %s\n", (*c)->name, (*c)->summary);
}

static const struct described_command *find_command(const char *name)
{
	const struct described_command *const *c;

	for (c = described_commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

/**
 * describe_main() - print what is made of the descriptions
 * @argc: how many arguments
 * @argv: "bash"; "zsh"; "commands", the names alone; or "man" with VERSION, DATE and, for its
 *	page, a command's name
 *
 * Return: the exit status.
 */
int describe_main(int argc, char **argv)
{
	const struct described_command *command = argc == 4 ? find_command(argv[3]) : NULL;
	const struct described_command *const *c;

	if (argc == 1 && !strcmp(argv[0], "bash")) {
		describe_bash();
	} else if (argc == 1 && !strcmp(argv[0], "zsh")) {
		describe_zsh();
	} else if (argc == 1 && !strcmp(argv[0], "commands")) {
		for (c = described_commands; *c; c++)
			puts((*c)->name);
	} else if ((argc == 3 || command) && !strcmp(argv[0], "man")) {
		describe_man(command, argv[1], argv[2]);
	} else {
		fputs("Usage: minikvm --describe bash|zsh|commands|man VERSION DATE [COMMAND]\n",
		      stderr);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}
