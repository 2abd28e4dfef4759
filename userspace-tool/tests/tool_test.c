// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the whole tool on a real device node, TAP:  tool-test TOOL GUESTS [NODE]
 * Only what depends on how the module was loaded:      tool-test TOOL GUESTS --module STATE
 *
 * STATE is what `minikvm` has to find: "minikvm" or "kvm", the node that the module has, or "vt-d"
 * for VT-d alone.
 *
 * Runs the tool with the small guests of tests/guests and looks at exit status, output, terminal
 * and speed of its end. Meant for the lab (`make -C userspace-tool tool-test`), static, needs no
 * other program. Every wait has a limit, so that a tool that hangs is a test that fails.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX	24
#define OUTPUT_MAX	(1024 * 1024)
#define LIMIT_MS	30000
#define ENDED_BADLY	(-1)
#define BULK		32768	/* as in tests/guests/commands.S */

static const char *tool, *guests, *node = "/dev/minikvm";
static char output[OUTPUT_MAX + 1];
static size_t output_len;
static unsigned int number, failures;
static bool ignore_sigint;

struct child {
	pid_t pid;
	int in;			/* its standard input, or -1 */
	int out;		/* its standard output and error */
};

static void result(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
	if (!good) {
		size_t from = output_len > 600 ? output_len - 600 : 0, i;

		failures++;
		printf("# output ends in: ");
		for (i = from; i < output_len; i++) {
			putchar(output[i] == '\r' ? ' ' : output[i]);
			if (output[i] == '\n')
				printf("# ");
		}
		putchar('\n');
	}
	fflush(stdout);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void exec_tool(const char * const *args)
{
	const char *argv[ARGS_MAX + 2] = { tool };
	int i;

	for (i = 0; args[i] && i < ARGS_MAX; i++)
		argv[i + 1] = args[i];
	signal(SIGINT, ignore_sigint ? SIG_IGN : SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execv(tool, (char * const *)argv);
	_exit(126);
}

/* Start the tool with pipes; @with_input false means /dev/null. */
static struct child start(const char * const *args, bool with_input)
{
	struct child c = { .in = -1 };
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(126);
	/* Small, so that the guest's bulk output is more than fits. */
	fcntl(out[1], F_SETPIPE_SZ, 4096);
	c.pid = fork();
	if (c.pid == 0) {
		if (!with_input)
			in[0] = open("/dev/null", O_RDONLY);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		exec_tool(args);
	}
	close(in[0]);
	close(out[1]);
	if (with_input)
		c.in = in[1];
	else
		close(in[1]);
	c.out = out[0];
	output_len = 0;
	output[0] = 0;
	return c;
}

/* Read until the output has @text (NULL: until its end). False when the time is over. */
static bool wait_for(struct child *c, const char *text)
{
	long long end = now_ms() + LIMIT_MS, left;
	struct pollfd p = { .fd = c->out, .events = POLLIN };
	ssize_t n;

	while (!text || !strstr(output, text)) {
		left = end - now_ms();
		if (left <= 0 || output_len == OUTPUT_MAX || poll(&p, 1, left) <= 0)
			return false;
		n = read(c->out, output + output_len, OUTPUT_MAX - output_len);
		if (n <= 0)
			return !text;
		output_len += n;
		output[output_len] = 0;
	}
	return true;
}

static void type(struct child *c, const char *keys)
{
	if (write(c->in, keys, strlen(keys)) < 0)
		perror("# write");
}

/* Read the rest, wait. Return: the exit status, 128 plus a deadly signal, or ENDED_BADLY. */
static int finish(struct child *c)
{
	bool timely = wait_for(c, NULL);
	int status;

	if (!timely)
		kill(c->pid, SIGKILL);
	waitpid(c->pid, &status, 0);
	if (c->in >= 0)
		close(c->in);
	if (c->out != c->in)
		close(c->out);
	if (!timely)
		return ENDED_BADLY;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *guest(const char *name)
{
	static char path[4][512];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", guests, name);
	return path[i];
}

#define ARGS(...) ((const char * const[]) { __VA_ARGS__, NULL })
#define RUN(...) ARGS("run", "--dev", node, "--mem", "8", __VA_ARGS__)
#define COMMANDS "--kernel", guest("commands")
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The tool with these arguments must end with this status and these words. */
static void expect(const char *name, int status, const char *words, const char * const *args)
{
	struct child c = start(args, false);
	int got = finish(&c);

	if (got != status)
		printf("# exit status %d instead of %d\n", got, status);
	result(got == status && strstr(output, words), name);
}

/* The commands guest with these keys must end with this status and these words. */
static void expect_keys(const char *name, int status, const char *words, const char *keys,
			const char * const *args)
{
	struct child c = start(args, true);
	int got;

	type(&c, keys);
	got = finish(&c);
	if (got != status)
		printf("# exit status %d instead of %d\n", got, status);
	result(got == status && strstr(output, words), name);
}

static void test_usage(void)
{
	expect("help", 0, "Usage:", ARGS("--help"));
	expect("version", 0, "minikvm ", ARGS("--version"));
	expect("help of run", 0, "--exit-on", ARGS("run", "--help"));
	expect("unknown command", 2, "'fly' is not a command", ARGS("fly"));
	expect("unknown option", 2, "--fly", ARGS("run", "--fly"));
	expect("a word too many", 2, "'fly' is not an option",
	       ARGS("run", "--kernel", "x", "fly"));
	expect("nothing to run", 2, "Say what to run", ARGS("run"));
	expect("bad number", 2, "--mem takes", ARGS("run", "--mem", "12x"));
	expect("no vCPU", 2, "--cpus takes a number from 1 to 64", ARGS("run", "--cpus", "0"));
	expect("too many vCPUs", 2, "--cpus takes", ARGS("run", "--cpus", "65"));
	expect("vCPUs that nobody starts", 2, "no interrupt controllers",
	       ARGS("run", "--cpus", "2", "--flat", "x"));
	expect("no device node", 1, "There is no device node",
	       ARGS("run", "--dev", "/dev/absent", COMMANDS));
	expect("a device node of another kind", 1, "does not speak KVM's ABI",
	       ARGS("run", "--dev", "/dev/null", COMMANDS));
	expect("--load with a kernel", 2, "--load is for --flat only",
	       ARGS("run", "--kernel", "x", "--load", "0x7c00"));
	expect("--debug-exit at a port that is taken", 2, "is the serial port's",
	       ARGS("run", "--kernel", "x", "--debug-exit", "0x3ff"));
	expect("--debug-exit at a port of the kernel's", 2, "is the timer's",
	       ARGS("run", "--kernel", "x", "--debug-exit", "0x40"));
	expect("--entry with an ELF file", 1, "no bzImage", RUN(COMMANDS, "--entry", "32"));
	expect("no such kernel", 1, "The kernel /absent cannot be opened: No such file",
	       RUN("--kernel", "/absent"));
	expect("no such initial ramdisk", 1, "The initial ramdisk /absent",
	       RUN(COMMANDS, "--initrd", "/absent"));
	expect("not a kernel", 1, "is not a kernel", RUN("--kernel", guest("flat_hello")));
	expect("too large an initial ramdisk", 1, "does not fit",
	       ARGS("run", "--dev", node, "--mem", "3", COMMANDS, "--initrd", tool));
}

static void test_memory_sizes(void)
{
	static const char * const good[] = { "8", "08", "0x8", "8M", "8m", "8MiB", "8192K" };
	static const char * const bad[] = {
		"", "M", "-8", "8B", "8MM", "1.5G", "0", "0M", "1K", "1048577", "2T", "1025G",
		"18446744073709551617", "17592186044416M",
	};
	unsigned int a = 0, b, c, d;
	char name[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(name, sizeof(name), "--mem %s", good[i]);
		expect(name, 0, "single output",
		       ARGS("run", "--dev", node, "--mem", good[i], "--flat", guest("flat_hello")));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "--mem '%s' is refused", bad[i]);
		expect(name, 2, "--mem takes", ARGS("run", "--mem", bad[i], "--kernel", "x"));
	}
	__get_cpuid(0x80000008, &a, &b, &c, &d);
	if ((a & 0xff) <= 40)
		expect("more memory than the CPU has addresses for", 1, "can have at most 1047552",
		       RUN(COMMANDS, "--mem", "1048576"));
}

/* What is no regular file, and an empty one, for each option that takes a file. */
static void test_files(void)
{
	static const struct {
		const char *path, *words;
	} files[] = {
		{ "/tmp/tool-test-fifo", "is a pipe" }, { "/tmp", "is a directory" },
		{ "/dev/zero", "is a device" }, { "/tmp/tool-test-empty", "is empty" },
		{ "/tmp/tool-test-fifo/x", "cannot be opened: Not a directory" },
	};
	char name[64];
	size_t i;

	mkdir("/tmp", 0755);
	close(open("/tmp/tool-test-empty", O_CREAT | O_CLOEXEC, 0600));
	mkfifo("/tmp/tool-test-fifo", 0600);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "--kernel %s", files[i].path);
		expect(name, 1, files[i].words, RUN("--kernel", files[i].path));
		snprintf(name, sizeof(name), "--initrd %s", files[i].path);
		expect(name, 1, files[i].words, RUN(COMMANDS, "--initrd", files[i].path));
		snprintf(name, sizeof(name), "--flat %s", files[i].path);
		expect(name, 1, files[i].words, RUN("--flat", files[i].path));
	}
	expect("--dev that is a FIFO", 1, "no device node",
	       ARGS("run", "--dev", "/tmp/tool-test-fifo", COMMANDS));
	expect("--dev that is a directory", 1, "no device node", ARGS("hello", "--dev", "/tmp"));
	unlink("/tmp/tool-test-fifo");
	unlink("/tmp/tool-test-empty");
}

