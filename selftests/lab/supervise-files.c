// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervise-files.c - directories of this machine as a read-only file system of the host.
 *
 * Answers the requests of the host's FUSE client (<linux/fuse.h>, protocol 7.31 and what is older),
 * which init-files.c passes on: look up, attributes, read, list, read a link. The top of the tree
 * holds the directories that --files=NAME=DIR names, and nothing else.
 *
 * The host is not trusted: everything is opened with openat2(2) beneath those directories,
 * symbolic links are the host's to follow, each length is checked, and the number of nodes and open
 * files is bounded. Attributes are valid for a second, so that a file that was built anew here
 * is the new one there.
 */
#include "supervise.h"
#include "window.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOTS		4
#define NODES		(1 << 18)
#define OPEN_FILES	512
#define VALID_SECONDS	1
#define READ_MAX	(512U << 10)

static struct {
	char name[64];
	int fd;
} roots[ROOTS];

static int root_count;

/**
 * struct node - what the host's kernel knows by a number
 * @path: NAME/PATH; the number is the index, FUSE_ROOT_ID being the top
 * @lookups: how often it was told, and not yet forgotten
 * @next: index of the next one with the same hash, or of the next free one
 */
struct node {
	char *path;
	uint64_t lookups;
	uint32_t next;
};

static struct node *nodes;
static uint32_t node_end = FUSE_ROOT_ID + 1, free_node;
static uint32_t buckets[4096];

/**
 * struct handle - an open file or directory
 * @fd: the file, or -1 where the handle is free
 * @dir: the directory, or NULL
 */
static struct handle {
	int fd;
	DIR *dir;
} handles[OPEN_FILES];

static struct files *answer;
static uintptr_t page;

static uint32_t *bucket(const char *path)
{
	uint32_t hash = 2166136261u;

	while (*path)
		hash = (hash ^ (uint8_t)*path++) * 16777619u;
	return &buckets[hash % (sizeof(buckets) / sizeof(*buckets))];
}

static const char *node_path(uint64_t number)
{
	if (number <= FUSE_ROOT_ID || number >= node_end)
		return NULL;
	return nodes[number].path;
}

/* The number of a path, told once more; 0 where there are too many. */
static uint32_t node_get(const char *path)
{
	uint32_t *head = bucket(path), i;

	for (i = *head; i; i = nodes[i].next)
		if (!strcmp(nodes[i].path, path))
			break;
	if (!i) {
		if (free_node) {
			i = free_node;
			free_node = nodes[i].next;
		} else if (node_end < NODES) {
			i = node_end++;
		} else {
			return 0;
		}
		nodes[i].path = strdup(path);
		if (!nodes[i].path) {
			nodes[i].next = free_node;
			free_node = i;
			return 0;
		}
		nodes[i].lookups = 0;
		nodes[i].next = *head;
		*head = i;
	}
	nodes[i].lookups++;
	return i;
}

static void node_forget(uint64_t number, uint64_t lookups)
{
	const char *path = node_path(number);
	struct node *node = &nodes[number < NODES ? number : 0];
	uint32_t *link;

	if (!path)
		return;
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	if (node->lookups)
		return;
	for (link = bucket(path); *link != number; link = &nodes[*link].next)
		;
	*link = node->next;
	free(node->path);
	node->path = NULL;
	node->next = free_node;
	free_node = number;
}

/* Opens NAME/PATH without following a link and without leaving the directory. */
static int open_path(const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	size_t len = strcspn(path, "/");
	const char *rest = path[len] ? path + len + 1 : ".";
	int i;

	for (i = 0; i < root_count; i++)
		if (strlen(roots[i].name) == len && !memcmp(roots[i].name, path, len))
			return syscall(SYS_openat2, roots[i].fd, rest, &how, sizeof(how));
	errno = ENOENT;
	return -1;
}

