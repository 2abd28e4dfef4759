// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of `minikvm run`: see options.h and Documentation/tool.rst.
 *
 * The options are described here once (describe.h). Every number is checked against the range
 * that makes sense, and a wrong one is answered with that range.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/guest_ram.h"
#include "cmd/command.h"
#include "cmd/config.h"
#include "cmd/describe.h"
#include "cmd/number.h"
#include "cmd/options.h"
#include "compiler.h"
#include "control/path.h"
#include "debug/stub.h"
#include "kvm/node.h"
#include "machine/machine.h"
#include "machine/ports.h"
#include "virtio/rng.h"
#include "virtio/vsock.h"

#define DEFAULT_CMDLINE	"console=ttyS0 panic=-1"
#define VIRTIO_CMDLINE	"console=hvc0 panic=-1"
#define DEFAULT_MEM_MIB	256
#define MEM_MIB_MIN	1
#define DEFAULT_LOAD	0x7c00
#define LOAD_NOT_GIVEN	(~0ULL)
#define TIMEOUT_MAX	1e9
#define GDB_DEFAULT_ADDRESS ":1234"

enum {
	OPT_MEM = OPT_DEV + 1,
	OPT_CPUS,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_APPEND,
	OPT_CMDLINE,
	OPT_DEVICE,
	OPT_DISK,
	OPT_USER_DATA,
	OPT_RNG,
	OPT_CONSOLE,
	OPT_VIRTQUEUES,
	OPT_NET,
	OPT_VSOCK,
	OPT_BALLOON,
	OPT_FLAT,
	OPT_LOAD,
	OPT_ENTRY,
	OPT_EXIT_ON,
	OPT_TIMEOUT,
	OPT_DEBUG_EXIT,
	OPT_GDB,
	OPT_LOG,
	OPT_LOG_FILE,
	OPT_LOG_LEVEL,
	OPT_JSON,
	OPT_STATS,
	OPT_REGISTERS,
	OPT_NAME,
	OPT_RESTORE,
	OPT_REBOOT,
	OPT_QUIET,
	OPT_CONFIG,
	OPT_NO_SANDBOX,
};

