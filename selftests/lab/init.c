// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - process 1 of a lab host.
 *
 * Brings the booted kernel to where a command can use it (file systems,
 * loopback, the libraries of the payloads, the module), runs COMMAND, streams
 * what it writes, watches the kernel's log for reports, sends /out and the exit
 * status back, and ends the host.  Everything leaves through port 0xE9 in the
 * frames of frame.h.
 *
 * Relies on /lab/config (lines of "name=value") and /lab/argv (COMMAND, each
 * word ended by NUL), both packed by initramfs.sh.
 */
#include "archive.h"
#include "frame.h"
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BOCHS_SHUTDOWN_PORT	0x8900
#define MAX_CPUS		64
#define SMALL_ARCHIVE		(256 << 10)
#define AFTER_REPORT		10	/* seconds for COMMAND once the kernel has failed */

static pthread_mutex_t channel_lock;
static char config_text[65536];

/* ------------------------------------------------------------ the channel --- */

static void put_symbols(const unsigned char *bytes, size_t len)
{
	outsb(FRAME_PORT, bytes, len);
}

static void send_piece(int type, const unsigned char *data, size_t len)
{
	static unsigned char frame[FRAME_MAX + 8];
	size_t symbols = 0, i, j;
	unsigned char *p = frame + 3;
	unsigned int sum = 0;
	int packed = 0;

	for (i = 0; i < len; i++)
		packed |= data[i] & 0x80;
	if (!packed) {
		for (i = 0; i < len; i++)
			p[symbols++] = FRAME_BYTE(data[i]);
	} else {
		for (i = 0; i < len; i += 7) {
			size_t n = len - i < 7 ? len - i : 7;
			unsigned int tops = 0;

			for (j = 0; j < n; j++)
				tops |= (data[i + j] >> 7) << j;
			p[symbols++] = FRAME_BYTE(tops);
			for (j = 0; j < n; j++)
				p[symbols++] = FRAME_BYTE(data[i + j]);
		}
	}
	for (i = 0; i < symbols; i++)
		sum += p[i] & 0x7f;
	frame[0] = FRAME_BYTE(packed ? type - 'a' + 'A' : type);
	frame[1] = FRAME_BYTE(symbols >> 7);
	frame[2] = FRAME_BYTE(symbols);
	p[symbols++] = FRAME_BYTE(sum);
	put_symbols(frame, symbols + 3);
}

/**
 * channel_send - send bytes to the lab
 * @type: one of FRAME_*
 * @data: what to send
 * @len: bytes, any number; cut into frames
 *
 * Takes channel_lock: several threads send.
 */
void channel_send(int type, const void *data, size_t len)
{
	const size_t most = FRAME_MAX / 8 * 7;
	const unsigned char *p = data;

	do {
		size_t n = len < most ? len : most;

		pthread_mutex_lock(&channel_lock);
		send_piece(type, p, n);
		pthread_mutex_unlock(&channel_lock);
		p += n;
		len -= n;
	} while (len);
}

static void send_text(int type, const char *text)
{
	channel_send(type, text, strlen(text));
}

static void channel_open(void)
{
	pthread_mutexattr_t attr;

	/* The beats run above everything else and must not wait for a holder. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&channel_lock, &attr);
	if (ioperm(FRAME_PORT, 1, 1) || ioperm(BOCHS_SHUTDOWN_PORT, 1, 1)) {
		static const char text[] =
			"lab: init may not use I/O ports: this kernel has no X86_IOPL_IOPERM\n";
		int fd;

		/* Without the channel only the kernel's log is left, and its panic. */
		mkdir("/dev", 0755);
		mknod("/dev/kmsg", S_IFCHR | 0600, makedev(1, 11));
		fd = open("/dev/kmsg", O_WRONLY);
		if (write(fd, text, sizeof(text) - 1) < 0)
			_exit(2);
		_exit(1);
	}
}

__attribute__((noreturn)) static void end_host(void)
{
	const char *p;

	send_text(FRAME_END, "");
	for (p = "Shutdown"; *p; p++)
		outb(*p, BOCHS_SHUTDOWN_PORT);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/**
 * problem - tell why the host cannot go on, and end it
 * @format: a sentence without its full stop
 */
void problem(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	kernel_log_collect();
	send_text(FRAME_PROBLEM, text);
	end_host();
}

/* -------------------------------------------------------------- the beats --- */

/*
 * One thread on each CPU, above every other, says once a second that its CPU
 * still schedules.  The lab takes a CPU without beats for hung, also where
 * interrupts are off and no detector of the kernel can speak.
 */
static void *beat(void *argument)
{
	struct sched_param param = { .sched_priority = 99 };
	long cpu = (long)argument;
	cpu_set_t set;
	char text[24];

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &param);
	snprintf(text, sizeof(text), "%ld", cpu);
	for (;;) {
		send_text(FRAME_BEAT, text);
		sleep(1);
	}
	return NULL;
}

