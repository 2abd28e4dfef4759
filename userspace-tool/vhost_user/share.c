// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shared directory: virtiofsd is started with a socket that already listens, so that it is
 * connected to without waiting, and the socket's name is gone before the guest runs.
 *
 * There are two programs of this name. The one of Debian 12, written in C, comes with QEMU and lies
 * in its directory; the later one, in Rust, is a package of its own. Both take --fd, and differ in
 * the rest of their options. Standard error stays the tool's, where they say what they do not like.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "compiler.h"
#include "vhost_user/share.h"

/* Where Debian's packages have it, beside the directories of PATH. */
static const char * const places[] = { "/usr/lib/qemu", "/usr/libexec" };

static bool is_in(const char *directory, size_t len, char *program, size_t size)
{
	snprintf(program, size, "%.*s/virtiofsd", (int)len, directory);
	return len && access(program, X_OK) == 0;
}

static bool find(char *program, size_t size)
{
	const char *path = getenv("PATH");
	size_t i, len;

	for (; path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (is_in(path, len, program, size))
			return true;
	}
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (is_in(places[i], strlen(places[i]), program, size))
			return true;
	return false;
}

/* A socket that listens, in a directory of its own that other users cannot enter. */
static int make_socket(struct sockaddr_un *at, char *directory, struct sentence *why)
{
	int fd;

	if (!mkdtemp(directory))
		return say(why, "A directory for the socket of virtiofsd cannot be made: %s.",
			   strerror(errno));
	at->sun_family = AF_UNIX;
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/socket", directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)at, sizeof(*at)) || listen(fd, 1))) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		say(why, "A socket for virtiofsd cannot be made: %s.", strerror(errno));
	return fd;
}

/* In the child: become virtiofsd. The terminal's signals are not for it. */
static void become(const char *program, int listener, const char *source, const char *sandbox)
{
	char fd[32], from[PATH_MAX + 16], confined[32];
	bool of_qemu = strstr(program, "/qemu/virtiofsd");
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	fcntl(listener, F_SETFD, 0);
	snprintf(fd, sizeof(fd), "--fd=%d", listener);
	snprintf(from, sizeof(from), "%s=%s", of_qemu ? "source" : "--shared-dir", source);
	snprintf(confined, sizeof(confined), "%s=%s", of_qemu ? "sandbox" : "--sandbox", sandbox);
	if (of_qemu)
		execl(program, program, fd, "-o", from, "-o", confined, "-o", "log_level=warn",
		      NULL);
	else
		execl(program, program, fd, from, confined, "--log-level=warn", NULL);
	_exit(127);
}

/**
 * share_open() - a file system device for a directory
 * @directory: what the guest sees
 * @tag: by which it mounts it
 * @sandbox: how virtiofsd confines itself: namespace, chroot or (not in C) none
 * @memory: the guest's memory
 * @why: receives the sentence on failure
 *
 * Return: the device, or NULL.
 */
struct virtio_device *share_open(const char *directory, const char *tag, const char *sandbox,
				 const struct vhost_user_memory_source *memory,
				 struct sentence *why)
{
	char program[PATH_MAX], source[PATH_MAX], temporary[] = "/tmp/minikvm-XXXXXX";
	struct virtio_device *d = NULL;
	struct sockaddr_un at = { };
	struct stat st;
	int listener;
	pid_t child;

	if (!realpath(directory, source) || stat(source, &st)) {
		say(why, "The directory %s of --share cannot be reached: %s.", directory,
		    strerror(errno));
		return NULL;
	}
	if (!S_ISDIR(st.st_mode) || strchr(source, ',')) {
		say(why, S_ISDIR(st.st_mode) ?
		    "virtiofsd takes no directory whose name has a comma: %s." :
		    "What --share names is no directory: %s.", source);
		return NULL;
	}
	if (!find(program, sizeof(program))) {
		say(why, "--share needs virtiofsd, which is neither in PATH nor in /usr/lib/qemu (Debian 12: package qemu-system-common) nor in /usr/libexec (Debian 13: package virtiofsd).");
		return NULL;
	}
	listener = make_socket(&at, temporary, why);
	if (listener >= 0) {
		child = fork();
		if (!child)
			become(program, listener, source, sandbox);
		close(listener);
		if (child < 0)
			say(why, "%s cannot be started: %s.", program, strerror(errno));
		else
			d = vhost_user_open(&vhost_user_fs, at.sun_path, memory, tag, child, why);
		unlink(at.sun_path);
	}
	rmdir(temporary);
	return d;
}