static const struct described_option options[] = {
	{ .name = "kernel", .value = OPT_KERNEL, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Linux bzImage, ELF (vmlinux with or without PVH note, or any other 32-bit or\n"
		  "64-bit kernel), or Multiboot kernel." },
	{ .name = "initrd", .value = OPT_INITRD, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Initial ramdisk (Multiboot: the one module)." },
	{ .name = "append", .value = OPT_APPEND, .argument = "STRING",
	  .help = "Added to the command line \"" DEFAULT_CMDLINE "\"." },
	{ .name = "cmdline", .value = OPT_CMDLINE, .argument = "STRING",
	  .help = "Replaces that command line." },
	{ .name = "entry", .value = OPT_ENTRY, .argument = "32|64", .kind = TAKES_WORD, .words = "32 64",
	  .help = "Enter a bzImage by this entry point (default: 64 where it has one)." },
	{ .name = "flat", .value = OPT_FLAT, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Raw 16-bit image, entered at its first byte." },
	{ .name = "load", .value = OPT_LOAD, .argument = "ADDRESS",
	  .help = "Where --flat goes (default 0x7c00, entered as 0:0x7c00; from 64 KiB on, a\n"
		  "multiple of 16, entered as ADDRESS/16:0)." },
	{ .name = "mem", .value = OPT_MEM, .argument = "SIZE",
	  .help = "Guest memory in MiB, or with a suffix: 512, 512M, 2G (default 256)." },
	{ .name = "cpus", .value = OPT_CPUS, .argument = "N",
	  .help = "Number of vCPUs, 1 by default; up to 64." },
	DESCRIBED_DEV,
	{ .name = "device", .value = OPT_DEVICE, .argument = "ADDRESS", .kind = TAKES_PCI_ADDRESS,
	  .help = "Give the guest a PCI device of the host's that vfio-pci has (0000:00:04.0); may be\n"
		  "given several times." },
	{ .name = "disk", .value = OPT_DISK, .argument = "PATH[,readonly][,direct][,threads]",
	  .kind = TAKES_FILE,
	  .help = "Virtio disk (/dev/vda, ...) from a raw image or block device; may be given\n"
		  "several times. direct: without the page cache; threads: without io_uring." },
	{ .name = "user-data", .value = OPT_USER_DATA, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "What cloud-init in the guest is to do: a read-only disk, the last one, as its\n"
		  "data source NoCloud looks for." },
	{ .name = "rng", .value = OPT_RNG, .argument = "BYTES", .optional = true,
	  .help = "Virtio source of random numbers (at most BYTES per second)." },
	{ .name = "console", .value = OPT_CONSOLE, .argument = "serial|virtio", .kind = TAKES_WORD,
	  .words = "serial virtio",
	  .help = "What the terminal is in the guest: its serial port (ttyS0, the default)\n"
		  "or a virtio console (hvc0)." },
	{ .name = "virtqueues", .value = OPT_VIRTQUEUES, .argument = "packed|split",
	  .kind = TAKES_WORD, .words = "packed split",
	  .help = "Formats of queues that virtio devices offer: both (packed), or split alone." },
	DESCRIBED_VHOST_USER,
	{ .name = "net", .value = OPT_NET, .argument = "NETWORK",
	  .help = "Virtio network card: user[,hostfwd=tcp:ADDRESS:PORT-ADDRESS:PORT] (through this\n"
		  "user's sockets) or tap[,ifname=NAME], both with [,mac=MAC][,mtu=N]; may be given\n"
		  "several times." },
	{ .name = "vsock", .value = OPT_VSOCK, .argument = "PATH[,cid=N]", .kind = TAKES_FILE,
	  .help = "Virtio sockets between the guest and unix sockets: PATH for connections to the\n"
		  "guest, PATH_PORT for the guest's. N is the guest's address (default 3)." },
	{ .name = "balloon", .value = OPT_BALLOON, .argument = "SIZE", .optional = true,
	  .help = "Virtio balloon: the guest reports memory that is free, and the host takes it; the\n"
		  "guest is asked to do without SIZE (default 0) from the start." },
	{ .name = "exit-on", .value = OPT_EXIT_ON, .argument = "STRING",
	  .help = "End with status 0 as soon as the guest has printed STRING." },
	{ .name = "timeout", .value = OPT_TIMEOUT, .argument = "S",
	  .help = "End with status 124 after S seconds." },
	{ .name = "debug-exit", .value = OPT_DEBUG_EXIT, .argument = "PORT",
	  .help = "End with status 2*V+1 when the guest writes the byte V to PORT." },
	{ .name = "gdb", .value = OPT_GDB, .argument = "ADDRESS", .optional = true,
	  .help = "Wait for gdb at :PORT of this machine (default :1234) or unix:PATH." },
	{ .name = "log", .value = OPT_LOG, .argument = "FILE|exits=LIST", .kind = TAKES_FILE,
	  .help = "FILE: add what minikvm says to FILE, with times. exits=LIST: tell each of these\n"
		  "exits in a sentence: io,mmio,hlt,... or all. May be given for both." },
	{ .name = "log-file", .value = OPT_LOG_FILE, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Write the exits of --log exits=LIST to FILE alone." },
	{ .name = "log-level", .value = OPT_LOG_LEVEL, .argument = "error|warning|info|debug",
	  .kind = TAKES_WORD, .words = "error warning info debug",
	  .help = "Say what matters so much, and more (default info)." },
	{ .name = "json", .value = OPT_JSON,
	  .help = "Say everything as JSON, an object on each line." },
	{ .name = "stats", .value = OPT_STATS,
	  .help = "Print times, memory and exit counts at the end." },
	{ .name = "registers", .value = OPT_REGISTERS,
	  .help = "Print the vCPU's registers at the end." },
	{ .name = "name", .value = OPT_NAME, .argument = "NAME",
	  .help = "Listen at a control socket for 'minikvm ctl NAME'." },
	{ .name = "restore", .value = OPT_RESTORE, .argument = "DIR", .kind = TAKES_FILE,
	  .help = "Go on where the snapshot in DIR was taken." },
	{ .name = "reboot", .value = OPT_REBOOT,
	  .help = "Start the guest anew when it asks for a reset." },
	{ .name = "quiet", .value = OPT_QUIET,
	  .help = "Say nothing but what went wrong." },
	{ .name = "no-sandbox", .value = OPT_NO_SANDBOX,
	  .help = "Keep all rights while the guest runs, for debugging minikvm." },
	{ .name = "config", .value = OPT_CONFIG, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "Take options from a JSON file, as if they stood here." },
	{ }
};

const struct described_command run_description = {
	.name = "run",
	.run = command_run,
	.summary = "boot a kernel or run a raw image as a guest",
	.synopsis = "--kernel FILE [OPTION]...\n--flat FILE [OPTION]...\n--restore DIR [OPTION]...",
	.about =
	"Boots a kernel as a guest, or runs a raw real-mode image until it halts.\n\n"
	"The guest's serial port is the terminal. Ctrl-A x leaves, Ctrl-A h shows the other keys.",
	.options = options,
	.more =
	"Exit status: 0 the guest powered off (or halted, --flat; or --exit-on; or Ctrl-A x),\n"
	"1 failure, 2 wrong usage, 3 the guest asked for a reset (a Linux panic does, by panic=-1),\n"
	"4 triple fault, 124 time-out, 128+N ended by signal N.",
};

static int __printf(1, 2) complain(const char *fmt, ...)
{
	struct sentence s;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s.text, sizeof(s.text), fmt, ap);
	va_end(ap);
	if (message_is_json())
		message_end(MESSAGE_ERROR, STATUS_USAGE, s.text);
	else
		fprintf(stderr, "minikvm run: %s\nTry 'minikvm run --help'.\n", s.text);
	return STATUS_USAGE;
}

static const char *option_name(int value)
{
	const struct described_option *o = options;

	while (o->value != value)
		o++;
	return o->name;
}

static bool parse_seconds(const char *s, double *value)
{
	char *end;

	*value = strtod(s, &end);
	return end != s && !*end && isfinite(*value) && *value > 0 && *value <= TIMEOUT_MAX;
}

/* The domain may be left out. The result is spelled as in /sys/bus/pci/devices. */
static bool parse_pci_address(const char *s, char *address)
{
	unsigned int domain = 0, bus, device, function;
	int end = 0;

	if (s[strspn(s, "0123456789abcdefABCDEF:.")])
		return false;
	if (sscanf(s, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    s[end]) {
		domain = 0;
		end = 0;
		if (sscanf(s, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || s[end])
			return false;
	}
	if (device > 0x1f || function > 7)
		return false;
	snprintf(address, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff,
		 device & 0x1f, function & 7);
	return true;
}

/* No other word of the command line begins like this. */
static bool is_gdb_address(const char *word)
{
	return *word == ':' || !strncmp(word, "unix:", strlen("unix:"));
}

/* Join two strings by a space; frees the first. */
static char *join(char *first, const char *second)
{
	size_t size = (first ? strlen(first) : 0) + strlen(second) + 2;
	char *joined = malloc(size);

	if (!joined) {
		perror("minikvm");
		exit(STATUS_FAILED);
	}
	snprintf(joined, size, "%s%s%s", first ? first : "", first && *first && *second ? " " : "",
		 second);
	free(first);
	return joined;
}

static int parse_log(struct run_options *opt, const char *arg)
{
	static const char exits[] = "exits=";
	struct exit_set other;
	struct sentence why;

	if (!*arg)
		return complain("--log takes a file, or exits=NAME,NAME...");
	if (strncmp(arg, exits, strlen(exits)) != 0) {
		if (!exit_set_parse(&other, arg, &why))
			return complain("--log takes exits=%s for exits, or the file ./%s.", arg,
					arg);
		opt->message_log = arg;
		return -1;
	}
	if (exit_set_parse(&opt->log, arg + strlen(exits), &why))
		return complain("--log: %s", why.text);
	opt->log_any = true;
	return -1;
}

static int parse_level(struct run_options *opt, const char *arg)
{
	unsigned int i;

	for (i = 0; i < MESSAGE_LEVELS; i++) {
		if (!strcmp(arg, message_level_name[i])) {
			opt->messages.level = i;
			return -1;
		}
	}
	return complain("--log-level is error, warning, info or debug, not '%s'.", arg);
}

static int parse_net(struct run_options *opt, const char *arg)
{
	struct sentence why;

	if (opt->net_count == NET_CARDS_MAX)
		return complain("--net can be given at most %d times.", NET_CARDS_MAX);
	if (net_option_parse(&opt->net[opt->net_count], arg, opt->net_count, &why))
		return complain("--net: %s", why.text);
	opt->net_count++;
	return -1;
}

static int parse_vsock(struct run_options *opt, const char *arg)
{
	const char *comma = strchr(arg, ',');
	size_t len = comma ? (size_t)(comma - arg) : strlen(arg);

	opt->vsock_cid = VSOCK_CID_MIN;
	if (comma && (strncmp(comma, ",cid=", strlen(",cid=")) != 0 ||
		      !parse_number(comma + strlen(",cid="), VSOCK_CID_MIN, VSOCK_CID_MAX,
				    &opt->vsock_cid)))
		return complain("--vsock takes a path, and behind it cid= and a number from %d to %u, not '%s'.",
				VSOCK_CID_MIN, VSOCK_CID_MAX, arg);
	if (!len || len >= VSOCK_PATH_SIZE)
		return complain("--vsock takes the path of a socket, of at most %zu characters, not '%s'.",
				VSOCK_PATH_SIZE - 1, arg);
	free(opt->vsock);
	opt->vsock = join(NULL, arg);
	opt->vsock[len] = '\0';
	return -1;
}

static int parse_disk(struct run_options *opt, const char *arg)
{
	if (opt->disk_count == DISKS_MAX)
		return complain("--disk can be given at most %d times.", DISKS_MAX);
	if (!blk_options_parse(&opt->disk[opt->disk_count++], join(NULL, arg)))
		return complain("--disk takes PATH[,readonly][,direct][,threads], not '%s'.", arg);
	return -1;
}

static int parse_config(struct run_options *opt, const char *file);

static int parse_option(void *opaque, int option, const char *arg)
{
	struct run_options *opt = opaque;
	struct sentence why;
	__u64 n = 0;

	switch (option) {
	case OPT_MEM:
		if (!parse_size(arg, &opt->mem) || !opt->mem)
			return complain("--mem takes a number of MiB from %d to %d, or one with a suffix like 512M or 2G, not '%s'.",
					MEM_MIB_MIN, SIZE_MIB_MAX, arg);
		break;
	case OPT_CPUS:
		if (!parse_number(arg, 1, VM_VCPUS_MAX, &n))
			return complain("--cpus takes a number from 1 to %d, not '%s'.",
					VM_VCPUS_MAX, arg);
		opt->cpus = n;
		break;
	case OPT_KERNEL:
		opt->kernel = arg;
		break;
	case OPT_INITRD:
		opt->initrd = arg;
		break;
	case OPT_APPEND:
		opt->append = join(opt->append, arg);
		break;
	case OPT_CMDLINE:
		free(opt->cmdline);
		opt->cmdline = join(NULL, arg);
		break;
	case OPT_DEV:
		opt->device = arg;
		break;
	case OPT_DEVICE:
		if (opt->assigned_count == ASSIGNED_MAX)
			return complain("--device can be given at most %d times.", ASSIGNED_MAX);
		if (!parse_pci_address(arg, opt->assigned[opt->assigned_count]))
			return complain("--device takes a PCI address like 0000:00:04.0, not '%s'.",
					arg);
		opt->assigned_count++;
		break;
	case OPT_CONSOLE:
		if (strcmp(arg, "serial") != 0 && strcmp(arg, "virtio") != 0)
			return complain("--console is serial or virtio, not '%s'.", arg);
		opt->virtio_console = *arg == 'v';
		break;
	case OPT_VIRTQUEUES:
		if (strcmp(arg, "packed") != 0 && strcmp(arg, "split") != 0)
			return complain("--virtqueues is packed or split, not '%s'.", arg);
		opt->split = *arg == 's';
		break;
	case OPT_DISK:
		return parse_disk(opt, arg);
	case OPT_USER_DATA:
		opt->user_data = arg;
		break;
	case OPT_RNG:
		if (arg && !parse_number(arg, 1, RNG_RATE_MAX, &opt->rng_rate))
			return complain("--rng takes a number of bytes per second from 1 to %d, not '%s'.",
					RNG_RATE_MAX, arg);
		opt->rng = true;
		break;
	case OPT_SHARE:
	case OPT_VHOST_USER_BLK:
	case OPT_VHOST_USER_FS:
	case OPT_VHOST_USER_RNG:
		if (!vhost_user_option_parse(&opt->vhost_user, option, arg, &why))
			return complain("--%s: %s", option_name(option), why.text);
		break;
	case OPT_NET:
		return parse_net(opt, arg);
	case OPT_BALLOON:
		if (arg && (!parse_size(arg, &opt->balloon_size) || !opt->balloon_size))
			return complain("--balloon takes a number of MiB from %d to %d, or one with a suffix like 512M or 2G, not '%s'.",
					MEM_MIB_MIN, SIZE_MIB_MAX, arg);
		opt->balloon = true;
		break;
	case OPT_VSOCK:
		return parse_vsock(opt, arg);
	case OPT_FLAT:
		opt->flat = arg;
		break;
	case OPT_LOAD:
		if (!parse_number(arg, 0, GUEST_HIGH_MEMORY - 1, &opt->load))
			return complain("--load takes an address below 1 MiB, not '%s'.", arg);
		break;
	case OPT_ENTRY:
		if (strcmp(arg, "32") != 0 && strcmp(arg, "64") != 0)
			return complain("--entry is 32 or 64, not '%s'.", arg);
		opt->entry = *arg == '3' ? ENTRY_32 : ENTRY_64;
		break;
	case OPT_EXIT_ON:
		if (!*arg)
			return complain("--exit-on needs a string that is not empty.");
		opt->exit_on = arg;
		break;
	case OPT_TIMEOUT:
		if (!parse_seconds(arg, &opt->timeout))
			return complain("--timeout takes a number of seconds, not '%s'.", arg);
		break;
	case OPT_DEBUG_EXIT:
		if (!parse_number(arg, 0, NO_PORT - 1, &n))
			return complain("--debug-exit takes a port up to 0xffff, not '%s'.", arg);
		opt->debug_exit_port = n;
		break;
	case OPT_GDB:
		opt->gdb = arg ? arg : GDB_DEFAULT_ADDRESS;
		if (!stub_address_ok(opt->gdb))
			return complain("--gdb takes :PORT or unix:PATH, not '%s'.", arg);
		break;
	case OPT_LOG:
		return parse_log(opt, arg);
	case OPT_LOG_FILE:
		opt->log_file = arg;
		break;
	case OPT_LOG_LEVEL:
		return parse_level(opt, arg);
	case OPT_JSON:
		opt->messages.json = true;
		break;
	case OPT_STATS:
		opt->stats = true;
		break;
	case OPT_REGISTERS:
		opt->registers = true;
		break;
	case OPT_NAME:
		if (!control_name_ok(arg))
			return complain("--name takes up to %d letters, digits, '.', '_' and '-', the first being a letter or a digit, not '%s'.",
					CONTROL_NAME_MAX, arg);
		opt->name = arg;
		break;
	case OPT_RESTORE:
		opt->restore = arg;
		break;
	case OPT_REBOOT:
		opt->reboot = true;
		break;
	case OPT_QUIET:
		opt->messages.quiet = true;
		break;
	case OPT_NO_SANDBOX:
		opt->no_sandbox = true;
		break;
	case OPT_CONFIG:
		return parse_config(opt, arg);
	}
	return -1;
}

static int parse_config(struct run_options *opt, const char *file)
{
	struct sentence why;
	int status;

	if (opt->config)
		return complain("--config can be given once, and not in a configuration.");
	why.text[0] = 0;
	status = config_read(&opt->config, file, options, OPT_CONFIG, parse_option, opt, &why);
	if (*why.text)
		return complain("--config %s: %s", file, why.text);
	return status;
}

/* What a snapshot says itself. */
static int check_restore(const struct run_options *opt)
{
	if (opt->kernel || opt->flat || opt->initrd || *opt->append || opt->cmdline ||
	    opt->entry != ENTRY_AUTO || opt->load != LOAD_NOT_GIVEN)
		return complain("--restore is a guest that runs already: --kernel, --flat and what belongs to these are not for it.");
	if (opt->mem || opt->cpus)
		return complain("--restore has its memory and vCPUs from the snapshot: --mem and --cpus are not for it.");
	if (opt->assigned_count)
		return complain("--restore cannot have a --device: no snapshot has one.");
	if (opt->vhost_user.count)
		return complain("--restore cannot have a --%s: no snapshot has one.",
				option_name(opt->vhost_user.device[0].option));
	if (opt->reboot)
		return complain("--restore knows no kernel that --reboot could start.");
	return -1;
}

/**
 * options_kept_open() - is there a device that cannot be opened again within the sandbox?
 * @opt: the options
 *
 * Return: the name of the first option that has one, or NULL: the guest can be started anew.
 */
const char *options_kept_open(const struct run_options *opt)
{
	if (opt->net_count)
		return "net";
	if (opt->vsock)
		return "vsock";
	return vhost_user_options_share(&opt->vhost_user) ? "share" : NULL;
}

static int check(struct run_options *opt)
{
	const char *kept = options_kept_open(opt);
	char *append;

	if (!opt->kernel && !opt->flat && !opt->restore)
		return complain("Say what to run: --kernel FILE, --flat FILE or --restore DIR.");
	if (opt->restore && check_restore(opt) >= 0)
		return STATUS_USAGE;
	if (opt->reboot && !opt->no_sandbox && kept)
		return complain("--reboot starts anew what belongs to --%s, which the sandbox does not allow: give --no-sandbox, too.",
				kept);
	if (opt->reboot && opt->gdb)
		return complain("--gdb ends with the guest's reset, so that --reboot cannot go with it.");
	opt->mem = opt->mem ? opt->mem : DEFAULT_MEM_MIB * MIB;
	opt->cpus = opt->cpus ? opt->cpus : 1;
	if (opt->kernel && opt->flat)
		return complain("--kernel and --flat exclude each other.");
	if (opt->flat && (opt->initrd || *opt->append || opt->cmdline || opt->entry != ENTRY_AUTO))
		return complain("--initrd, --append, --cmdline and --entry are for --kernel only.");
	if (opt->flat && opt->assigned_count)
		return complain("--flat has neither PCI nor interrupt controllers for --device.");
	if (opt->flat && opt->virtio_console)
		return complain("--flat has neither PCI nor interrupt controllers for --console virtio.");
	if (opt->flat && opt->disk_count)
		return complain("--flat has neither PCI nor interrupt controllers for --disk.");
	if (opt->flat && opt->user_data)
		return complain("--flat has neither PCI nor interrupt controllers for the disk of --user-data.");
	if (opt->user_data && opt->disk_count == DISKS_MAX)
		return complain("--user-data is a disk, too, and there are %d by --disk.",
				DISKS_MAX);
	if (opt->flat && opt->rng)
		return complain("--flat has neither PCI nor interrupt controllers for --rng.");
	if (opt->flat && opt->vhost_user.count)
		return complain("--flat has neither PCI nor interrupt controllers for --%s.",
				option_name(opt->vhost_user.device[0].option));
	if (opt->flat && opt->net_count)
		return complain("--flat has neither PCI nor interrupt controllers for --net.");
	if (opt->flat && opt->balloon)
		return complain("--flat has neither PCI nor interrupt controllers for --balloon.");
	if (opt->balloon && opt->assigned_count)
		return complain("--balloon and --device exclude each other: a device of the host's goes on using memory that was lent.");
	if (opt->balloon_size >= opt->mem)
		return complain("--balloon takes a size below that of --mem.");
	if (opt->flat && opt->vsock)
		return complain("--flat has neither PCI nor interrupt controllers for --vsock.");
	if (opt->flat && opt->cpus > 1)
		return complain("--flat has no interrupt controllers to start a second vCPU with.");
	if (opt->kernel && opt->load != LOAD_NOT_GIVEN)
		return complain("--load is for --flat only: a kernel says itself where it goes.");
	if (opt->log_file && !opt->log_any)
		return complain("--log-file is for --log exits=LIST, which is not there.");
	if (opt->load == LOAD_NOT_GIVEN)
		opt->load = DEFAULT_LOAD;
	if (opt->debug_exit_port != NO_PORT && port_owner(opt->debug_exit_port, opt->flat))
		return complain("--debug-exit 0x%x would never be seen: that port is %s.",
				opt->debug_exit_port,
				port_owner(opt->debug_exit_port, opt->flat));
	/* --cmdline and --append together are what the user wants to say, to any kernel. */
	if (opt->cmdline) {
		append = opt->append;
		opt->append = join(join(NULL, opt->cmdline), append);
		free(append);
		free(opt->cmdline);
		opt->cmdline = join(NULL, opt->append);
	} else {
		append = join(NULL, opt->virtio_console ? VIRTIO_CMDLINE : DEFAULT_CMDLINE);
		opt->cmdline = join(append, opt->append);
	}
	return -1;
}

/**
 * options_parse() - read the arguments after `run`
 * @opt: receives them; options_free() releases them after a success
 * @argc: how many, with argv[0]
 * @argv: the arguments; argv[0] is the subcommand
 *
 * Return: -1 to go on; otherwise the exit status: the help was asked for and printed, or the
 * arguments were wrong and it was said how.
 */
int options_parse(struct run_options *opt, int argc, char **argv)
{
	struct message_options meanwhile = { .level = MESSAGE_INFO };
	int option = OPTION_END, status = -1, i;

	memset(opt, 0, sizeof(*opt));
	opt->messages.level = MESSAGE_INFO;
	/* With --json, what is wrong with an option before it is told as JSON, too. */
	for (i = 1; i < argc; i++)
		meanwhile.json |= !strcmp(argv[i], "--json");
	message_set_up(&meanwhile);
	opt->device = node_default();
	opt->append = join(NULL, "");
	opt->load = LOAD_NOT_GIVEN;
	opt->debug_exit_port = NO_PORT;
	while (status < 0 && (option = describe_next(&run_description, argc, argv)) >= 0) {
		/* An optional argument may also be the next word, where that is an address. */
		if (option == OPT_GDB && !optarg && optind < argc && is_gdb_address(argv[optind]))
			optarg = argv[optind++];
		status = parse_option(opt, option, optarg);
	}
	if (status < 0 && option != OPTION_END)
		status = option == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (status < 0 && optind < argc)
		status = complain("'%s' is not an option.", argv[optind]);
	message_set_up(&opt->messages);
	if (status < 0)
		status = check(opt);
	if (status >= 0)
		options_free(opt);
	return status;
}

void options_free(struct run_options *opt)
{
	unsigned int i;

	for (i = 0; i < opt->disk_count; i++)
		free((char *)opt->disk[i].path);
	opt->disk_count = 0;
	free(opt->append);
	free(opt->cmdline);
	free(opt->vsock);
	opt->vsock = NULL;
	opt->append = NULL;
	opt->cmdline = NULL;
	config_free(opt->config);
	opt->config = NULL;
}