static void start_beats(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), i;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < cpus && i < MAX_CPUS; i++)
		if (pthread_create(&thread, &attr, beat, (void *)i))
			problem("init cannot start a thread");
}

/* ---------------------------------------------------------------- set-up --- */

static void read_config(void)
{
	int fd = open("/lab/config", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, config_text, sizeof(config_text) - 1);

	if (len < 0)
		problem("/lab/config cannot be read");
	config_text[len] = 0;
	close(fd);
}

/**
 * config - look up a line of /lab/config
 * @name: what stands before the "="
 * @index: 0 for the first such line, 1 for the second ...
 * @value: receives what stands behind it
 * @len: room in @value
 *
 * Return: @value, or NULL where there is none.
 */
char *config(const char *name, int index, char *value, size_t len)
{
	size_t name_len = strlen(name);
	const char *line = config_text;

	while (*line) {
		size_t n = strcspn(line, "\n");

		if (n > name_len && !memcmp(line, name, name_len) && line[name_len] == '=' &&
		    index-- == 0) {
			snprintf(value, len, "%.*s", (int)(n - name_len - 1), line + name_len + 1);
			return value;
		}
		line += n + (line[n] == '\n');
	}
	return NULL;
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where, *options;
		int optional;
	} mounts[] = {
		{ "proc", "/proc", NULL, 0 },
		{ "sysfs", "/sys", NULL, 0 },
		{ "devtmpfs", "/dev", "mode=0755", 0 },
		{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666", 1 },
		{ "tmpfs", "/dev/shm", "mode=1777", 1 },
		{ "tmpfs", "/tmp", "mode=1777", 1 },
		{ "tmpfs", "/run", "mode=0755", 1 },
		{ "debugfs", "/sys/kernel/debug", NULL, 1 },
		{ "tracefs", "/sys/kernel/tracing", NULL, 1 },
		{ "cgroup2", "/sys/fs/cgroup", NULL, 1 },
		{ "hugetlbfs", "/dev/hugepages", NULL, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, mounts[i].options) &&
		    !mounts[i].optional)
			problem("%s cannot be mounted: %s", mounts[i].where, strerror(errno));
	}
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	strcpy(request.ifr_name, "lo");
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	sethostname("lab", 3);
}

/* Make the files of a payload's library directory visible where ld.so looks. */
static void link_libraries(const char *directory, const char *where)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char from[2 * PATH_MAX], to[2 * PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", directory, entry->d_name);
		snprintf(to, sizeof(to), "%s/%s", where, entry->d_name);
		symlink(from, to);	/* the first payload that has it wins */
	}
	closedir(dir);
}

static void link_payload(const char *payload, char *path, size_t path_len)
{
	static const char *const libraries[] = {
		"lib", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu",
	};
	static const char *const programs[] = { "", "/bin", "/sbin", "/usr/bin", "/usr/sbin" };
	char name[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		snprintf(name, sizeof(name), "/payload/%s/%s", payload, libraries[i]);
		link_libraries(name, "/usr/lib/x86_64-linux-gnu");
	}
	for (i = 0; i < 3; i++) {
		static const char *const loaders[] = { "lib64", "usr/lib64", "lib" };

		snprintf(name, sizeof(name), "/payload/%s/%s/ld-linux-x86-64.so.2", payload,
			 loaders[i]);
		if (!access(name, X_OK))
			symlink(name, "/usr/lib64/ld-linux-x86-64.so.2");
	}
	for (i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		size_t used = strlen(path);

		snprintf(name, sizeof(name), "/payload/%s%s", payload, programs[i]);
		if (!stat(name, &st) && S_ISDIR(st.st_mode))
			snprintf(path + used, path_len - used, ":%s", name);
	}
}

static void link_payloads(void)
{
	char path[16384] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char payload[NAME_MAX + 1];
	int i;

	for (i = 0; config("payload", i, payload, sizeof(payload)); i++)
		link_payload(payload, path, sizeof(path));
	/* The project's own tool, unless a payload brings another */
	snprintf(path + strlen(path), sizeof(path) - strlen(path), ":/lab/bin");
	setenv("PATH", path, 1);
}