/*
 * Standard output that takes nothing: a full disk, a closed descriptor, a pipe without reader.
 * However little there is to print, losing it is a failure. SIGPIPE may say so, too.
 */
static void test_lost_output(const char *what, const char * const *args)
{
	static const char * const kinds[] = { "a full disk", "closed", "a pipe without reader" };
	int status, unread[2];
	unsigned int kind;
	char name[96];
	struct child c;
	int err[2];

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		if (pipe2(err, O_CLOEXEC) || pipe2(unread, O_CLOEXEC))
			exit(126);
		close(unread[0]);
		c = (struct child) { .in = -1, .out = err[0] };
		c.pid = fork();
		if (c.pid == 0) {
			dup2(err[1], 2);
			dup2(kind == 0 ? open("/dev/full", O_WRONLY) : unread[1], 1);
			if (kind == 1)
				close(1);
			exec_tool(args);
		}
		close(err[1]);
		close(unread[1]);
		output_len = 0;
		output[0] = 0;
		status = finish(&c);
		snprintf(name, sizeof(name), "%s: standard output is %s", what, kinds[kind]);
		result((status == 1 && strstr(output, "Standard output cannot be written")) ||
		       (kind == 2 && status == 128 + SIGPIPE), name);
	}
}

static void test_lost_outputs(void)
{
	test_lost_output("--help", ARGS("--help"));
	test_lost_output("--version", ARGS("--version"));
	test_lost_output("run --help", ARGS("run", "--help"));
	test_lost_output("iommu --help", ARGS("iommu", "--help"));
	test_lost_output("doctor", ARGS("doctor", "--dev", node));
	test_lost_output("hello", ARGS("hello", "--dev", node));
	test_lost_output("run --flat", RUN("--flat", guest("flat_hello")));
	test_lost_output("run --kernel", RUN("--kernel", guest("multiboot")));
}

