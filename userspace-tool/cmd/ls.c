// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm ls`: the guests of this user's that run with a name. Each is asked by its control
 * socket; a socket that a guest has left behind is told of and removed. Relies on json-c.
 */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "control/client.h"
#include "control/request.h"

#define OPT_JSON	(OPT_DEV + 1)
#define SUFFIX		".sock"

static int command_ls(int argc, char **argv);

static const struct described_option options[] = {
	{ .name = "json", .value = OPT_JSON, .help = "Print a JSON object for each." },
	{ }
};

const struct described_command ls_description = {
	.name = "ls",
	.run = command_ls,
	.summary = "the guests that run with a name",
	.synopsis = "[--json]",
	.about = "Lists the guests of this user's that were started by 'minikvm run --name NAME'.",
	.options = options,
};

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *value = json_object_object_get(o, member);

	return value ? json_object_get_string(value) : "-";
}

/* One guest's line. Return: 0, or -1 with the sentence. */
static int print_guest(const char *name, bool json, struct sentence *why)
{
	struct json_object *info = NULL;
	struct control_client c;
	unsigned long long memory;
	struct sentence line;

	if (client_open(&c, name, why) == 0)
		info = client_ask(&c, request_make("info"), NULL, 0, why);
	client_close(&c);
	if (!info)
		return -1;
	memory = json_object_get_int64(json_object_object_get(info, "memory"));
	if (json) {
		puts(json_object_to_json_string_ext(info, JSON_C_TO_STRING_PLAIN |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		say(&line, "%-16s %7s  %-8s %4s %6llu MiB %8s s  %s", name, text_of(info, "pid"),
		    text_of(info, "state"), text_of(info, "cpus"), memory / MIB,
		    text_of(info, "uptime"), text_of(info, "runs"));
		make_printable(line.text);
		puts(line.text);
	}
	json_object_put(info);
	return 0;
}

/* Is it NAME.sock? Then the suffix goes. */
static bool is_socket_name(char *name)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	if (len <= suffix || strcmp(name + len - suffix, SUFFIX) != 0)
		return false;
	name[len - suffix] = 0;
	return control_name_ok(name);
}

static int list(bool json)
{
	struct dirent **entry;
	struct sentence why;
	int i, n, status = STATUS_OK;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	bool any = false;

	if (control_directory(dir, sizeof(dir), false, &why)) {
		fprintf(stderr, "minikvm ls: %s\n", why.text);
		return STATUS_FAILED;
	}
	n = scandir(dir, &entry, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (is_socket_name(entry[i]->d_name)) {
			if (!any && !json)
				printf("%-16s %7s  %-8s %4s %10s %10s  %s\n", "NAME", "PID",
				       "STATE", "CPUS", "MEMORY", "UPTIME", "RUNS");
			any = true;
			if (print_guest(entry[i]->d_name, json, &why)) {
				fprintf(stderr, "minikvm ls: %s\n", why.text);
				status = STATUS_FAILED;
			}
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	if (!any && !json)
		puts("No guest with a name runs.");
	return status;
}

static int command_ls(int argc, char **argv)
{
	bool json = false;
	int option;

	while ((option = describe_next(&ls_description, argc, argv)) == OPT_JSON)
		json = true;
	if (option != OPTION_END)
		return option == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (optind < argc) {
		fprintf(stderr, "minikvm ls: '%s' is not an option.\nTry 'minikvm ls --help'.\n",
			argv[optind]);
		return STATUS_USAGE;
	}
	return list(json);
}