static void set_environment(void)
{
	char value[4096];
	int i;

	clearenv();	/* the kernel leaves the parameters there that it does not know */
	setenv("HOME", "/root", 1);
	setenv("TERM", "dumb", 1);
	setenv("TMPDIR", "/tmp", 1);
	for (i = 0; config("env", i, value, sizeof(value)); i++) {
		char *equals = strchr(value, '=');

		if (equals) {
			*equals = 0;
			setenv(value, equals + 1, 1);
		}
	}
}

/* Write a value to a file of /proc/sys or of /sys, where it exists. */
static void write_sysctls(void)
{
	char value[512];
	int i;

	for (i = 0; config("write", i, value, sizeof(value)); i++) {
		char *equals = strchr(value, '=');
		int fd;

		if (!equals)
			continue;
		*equals = 0;
		fd = open(value, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, equals + 1, strlen(equals + 1)) < 0)
			continue;
		close(fd);
	}
}

/* --------------------------------------------------------------- COMMAND --- */

static char **read_argv(void)
{
	static char text[1 << 18];
	static char *argv[8192];
	int fd = open("/lab/argv", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));
	size_t n = 0, at = 0;

	close(fd);
	if (len <= 0 || text[len - 1])
		problem("/lab/argv cannot be read");
	while (at < (size_t)len && n < sizeof(argv) / sizeof(*argv) - 1) {
		argv[n++] = text + at;
		at += strlen(text + at) + 1;
	}
	return argv;
}

/*
 * @input: what COMMAND reads from, closed here, or -1 for nothing
 * @output: where its output is to be read; set here, unless COMMAND has a terminal: then it is
 *	the master side, and @input the slave's, for COMMAND's output as well
 */
static pid_t start_command(char **argv, int input, int *output)
{
	struct rlimit core = { 0, 0 };
	int terminal = *output >= 0;
	int ends[2] = { *output, input };
	sigset_t none;
	pid_t pid;

	if (!terminal) {
		if (pipe2(ends, O_CLOEXEC))
			problem("init cannot create a pipe: %s", strerror(errno));
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	}
	pid = fork();
	if (pid < 0)
		problem("init cannot fork: %s", strerror(errno));
	if (pid) {
		close(ends[1]);
		if (input >= 0 && !terminal)
			close(input);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		*output = ends[0];
		return pid;
	}
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	ioperm(FRAME_PORT, 1, 0);
	ioperm(BOCHS_SHUTDOWN_PORT, 1, 0);
	setrlimit(RLIMIT_CORE, &core);
	if (input < 0)
		input = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(input, 0);
	dup2(ends[1], 1);
	dup2(ends[1], 2);
	if (terminal)
		ioctl(0, TIOCSCTTY, 0);
	execvp(argv[0], argv);
	dprintf(2, "lab: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Returns 0 once no process can write any more. */
static int pass_output(int fd)
{
	static char buffer[16384];

	for (;;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got > 0)
			channel_send(FRAME_OUTPUT, buffer, got);
		else if (!got || errno == EIO)
			return 0;	/* EIO: a terminal that no process has open */
		else if (errno != EINTR)
			return 1;
	}
}

/*
 * What COMMAND left running must not write any more.  A process that a broken
 * kernel cannot end is left alone after a while.
 */
static void kill_everything(void)
{
	int i;

	kill(-1, SIGKILL);
	for (i = 0; i < 300; i++) {
		if (waitpid(-1, NULL, WNOHANG) < 0)
			return;
		usleep(i < 100 ? 1000 : 20000);
	}
}

/* At a terminal somebody may want to look around in a host that has failed. */
static void tell_of_report(void)
{
	static const char text[] =
		"\r\nlab: the host's kernel reported a fault (dmesg): the status will be 125\r\n";
	static int told;

	if (!told)
		channel_send(FRAME_OUTPUT, text, sizeof(text) - 1);
	told = 1;
}

/* Runs COMMAND to its end and returns what waitpid() says. */
static int run_command(void)
{
	struct timespec grace = { 0 }, now;
	struct pollfd fds[3];
	int status = SIGKILL, done = 0, input, output = -1;
	int terminal = terminal_wanted();
	sigset_t child;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	fds[0].fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fds[0].fd < 0)
		problem("init has no signalfd: %s", strerror(errno));
	send_text(FRAME_START, "");
	if (terminal)
		output = terminal_open(&input);
	else
		input = input_open();
	pid = start_command(read_argv(), input, &output);
	fds[1].fd = output;
	fds[2].fd = kernel_log_fd();
	fds[0].events = POLLIN;
	fds[1].events = POLLIN;
	fds[2].events = POLLIN;

	while (!done) {
		struct signalfd_siginfo info;
		pid_t dead;
		int s;

		poll(fds, 3, grace.tv_sec ? 1000 : -1);
		if (kernel_log_collect() && terminal) {
			tell_of_report();
		} else if (kernel_log_collect()) {
			/* The run has failed; COMMAND may end by itself. */
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (!grace.tv_sec)
				grace.tv_sec = now.tv_sec + AFTER_REPORT;
			else if (now.tv_sec >= grace.tv_sec)
				done = 1;
		}
		if (fds[1].fd >= 0 && !pass_output(fds[1].fd))
			fds[1].fd = -1;
		while (read(fds[0].fd, &info, sizeof(info)) > 0)
			;
		while ((dead = waitpid(-1, &s, WNOHANG)) > 0) {
			if (dead == pid) {
				status = s;
				done = 1;
			}
		}
	}
	kill_everything();
	pass_output(output);
	return status;
}

