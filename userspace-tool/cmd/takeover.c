// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm takeover` and `minikvm release`: VT-x goes from kvm_intel to minikvm and back.
 *
 * VT-x has one owner (SDM, "Enabling and Entering VMX Operation": CR4.VMXE and VMXON belong to one
 * monitor). Whatever fails leaves the old owner in place: what can be found out without changing
 * anything is looked at first; the files that make the choice outlast a boot are written before
 * the modules change, and taken back if these do not; a module that does not load is replaced by
 * the one that was there. Relies on root and on kvm/owner.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "kvm/node.h"
#include "kvm/owner.h"

/* What makes the choice last: modprobe(8)'s and systemd-modules-load(8)'s files. */
static const struct lasting_file {
	const char *directory, *name, *text;
} lasting_files[] = {
	{ "/etc/modprobe.d", "minikvm-takeover.conf",
	  "# Written by minikvm takeover --persistent; minikvm release --persistent removes it.\n"
	  "# minikvm has VT-x: nothing may load KVM's module for it by itself.\n"
	  "blacklist kvm_intel\n" },
	{ "/etc/modules-load.d", "minikvm-takeover.conf",
	  "# Written by minikvm takeover --persistent; minikvm release --persistent removes it.\n"
	  "minikvm\n" },
};

static void lasting_path(const struct lasting_file *f, const char *ending, char *path, size_t size)
{
	snprintf(path, size, "%s/%s%s", f->directory, f->name, ending);
}

static bool lasts(void)
{
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lasting_files); i++) {
		lasting_path(&lasting_files[i], "", path, sizeof(path));
		if (access(path, F_OK) < 0)
			return false;
	}
	return true;
}

static int write_one(const struct lasting_file *f, struct sentence *why)
{
	char path[128], partial[128];
	size_t length = strlen(f->text);
	int fd, error = 0;

	lasting_path(f, "", path, sizeof(path));
	/* modprobe reads what ends in .conf alone. */
	lasting_path(f, ".partial", partial, sizeof(partial));
	if (mkdir(f->directory, 0755) < 0 && errno != EEXIST)
		return say(why, "%s cannot be made: %s.", f->directory, strerror(errno));
	fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return say(why, "%s cannot be written: %s.", path, strerror(errno));
	errno = EIO;
	if (write(fd, f->text, length) != (ssize_t)length || fsync(fd) < 0)
		error = errno;
	close(fd);
	if (!error && rename(partial, path) < 0)
		error = errno;
	if (error) {
		unlink(partial);
		return say(why, "%s cannot be written: %s.", path, strerror(error));
	}
	return 0;
}

static int remove_lasting(bool tell, struct sentence *why)
{
	char path[128];
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(lasting_files); i++) {
		lasting_path(&lasting_files[i], "", path, sizeof(path));
		if (!unlink(path)) {
			if (tell)
				printf("removed %s\n", path);
		} else if (errno != ENOENT) {
			ret = say(why, "%s cannot be removed: %s.", path, strerror(errno));
		}
	}
	return ret;
}

static int write_lasting(struct sentence *why)
{
	struct sentence unused;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lasting_files); i++)
		if (write_one(&lasting_files[i], why)) {
			remove_lasting(false, &unused);
			return -1;
		}
	return 0;
}

static void tell_written(void)
{
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lasting_files); i++) {
		lasting_path(&lasting_files[i], "", path, sizeof(path));
		printf("wrote %s\n", path);
	}
}

static void load_again(const char *module)
{
	struct sentence why;

	if (owner_load(module, NULL, &why))
		fprintf(stderr, "minikvm: %s does not come back: %s\n", module, why.text);
	else
		printf("loaded %s again\n", module);
}

/*
 * One module leaves, the other comes; if it does not, the first comes back. A minikvm that is there
 * for VT-d alone takes VT-x only when it is loaded, so it is loaded once more: after @from has
 * left, since that is what may be refused.
 */
static int change_owner(const char *from, const char *to, const char *file, const char *options,
			struct sentence *why)
{
	bool vtd_alone = strcmp(from, "minikvm") != 0 && minikvm_state() == MINIKVM_VTD_ALONE;
	const char *list[2] = { options[0] ? options : NULL, NULL };
	bool had = module_loaded(from);

	if (owner_unload(from, why))
		return -1;
	if (had)
		printf("unloaded %s\n", from);
	if (vtd_alone && owner_unload(to, why)) {
		vtd_alone = false;
	} else if (!(file ? owner_load_file(file, options, why) : owner_load(to, list, why))) {
		printf("loaded %s\n", to);
		return 0;
	}
	if (had)
		load_again(from);
	if (vtd_alone)
		load_again(to);
	return -1;
}

/* All that can stand in the way and can be seen beforehand. */
static int takeover_possible(const char *file, const char *options, struct sentence *why)
{
	if (file && access(file, R_OK) < 0)
		return say(why, "The module %s cannot be read: %s.", file, strerror(errno));
	if (!file && !owner_installed("minikvm"))
		return say(why, "This kernel has no module minikvm: `make install`, or the package minikvm-dkms with this kernel's headers, or --module FILE.");
	if (module_loaded("vboxdrv"))
		return say(why, "VirtualBox (vboxdrv) is loaded and takes VT-x whenever a VM of its runs: modprobe -r vboxnetadp vboxnetflt vboxdrv.");
	if (!strcmp(options, "node=kvm") && module_loaded("kvm") &&
	    access("/sys/module/kvm/initstate", F_OK))
		return say(why, "kvm is built into this kernel and keeps /dev/kvm: leave --node-kvm out.");
	return 0;
}

