// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the control sockets of running guests are: DIRECTORY/NAME.sock, the directory being
 * /run/minikvm for root and $XDG_RUNTIME_DIR/minikvm (/run/user/UID/minikvm) for everybody else.
 *
 * The directory is the user's own and closed to others, so that nobody else can put a socket into
 * it that a command of the user's would speak to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/path.h"

/* A name is a word of letters, digits, '.', '_' and '-' that does not begin with '.' or '-'. */
bool control_name_ok(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len && len <= CONTROL_NAME_MAX && strspn(name, good) == len && *name != '.' &&
	       *name != '-';
}

static int check_owner(const char *dir, struct sentence *why)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return say(why, "The directory %s cannot be used: %s.", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022))
		return say(why,
			   "%s has to be a directory of this user's to which nobody else can write.",
			   dir);
	return 0;
}

/**
 * control_directory() - the directory of this user's control sockets
 * @dir: receives its path
 * @size: bytes of @dir
 * @make: create it where it is not there
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int control_directory(char *dir, size_t size, bool make, struct sentence *why)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int len;

	if (geteuid() == 0)
		len = snprintf(dir, size, "/run/minikvm");
	else if (runtime && *runtime == '/')
		len = snprintf(dir, size, "%s/minikvm", runtime);
	else
		len = snprintf(dir, size, "/run/user/%u/minikvm", geteuid());
	if (len < 0 || (size_t)len >= size)
		return say(why, "The path in XDG_RUNTIME_DIR is too long.");
	if (make && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return say(why,
			   "The directory %s for control sockets cannot be made: %s (XDG_RUNTIME_DIR says where it goes).",
			   dir, strerror(errno));
	if (!make && access(dir, F_OK) < 0)
		return 0;
	return check_owner(dir, why);
}

/**
 * control_address() - the address of a guest's control socket
 * @name: the guest's name, or a path if there is a slash in it
 * @make: create the directory
 * @sa: receives the address
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int control_address(const char *name, bool make, struct sockaddr_un *sa, struct sentence *why)
{
	char dir[sizeof(sa->sun_path)];
	int len;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strchr(name, '/')) {
		len = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s", name);
	} else {
		if (!control_name_ok(name))
			return say(why,
				   "A name has up to %d letters, digits, '.', '_' and '-', and begins with none of '.' and '-': '%s' does not do.",
				   CONTROL_NAME_MAX, name);
		if (control_directory(dir, sizeof(dir), make, why))
			return -1;
		len = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s.sock", dir, name);
	}
	if (len < 0 || (size_t)len >= sizeof(sa->sun_path))
		return say(why, "The path of the control socket has more than %zu bytes.",
			   sizeof(sa->sun_path) - 1);
	return 0;
}

/* Return: a connected socket, or -1 with errno: ECONNREFUSED if its guest has ended. */
int control_connect(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}
