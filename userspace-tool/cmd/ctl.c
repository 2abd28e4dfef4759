// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm ctl NAME REQUEST`: steer a running guest by its control socket. The files of a snapshot
 * are made here, with the rights of the user who asks, and their descriptors handed over.
 * Documentation/control.rst. Relies on json-c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "cmd/number.h"
#include "compiler.h"
#include "control/client.h"
#include "control/request.h"
#include "snapshot/snapshot.h"
#include "virtio/blk.h"
#include "virtio/disk.h"

#define OPT_JSON	(OPT_DEV + 1)
#define PARTIAL_FILE	"state.partial"

static int command_ctl(int argc, char **argv);

static const struct described_option options[] = {
	{ .name = "json", .value = OPT_JSON,
	  .help = "Print results and events as the guest sends them." },
	{ }
};

const struct described_command ctl_description = {
	.name = "ctl",
	.run = command_ctl,
	.summary = "steer a running guest: pause, snapshot, reset, ...",
	.synopsis = "NAME REQUEST [--json]\nNAME snapshot DIR\nNAME balloon SIZE\n"
	"NAME add-disk PATH[,readonly][,direct]\nNAME remove DEVICE",
	.about =
	"Asks something of a guest that runs with 'minikvm run --name NAME'.\n\n"
	"info: what it is and does. pause, resume: stop its vCPUs, let them go on. snapshot DIR: write\n"
	"its whole state to a new directory, for 'minikvm run --restore DIR'. stop: press its power\n"
	"button. reset: start it anew. quit: end it at once. events: print what happens to it, until it\n"
	"ends.\n\n"
	"balloon SIZE: the guest is to lend the host so much of its memory ('minikvm run --balloon').\n"
	"add-disk PATH: give it one more disk, from a raw image or block device. remove DEVICE: ask it to\n"
	"let such a disk go; 'info' has the names.",
	.options = options,
	.more = "Exit status: 0 done, 1 the guest or the system refuses, 2 wrong usage.",
};

static int __printf(1, 2) complain(const char *fmt, ...)
{
	va_list ap;

	fputs("minikvm ctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'minikvm ctl --help'.\n", stderr);
	return STATUS_USAGE;
}

static void print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
}

/* Return: a line with the names of an array's objects, or its strings. */
static const char *listed(struct sentence *list, struct json_object *array)
{
	size_t i, len = 0;

	list->text[0] = 0;
	for (i = 0; i < json_object_array_length(array) && len < sizeof(list->text); i++) {
		struct json_object *one = json_object_array_get_idx(array, i), *name = one;

		if (json_object_is_type(one, json_type_object))
			json_object_object_get_ex(one, "name", &name);
		len += snprintf(list->text + len, sizeof(list->text) - len, "%s%s", i ? ", " : "",
				json_object_get_string(name));
	}
	return list->text;
}

/* A line for each member; one of a nested object has both names. */
static void print_members(struct json_object *o, const char *prefix)
{
	struct sentence line, list;
	const char *text;
	char name[64];

	json_object_object_foreach(o, key, value) {
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "-" : "", key);
		if (json_object_is_type(value, json_type_object)) {
			print_members(value, name);
			continue;
		}
		text = json_object_get_string(value);
		if (json_object_is_type(value, json_type_array))
			text = listed(&list, value);
		say(&line, "%-9s %s", name, text);
		make_printable(line.text);
		puts(line.text);
	}
}

/* Takes the result over; it may be NULL. */
static int print_result(struct json_object *result, bool json)
{
	if (!result)
		return -1;
	if (json)
		print_json(result);
	else
		print_members(result, "");
	json_object_put(result);
	return 0;
}

/* Takes the request over. */
static int ask(struct control_client *c, struct json_object *request, bool json,
	       struct sentence *why)
{
	return print_result(client_ask(c, request, NULL, 0, why), json);
}

static int balloon(struct control_client *c, const char *size, bool json, struct sentence *why)
{
	struct json_object *request = request_make("balloon");
	__u64 bytes = 0;

	parse_size(size, &bytes);	/* checked before the guest was looked for */
	json_object_object_add(request, "size", json_object_new_int64(bytes));
	return ask(c, request, json, why);
}

