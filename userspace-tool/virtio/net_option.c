// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument of --net: see net_option.h. It is a word for the kind, and settings behind it, with
 * commas between them; each setting that is wrong is answered with what it takes.
 *
 * Relies on nothing but the C library as far as net_option_parse() goes.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "virtio/net_option.h"
#include "virtio/net_tap.h"

#define TEXT_MAX	1024
#define PORT_MAX	65535
#define HOST_ADDRESS	"127.0.0.1"
#define GUEST_ADDRESS	"10.0.2.15"
#define ANY_TAP		"minikvm%d"

static bool parse_number(const char *s, unsigned long min, unsigned long max, unsigned long *value)
{
	char *end;

	*value = strtoul(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && *value >= min && *value <= max;
}

static int parse_mac(struct net_option *o, char *s, struct sentence *why)
{
	unsigned int byte[NET_MAC_SIZE], i, any = 0;
	int end = 0;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &end) != NET_MAC_SIZE || s[end] ||
	    strspn(s, "0123456789abcdefABCDEF:") != strlen(s))
		return say(why, "mac takes an address like 52:54:00:01:02:03, not '%s'.", s);
	for (i = 0; i < NET_MAC_SIZE; i++) {
		o->settings.mac[i] = byte[i];
		any |= byte[i];
	}
	if ((byte[0] & 1) || !any)
		return say(why, "mac takes the address of one card, and %s is none.", s);
	return 0;
}

static int parse_mtu(struct net_option *o, char *s, struct sentence *why)
{
	unsigned long mtu;

	if (!parse_number(s, NET_MTU_MIN, NET_MTU_MAX, &mtu))
		return say(why, "mtu takes a number from %d to %d, not '%s'.", NET_MTU_MIN,
			   NET_MTU_MAX, s);
	o->settings.mtu = mtu;
	return 0;
}

static int parse_name(struct net_option *o, char *s, struct sentence *why)
{
	char *percent = strchr(s, '%');

	if (!*s || strlen(s) >= sizeof(o->name) || strpbrk(s, "/: \t\n") || !strcmp(s, ".") ||
	    !strcmp(s, "..") || (percent && (percent[1] != 'd' || strchr(percent + 1, '%'))))
		return say(why, "ifname takes the name of an interface, of at most %zu characters, not '%s'.",
			   sizeof(o->name) - 1, s);
	snprintf(o->name, sizeof(o->name), "%s", s);
	return 0;
}

/* ADDRESS:PORT, or :PORT with @otherwise for the address. Writes both to @address and @port. */
static bool parse_end(char *s, const char *otherwise, const char **address, unsigned long *port)
{
	char *colon = s ? strchr(s, ':') : NULL;
	struct in_addr ignored;

	if (!colon || !parse_number(colon + 1, 1, PORT_MAX, port))
		return false;
	*colon = '\0';
	*address = *s ? s : otherwise;
	return inet_pton(AF_INET, *address, &ignored) == 1;
}

static int parse_forward(struct net_option *o, char *s, struct sentence *why)
{
	char copy[TEXT_MAX], *rest = copy, *protocol, *host;
	const char *host_address, *guest_address;
	unsigned long host_port, guest_port;

	if (o->forwards == NET_FORWARDS_MAX)
		return say(why, "hostfwd can be given at most %d times.", NET_FORWARDS_MAX);
	snprintf(copy, sizeof(copy), "%s", s);
	protocol = strsep(&rest, ":");
	host = strsep(&rest, "-");
	if ((strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0) ||
	    !parse_end(host, HOST_ADDRESS, &host_address, &host_port) ||
	    !parse_end(rest, GUEST_ADDRESS, &guest_address, &guest_port))
		return say(why, "hostfwd takes tcp:ADDRESS:PORT-ADDRESS:PORT, the host's first, not '%s'.",
			   s);
	snprintf(o->forward[o->forwards++], NET_FORWARD_SIZE, "%s:%s:%lu-%s:%lu", protocol,
		 host_address, host_port, guest_address, guest_port);
	return 0;
}

static const struct {
	const char *name;
	bool tap, user;
	int (*parse)(struct net_option *o, char *value, struct sentence *why);
} settings[] = {
	{ "mac", true, true, parse_mac },
	{ "mtu", true, true, parse_mtu },
	{ "ifname", true, false, parse_name },
	{ "hostfwd", false, true, parse_forward },
};

static int parse_setting(struct net_option *o, char *word, struct sentence *why)
{
	char *value = word;
	char *name = strsep(&value, "=");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(name, settings[i].name) != 0 ||
		    !(o->tap ? settings[i].tap : settings[i].user))
			continue;
		if (!value)
			return say(why, "%s is given as %s=VALUE.", name, name);
		return settings[i].parse(o, value, why);
	}
	return say(why, "%s has the settings %s, not '%s'.", o->tap ? "tap" : "user",
		   o->tap ? "ifname, mac and mtu" : "hostfwd, mac and mtu", name);
}

/**
 * net_option_parse() - read the argument of --net
 * @o: receives it
 * @text: user[,hostfwd=tcp:ADDRESS:PORT-ADDRESS:PORT][,mac=MAC][,mtu=N], or
 *	tap[,ifname=NAME][,mac=MAC][,mtu=N]
 * @number: of the card, from 0 on
 * @why: receives the sentence on failure
 *
 * In the user mode network, where the card is alone, it has an address that does not change, and
 * may send as much at once as IP allows: there is no cable that would carry less.
 *
 * Return: 0, or -1.
 */
int net_option_parse(struct net_option *o, const char *text, unsigned int number,
		     struct sentence *why)
{
	char copy[TEXT_MAX], *rest = copy, *word;

	memset(o, 0, sizeof(*o));
	if (strlen(text) >= sizeof(copy))
		return say(why, "The argument has %d characters or more.", TEXT_MAX);
	snprintf(copy, sizeof(copy), "%s", text);
	word = strsep(&rest, ",");
	if (!strcmp(word, "tap")) {
		o->tap = true;
		snprintf(o->name, sizeof(o->name), "%s", ANY_TAP);
	} else if (!strcmp(word, "user")) {
		o->settings = (struct net_settings) {
			.mac = { 0x52, 0x54, 0x00, 0x6d, 0x6b, number },
			.mtu = NET_MTU_MAX,
		};
	} else {
		return say(why, "A network is user or tap, with settings behind a comma, not '%s'.",
			   word);
	}
	while (rest)
		if (parse_setting(o, strsep(&rest, ","), why))
			return -1;
	return 0;
}

/**
 * net_option_open() - the card that --net has described
 * @o: what it has said
 * @ram: the guest's memory
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *net_option_open(const struct net_option *o, const struct guest_ram *ram,
				      struct sentence *why)
{
	struct net_user user = { .mtu = o->settings.mtu, .forwards = o->forwards };
	struct net_cable cable;
	unsigned int i;

	for (i = 0; i < o->forwards; i++)
		user.forward[i] = o->forward[i];
	if (o->tap ? net_tap_open(&cable, o->name, why) : net_user_open(&cable, &user, why))
		return NULL;
	return net_open(ram, &o->settings, &cable, why);
}
