// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket where the machine that built the tool lacked json-c: `minikvm run --name` says
 * so. Compiled instead of server.c (Makefile); without a socket the other functions are not called
 * with one.
 */
#include <stddef.h>

#include "control/server.h"

struct control *control_open(const struct control_guest *guest, struct sentence *why)
{
	(void)guest;
	say(why,
	    "This minikvm was built without --name: install these packages and build it again: apt-get install %s",
	    CONTROL_LACKS);
	return NULL;
}

struct control_guest *control_guest(struct control *c)
{
	(void)c;
	return NULL;
}

int control_fd(const struct control *c)
{
	(void)c;
	return -1;
}

void control_serve(struct control *c)
{
	(void)c;
}

bool control_wants_reset(struct control *c)
{
	(void)c;
	return false;
}

void control_event(struct control *c, const char *event, const char *detail)
{
	(void)c;
	(void)event;
	(void)detail;
}

void control_restarted(struct control *c)
{
	(void)c;
}

void control_close(struct control *c)
{
	(void)c;
}
