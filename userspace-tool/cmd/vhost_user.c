// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm vhost-user-rng` and `minikvm vhost-user-blk`: a virtio device for the guest of another
 * VMM, such as QEMU, which connects to a socket of this process (vhost_user/backend.c).
 *
 * One front end is served at a time; when it is gone, the next may come. The process ends by a
 * signal. Relies on poll(2) for everything that can happen.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "vhost_user/served.h"

#define MESSAGE_TIMEOUT_MS	10000	/* for the rest of a message that has begun */

enum {
	FD_SIGNAL,
	FD_LISTENER,
	FD_FRONTEND,
	FD_KICK,
	FDS = FD_KICK + BACKEND_QUEUES_MAX,
};

/* The front end has taken back memory that it shares: its guest is lost, and so is this process. */
static void memory_gone(int sig)
{
	static const char text[] =
		"minikvm: The front end took away memory that it had shared.\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)ignored;
	_exit(STATUS_FAILED);
}

/* A process that was killed leaves its socket's file, to which connections are refused. */
static void remove_left_over(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && fd >= 0 &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) && errno == ECONNREFUSED)
		unlink(at->sun_path);
	if (fd >= 0)
		close(fd);
}

static int listen_at(const char *path, struct sentence *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(at.sun_path))
		return say(why, "The path of the socket %s is longer than %zu bytes.", path,
			   sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path));
	remove_left_over(&at);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Who can connect, can read and write what is served. */
	mask = umask(0077);
	err = fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1) ? errno : 0;
	umask(mask);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return say(why, "The socket %s cannot be made: %s.", path, strerror(err));
}

static int take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* One turn: wait, and do what there is to do. Return: false when a signal ends it. */
static bool turn(struct backend *b, const struct backend_device *device, struct pollfd *p)
{
	struct sentence why;
	int i, ret;

	/* While somebody is served, who else connects waits. */
	p[FD_LISTENER].events = b->socket < 0 ? POLLIN : 0;
	p[FD_FRONTEND].fd = b->socket;
	p[FD_FRONTEND].events = POLLIN;
	for (i = 0; i < BACKEND_QUEUES_MAX; i++) {
		p[FD_KICK + i].fd = b->socket >= 0 && b->queue[i].running ? b->queue[i].kick : -1;
		p[FD_KICK + i].events = POLLIN;
	}
	if (poll(p, FDS, -1) < 0)
		return errno == EINTR;
	if (p[FD_SIGNAL].revents)
		return false;
	if (b->socket < 0) {
		ret = accept4(p[FD_LISTENER].fd, NULL, NULL, SOCK_CLOEXEC);
		if (ret >= 0)
			backend_open(b, device, ret);
		return true;
	}
	for (i = 0; i < BACKEND_QUEUES_MAX; i++)
		if (p[FD_KICK + i].revents)
			backend_kicked(b, i);
	if (!p[FD_FRONTEND].revents)
		return true;
	ret = backend_message(b, MESSAGE_TIMEOUT_MS, &why);
	if (ret < 0)
		fprintf(stderr, "minikvm: %s: %s\n", device->name, why.text);
	if (ret <= 0)
		backend_close(b);
	return true;
}

static int serve(const struct backend_device *device, const char *path)
{
	struct pollfd p[FDS] = { };
	struct backend b = { };
	struct sentence why;

	signal(SIGBUS, memory_gone);
	backend_open(&b, device, -1);
	p[FD_SIGNAL].fd = take_signals();
	p[FD_SIGNAL].events = POLLIN;
	p[FD_LISTENER].fd = listen_at(path, &why);
	if (p[FD_LISTENER].fd < 0) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	while (turn(&b, device, p))
		;
	backend_close(&b);
	unlink(path);
	return STATUS_OK;
}

static const struct described_option no_options[] = {
	{ }
};

static int command_rng(int argc, char **argv)
{
	struct backend_device device;
	int ret;

	ret = describe_next(&vhost_user_rng_description, argc, argv);
	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc - optind != 1) {
		fputs("minikvm vhost-user-rng: Say where to listen: minikvm vhost-user-rng SOCKET.\n",
		      stderr);
		return STATUS_USAGE;
	}
	served_rng(&device);
	return serve(&device, argv[optind]);
}

const struct described_command vhost_user_rng_description = {
	.name = "vhost-user-rng",
	.run = command_rng,
	.summary = "serve random numbers to another VMM's guest",
	.synopsis = "SOCKET",
	.about =
	"Serves a virtio source of random numbers by vhost-user to the guest of a VMM that connects to\n"
	"SOCKET: QEMU by -device vhost-user-rng-pci, minikvm by run --vhost-user-rng. Ends by a signal.",
	.options = no_options,
};

enum {
	OPT_READ_ONLY = OPT_DEV + 1,
};

static const struct described_option blk_options[] = {
	{ .name = "read-only", .value = OPT_READ_ONLY,
	  .help = "The guest cannot write." },
	{ }
};

static int command_blk(int argc, char **argv)
{
	struct backend_device device;
	struct served_disk disk;
	bool read_only = false;
	struct sentence why;
	int ret;

	while ((ret = describe_next(&vhost_user_blk_description, argc, argv)) >= 0)
		read_only = true;
	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc - optind != 2) {
		fputs("minikvm vhost-user-blk: Say where to listen and what to serve: minikvm vhost-user-blk SOCKET FILE.\n",
		      stderr);
		return STATUS_USAGE;
	}
	if (served_blk(&device, &disk, argv[optind + 1], read_only, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	return serve(&device, argv[optind]);
}

const struct described_command vhost_user_blk_description = {
	.name = "vhost-user-blk",
	.run = command_blk,
	.summary = "serve a disk to another VMM's guest",
	.synopsis = "[--read-only] SOCKET FILE",
	.about =
	"Serves FILE, a raw image or a block device, as a virtio disk by vhost-user to the guest of a\n"
	"VMM that connects to SOCKET: QEMU by -device vhost-user-blk-pci, minikvm by\n"
	"run --vhost-user-blk. Ends by a signal; killed, it goes on where it was when started again.",
	.options = blk_options,
};