static void test_guests(void)
{
	expect("hello", 0, "The guest says: 2 + 2 = 4", ARGS("hello", "--dev", node));
	expect("flat image, REP OUTSB and single bytes", 0, "bulk output\nsingle output\n",
	       RUN("--flat", guest("flat_hello")));
	expect("flat image below 64 KiB", 0, "single output",
	       RUN("--flat", guest("flat_hello"), "--load", "0x1000"));
	expect("flat image above 64 KiB", 0, "single output",
	       RUN("--flat", guest("flat_hello"), "--load", "0x20000"));
	expect("flat image, triple fault", 4, "triple fault",
	       RUN("--flat", guest("flat_triple_fault")));
	expect("Multiboot kernel, power-off by port", 0, "multiboot one two\n",
	       RUN("--kernel", guest("multiboot"), "--append", "one two"));
	expect("Multiboot kernel, --cmdline", 0, "multiboot one two\n",
	       RUN("--kernel", guest("multiboot"), "--cmdline", "one", "--append", "two"));
	expect("Multiboot kernel that looks at the BIOS data area", 0, "bios data\n",
	       RUN("--kernel", guest("bios_data")));
	expect_keys("64-bit ELF, piped input, power-off", 0, "ready\nefgq", "efgq", RUN(COMMANDS));
	expect_keys("reset by the i8042", 3, "asked for a reset", "r", RUN(COMMANDS));
	expect_keys("reset by port 0xcf9", 3, "asked for a reset", "c", RUN(COMMANDS));
	expect_keys("triple fault shows registers", 4, "rip 00000", "t", RUN(COMMANDS));
	expect_keys("debug exit", 11, "--debug-exit", "d", RUN(COMMANDS, "--debug-exit", "0xf4"));
	expect_keys("memory that is not there reads as ones", 0, "ones\nq", "mq", RUN(COMMANDS));
	expect_keys("--exit-on", 0, "string of --exit-on", "efefeg",
		    RUN(COMMANDS, "--exit-on", "efeg"));
	expect_keys("--stats", 0, "KVM_RUN", "q", RUN(COMMANDS, "--stats"));
	expect("--timeout, standard input at its end", 124, "time of --timeout",
	       RUN(COMMANDS, "--timeout", "0.5"));
}

