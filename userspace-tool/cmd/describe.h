/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one description of each command: what it is for and which options it has.
 *
 * From it come the parser (describe_next()), --help, the man pages and the completion of bash
 * and zsh, so that none of them can know more or less than another. A command defines a struct
 * described_command in its own file; cmd/commands.c lists them.
 */
#ifndef MINIKVM_TOOL_DESCRIBE_H
#define MINIKVM_TOOL_DESCRIBE_H

#include <stdbool.h>
#include <stdio.h>

/* What may stand for an argument, for those who complete it */
enum described_kind {
	TAKES_TEXT,		/* anything; nothing is proposed */
	TAKES_FILE,
	TAKES_NODE,		/* /dev/minikvm, /dev/kvm */
	TAKES_PCI_ADDRESS,
	TAKES_WORD,		/* one of the words given */
};

/* Values of describe_next() beside those of the options */
#define OPTION_END	(-1)
#define OPTION_HELP	(-2)	/* help was asked for and printed: STATUS_OK */
#define OPTION_WRONG	(-3)	/* it was said what is wrong: STATUS_USAGE */

/* --dev NODE, which many commands have; their own options' values follow. */
#define OPT_DEV		256
#define DESCRIBED_DEV {									\
	.name = "dev", .value = OPT_DEV, .argument = "NODE", .kind = TAKES_NODE,	\
	.help = "Device node (default: minikvm's; /dev/kvm works too).",		\
}

/**
 * struct described_option - an option of a command
 * @name: without its two dashes
 * @value: what describe_next() returns for it: its letter where it has a short form, else a
 *	number from 256 on
 * @argument: what its argument is called, or NULL where it has none
 * @help: a sentence or two
 * @kind: what the argument may be
 * @words: for TAKES_WORD, separated by spaces
 * @optional: the argument may be left out; it is given as --name=ARGUMENT only
 */
struct described_option {
	const char *name;
	int value;
	const char *argument;
	const char *help;
	enum described_kind kind;
	const char *words;
	bool optional;
};

/**
 * struct described_word - a word that may stand for a command's first operand
 * @name: the word
 * @what: half a line about it
 */
struct described_word {
	const char *name;
	const char *what;
};

/**
 * struct described_command - a command of minikvm
 * @name: its name
 * @run: what it does; argv[0] is the command's name. Return: the exit status
 * @summary: half a line without a full stop, for lists
 * @synopsis: what may follow "minikvm NAME", one form on each line
 * @about: what it does; paragraphs are separated by empty lines
 * @options: ended by a row without a name; --help need not be among them. NULL: there are no others
 * @more: what follows the options, in paragraphs, such as the exit statuses; or NULL
 * @operands_title: what the words of @operands are
 * @operands: words that may stand for the first operand, ended by one without a name; or NULL
 * @command_follows: the operands are a command of the user's, whose options are its own
 */
struct described_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
	const char *synopsis;
	const char *about;
	const struct described_option *options;
	const char *more;
	const char *operands_title;
	const struct described_word *operands;
	bool command_follows;
};

extern const struct described_command *const described_commands[];

int describe_next(const struct described_command *command, int argc, char **argv);
int describe_device(const struct described_command *command, int argc, char **argv,
		    const char **device);
void describe_help(const struct described_command *command, FILE *to);
void describe_list(FILE *to);
int describe_main(int argc, char **argv);

void describe_man(const struct described_command *command, const char *version, const char *date);
void describe_bash(void);
void describe_zsh(void);

#endif
