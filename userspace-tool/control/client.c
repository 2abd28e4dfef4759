// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other end of the control socket: a request goes out, its answer comes back. Descriptors go
 * with a request by SCM_RIGHTS, unix(7). Documentation/control.rst has the protocol. The guest's
 * process may be in the guest's hands: what it says is made printable before a terminal sees it.
 * Relies on json-c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.h"

#define FILES_MAX	4

/**
 * client_open() - connect to a guest
 * @c: receives the connection; client_close() follows in any case
 * @name: the guest's name, or the path of its socket
 * @why: receives the sentence on failure
 *
 * A socket that a guest has left behind is told of and removed. Return: 0, or -1.
 */
int client_open(struct control_client *c, const char *name, struct sentence *why)
{
	struct sockaddr_un sa;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (control_address(name, false, &sa, why))
		return -1;
	c->fd = control_connect(&sa);
	if (c->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return say(why, "No guest '%s' runs here: there is no %s.", name, sa.sun_path);
	if (errno == ECONNREFUSED && !strchr(name, '/')) {
		unlink(sa.sun_path);
		return say(why,
			   "The guest '%s' has ended without removing its socket, which is done now.",
			   name);
	}
	return say(why, "%s cannot be connected to: %s.", sa.sun_path, strerror(errno));
}

static int send_all(int fd, struct msghdr *msg, struct sentence *why)
{
	struct iovec *iov = msg->msg_iov;
	ssize_t n;

	while (iov->iov_len) {
		n = sendmsg(fd, msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return say(why, "The guest cannot be asked: %s.", strerror(errno));
		iov->iov_base = (char *)iov->iov_base + n;
		iov->iov_len -= n;
		/* Descriptors go with the first byte. */
		msg->msg_control = NULL;
		msg->msg_controllen = 0;
	}
	return 0;
}

/**
 * client_send() - send a request
 * @c: the connection
 * @request: the request, which is taken over
 * @files: descriptors that go with it
 * @count: how many, at most 4
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int client_send(struct control_client *c, struct json_object *request, const int *files,
		unsigned int count, struct sentence *why)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(FILES_MAX * sizeof(int))];
	} space = { .bytes = { 0 } };
	char line[512];
	struct iovec iov = { .iov_base = line };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	iov.iov_len = snprintf(line, sizeof(line), "%s\n",
			       json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	json_object_put(request);
	if (iov.iov_len >= sizeof(line))
		return say(why, "The request is too long.");
	if (count && count <= FILES_MAX) {
		msg.msg_control = &space;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		space.head.cmsg_level = SOL_SOCKET;
		space.head.cmsg_type = SCM_RIGHTS;
		space.head.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&space.head), files, count * sizeof(int));
	}
	return send_all(c->fd, &msg, why);
}

/**
 * client_receive() - wait for the next line
 * @c: the connection
 * @why: receives the sentence on failure; empty where the guest has ended
 *
 * Return: an answer or an event, which the caller puts; or NULL.
 */
struct json_object *client_receive(struct control_client *c, struct sentence *why)
{
	struct json_object *o;
	char data[4096], *line;
	ssize_t n;

	while (!(line = line_take(&c->lines))) {
		n = recv(c->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EINTR)
			continue;
		why->text[0] = 0;
		if (n < 0)
			say(why, "The guest cannot be heard: %s.", strerror(errno));
		if (n <= 0)
			return NULL;
		if (!line_put(&c->lines, data, n)) {
			say(why, "The guest's answer is too long.");
			return NULL;
		}
	}
	o = json_tokener_parse(line);
	if (!json_object_is_type(o, json_type_object)) {
		say(why, "The guest's answer is no JSON object.");
		json_object_put(o);
		return NULL;
	}
	return o;
}

/**
 * client_ask() - send a request and wait for its result
 * @c: the connection
 * @request: the request, which is taken over
 * @files: descriptors that go with it
 * @count: how many
 * @why: receives the sentence on failure, which may be the guest's
 *
 * Return: the result, which the caller puts; or NULL.
 */
struct json_object *client_ask(struct control_client *c, struct json_object *request,
			       const int *files, unsigned int count, struct sentence *why)
{
	struct json_object *answer, *part;

	if (client_send(c, request, files, count, why))
		return NULL;
	answer = client_receive(c, why);
	if (!answer) {
		if (!*why->text)
			say(why, "The guest has ended before it answered.");
		return NULL;
	}
	if (json_object_object_get_ex(answer, "result", &part)) {
		json_object_get(part);
	} else {
		json_object_object_get_ex(answer, "error", &part);
		say(why, "%s", part ? json_object_get_string(part) : "The guest's answer has no result.");
		make_printable(why->text);
		part = NULL;
	}
	json_object_put(answer);
	return part;
}

void client_close(struct control_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	line_free(&c->lines);
}