static void fill_attr(struct fuse_attr *attr, uint64_t number, const struct stat *st)
{
	memset(attr, 0, sizeof(*attr));
	/* Two directories may have the same file system's numbers: the node's are one's own. */
	attr->ino = number;
	attr->size = st->st_size;
	attr->blocks = st->st_blocks;
	attr->atime = st->st_atim.tv_sec;
	attr->atimensec = st->st_atim.tv_nsec;
	attr->mtime = st->st_mtim.tv_sec;
	attr->mtimensec = st->st_mtim.tv_nsec;
	attr->ctime = st->st_ctim.tv_sec;
	attr->ctimensec = st->st_ctim.tv_nsec;
	attr->mode = st->st_mode;
	attr->nlink = st->st_nlink;
	attr->blksize = st->st_blksize;
}

/* Return: 0 or a negative errno, like every function that answers. */
static int stat_path(const char *path, struct stat *st)
{
	int fd = open_path(path, O_PATH), error;

	if (fd < 0)
		return -errno;
	error = fstat(fd, st) ? -errno : 0;
	close(fd);
	return error;
}

static int stat_node(uint64_t number, struct stat *st)
{
	const char *path = node_path(number);

	if (number != FUSE_ROOT_ID)
		return path ? stat_path(path, st) : -ESTALE;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFDIR | 0555;
	st->st_nlink = 2;
	return 0;
}

static int do_init(const struct fuse_init_in *in, size_t len, struct fuse_init_out *out)
{
	if (len < 16 || in->major != FUSE_KERNEL_VERSION)
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	out->major = FUSE_KERNEL_VERSION;
	out->minor = in->minor < 31 ? in->minor : 31;
	out->max_readahead = in->max_readahead;
	out->flags = in->flags & (FUSE_AUTO_INVAL_DATA | FUSE_MAX_PAGES);
	out->max_write = 4096;
	out->max_pages = READ_MAX / 4096;
	out->time_gran = 1;
	return sizeof(*out);
}