/* The guest jumps to where it has no memory: tool and module say so, the latter with the place. */
static void test_no_memory(void)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), i;
	bool found = false;
	char line[2048];
	ssize_t n;

	lseek(kmsg, 0, SEEK_END);
	expect_keys("a jump to where there is no memory", 1, "cannot emulate", "j", RUN(COMMANDS));
	if (!strstr(node, "minikvm"))
		return;
	for (i = 0; i < 1000 && !found; i++) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno != EPIPE)
			break;
		line[n > 0 ? n : 0] = 0;
		found = strstr(line, "guest-physical 0xd0000000 has no memory slot");
	}
	close(kmsg);
	result(found && strstr(output, "no memory to fetch it from"),
	       "the module names the address");
}

/* Each exit in a sentence. */
static void test_log(void)
{
	expect("--log with exits, without exits=", 2, "--log takes exits=",
	       RUN(COMMANDS, "--log", "all"));
	expect("--log with an unknown exit", 2, "there are: all unknown exception io",
	       RUN(COMMANDS, "--log", "exits=io,fly"));
	expect("--log-file without --log", 2, "--log-file is for --log",
	       RUN(COMMANDS, "--log-file", "x"));
	expect("--log: a port and its device", 0, "to port 0x3f8, the serial port's. (KVM_EXIT_IO)",
	       RUN("--flat", guest("flat_hello"), "--log", "exits=io"));
	expect("--log: halted", 0, "halts, and there is no interrupt controller",
	       RUN("--flat", guest("flat_hello"), "--log", "exits=all"));
	expect_keys("--log: memory that is not there", 0, "where nothing is. (KVM_EXIT_MMIO)", "mq",
		    RUN(COMMANDS, "--log", "exits=mmio"));
	expect("--log-file that cannot be written", 1, "The log /absent/x cannot be written",
	       RUN("--flat", guest("flat_hello"), "--log", "exits=io", "--log-file", "/absent/x"));
	expect("--log-file on a full disk", 1, "The log of exits is not whole",
	       RUN("--flat", guest("flat_hello"), "--log", "exits=io", "--log-file", "/dev/full"));
}

static void in_file(const char *name, const char *file, const char *words)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, output, OUTPUT_MAX);

	close(fd);
	output_len = n > 0 ? n : 0;
	output[output_len] = 0;
	result(strstr(output, words), name);
}

