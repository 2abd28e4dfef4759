/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tool says while it runs: sentences to standard error and, with --log, to a file; with
 * --json as objects of JSON (RFC 8259), one on each line. Documentation/tool.rst has the schema.
 */
#ifndef MINIKVM_TOOL_MESSAGE_H
#define MINIKVM_TOOL_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "terminal/sentence.h"

/* How much something matters; each level of --log-level has those above it, too. */
enum message_level {
	MESSAGE_ERROR,		/* the run has failed, or is about to */
	MESSAGE_WARNING,	/* it goes on, with less than was asked for */
	MESSAGE_INFO,
	MESSAGE_DEBUG,		/* what a developer asks next */
	MESSAGE_LEVELS,
};

extern const char *const message_level_name[MESSAGE_LEVELS];

/* What a message is. All but sentences were asked for by an option, and are told at every level. */
enum message_kind {
	MESSAGE_SENTENCE,
	MESSAGE_END,		/* the sentence that says how the run has ended */
	MESSAGE_EXIT,		/* --log exits=... */
	MESSAGE_REGISTERS,	/* --registers; several lines, as the next one has */
	MESSAGE_STATS,		/* --stats */
};

#define MESSAGE_NO_STATUS	(-1)

/**
 * struct message - something to be told
 * @time: when it was
 * @level: how much it matters
 * @kind: what it is
 * @status: of MESSAGE_END, the exit status; else MESSAGE_NO_STATUS
 * @text: sentence or lines
 */
struct message {
	struct timespec time;
	enum message_level level;
	enum message_kind kind;
	int status;
	const char *text;
};

/**
 * struct message_options - how messages are told
 * @json: as JSON
 * @quiet: of sentences, standard error has only warnings and errors
 * @level: sentences that matter less are told nowhere
 */
struct message_options {
	bool json, quiet;
	enum message_level level;
};

char *message_as_json(const struct message *m);
char *message_as_line(const struct message *m);
char *message_for_terminal(const struct message *m);
bool message_wanted(const struct message_options *o, const struct message *m, bool terminal);

void message_set_up(const struct message_options *options);
bool message_is_json(void);
int message_log_open(const char *file, struct sentence *why);
int message_log_close(void);

void __printf(2, 3) message(enum message_level level, const char *fmt, ...);
void message_end(enum message_level level, int status, const char *text);
void message_lines(enum message_level level, enum message_kind kind, const char *text);
void message_lines_to(FILE *to, enum message_level level, enum message_kind kind, const char *text);
void message_fatal(const char *text);

#endif
