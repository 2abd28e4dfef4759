// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm doctor`: checks all that a first guest needs on this machine, in the order in which it
 * is needed: CPU ("Discovering Support for VMX", "VMX Capability Reporting Facility" and "Enabling
 * and Entering VMX Operation" in the SDM), firmware lock, kernel module, device node, permissions,
 * another owner of VT-x, ABI version; and the IOMMU, for device assignment.
 *
 * Relies on CPUID; on /dev/cpu/0/msr where it can be read, else on the "vmx flags" line that
 * Linux 5.11 and later put into /proc/cpuinfo; and on /proc and /sys.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "kvm/node.h"
#include "kvm/refusal.h"

#define CPUID_1_ECX_VMX		BIT(5)
#define CPUID_1_ECX_HYPERVISOR	BIT(31)

#define MSR_FEATURE_CONTROL	0x3a
#define FEATURE_LOCKED		BIT_ULL(0)
#define FEATURE_VMX_OUTSIDE_SMX	BIT_ULL(2)
#define MSR_VMX_PROCBASED_CTLS	0x482
#define PROCBASED_SECONDARY	BIT_ULL(31)
#define MSR_VMX_PROCBASED_CTLS2	0x48b
#define PROCBASED2_EPT		BIT_ULL(1)
#define PROCBASED2_UNRESTRICTED	BIT_ULL(7)

enum verdict { GOOD, NOTE, BAD };

struct doctor {
	const char *device;
	bool own_device;	/* it is minikvm's, and not KVM's for comparison */
	bool intel;		/* the VT-x checks make sense */
	int msr_fd;
	int bad;
};

static void __printf(4, 5)
report(struct doctor *d, enum verdict v, const char *what, const char *fmt, ...)
{
	static const char * const marks[] = { "ok  ", "note", "BAD " };
	va_list ap;

	printf("%s  %-14s ", marks[v], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (v == BAD)
		d->bad++;
}

/* Does a line of @path that starts with @key have @word as one of its words? */
static bool line_has_word(const char *path, const char *key, const char *word)
{
	FILE *f = fopen(path, "re");
	char line[16384], *rest, *token;
	bool found = false, matched = false;

	if (!f)
		return false;
	while (!matched && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		matched = true;
		for (token = strtok_r(line, " \t\n:", &rest); token && !found;
		     token = strtok_r(NULL, " \t\n:", &rest))
			found = !strcmp(token, word);
	}
	fclose(f);
	return found;
}

static bool read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return true;
}

static bool read_msr(const struct doctor *d, __u32 index, __u64 *value)
{
	return d->msr_fd >= 0 &&
	       pread(d->msr_fd, value, sizeof(*value), index) == sizeof(*value);
}

static void check_cpu(struct doctor *d)
{
	unsigned int a, b, c, e, regs[3];
	char vendor[13] = "";

	if (!__get_cpuid(0, &a, &b, &c, &e)) {
		report(d, BAD, "CPU", "This CPU has no CPUID instruction.");
		return;
	}
	regs[0] = b;
	regs[1] = e;
	regs[2] = c;
	memcpy(vendor, regs, 12);
	__get_cpuid(1, &a, &b, &c, &e);
	d->intel = c & CPUID_1_ECX_VMX;
	if (d->intel) {
		report(d, GOOD, "CPU", "%s, with VMX%s.", vendor,
		       c & CPUID_1_ECX_HYPERVISOR ? " (itself a virtual machine: nested)" : "");
		return;
	}
	if (!strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine"))
		report(d, BAD, "CPU",
		       "%s: no VT-x. Use an Intel machine, or the emulated one: selftests/lab/lab.",
		       vendor);
	else if (c & CPUID_1_ECX_HYPERVISOR)
		report(d, BAD, "CPU",
		       "%s, without VMX: this is a virtual machine. Switch nested virtualization on in its host (kvm_intel nested=1, -cpu host), or use selftests/lab/lab.",
		       vendor);
	else
		report(d, BAD, "CPU",
		       "%s, without VMX. Switch \"Virtualization Technology\" on in the firmware set-up; if it is on, this CPU has none.",
		       vendor);
}

static void check_firmware(struct doctor *d)
{
	__u64 value;

	if (!d->intel)
		return;
	if (!read_msr(d, MSR_FEATURE_CONTROL, &value)) {
		if (line_has_word("/proc/cpuinfo", "flags", "vmx"))
			report(d, GOOD, "firmware",
			       "Linux lists vmx among the CPU's flags, so the firmware allows it.");
		else
			report(d, BAD, "firmware",
			       "The CPU has VMX but Linux does not list it: switch it on in the firmware set-up (after `modprobe msr`, `minikvm doctor` can tell more as root).");
	} else if (!(value & FEATURE_LOCKED)) {
		report(d, NOTE, "firmware",
		       "IA32_FEATURE_CONTROL is not locked (0x%llx): the module switches VMX on itself.",
		       value);
	} else if (value & FEATURE_VMX_OUTSIDE_SMX) {
		report(d, GOOD, "firmware", "IA32_FEATURE_CONTROL allows VMX (0x%llx).", value);
	} else {
		report(d, BAD, "firmware",
		       "IA32_FEATURE_CONTROL is locked with VMX off (0x%llx): switch it on in the firmware set-up and power-cycle.",
		       value);
	}
}

static void check_control(struct doctor *d, const char *what, const char *flag, __u64 bit)
{
	__u64 primary, secondary;
	bool known = true, present = false;

	if (!d->intel)
		return;
	/* The high half of a capability MSR says which controls may be 1. */
	if (read_msr(d, MSR_VMX_PROCBASED_CTLS, &primary)) {
		if (primary >> 32 & PROCBASED_SECONDARY)
			known = read_msr(d, MSR_VMX_PROCBASED_CTLS2, &secondary);
		else
			secondary = 0;
		present = known && (secondary >> 32 & bit);
	} else {
		known = line_has_word("/proc/cpuinfo", "vmx flags", "vmx");
		present = line_has_word("/proc/cpuinfo", "vmx flags", flag);
	}
	if (present)
		report(d, GOOD, what, "The CPU has it.");
	else if (known)
		report(d, BAD, what,
		       "This CPU lacks it, and minikvm has no shadow paging to replace it: use a CPU from 2010 or later, or selftests/lab/lab.");
	else
		report(d, NOTE, what, "This is not known without MSRs: `modprobe msr`, then run `minikvm doctor` as root.");
}

static void check_kvm_owner(struct doctor *d)
{
	if (minikvm_state() == MINIKVM_READY)
		report(d, NOTE, "VT-x owner",
		       "minikvm is loaded (its node is %s), so kvm_intel cannot have VT-x: rmmod minikvm.",
		       node_default());
	else if (module_loaded("kvm_intel") || module_loaded("kvm_amd"))
		report(d, GOOD, "VT-x owner", "KVM, whose device you asked for.");
	else
		report(d, BAD, "module",
		       "kvm_intel is not loaded: modprobe kvm_intel (kvm_amd on AMD).");
}

/* Return: whether minikvm has VT-x. */
static bool check_module(struct doctor *d)
{
	switch (minikvm_state()) {
	case MINIKVM_READY:
		report(d, GOOD, "module", "minikvm is loaded; its node is %s.", node_default());
		return true;
	case MINIKVM_VTD_ALONE:
		report(d, BAD, "module",
		       "minikvm is loaded, but for VT-d alone: it found no VT-x that it could use, so there is no node; its message is in dmesg.");
		return false;
	case MINIKVM_ABSENT:
		break;
	}
	report(d, BAD, "module",
	       "minikvm is not loaded: insmod minikvm.ko (or modprobe, after `make install`); its message is in dmesg.");
	return false;
}

static void check_owner(struct doctor *d)
{
	char count[32] = "";
	bool has_vtx;

	if (!d->own_device) {
		check_kvm_owner(d);
		return;
	}
	has_vtx = check_module(d);
	if (module_loaded("kvm_intel")) {
		if (!read_text("/sys/module/kvm_intel/refcnt", count, sizeof(count)))
			snprintf(count, sizeof(count), "unknown");
		if (has_vtx)
			report(d, NOTE, "VT-x owner",
			       "minikvm; kvm_intel is loaded as well (use count %s), and VMs of its cannot run.",
			       count);
		else
			report(d, BAD, "VT-x owner",
			       "kvm_intel is loaded (use count %s) and keeps VT-x to itself: end its VMs, then rmmod kvm_intel.",
			       count);
	} else if (module_loaded("vboxdrv")) {
		report(d, NOTE,
		       "VT-x owner",
		       "VirtualBox (vboxdrv) is loaded and takes VT-x while a VM of its runs: end those VMs.");
	} else {
		report(d, GOOD, "VT-x owner", "No other hypervisor module is loaded.");
	}
}

static void check_device(struct doctor *d)
{
	struct sentence why;
	int fd = node_open(d->device, &why), vm;

	if (fd < 0) {
		report(d, BAD, "device node", "%s", why.text);
		return;
	}
	report(d, GOOD, "device node", "%s can be opened and speaks version %d of KVM's ABI.",
	       d->device, NODE_API_VERSION);
	vm = ioctl(fd, KVM_CREATE_VM, 0);
	if (vm >= 0)
		report(d, GOOD, "VM", "A VM can be created.");
	else if (errno == EBUSY)
		report(d, BAD, "VM",
		       "Creating a VM fails: VT-x is in use by another hypervisor; unload it.");
	else
		report(d, BAD, "VM", "Creating a VM fails (%s): look into dmesg.",
		       refusal(fd));
	if (vm >= 0)
		close(vm);
	close(fd);
}

/* Does the kernel command line have this word? */
static bool cmdline_has(const char *word)
{
	return line_has_word("/proc/cmdline", "", word);
}

static void check_iommu(struct doctor *d)
{
	if (access("/sys/firmware/acpi/tables/DMAR", F_OK)) {
		report(d, NOTE, "IOMMU",
		       "No DMAR table: no VT-d, or it is off in the firmware set-up. Guests run; devices cannot be assigned to them.");
		return;
	}
	if (cmdline_has("intel_iommu=off"))
		report(d, NOTE, "IOMMU",
		       "VT-d is there and the host's driver is off: minikvm may drive it%s.",
		       cmdline_has("intremap=off") ? "" : " (boot with intremap=off as well)");
	else if (access("/sys/class/iommu/dmar0", F_OK) == 0)
		report(d, NOTE, "IOMMU",
		       "VT-d is there and the host's intel_iommu driver has it: VFIO assigns devices through that. To let minikvm drive it, boot with intel_iommu=off intremap=off.");
	else
		report(d, NOTE, "IOMMU",
		       "VT-d is there, and no driver uses it. For device assignment by the host's driver boot with intel_iommu=on.");
}

static const struct described_option options[] = {
	DESCRIBED_DEV,
	{ }
};

static int command_doctor(int argc, char **argv)
{
	struct doctor d = { .device = node_default() };
	int status = describe_device(&doctor_description, argc, argv, &d.device);

	if (status >= 0)
		return status;
	d.msr_fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	d.own_device = node_is_minikvm(d.device);
	if (d.own_device) {
		check_cpu(&d);
		check_firmware(&d);
		check_control(&d, "EPT", "ept", PROCBASED2_EPT);
		check_control(&d, "unrestricted", "unrestricted_guest", PROCBASED2_UNRESTRICTED);
	}
	check_owner(&d);
	check_device(&d);
	check_iommu(&d);
	if (d.msr_fd >= 0)
		close(d.msr_fd);
	if (d.bad)
		printf("\nA VM cannot be run on %s: %d problem%s above.\n", d.device, d.bad,
		       d.bad == 1 ? "" : "s");
	else
		printf("\nA VM can be run on %s.\n", d.device);
	return d.bad ? STATUS_FAILED : STATUS_OK;
}

const struct described_command doctor_description = {
	.name = "doctor",
	.run = command_doctor,
	.summary = "can this machine run guests, and if not, what to do",
	.synopsis = "[--dev NODE]",
	.about = "Checks whether guests can run here; says for each problem what to do.",
	.options = options,
	.more = "Exit status: 0 they can, 1 they cannot.",
};