/* What the tool says itself: a log, its levels, JSON. */
static void test_messages(void)
{
	const char *flat = guest("flat_hello"), *file = "/tmp/tool-test.log";

	unlink(file);
	expect("--log FILE", 0, "", RUN("--flat", flat, "--log", file, "--quiet"));
	in_file("--log FILE: what was said", file, "Z info The guest halted.\n");
	result(!strstr(output, " debug "), "--log FILE: no more than was asked for");
	expect("--log FILE once more", 0, "The guest halted.",
	       RUN("--flat", flat, "--log", file, "--log", "exits=hlt", "--log-level", "debug"));
	result(!strstr(output, "KVM_EXIT_HLT"), "--log FILE: exits are not at standard error, too");
	in_file("--log FILE: it grew", file, "Z info The guest halted.\n2");
	result(strstr(output, "(KVM_EXIT_HLT)") && strstr(output, "Z debug The guest's vCPUs"),
	       "--log FILE: exits, and what --log-level debug says");
	expect("--log FILE that cannot be written", 1, "The log /absent/x cannot be written",
	       RUN("--flat", flat, "--log", "/absent/x"));
	expect("--log FILE on a full disk", 1, "The log /dev/full is not whole: No space",
	       RUN("--flat", flat, "--log", "/dev/full"));
	expect("--log-level error", 0, "single output",
	       RUN("--flat", flat, "--log-level", "error"));
	result(!strstr(output, "halted"), "--log-level error: no word of a success");
	expect("--log-level wrong", 2, "--log-level is error, warning, info or debug, not 'all'.",
	       RUN("--flat", flat, "--log-level", "all"));
	expect("--json", 0, "\"kind\":\"end\",\"status\":0,\"message\":\"The guest halted.\"}\n",
	       RUN("--flat", flat, "--json"));
	result(!strstr(output, "minikvm:"), "--json: nothing else");
	expect("--json: exits, registers", 4,
	       "\"kind\":\"registers\",\"message\":\"vCPU 0:\\n  rip ",
	       RUN("--flat", guest("flat_triple_fault"), "--json", "--log", "exits=all"));
	result(strstr(output, "\"kind\":\"exit\",\"message\":\"[") &&
	       strstr(output, "(KVM_EXIT_SHUTDOWN)\"}\n"), "--json: exits, too");
	expect("--json: a wrong value, before it", 2,
	       "\"status\":2,\"message\":\"--cpus takes",
	       RUN("--flat", flat, "--cpus", "0", "--json"));
	expect("--json: a wrong option", 2,
	       "\"status\":2,\"message\":\"An option is not known",
	       RUN("--flat", flat, "--json", "--fly"));
	result(output[0] == '{', "--json: a wrong option: nothing else");
	expect("--json as another option's argument", 2, "minikvm run: --initrd, --append",
	       RUN("--flat", flat, "--append", "--json"));
}

static int listener(const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, size) || listen(fd, 1))
		perror("# listener");
	return fd;
}

/* The loopback interface, which nothing has brought up in the lab's host. */
static void bring_up_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

/* Where --gdb may listen, and where not. gdb itself is selftests/clients/gdb's. */
static void test_gdb(void)
{
	struct sockaddr_in port = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/tmp/tool-test-gdb" };
	socklen_t size = sizeof(port);
	char option[32];
	int fd;

	bring_up_loopback();
	expect("--gdb with a word that is no address", 2, "'fly' is not an option",
	       RUN(COMMANDS, "--gdb", "fly"));
	expect("--gdb with a wrong port", 2, "--gdb takes :PORT or unix:PATH",
	       RUN(COMMANDS, "--gdb", ":65536"));
	expect("--gdb waits", 124, "waits for gdb before its first instruction",
	       RUN(COMMANDS, "--gdb=:0", "--timeout", "0.5"));
	fd = listener((struct sockaddr *)&port, sizeof(port));
	getsockname(fd, (struct sockaddr *)&port, &size);
	snprintf(option, sizeof(option), ":%u", ntohs(port.sin_port));
	expect("--gdb at a port in use", 1, "another program has it",
	       RUN(COMMANDS, "--gdb", option));
	close(fd);
	unlink(path.sun_path);
	fd = listener((struct sockaddr *)&path, sizeof(path));
	expect("--gdb at a socket in use", 1, "another program listens there",
	       RUN(COMMANDS, "--gdb", "unix:/tmp/tool-test-gdb"));
	close(fd);
	expect("--gdb at a socket that was left", 124, "target remote /tmp/tool-test-gdb",
	       RUN(COMMANDS, "--gdb", "unix:/tmp/tool-test-gdb", "--timeout", "0.5"));
	result(access(path.sun_path, F_OK) < 0, "--gdb removes its socket");
	close(open(path.sun_path, O_CREAT | O_CLOEXEC, 0600));
	expect("--gdb at a file", 1, "a file is there that is no socket",
	       RUN(COMMANDS, "--gdb", "unix:/tmp/tool-test-gdb"));
	result(access(path.sun_path, F_OK) == 0, "--gdb leaves the file alone");
	unlink(path.sun_path);
}

