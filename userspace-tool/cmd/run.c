// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run`: build the machine, boot it, and serve it until it ends. The main thread is the
 * event loop (terminal, signals, time-out, clock ticks, flushing of output); vCPUs have threads
 * of their own (vcpu_loop.c).
 *
 * Relies on machine_stop() being the only way in which a run ends, so that the terminal is back
 * in its own mode and all output is written before anything is said about the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/bios_data.h"
#include "clock.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/run_stats.h"
#include "compiler.h"
#include "control/server.h"
#include "debug/stub.h"
#include "kvm/vcpu.h"
#include "machine/devices.h"
#include "machine/generation.h"
#include "machine/machine.h"
#include "machine/power.h"
#include "machine/vcpu_loop.h"
#include "sandbox/sandbox.h"
#include "snapshot/snapshot.h"
#include "terminal/message.h"
#include "virtio/console.h"
#include "virtio/balloon.h"
#include "virtio/rng.h"
#include "virtio/seed.h"
#include "virtio/vsock.h"

#define FLUSH_DELAY_NS	4000000LL
#define PORTS		0x10000

enum {
	FD_WAKE,
	FD_SIGNAL,
	FD_TIMEOUT,
	FD_TICK,
	FD_CONTROL,
	FD_INPUT,
	FDS,
};

/**
 * struct sources - what a guest is started from, also when it is started anew
 * @kernel: the kernel, or the image of --flat
 * @initrd: the initial ramdisk
 * @snapshot: what is restored
 * @user_data: the image that --user-data is, or -1
 */
struct sources {
	struct image kernel;
	struct image initrd;
	struct snapshot snapshot;
	int user_data;
};

struct event_loop {
	struct machine *m;
	struct control *control;	/* or NULL */
	struct pollfd fd[FDS];
	bool input_ended;
	bool ticking;
	long long flush_at;	/* ns of CLOCK_MONOTONIC; 0 while nothing waits */
};

static const char help_text[] =
	"\r\nCtrl-A x  leave    Ctrl-A p  press the power button\r\n"
	"Ctrl-A a  send Ctrl-A    Ctrl-A h  this help\r\n";

static void fatal_signal(int sig)
{
	console_restore();
	raise(sig);		/* SA_RESETHAND: this time it ends the process */
}