static int do_lookup(uint64_t parent, const char *name, size_t len, struct fuse_entry_out *out)
{
	const char *above = node_path(parent);
	char path[PATH_MAX];
	struct stat st;
	int error;

	if (!len || name[len - 1] || strlen(name) != len - 1 || strchr(name, '/') || !*name ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	if (parent != FUSE_ROOT_ID && !above)
		return -ESTALE;
	if (snprintf(path, sizeof(path), "%s%s%s", above ? above : "", above ? "/" : "", name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	error = stat_path(path, &st);
	if (error)
		return error;
	memset(out, 0, sizeof(*out));
	out->nodeid = node_get(path);
	if (!out->nodeid)
		return -ENFILE;
	out->attr_valid = VALID_SECONDS;
	out->entry_valid = VALID_SECONDS;
	fill_attr(&out->attr, out->nodeid, &st);
	return sizeof(*out);
}

static int do_getattr(uint64_t number, struct fuse_attr_out *out)
{
	struct stat st;
	int error = stat_node(number, &st);

	if (error)
		return error;
	memset(out, 0, sizeof(*out));
	out->attr_valid = VALID_SECONDS;
	fill_attr(&out->attr, number, &st);
	return sizeof(*out);
}

static int do_readlink(uint64_t number, char *out)
{
	const char *path = node_path(number);
	ssize_t len;
	int fd;

	if (!path)
		return -ESTALE;
	fd = open_path(path, O_PATH);
	if (fd < 0)
		return -errno;
	len = readlinkat(fd, "", out, PATH_MAX);
	if (len < 0)
		len = -errno;
	close(fd);
	return len;
}

static int do_open(uint64_t number, uint32_t flags, int directory, struct fuse_open_out *out)
{
	const char *path = node_path(number);
	struct handle *h;
	struct stat st;
	int fd;

	if (!path)
		return number == FUSE_ROOT_ID ? -EACCES : -ESTALE;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	for (h = handles; h < handles + OPEN_FILES && h->fd >= 0; h++)
		;
	if (h == handles + OPEN_FILES)
		return -EMFILE;
	/* A device or a pipe is not opened: its look is all that the host gets. */
	fd = stat_path(path, &st);
	if (fd)
		return fd;
	if (!(directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
		return -EACCES;
	fd = open_path(path, directory ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	h->fd = fd;
	h->dir = directory ? fdopendir(fd) : NULL;
	if (directory && !h->dir) {
		h->fd = -1;
		close(fd);
		return -ENOMEM;
	}
	memset(out, 0, sizeof(*out));
	out->fh = h - handles;
	return sizeof(*out);
}

static struct handle *find_handle(uint64_t number)
{
	return number < OPEN_FILES && handles[number].fd >= 0 ? &handles[number] : NULL;
}

static int do_release(uint64_t number)
{
	struct handle *h = find_handle(number);

	if (!h)
		return -EBADF;
	if (h->dir)
		closedir(h->dir);
	else
		close(h->fd);
	h->fd = -1;
	h->dir = NULL;
	return 0;
}

static int do_read(const struct fuse_read_in *in, uint8_t *out)
{
	struct handle *h = find_handle(in->fh);
	ssize_t got;

	if (!h || h->dir)
		return -EBADF;
	if (in->size > READ_MAX || in->offset > INT64_MAX)
		return -EINVAL;
	got = pread(h->fd, out, in->size, in->offset);
	return got < 0 ? -errno : got;
}

static int do_readdir(const struct fuse_read_in *in, uint8_t *out)
{
	struct handle *h = find_handle(in->fh);
	size_t used = 0, room = in->size;
	struct dirent *entry;

	if (!h || !h->dir)
		return -EBADF;
	if (room > READ_MAX)
		return -EINVAL;
	seekdir(h->dir, in->offset);
	for (;;) {
		struct fuse_dirent *d = (struct fuse_dirent *)(out + used);
		size_t len;

		entry = readdir(h->dir);
		if (!entry)
			break;
		len = strlen(entry->d_name);
		if (used + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len) > room)
			break;
		memset(d, 0, FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len));
		d->ino = entry->d_ino;
		d->off = entry->d_off;
		d->namelen = len;
		d->type = entry->d_type;
		memcpy(d->name, entry->d_name, len);
		used += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
	}
	return used;
}

static int do_statfs(struct fuse_statfs_out *out)
{
	struct statvfs st;

	if (fstatvfs(roots[0].fd, &st))
		return -errno;
	memset(out, 0, sizeof(*out));
	out->st.blocks = st.f_blocks;
	out->st.bsize = st.f_bsize;
	out->st.frsize = st.f_frsize;
	out->st.files = st.f_files;
	out->st.namelen = st.f_namemax;
	return sizeof(*out);
}

static void do_batch_forget(const uint8_t *in, size_t len)
{
	const struct fuse_batch_forget_in *batch = (const void *)in;
	const struct fuse_forget_one *one = (const void *)(in + sizeof(*batch));
	uint32_t i;

	for (i = 0; len >= sizeof(*batch) && i < batch->count &&
	     sizeof(*batch) + (i + 1) * sizeof(*one) <= len; i++)
		node_forget(one[i].nodeid, one[i].nlookup);
}

/* The shortest argument of each request that has one */
static size_t least(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_FORGET: return sizeof(struct fuse_forget_in);
	case FUSE_OPEN:
	case FUSE_OPENDIR: return sizeof(struct fuse_open_in);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: return sizeof(struct fuse_release_in);
	case FUSE_READ:
	case FUSE_READDIR: return sizeof(struct fuse_read_in);
	default: return 0;
	}
}

/* Return: bytes of the answer's body, a negative errno, or -1000 where there is no answer. */
#define NO_ANSWER	(-1000)

static int handle(const struct fuse_in_header *request, const uint8_t *in, size_t len,
		  uint8_t *out)
{
	uint64_t node = request->nodeid;

	if (len < least(request->opcode))
		return -EINVAL;
	switch (request->opcode) {
	case FUSE_INIT:
		return do_init((const void *)in, len, (void *)out);
	case FUSE_LOOKUP:
		return do_lookup(node, (const char *)in, len, (void *)out);
	case FUSE_FORGET:
		node_forget(node, ((const struct fuse_forget_in *)in)->nlookup);
		return NO_ANSWER;
	case FUSE_BATCH_FORGET:
		do_batch_forget(in, len);
		return NO_ANSWER;
	case FUSE_INTERRUPT:
		return NO_ANSWER;	/* each request is answered before the next one comes */
	case FUSE_GETATTR:
		return do_getattr(node, (void *)out);
	case FUSE_READLINK:
		return do_readlink(node, (char *)out);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return do_open(node, ((const struct fuse_open_in *)in)->flags,
			       request->opcode == FUSE_OPENDIR, (void *)out);
	case FUSE_READ:
		return do_read((const void *)in, out);
	case FUSE_READDIR:
		return do_readdir((const void *)in, out);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return do_release(((const struct fuse_release_in *)in)->fh);
	case FUSE_FLUSH:
	case FUSE_DESTROY:
		return 0;
	case FUSE_STATFS:
		return do_statfs((void *)out);
	default:
		return -ENOSYS;
	}
}

/**
 * files_add - show a directory to the host
 * @text: NAME=DIR
 *
 * Return: 0, or -1 where it cannot be opened.
 */
int files_add(const char *text)
{
	const char *directory = strchr(text, '=');
	size_t len = directory ? (size_t)(directory - text) : 0;
	int i;

	if (!len || len >= sizeof(roots[0].name) || root_count == ROOTS)
		return -1;
	if (!nodes) {
		nodes = calloc(NODES, sizeof(*nodes));
		answer = calloc(1, sizeof(*answer));
		for (i = 0; i < OPEN_FILES; i++)
			handles[i].fd = -1;
	}
	roots[root_count].fd = open(directory + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!nodes || !answer || roots[root_count].fd < 0)
		return -1;
	memcpy(roots[root_count++].name, text, len);
	return 0;
}

static int put(pid_t pid, size_t len, uint32_t number)
{
	answer->len = len;
	/* The number last: it says that the rest is there. */
	return window_copy_to(pid, page + offsetof(struct files, len), &answer->len,
			      sizeof(answer->len)) ||
	       (len && window_copy_to(pid, page + offsetof(struct files, data), answer->data,
				      len)) ||
	       window_copy_to(pid, page + offsetof(struct files, given), &number,
			      sizeof(number));
}

/**
 * files_request - do what the host's file system asks for
 * @h: the host
 * @pid: the emulator
 * @data: the number of the request and, but for the first, FUSE's message
 * @len: bytes of both
 */
void files_request(struct host *h, pid_t pid, const void *data, size_t len)
{
	struct fuse_out_header *head = (void *)answer->data;
	struct fuse_in_header request;
	static uint8_t argument[1 << 14] __attribute__((aligned(8)));
	uint32_t number;
	int result;

	h->beats++;
	if (!root_count || len < sizeof(number)) {
		h->damaged = "a request for files that cannot be";
		return;
	}
	memcpy(&number, data, sizeof(number));
	data = (const char *)data + sizeof(number);
	len -= sizeof(number);
	if (number == 1) {
		page = window_find(pid, FILES_MASK, sizeof(struct files));
		if (page && put(pid, 0, number))
			h->damaged = "the host's memory cannot be written";
		return;			/* without an answer the host goes on without files */
	}
	if (!page || len < sizeof(request) || len - sizeof(request) > sizeof(argument)) {
		h->damaged = "a request for files that cannot be";
		return;
	}
	memcpy(&request, data, sizeof(request));
	memcpy(argument, (const char *)data + sizeof(request), len - sizeof(request));
	result = handle(&request, argument, len - sizeof(request), answer->data + sizeof(*head));
	head->len = sizeof(*head) + (result > 0 ? result : 0);
	head->error = result < 0 ? result : 0;
	head->unique = request.unique;
	if (put(pid, result == NO_ANSWER ? 0 : head->len, number))
		h->damaged = "the host's memory cannot be written";
}
