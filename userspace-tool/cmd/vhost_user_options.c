// SPDX-License-Identifier: GPL-2.0-only
/*
 * --share, --vhost-user-blk, --vhost-user-fs and --vhost-user-rng: see vhost_user_options.h.
 *
 * Relies on the machine's memory being shared (vm_create()) where there is one of these.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/vhost_user_options.h"
#include "vhost_user/share.h"

/* Cut ",KEY=VALUE" off the end of @text. Return: the value, or NULL if that is not its end. */
static char *cut(char *text, const char *key)
{
	char *comma = strrchr(text, ',');

	if (!comma || strncmp(comma + 1, key, strlen(key)) != 0 || comma[1 + strlen(key)] != '=')
		return NULL;
	*comma = '\0';
	return comma + strlen(key) + 2;
}

static bool take_tag(struct vhost_user_option *d, const char *tag, struct sentence *why)
{
	if (!*tag || strlen(tag) >= sizeof(d->tag))
		return say(why, "A tag has 1 to %d bytes, not %zu.", VHOST_USER_TAG_MAX,
			   strlen(tag)), false;
	snprintf(d->tag, sizeof(d->tag), "%s", tag);
	return true;
}

static bool take_sandbox(struct vhost_user_option *d, const char *sandbox, struct sentence *why)
{
	if (strcmp(sandbox, "namespace") != 0 && strcmp(sandbox, "chroot") != 0 &&
	    strcmp(sandbox, "none") != 0)
		return say(why, "A sandbox is namespace, chroot or none, not '%s'.", sandbox),
		       false;
	snprintf(d->sandbox, sizeof(d->sandbox), "%s", sandbox);
	return true;
}

/* What may follow the socket or the directory, from the end on. */
static bool take_suffixes(struct vhost_user_option *d, struct sentence *why)
{
	char *value;

	for (;;) {
		value = cut(d->place, "tag");
		if (value && !take_tag(d, value, why))
			return false;
		if (value)
			continue;
		value = d->option == OPT_SHARE ? cut(d->place, "sandbox") : NULL;
		if (!value)
			return true;
		if (!take_sandbox(d, value, why))
			return false;
	}
}

/**
 * vhost_user_option_parse() - one of these options
 * @o: receives it
 * @option: which
 * @arg: its argument
 * @why: receives the sentence on failure
 *
 * Return: whether it is right.
 */
bool vhost_user_option_parse(struct vhost_user_options *o, int option, const char *arg,
			     struct sentence *why)
{
	struct vhost_user_option *d = &o->device[o->count];
	unsigned int i;

	if (o->count == VHOST_USER_MAX)
		return say(why, "There can be at most %d such devices.", VHOST_USER_MAX), false;
	if (!*arg || strlen(arg) >= sizeof(d->place))
		return say(why, "It needs a path."), false;
	memset(d, 0, sizeof(*d));
	d->option = option;
	snprintf(d->place, sizeof(d->place), "%s", arg);
	snprintf(d->sandbox, sizeof(d->sandbox), "namespace");
	if (option == OPT_SHARE)
		snprintf(d->tag, sizeof(d->tag), "share");
	if ((option == OPT_SHARE || option == OPT_VHOST_USER_FS) && !take_suffixes(d, why))
		return false;
	if (option == OPT_VHOST_USER_FS && !*d->tag)
		return say(why, "It takes SOCKET,tag=NAME, not '%s'.", arg), false;
	for (i = 0; i < o->count && *d->tag; i++)
		if (!strcmp(o->device[i].tag, d->tag))
			return say(why, "Two file systems have the tag %s.", d->tag), false;
	o->count++;
	return true;
}

/* Is there a directory, for which the tool starts a program? */
bool vhost_user_options_share(const struct vhost_user_options *o)
{
	unsigned int i;

	for (i = 0; i < o->count; i++)
		if (o->device[i].option == OPT_SHARE)
			return true;
	return false;
}

/* Add these devices to the machine. Return: 0, or -1 with the sentence in @why. */
int vhost_user_options_add(struct machine *m, const struct vhost_user_options *o,
			   struct sentence *why)
{
	struct vhost_user_memory_source memory = { .ram = &m->vm.ram, .fd = m->vm.shared_fd };
	unsigned int i;

	for (i = 0; i < o->count; i++) {
		const struct vhost_user_option *d = &o->device[i];
		const struct vhost_user_kind *kind = d->option == OPT_VHOST_USER_BLK ?
			&vhost_user_blk : d->option == OPT_VHOST_USER_RNG ?
			&vhost_user_rng : &vhost_user_fs;
		struct virtio_device *device;

		if (d->option == OPT_SHARE)
			device = share_open(d->place, d->tag, d->sandbox, &memory, why);
		else
			device = vhost_user_open(kind, d->place, &memory, *d->tag ? d->tag : NULL,
						 0, why);
		if (!device || devices_add(m, device, why))
			return -1;
	}
	return 0;
}
