// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-files.c - directories of the caller's machine, visible in a lab host as they are now.
 *
 * The kernel's FUSE client (its Documentation/filesystems/fuse.rst, <linux/fuse.h>) asks a thread
 * here, which sends each request out as a frame and waits for the answer in the files page
 * (window.h); supervise-files.c is the file system. It is read-only. What the config calls
 * "files=NAME" is a directory at the top of it, and appears as /NAME.
 *
 * This works with every emulator, needs no driver but fuse, and costs nothing while no file is
 * read: the thread sleeps in read(2).
 */
#include "frame.h"
#include "init.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TREE		"/lab/tree"
/* No request is longer than what is read into: many names to forget fill all of it. */
#define REQUEST_MAX	FUSE_MIN_READ_BUFFER
#define FIRST_SLEEP	50000		/* nanoseconds between two looks, growing */
#define LONGEST_SLEEP	5000000

_Static_assert(sizeof(uint32_t) + REQUEST_MAX <= FRAME_MAX / 8 * 7, "a request is one frame");

static struct files *page;
static int device = -1;

static unsigned int given(void)
{
	return __atomic_load_n(&page->given, __ATOMIC_ACQUIRE);
}

static void post(uint32_t number, const void *request, size_t len)
{
	uint8_t message[sizeof(number) + REQUEST_MAX];

	memcpy(message, &number, sizeof(number));
	memcpy(message + sizeof(number), request, len);
	channel_send(FRAME_FILES, message, sizeof(number) + len);
}

static void *serve(void *unused)
{
	static uint8_t request[REQUEST_MAX];
	uint32_t number = 1;

	(void)unused;
	for (;;) {
		struct timespec pause = { .tv_nsec = FIRST_SLEEP };
		ssize_t len = read(device, request, sizeof(request));

		if (len < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			return NULL;	/* the file system is gone */
		post(++number, request, len);
		while (given() != number) {
			nanosleep(&pause, NULL);
			if (pause.tv_nsec < LONGEST_SLEEP)
				pause.tv_nsec *= 2;
		}
		/* ENOENT: the process that asked was killed. */
		if (page->len && page->len <= sizeof(page->data) &&
		    write(device, page->data, page->len) < 0)
			continue;
	}
}

static int find_supervisor(void)
{
	page = window_map(FILES_MASK);
	if (!page)
		return -1;
	post(1, NULL, 0);
	return window_await(&page->given);
}

static int mount_tree(void)
{
	pthread_t thread;
	char options[96];

	if (access("/dev/fuse", F_OK))
		try_modprobe("fuse");
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -1;
	mkdir(TREE, 0755);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (mount("lab", TREE, "fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options))
		return -1;
	return pthread_create(&thread, NULL, serve, NULL);
}

static void tell(const char *text)
{
	channel_send(FRAME_OUTPUT, text, strlen(text));
}

/* Links that name a directory by its path on the caller's machine lead somewhere here, too. */
static void link_path(const char *path, const char *here)
{
	char parent[4096], *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	for (slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(parent, 0755);
		*slash = '/';
	}
	symlink(here, path);	/* where something else is already, that stays */
}

/**
 * files_open - mount the caller's directories, if there are to be any
 */
void files_open(void)
{
	char name[64], from[128], here[72], path[4096];
	int i;

	if (!config("files", 0, name, sizeof(name)))
		return;
	if (find_supervisor() || mount_tree()) {
		tell("lab: the files of your machine cannot be shown here; see Documentation/lab.rst.\r\n");
		return;
	}
	for (i = 0; config("files", i, name, sizeof(name)); i++) {
		snprintf(from, sizeof(from), TREE "/%s", name);
		snprintf(here, sizeof(here), "/%s", name);
		mkdir(here, 0755);
		if (mount(from, here, NULL, MS_BIND, NULL))
			tell("lab: a directory of your machine cannot be mounted.\r\n");
		else if (config("path", i, path, sizeof(path)))
			link_path(path, here);
	}
}