static void test_bulk(void)
{
	struct child c = start(RUN(COMMANDS), true);
	size_t i, count = 0;
	int status;

	type(&c, "bq");
	status = finish(&c);
	for (i = 0; i < output_len; i++)
		count += output[i] == 'x';
	printf("# %zu of %d bytes arrived\n", count, BULK);
	result(status == 0 && count == BULK && strstr(output, "done\nq"),
	       "bulk output arrives whole");
}

static void test_signal(const char *name, int sig, bool blocked)
{
	struct child c = start(RUN(COMMANDS), true);
	long long before;
	int status;

	if (blocked) {
		/* More than a pipe takes, and nobody reads. */
		type(&c, "b");
		usleep(500000);
	} else {
		wait_for(&c, "ready");
		type(&c, "l");
		wait_for(&c, "l");
	}
	before = now_ms();
	kill(c.pid, sig);
	if (blocked)
		usleep(2000000);
	status = finish(&c);
	result(status == 128 + sig && now_ms() - before < 10000, name);
}

/* As after nohup: what the caller ignores must not end the run. */
static void test_ignored_signal(void)
{
	struct child c;
	int status;

	ignore_sigint = true;
	c = start(RUN(COMMANDS), true);
	ignore_sigint = false;
	wait_for(&c, "ready");
	kill(c.pid, SIGINT);
	type(&c, "q");
	status = finish(&c);
	result(status == 0, "a signal that the caller ignores is ignored");
}

/* Standard input, output and error are closed: the exit status must be right all the same. */
static void test_closed_descriptors(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		exec_tool(RUN("--flat", guest("flat_hello")));
	}
	waitpid(pid, &status, 0);
	result(WIFEXITED(status) && WEXITSTATUS(status) == 0, "no standard descriptors at all");
}

static void test_closed_output(void)
{
	struct child c = start(RUN(COMMANDS, "--timeout", "20"), true);
	int status;

	wait_for(&c, "ready");
	close(c.out);
	type(&c, "b");
	waitpid(c.pid, &status, 0);
	close(c.in);
	result(WIFEXITED(status) && WEXITSTATUS(status) == 1, "standard output closed");
}

/* Start the tool with a pseudo-terminal as all three. */
static struct child start_tty(const char * const *args, struct termios *before)
{
	struct child c;
	int slave;

	c.in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c.in < 0 && mkdir("/dev/pts", 0755) <= 0 &&
	    mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666") == 0)
		c.in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c.in < 0 || grantpt(c.in) || unlockpt(c.in)) {
		perror("# pseudo-terminal");
		exit(126);
	}
	slave = open(ptsname(c.in), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(slave, before);
	c.out = c.in;
	c.pid = fork();
	if (c.pid == 0) {
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		exec_tool(args);
	}
	close(slave);
	output_len = 0;
	output[0] = 0;
	return c;
}

static bool same_mode(int fd, const struct termios *mode)
{
	struct termios now;

	return tcgetattr(fd, &now) == 0 && now.c_iflag == mode->c_iflag &&
	       now.c_oflag == mode->c_oflag && now.c_lflag == mode->c_lflag;
}

/* Raw while it runs, as before at its end; @keys or @sig end it. */
static void test_tty(const char *name, const char *keys, int sig, int status, const char *words)
{
	struct termios before;
	struct child c = start_tty(RUN(COMMANDS), &before);
	bool ready = wait_for(&c, "ready"), raw, restored;
	int keep = fcntl(c.in, F_DUPFD_CLOEXEC, 0), wait_status = 0, got, i;

	raw = !same_mode(keep, &before);
	if (keys)
		type(&c, keys);
	else
		kill(c.pid, sig);
	/* The master sees no end of file before the last slave is closed: wait for the process. */
	for (i = 0; i < LIMIT_MS / 10 && waitpid(c.pid, &wait_status, WNOHANG) == 0; i++) {
		struct pollfd p = { .fd = c.out, .events = POLLIN };
		ssize_t n = poll(&p, 1, 10) > 0 ?
			    read(c.out, output + output_len, OUTPUT_MAX - output_len) : 0;

		output_len += n > 0 ? n : 0;
		output[output_len] = 0;
	}
	if (i == LIMIT_MS / 10)
		kill(c.pid, SIGKILL);
	wait_for(&c, NULL);
	restored = same_mode(keep, &before);
	close(keep);
	close(c.in);
	if (!ready || !raw || !restored)
		printf("# ready %d, raw %d, restored %d\n", ready, raw, restored);
	got = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	result(ready && raw && restored && got == status && strstr(output, words), name);
}