#define OPT_PERSISTENT	257
#define OPT_MODULE	258
#define OPT_NODE_KVM	259

static const struct described_option takeover_options[] = {
	{
		.name = "persistent", .value = OPT_PERSISTENT,
		.help = "Also after the next boot: writes /etc/modprobe.d/minikvm-takeover.conf (kvm_intel is not loaded by itself) and /etc/modules-load.d/minikvm-takeover.conf (minikvm is).",
	},
	{ .name = "module", .value = OPT_MODULE, .argument = "FILE", .kind = TAKES_FILE,
	  .help = "This minikvm.ko instead of the installed module." },
	{ .name = "node-kvm", .value = OPT_NODE_KVM,
	  .help = "Stand in for /dev/kvm as well (node=kvm), until minikvm is loaded again." },
	{ }
};

static const struct described_option release_options[] = {
	{ .name = "persistent", .value = OPT_PERSISTENT,
	  .help = "Also after the next boot: removes what takeover --persistent wrote." },
	{ }
};

static int fail(const struct sentence *why)
{
	fflush(stdout);
	fprintf(stderr, "minikvm: %s\n", why->text);
	return STATUS_FAILED;
}

static int need_root(const char *command)
{
	if (!geteuid())
		return 0;
	fprintf(stderr, "minikvm: %s loads and unloads kernel modules: become root.\n", command);
	return -1;
}

static int command_takeover(int argc, char **argv)
{
	const char *file = NULL, *options = "";
	bool persistent = false, wrote = false, had_vtx;
	struct sentence why, unused;
	int opt;

	while ((opt = describe_next(&takeover_description, argc, argv)) != OPTION_END) {
		switch (opt) {
		case OPT_PERSISTENT:
			persistent = true;
			break;
		case OPT_MODULE:
			file = optarg;
			break;
		case OPT_NODE_KVM:
			options = "node=kvm";
			break;
		default:
			return opt == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		}
	}
	if (argc != optind) {
		describe_help(&takeover_description, stderr);
		return STATUS_USAGE;
	}
	if (need_root("takeover"))
		return STATUS_FAILED;
	had_vtx = minikvm_state() == MINIKVM_READY;
	if (!had_vtx && takeover_possible(file, options, &why))
		return fail(&why);
	if (persistent && !owner_installed("minikvm")) {
		say(&why, "This kernel has no module minikvm to load at the next boot: `make install`, or the package minikvm-dkms.");
		return fail(&why);
	}
	if (persistent && !lasts()) {
		if (write_lasting(&why))
			return fail(&why);
		wrote = true;
	}
	if (!had_vtx && change_owner("kvm_intel", "minikvm", file, options, &why)) {
		if (wrote)
			remove_lasting(false, &unused);
		return fail(&why);
	}
	if (wrote)
		tell_written();
	if (minikvm_state() == MINIKVM_READY)
		printf("minikvm %s VT-x; its node is %s\n", had_vtx ? "already has" : "has",
		       node_default());
	else
		puts("minikvm is loaded for VT-d alone: it found no VT-x (minikvm doctor)");
	if (persistent)
		puts("after the next boot as well");
	else if (!lasts())
		puts("until the next boot, or minikvm release");
	return STATUS_OK;
}

static int release_now(struct sentence *why)
{
	if (!owner_installed("kvm_intel") && !module_loaded("kvm_intel")) {
		if (owner_unload("minikvm", why))
			return -1;
		puts("unloaded minikvm; this kernel has no kvm_intel: VT-x has no owner now");
		return 0;
	}
	if (change_owner("minikvm", "kvm_intel", NULL, "", why))
		return -1;
	puts("kvm_intel has VT-x");
	return 0;
}

static int command_release(int argc, char **argv)
{
	bool persistent = false;
	struct sentence why;
	int opt;

	while ((opt = describe_next(&release_description, argc, argv)) != OPTION_END) {
		if (opt != OPT_PERSISTENT)
			return opt == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		persistent = true;
	}
	if (argc != optind) {
		describe_help(&release_description, stderr);
		return STATUS_USAGE;
	}
	if (need_root("release"))
		return STATUS_FAILED;
	if (minikvm_state() == MINIKVM_ABSENT && module_loaded("kvm_intel"))
		puts("kvm_intel already has VT-x");
	else if (release_now(&why))
		return fail(&why);
	if (persistent && remove_lasting(true, &why))
		return fail(&why);
	if (lasts())
		puts("after the next boot minikvm has VT-x again: release --persistent");
	return STATUS_OK;
}

const struct described_command takeover_description = {
	.name = "takeover",
	.run = command_takeover,
	.summary = "VT-x goes from kvm_intel to minikvm",
	.synopsis = "[--persistent] [--node-kvm] [--module FILE]",
	.about =
	"Unloads kvm_intel and loads minikvm, and says what it did. It is refused while a VM runs on\n"
	"kvm_intel. Whatever fails leaves the old owner in place. Root only.",
	.options = takeover_options,
	.more = "Exit status: 0 minikvm has VT-x, 1 nothing has changed.",
};

const struct described_command release_description = {
	.name = "release",
	.run = command_release,
	.summary = "VT-x goes from minikvm back to kvm_intel",
	.synopsis = "[--persistent]",
	.about =
	"Unloads minikvm and loads kvm_intel, where the kernel has it, and says what it did. It is\n"
	"refused while a VM runs on minikvm. Whatever fails leaves the old owner in place. Root only.",
	.options = release_options,
	.more = "Exit status: 0 done, 1 nothing has changed.",
};