/*
 * The outer host of "nested" only starts QEMU.  In Bochs the inner host's port
 * 0xE9 leads straight out (host-nested.sh), so this init must be silent from
 * here on: two writers would mix their frames.
 */
static void run_outer(void)
{
	static char tail[1024];
	size_t used = 0;
	int output = -1;
	ssize_t got;

	start_command(read_argv(), -1, &output);
	fcntl(output, F_SETFL, 0);
	for (;;) {
		got = read(output, tail + used, sizeof(tail) - 1 - used);
		if (got <= 0)
			break;
		used += got;
		if (used > sizeof(tail) / 2) {
			memmove(tail, tail + used - sizeof(tail) / 4, sizeof(tail) / 4);
			used = sizeof(tail) / 4;
		}
	}
	tail[used] = 0;
	problem("QEMU in the outer host ended early%s%s", used ? ": " : "", tail);
}

/*
 * The archive of /out leaves in pieces: small ones through the port, and once it
 * is clear that there is much, large ones through the window if that works.
 */
static struct {
	unsigned char *piece;
	size_t used, room, sent;
	int through_window;
} archive = { .room = FRAME_MAX / 8 * 7 };

static void flush_archive(void)
{
	if (archive.used && archive.through_window)
		window_send(archive.piece, archive.used);
	else if (archive.used)
		channel_send(FRAME_ARCHIVE, archive.piece, archive.used);
	archive.sent += archive.used;
	archive.used = 0;
	if (archive.sent < SMALL_ARCHIVE || archive.room > FRAME_MAX)
		return;
	archive.through_window = window_open();
	archive.room = window_room();
}

static int write_archive(void *context, const void *data, size_t len)
{
	(void)context;
	if (!archive.piece)
		archive.piece = malloc(window_room());
	if (!archive.piece)
		return -1;
	while (len) {
		size_t room = archive.room - archive.used;
		size_t n = room < len ? room : len;

		memcpy(archive.piece + archive.used, data, n);
		archive.used += n;
		data = (const char *)data + n;
		len -= n;
		if (archive.used == archive.room)
			flush_archive();
	}
	return 0;
}

static void send_out(void)
{
	struct archive_writer w = { .write = write_archive };
	char value[16];

	if (!config("out", 0, value, sizeof(value)))
		return;
	if (archive_add_tree(&w, "/out", "") || archive_end(&w))
		problem("%s cannot be read: %s", w.error_path, strerror(errno));
	flush_archive();
}

int main(void)
{
	char text[64];
	sigset_t child;
	int status;

	if (getpid() != 1) {
		fprintf(stderr, "This is process 1 of a lab host.\n");
		return 2;
	}
	/* Before there are threads, which inherit it: run_command() reads it. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	umask(0);
	channel_open();
	read_config();
	mount_all();
	umask(022);
	kernel_log_open();
	kernel_release(text, sizeof(text));
	send_text(FRAME_HELLO, text);
	if (config("outer", 0, text, sizeof(text))) {
		load_modules();
		run_outer();
	}
	start_beats();
	loopback_up();
	write_sysctls();
	set_environment();
	link_payloads();
	load_modules();
	files_open();
	net_open();
	kernel_log_collect();

	status = run_command();

	kernel_log_check();
	snprintf(text, sizeof(text), "%d",
		 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	send_out();
	send_text(FRAME_STATUS, text);
	end_host();
	return 0;
}