/* The sentences about the module must be true however it was loaded. */
static void test_module(const char *state)
{
	if (!strcmp(state, "vt-d")) {
		expect("VT-d alone: hello", 1, "is loaded, but for VT-d alone", ARGS("hello"));
		expect("VT-d alone: run", 1, "is loaded, but for VT-d alone",
		       ARGS("run", COMMANDS));
		expect("VT-d alone: doctor", 1, "is loaded, but for VT-d alone", ARGS("doctor"));
		expect("VT-d alone: no /dev/kvm either", 1, "load the module kvm_intel",
		       ARGS("hello", "--dev", "/dev/kvm"));
		return;
	}
	expect("hello finds the node", 0, "2 + 2 = 4", ARGS("hello"));
	expect("run finds the node", 0, "single output",
	       ARGS("run", "--flat", guest("flat_hello")));
	expect("doctor finds the node", 0, "minikvm is loaded; its node is", ARGS("doctor"));
	if (!strcmp(state, "kvm")) {
		expect("node=kvm: doctor knows whose /dev/kvm is", 0,
		       "minikvm is loaded; its node is /dev/kvm",
		       ARGS("doctor", "--dev", "/dev/kvm"));
		expect("node=kvm: there is no /dev/minikvm", 1, "its node is /dev/kvm",
		       ARGS("hello", "--dev", "/dev/minikvm"));
	} else {
		expect("there is no /dev/kvm: doctor", 1, "minikvm is loaded (its node is",
		       ARGS("doctor", "--dev", "/dev/kvm"));
		expect("there is no /dev/kvm: hello", 1, "its node is /dev/minikvm",
		       ARGS("hello", "--dev", "/dev/kvm"));
	}
}

static int sum(void)
{
	printf("1..%u\n# %u passed, %u failed\n", number, number - failures, failures);
	return failures != 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("Usage: tool-test TOOL GUESTS [NODE | --module STATE]\n", stderr);
		return 2;
	}
	tool = argv[1];
	guests = argv[2];
	signal(SIGPIPE, SIG_IGN);
	puts("TAP version 13");
	if (argc > 4 && !strcmp(argv[3], "--module")) {
		test_module(argv[4]);
		return sum();
	}
	if (argc > 3)
		node = argv[3];
	test_usage();
	test_memory_sizes();
	test_files();
	test_lost_outputs();
	test_guests();
	test_no_memory();
	test_log();
	test_messages();
	test_gdb();
	test_bulk();
	test_signal("SIGTERM", SIGTERM, false);
	test_signal("SIGINT", SIGINT, false);
	test_signal("SIGTERM while standard output blocks", SIGTERM, true);
	test_ignored_signal();
	test_closed_output();
	test_closed_descriptors();
	test_tty("terminal: Ctrl-A x leaves", "ef\001x", 0, 0, "Left by Ctrl-A x");
	test_tty("terminal: Ctrl-A Ctrl-A is Ctrl-A", "\001\001q", 0, 0, "\001q");
	test_tty("terminal: Ctrl-A h helps", "\001hq", 0, 0, "press the power button");
	test_tty("terminal: Ctrl-C goes to the guest", "\003q", 0, 0, "\003q");
	test_tty("terminal: Ctrl-A p is the power button", "p\001pq", 0, 0, "button");
	test_tty("terminal: restored after a triple fault", "t", 0, 4, "triple fault");
	test_tty("terminal: restored after SIGTERM", NULL, SIGTERM, 143, "signal 15");
	test_tty("terminal: restored after SIGHUP", NULL, SIGHUP, 129, "signal 1");
	test_tty("terminal: restored after a crash of the tool", NULL, SIGSEGV, 128 + SIGSEGV, "");
	expect("doctor", 0, "A VM can be run", ARGS("doctor", "--dev", node));
	expect("doctor: no device node", 1, "cannot be run",
	       ARGS("doctor", "--dev", "/dev/absent-minikvm"));
	return sum();
}