/* Signals that end or stop the run come by signalfd; deadly ones still restore the terminal. */
static int setup_signals(struct sentence *why)
{
	static const int by_fd[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	struct sigaction sa = { .sa_handler = fatal_signal, .sa_flags = SA_RESETHAND };
	struct sigaction old;
	sigset_t set;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	/* signalfd would deliver even a signal that the caller ignores (nohup). */
	for (i = 0; i < ARRAY_SIZE(by_fd); i++)
		if (sigaction(by_fd[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaddset(&set, by_fd[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		return say(why, "Signals cannot be received by signalfd: %s.", strerror(errno));
	return fd;
}

static void set_timer(int fd, double first, double interval)
{
	struct itimerspec it = {
		.it_value = { first, (first - (time_t)first) * NS_PER_S },
		.it_interval = { interval, (interval - (time_t)interval) * NS_PER_S },
	};

	timerfd_settime(fd, 0, &it, NULL);
}

static int setup_loop(struct event_loop *l, struct machine *m, const struct run_options *opt,
		      struct sentence *why)
{
	int i;

	memset(l, 0, sizeof(*l));
	l->m = m;
	l->fd[FD_WAKE].fd = m->wake_fd;
	l->fd[FD_CONTROL].fd = -1;
	l->fd[FD_SIGNAL].fd = setup_signals(why);
	if (l->fd[FD_SIGNAL].fd < 0)
		return -1;
	l->fd[FD_TIMEOUT].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	l->fd[FD_TICK].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (l->fd[FD_TIMEOUT].fd < 0 || l->fd[FD_TICK].fd < 0)
		return say(why, "Timers cannot be created: %s.", strerror(errno));
	if (opt->timeout > 0)
		set_timer(l->fd[FD_TIMEOUT].fd, opt->timeout, 0);
	for (i = 0; i < FDS; i++)
		l->fd[i].events = POLLIN;
	return 0;
}

static void handle_signal(struct event_loop *l)
{
	struct signalfd_siginfo info;

	if (read(l->fd[FD_SIGNAL].fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		console_flush(&l->m->console, false);
		console_restore();
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		console_raw(&l->m->console);
		break;
	case SIGWINCH:
		devices_resize(l->m);
		break;
	default:
		machine_stop(l->m, OUTCOME_SIGNAL, NULL, info.ssi_signo);
	}
}

/* What is typed goes to the virtio console, if there is one, else to the serial port. */
static size_t input_space(struct machine *m)
{
	return m->terminal ? console_space(m->terminal, 0) : uart_space(&m->uart);
}

static void handle_input(struct event_loop *l)
{
	size_t room = input_space(l->m), len;
	__u8 data[256];

	if (room > sizeof(data))
		room = sizeof(data);
	switch (console_get(&l->m->console, data, room, &len)) {
	case CONSOLE_LEAVE:
		machine_stop(l->m, OUTCOME_LEFT, NULL, 0);
		break;
	case CONSOLE_POWER_BUTTON:
		power_button(l->m);
		break;
	case CONSOLE_HELP:
		console_put(&l->m->console, (const __u8 *)help_text, sizeof(help_text) - 1);
		break;
	case CONSOLE_EOF:
		l->input_ended = true;
		break;
	case CONSOLE_NOTHING:
		break;
	}
	if (len && l->m->terminal)
		console_receive(l->m->terminal, 0, data, len);
	else if (len)
		uart_receive(&l->m->uart, data, len);
}

static void handle_events(struct event_loop *l)
{
	struct machine_report report;
	struct sentence why;
	__u64 count;

	if (l->fd[FD_WAKE].revents && read(l->m->wake_fd, &count, sizeof(count)) > 0 &&
	    !l->flush_at)
		l->flush_at = now_ns() + FLUSH_DELAY_NS;
	if (l->fd[FD_SIGNAL].revents)
		handle_signal(l);
	if (l->fd[FD_TIMEOUT].revents) {
		say(&why, "The time of --timeout is over.");
		machine_stop(l->m, OUTCOME_TIMEOUT, &why, 0);
	}
	if (l->fd[FD_TICK].revents && read(l->fd[FD_TICK].fd, &count, sizeof(count)) > 0)
		rtc_tick(&l->m->rtc);
	if (l->fd[FD_INPUT].revents)
		handle_input(l);
	while (machine_take_report(l->m, &report))
		control_event(l->control, report.event, report.detail.text);
	if (l->fd[FD_CONTROL].revents || l->fd[FD_WAKE].revents)
		control_serve(l->control);
}

/* One turn of the loop: wait for an event and handle it. */
static void turn(struct event_loop *l)
{
	struct machine *m = l->m;
	int timeout = -1;

	if (l->flush_at) {
		long long left = l->flush_at - now_ns();

		timeout = left > 0 ? (left + NS_PER_MS - 1) / NS_PER_MS : 0;
	}
	if (m->rtc_ticks != l->ticking) {
		l->ticking = m->rtc_ticks;
		set_timer(l->fd[FD_TICK].fd, l->ticking, l->ticking);
	}
	l->fd[FD_INPUT].fd = l->input_ended || !input_space(m) ? -1 : STDIN_FILENO;
	if (poll(l->fd, FDS, timeout) > 0)
		handle_events(l);
	if (l->flush_at && now_ns() >= l->flush_at)
		l->flush_at = console_flush(&m->console, false) ? 0 : now_ns() + FLUSH_DELAY_NS;
}

/* The disk for cloud-init is the last one; it is opened by its descriptor, also for a reset. */
static int open_user_data(struct sources *from, struct run_options *opt, struct sentence *why)
{
	struct blk_options *disk = &opt->disk[opt->disk_count];
	char path[32];
	struct image file;

	if (!opt->user_data)
		return 0;
	if (image_open(&file, opt->user_data, "user data", why))
		return -1;
	from->user_data = seed_open(file.data, file.size, opt->name, why);
	image_close(&file);
	if (from->user_data < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", from->user_data);
	disk->path = strdup(path);
	if (!disk->path)
		return say(why, "There is no memory.");
	disk->readonly = true;
	opt->disk_count++;
	return 0;
}

static int open_sources(struct sources *from, struct run_options *opt, struct sentence *why)
{
	if (open_user_data(from, opt, why))
		return -1;
	if (opt->restore)
		return snapshot_read(&from->snapshot, opt->restore, why);
	if (image_open(&from->kernel, opt->flat ? opt->flat : opt->kernel,
		       opt->flat ? "image" : "kernel", why))
		return -1;
	return opt->initrd ? image_open(&from->initrd, opt->initrd, "initial ramdisk", why) : 0;
}

static void close_sources(struct sources *from)
{
	image_close(&from->kernel);
	image_close(&from->initrd);
	snapshot_forget(&from->snapshot);
	if (from->user_data >= 0)
		close(from->user_data);
}

static int load(struct machine *m, const struct run_options *opt, const struct sources *from,
		struct boot_state *state, struct sentence *why)
{
	struct boot_request req = {
		.kernel = from->kernel,
		.initrd = from->initrd,
		.linux_cmdline = opt->cmdline,
		.append = opt->append,
		.entry = opt->entry,
	};

	if (opt->flat) {
		bios_data_build(&m->vm.ram, 0);
		return load_flat(&req.kernel, opt->load, &m->vm.ram, state, why);
	}
	req.rsdp = acpi_build(&m->vm.ram, opt->cpus,
			      opt->name || pci_root_devices(&m->pci) ? &m->pci : NULL,
			      opt->name);
	bios_data_build(&m->vm.ram, req.rsdp);
	bios_vectors_build(&m->vm.ram);
	return load_kernel(&req, &m->vm.ram, state, why);
}

/* The devices of the command line, in its order within each kind. */
static int add_devices(struct machine *m, const struct run_options *opt, unsigned int cpus,
		       struct sentence *why)
{
	struct virtio_device *d;
	unsigned int i;

	for (i = 0; i < opt->assigned_count; i++)
		if (devices_assign(m, opt->assigned[i], why))
			return -1;
	m->split = opt->split;
	if (opt->virtio_console && devices_add_console(m, why))
		return -1;
	for (i = 0; i < opt->disk_count; i++) {
		d = blk_open(&m->vm.ram, &opt->disk[i], i,
			     cpus < BLK_QUEUES_MAX ? cpus : BLK_QUEUES_MAX, why);
		if (!d || devices_add(m, d, why))
			return -1;
	}
	if (opt->rng) {
		d = rng_open(&m->vm.ram, opt->rng_rate, why);
		if (!d || devices_add(m, d, why))
			return -1;
	}
	for (i = 0; i < opt->net_count; i++) {
		d = net_option_open(&opt->net[i], &m->vm.ram, why);
		if (!d || devices_add(m, d, why))
			return -1;
	}
	if (opt->balloon) {
		d = balloon_open(&m->vm.ram, opt->balloon_size, why);
		if (!d || devices_add(m, d, why))
			return -1;
	}
	if (opt->vsock) {
		d = vsock_open(&m->vm.ram, opt->vsock, opt->vsock_cid, why);
		if (!d || devices_add(m, d, why))
			return -1;
	}
	return vhost_user_options_add(m, &opt->vhost_user, why);
}

static int create_vcpus(struct machine *m, unsigned int cpus, bool stats, struct sentence *why)
{
	unsigned int i;

	for (i = 0; i < cpus; i++) {
		if (vcpu_create(&m->vm, cpus, why))
			return -1;
		if (stats && !m->counts[i].port)
			m->counts[i].port = calloc(PORTS, sizeof(*m->counts[i].port));
	}
	return 0;
}

/* A machine that goes on where another one was. */
static int build_restored(struct machine *m, const struct run_options *opt, struct sources *from,
			  struct sentence *why)
{
	const struct snapshot_machine *s = &from->snapshot.machine;

	m->vm.ram_fd = from->snapshot.memory_fd;
	if (vm_create(&m->vm, opt->device, s->low_size + s->high_size, s->irqchip, why) ||
	    create_vcpus(m, s->cpus, opt->stats, why))
		return -1;
	devices_init(m);
	if (add_devices(m, opt, s->cpus, why))
		return -1;
	machine_init(m);
	devices_conceal(m);
	if (snapshot_restore(&from->snapshot, m, why))
		return -1;
	return generation_renew(m, true, why);
}

/* A machine that boots. */
static int build(struct machine *m, const struct run_options *opt, const struct sources *from,
		 struct sentence *why)
{
	struct boot_state state;

	m->vm.shared = opt->vhost_user.count;
	if (vm_create(&m->vm, opt->device, opt->mem, !opt->flat, why))
		return -1;
	devices_init(m);
	if (add_devices(m, opt, opt->cpus, why) || load(m, opt, from, &state, why))
		return -1;
	image_rest(&from->kernel);
	image_rest(&from->initrd);
	if (create_vcpus(m, opt->cpus, opt->stats, why) ||
	    vcpu_set_boot_state(&m->vm.vcpu[0], &state, why))
		return -1;
	machine_init(m);
	if (opt->name && !opt->flat && generation_renew(m, false, why))
		return -1;
	message(m->console.input_tty ? MESSAGE_INFO : MESSAGE_DEBUG,
		"%s, %llu MiB; Ctrl-A x leaves, Ctrl-A h helps.", state.protocol, opt->mem / MIB);
	return 0;
}

/* The guest was reset: the same machine once more, from its first instruction. */
static int start_anew(struct event_loop *l, const struct run_options *opt,
		      const struct sources *from, struct sentence *why)
{
	struct machine *m = l->m;

	machine_join(m);
	devices_close(m);
	vm_clear(&m->vm);
	m->outcome = OUTCOME_NONE;
	l->ticking = false;
	m->rtc_ticks = false;
	if (build(m, opt, from, why) || machine_start(m, why))
		return -1;
	control_restarted(l->control);
	control_event(l->control, "reset", "The guest was started anew.");
	message(MESSAGE_DEBUG, "The guest was started anew.");
	return 0;
}

/* Writing the guest's last output may have failed after the end of the run. */
static int check_output(const struct machine *m, int status)
{
	switch ((enum outcome)m->outcome) {
	case OUTCOME_FAILED:
	case OUTCOME_TRIPLE_FAULT:
	case OUTCOME_TIMEOUT:
	case OUTCOME_SIGNAL:
		return status;	/* a failure already, and perhaps this one */
	default:
		if (!m->console.broken)
			return status;
		message(MESSAGE_ERROR, "Standard output cannot be written: %s.",
			strerror(m->console.broken));
		return STATUS_FAILED;
	}
}

static void tell_registers(const struct vcpu *vcpu)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	vcpu_print_registers(to, vcpu);
	fclose(to);
	if (text)
		message_lines(MESSAGE_INFO, MESSAGE_REGISTERS, text);
	free(text);
}

static void tell_stats(const struct machine *m, const struct milestones *when)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	run_stats_print(to, m, when);
	fclose(to);
	if (text)
		message_lines(MESSAGE_INFO, MESSAGE_STATS, text);
	free(text);
}

/* Say how it ended. Return: the exit status. */
static int conclude(const struct machine *m, const struct run_options *opt,
		    struct control *control)
{
	static const struct {
		const char *text;
		int status;
	} ends[] = {
		[OUTCOME_POWER_OFF] = { "The guest powered off.", STATUS_OK },
		[OUTCOME_HALTED] = { "The guest halted.", STATUS_OK },
		[OUTCOME_MATCHED] = { "The guest printed the string of --exit-on.", STATUS_OK },
		[OUTCOME_LEFT] = { "Left by Ctrl-A x.", STATUS_OK },
		[OUTCOME_KILLED] = { "The debugger ended the guest.", STATUS_OK },
		[OUTCOME_QUIT] = { "Ended by 'minikvm ctl'.", STATUS_OK },
		[OUTCOME_DEBUG_EXIT] = { "The guest wrote to the port of --debug-exit.", -1 },
		[OUTCOME_RESET] = { "The guest asked for a reset.", STATUS_RESET },
		[OUTCOME_TRIPLE_FAULT] = {
			"The guest's CPU shut down: a triple fault (KVM_EXIT_SHUTDOWN).",
			STATUS_TRIPLE_FAULT },
		[OUTCOME_TIMEOUT] = { NULL, STATUS_TIMEOUT },
		[OUTCOME_SIGNAL] = { NULL, STATUS_SIGNAL },
		[OUTCOME_FAILED] = { NULL, STATUS_FAILED },
	};
	const char *text = ends[m->outcome].text;
	int status = ends[m->outcome].status;
	struct sentence ended;
	unsigned int i;

	say(&ended, "%s", text ? text : m->detail.text);
	if (m->outcome == OUTCOME_DEBUG_EXIT)
		status = (m->status << 1 | 1) & 0xff;
	if (m->outcome == OUTCOME_SIGNAL) {
		status += m->status;
		say(&ended, "Ended by signal %d (%s).", m->status, strsignal(m->status));
	}
	message_end(status == STATUS_OK ? MESSAGE_INFO : MESSAGE_ERROR, status, ended.text);
	control_event(control, "shutdown", ended.text);
	if (m->outcome == OUTCOME_FAILED || m->outcome == OUTCOME_TRIPLE_FAULT || opt->registers)
		for (i = 0; i < m->vm.nr_vcpus; i++)
			tell_registers(&m->vm.vcpu[i]);
	return status;
}

/* Serve the machine until it ends for good. */
static void serve(struct event_loop *l, const struct run_options *opt, const struct sources *from)
{
	struct machine *m = l->m;
	struct sentence why;

	for (;;) {
		while (m->outcome == OUTCOME_NONE)
			turn(l);
		if (m->outcome != OUTCOME_RESET ||
		    !(control_wants_reset(l->control) || opt->reboot))
			return;
		if (start_anew(l, opt, from, &why))
			machine_stop(m, OUTCOME_FAILED, &why, 0);
	}
}

static int listen_for_control(struct event_loop *l, const struct run_options *opt, long long start,
			      struct sentence *why)
{
	const struct control_guest guest = {
		.m = l->m,
		.name = opt->name,
		.what = opt->restore ? opt->restore : opt->flat ? opt->flat : opt->kernel,
		.version = minikvm_version,
		.started = start,
		.can_reset = !opt->restore && !opt->gdb &&
			     (opt->no_sandbox || !options_kept_open(opt)),
		.io_uring = opt->no_sandbox || opt->disk_count,
		.debugger = opt->gdb,
	};

	l->control = control_open(&guest, why);
	l->fd[FD_CONTROL].fd = control_fd(l->control);
	return l->control ? 0 : -1;
}

/* All is open that the guest needs: give up what could open more. */
static int sandbox(const struct run_options *opt, struct sentence *why)
{
	unsigned int needs = 0, i;

	if (opt->no_sandbox)
		return 0;
	if (opt->name || opt->gdb)
		needs |= SANDBOX_SOCKETS | SANDBOX_UNLINK;
	if ((opt->name || opt->reboot) && !opt->gdb && (opt->assigned_count || opt->disk_count))
		needs |= SANDBOX_REOPEN;
	if (opt->name && !opt->gdb)
		needs |= SANDBOX_HOTPLUG;
	if (opt->disk_count)
		needs |= SANDBOX_DISK;
	if (opt->vhost_user.count)
		needs |= SANDBOX_VHOST_USER;
	for (i = 0; i < opt->net_count; i++)
		needs |= opt->net[i].tap ? 0 : SANDBOX_CHILD;
	if (opt->vsock)
		needs |= SANDBOX_SOCKETS | SANDBOX_UNLINK | SANDBOX_CONNECT;
	/* Which has these rows, too. */
	if (opt->vhost_user.count)
		needs &= ~(SANDBOX_CHILD | SANDBOX_CONNECT);
	return sandbox_enter(needs, why);
}

static int run(struct machine *m, const struct run_options *opt, const struct sources *from,
	       struct milestones *when, struct sentence *why)
{
	struct event_loop loop;
	struct stub *stub = NULL;
	int status, err;

	if (setup_loop(&loop, m, opt, why))
		return -1;
	if (opt->log_any &&
	    exit_log_open(&m->exit_log, &opt->log, opt->log_file, opt->flat, why))
		return -1;
	if (opt->name && listen_for_control(&loop, opt, when->begun, why)) {
		exit_log_close(&m->exit_log);
		return -1;
	}
	if (opt->gdb) {
		stub = stub_open(m, opt->gdb, why);
		if (!stub) {
			control_close(loop.control);
			exit_log_close(&m->exit_log);
			return -1;
		}
	}
	console_raw(&m->console);
	when->ready = now_ns();
	message(MESSAGE_DEBUG, "The guest's vCPUs start, %lld.%03lld ms after the command.",
		(when->ready - when->begun) / NS_PER_MS,
		(when->ready - when->begun) % NS_PER_MS / 1000);
	if (opt->stats)
		when->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (sandbox(opt, why) == 0 && machine_start(m, why) == 0 &&
	    (!stub || stub_start(stub, why) == 0))
		serve(&loop, opt, from);
	else
		machine_stop(m, OUTCOME_FAILED, why, 0);
	/* A signal and the time-out end the run even if standard output blocks. */
	if (m->outcome == OUTCOME_SIGNAL || m->outcome == OUTCOME_TIMEOUT)
		m->console.abandon = true;
	machine_join(m);
	when->ended = now_ns();
	console_flush(&m->console, true);
	console_restore();
	status = check_output(m, conclude(m, opt, loop.control));
	control_close(loop.control);
	err = exit_log_close(&m->exit_log);
	if (err) {
		message(MESSAGE_ERROR, "The log of exits is not whole: %s.", strerror(err));
		status = status == STATUS_OK ? STATUS_FAILED : status;
	}
	stub_close(stub, status);
	if (opt->stats)
		tell_stats(m, when);
	return status;
}

int command_run(int argc, char **argv)
{
	struct milestones when = { .begun = now_ns(), .pagemap = -1 };
	struct run_options opt;
	struct sources from = { .snapshot.memory_fd = -1, .user_data = -1 };
	struct sentence why;
	struct machine *m;
	int status, err;
	unsigned int i;

	status = options_parse(&opt, argc, argv);
	if (status >= 0)
		return status;
	m = calloc(1, sizeof(*m));
	if (!m) {
		message_end(MESSAGE_ERROR, STATUS_FAILED, "There is no memory.");
		return STATUS_FAILED;
	}
	vm_init(&m->vm);
	m->debug_exit_port = opt.debug_exit_port;
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = -1;
	if (m->wake_fd < 0)
		say(&why, "An eventfd cannot be created: %s.", strerror(errno));
	else if ((!opt.message_log || message_log_open(opt.message_log, &why) == 0) &&
		 open_sources(&from, &opt, &why) == 0 &&
		 console_open(&m->console, m->wake_fd, opt.exit_on, &why) == 0 &&
		 (opt.restore ? build_restored(m, &opt, &from, &why) :
				build(m, &opt, &from, &why)) == 0)
		status = run(m, &opt, &from, &when, &why);
	if (m->wake_fd >= 0)
		close_sources(&from);
	console_close(&m->console);
	if (status < 0) {
		message_end(MESSAGE_ERROR, STATUS_FAILED, why.text);
		status = STATUS_FAILED;
	}
	for (i = 0; i < VM_VCPUS_MAX; i++)
		free(m->counts[i].port);
	/* Devices go first: they must not reach memory that is given back to the host. */
	devices_close(m);
	vm_destroy(&m->vm);
	free(m);
	err = message_log_close();
	if (err) {
		message(MESSAGE_ERROR, "The log %s is not whole: %s.", opt.message_log,
			strerror(err));
		status = status == STATUS_OK ? STATUS_FAILED : status;
	}
	options_free(&opt);
	return status;
}