static int print_events(struct control_client *c, bool json, struct sentence *why)
{
	struct json_object *o = client_ask(c, request_make("events"), NULL, 0, why);
	struct json_object *event, *detail;
	struct sentence line;

	if (!o)
		return -1;
	if (json)
		print_json(o);
	json_object_put(o);
	while ((o = client_receive(c, why))) {
		event = json_object_object_get(o, "event");
		detail = json_object_object_get(o, "detail");
		if (json) {
			print_json(o);
		} else if (event) {
			say(&line, "%s%s%s", json_object_get_string(event), detail ? ": " : "",
			    detail ? json_object_get_string(detail) : "");
			make_printable(line.text);
			puts(line.text);
			fflush(stdout);
		}
		json_object_put(o);
	}
	return *why->text ? -1 : 0;
}

/* Return: a new file's descriptor, or -1. */
static int make_file(int dir, const char *where, const char *name, struct sentence *why)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return say(why, "%s has a file '%s': a snapshot needs a new directory.", where,
			   name);
	if (fd < 0)
		return say(why, "%s/%s cannot be made: %s.", where, name, strerror(errno));
	return fd;
}

/* The names in a directory are on stable storage, too. */
static int sync_directory(int dir, const char *name, const char *where, struct sentence *why)
{
	int fd = openat(dir, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC), ret;

	ret = fd < 0 ? -1 : fsync(fd);
	if (ret < 0)
		say(why, "The directory %s cannot be brought to stable storage: %s.", where,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

/*
 * The state gets its name when all is on stable storage: a directory without it is no snapshot, and
 * one of which it was said that it was taken survives a crash of the host.
 */
static int complete(int dir, const int *file, const char *where, struct sentence *why)
{
	if (fsync(file[0]) < 0 || fsync(file[1]) < 0)
		return say(why, "The snapshot in %s cannot be brought to stable storage: %s.",
			   where, strerror(errno));
	if (renameat(dir, PARTIAL_FILE, dir, SNAPSHOT_STATE_FILE) < 0)
		return say(why, "%s/%s cannot be renamed: %s.", where, PARTIAL_FILE,
			   strerror(errno));
	return sync_directory(dir, ".", where, why);
}

static int fill_directory(struct control_client *c, int dir, const char *where, bool json,
			  struct sentence *why)
{
	struct json_object *result = NULL;
	int file[2];

	if (faccessat(dir, SNAPSHOT_STATE_FILE, F_OK, 0) == 0)
		return say(why, "%s has a file '%s': a snapshot needs a new directory.", where,
			   SNAPSHOT_STATE_FILE);
	file[0] = make_file(dir, where, PARTIAL_FILE, why);
	if (file[0] < 0)
		return -1;
	file[1] = make_file(dir, where, SNAPSHOT_MEMORY_FILE, why);
	if (file[1] >= 0) {
		result = client_ask(c, request_make("snapshot"), file, ARRAY_SIZE(file), why);
		if (result && complete(dir, file, where, why)) {
			json_object_put(result);
			result = NULL;
		}
		close(file[1]);
		if (!result)
			unlinkat(dir, SNAPSHOT_MEMORY_FILE, 0);
	}
	close(file[0]);
	if (!result) {
		unlinkat(dir, PARTIAL_FILE, 0);
		unlinkat(dir, SNAPSHOT_STATE_FILE, 0);
		return -1;
	}
	if (json)
		print_json(result);
	json_object_put(result);
	return 0;
}

static int snapshot(struct control_client *c, const char *where, bool json, struct sentence *why)
{
	bool made = mkdir(where, 0700) == 0;
	int dir, ret;

	if (!made && errno != EEXIST)
		return say(why, "The directory %s cannot be made: %s.", where, strerror(errno));
	dir = open(where, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir < 0)
		return say(why, "The directory %s cannot be opened: %s.", where, strerror(errno));
	/* A new directory has its name in the one above. */
	ret = made ? sync_directory(dir, "..", where, why) : 0;
	ret = ret ? ret : fill_directory(c, dir, where, json, why);
	close(dir);
	if (ret && made)
		rmdir(where);
	return ret;
}

/* PATH[,readonly][,direct] is opened here, with the rights of the user who asks. */
static int add_disk(struct control_client *c, const char *argument, bool json,
		    struct sentence *why)
{
	struct blk_options options = { 0 };
	struct json_object *result = NULL;
	struct disk disk = { .fd = -1 };
	char *path = strdup(argument);

	if (!path)
		say(why, "There is no memory.");
	else if (!blk_options_parse(&options, path) || options.threads)
		say(why, "add-disk takes PATH[,readonly][,direct], not '%s'.", argument);
	else if (disk_open(&disk, options.path, options.readonly, options.direct, why) == 0)
		result = client_ask(c, request_make("add-disk"), &disk.fd, 1, why);
	disk_close(&disk);
	free(path);
	return print_result(result, json);
}

static int remove_device(struct control_client *c, const char *name, bool json,
			 struct sentence *why)
{
	struct json_object *request = request_make("remove");

	json_object_object_add(request, "device", json_object_new_string(name));
	return ask(c, request, json, why);
}

/* Return: what a request's argument is, or NULL: it has none. */
static const char *argument_of(const char *verb)
{
	static const struct {
		const char *verb, *argument;
	} with[] = {
		{ "snapshot", "one directory" },
		{ "balloon", "one size" },
		{ "add-disk", "one image" },
		{ "remove", "the name of one device" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(with); i++)
		if (!strcmp(verb, with[i].verb))
			return with[i].argument;
	return NULL;
}

/* What is wrong with the operands is said before a guest is asked. Return: a status, or -1. */
static int check_operands(int argc, char **argv)
{
	const char *verb, *argument;
	__u64 bytes;
	enum verb i;

	if (argc < 2)
		return complain("Say which guest, and what it is to do: NAME REQUEST.");
	verb = argv[1];
	for (i = 0; i < VERBS; i++)
		if (!strcmp(verb, verb_name(i)))
			break;
	if (i == VERBS)
		return complain("'%s' is nothing that a guest can be asked for.", verb);
	argument = argument_of(verb);
	if (argument && argc != 3)
		return complain("%s takes %s.", verb, argument);
	if (!argument && argc != 2)
		return complain("%s takes no argument.", verb);
	if (!strcmp(verb, "balloon") && !parse_size(argv[2], &bytes))
		return complain("balloon takes a number of MiB, or one with a suffix like 512M or 2G, not '%s'.",
				argv[2]);
	return -1;
}

static int command_ctl(int argc, char **argv)
{
	struct control_client c = { .fd = -1 };
	struct sentence why;
	const char *verb;
	bool json = false;
	int option, ret;

	while ((option = describe_next(&ctl_description, argc, argv)) == OPT_JSON)
		json = true;
	if (option != OPTION_END)
		return option == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	argc -= optind;
	argv += optind;
	ret = check_operands(argc, argv);
	if (ret >= 0)
		return ret;
	verb = argv[1];
	ret = client_open(&c, argv[0], &why);
	if (!ret && !strcmp(verb, "snapshot"))
		ret = snapshot(&c, argv[2], json, &why);
	else if (!ret && !strcmp(verb, "balloon"))
		ret = balloon(&c, argv[2], json, &why);
	else if (!ret && !strcmp(verb, "add-disk"))
		ret = add_disk(&c, argv[2], json, &why);
	else if (!ret && !strcmp(verb, "remove"))
		ret = remove_device(&c, argv[2], json, &why);
	else if (!ret && !strcmp(verb, "events"))
		ret = print_events(&c, json, &why);
	else if (!ret)
		ret = ask(&c, request_make(verb), json, &why);
	client_close(&c);
	if (!ret)
		return STATUS_OK;
	fprintf(stderr, "minikvm ctl: %s\n", why.text);
	return STATUS_FAILED;
}
