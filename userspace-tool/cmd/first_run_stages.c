// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stages of `minikvm first-run`, from what only reads to what switches VT-d on.
 *
 * SDM, "Discovering Support for VMX", "Enabling and Entering VMX Operation"; VT-d specification,
 * "DMA Remapping Reporting Structure", "Register Descriptions". VMX is switched on first on one
 * processor, while the others are offline. Relies on root and on the modules msr and minikvm.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/first_run.h"
#include "inspect/caps_print.h"
#include "inspect/machine_facts.h"
#include "inspect/vm_files.h"
#include "kvm/node.h"
#include "kvm/owner.h"

#define UNITS_MAX	64

static int stage_cpu(struct first_run *r, struct sentence *why)
{
	facts_print_machine(r->report);
	first_run_tell(r, "  read; the report has it");
	if (!facts_have_vmx())
		return say(why, "This processor has no VMX (CPUID.1:ECX.VMX is 0): `minikvm doctor` says what may be done.");
	return STAGE_PASSED;
}

static int stage_capabilities(struct first_run *r, struct sentence *why)
{
	struct msr_caps first, other;
	char path[32];
	int cpu, cpus = 0;

	if (access("/dev/cpu/0/msr", F_OK) && owner_load("msr", NULL, why))
		return -1;
	if (facts_read_caps(0, &first, why))
		return -1;
	msr_caps_print(&first, r->report);
	for (cpu = 0; cpu < FIRST_RUN_CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
		if (access(path, F_OK))
			continue;
		if (facts_read_caps(cpu, &other, why))
			return -1;
		cpus++;
		if (memcmp(&first, &other, sizeof(first)) != 0)
			return say(why, "The capabilities of processors 0 and %d differ: is the microcode the same?",
				   cpu);
	}
	if (msr_caps_suffice(&first, why))
		return -1;
	first_run_tell(r, "  the same on %d processor%s; all that minikvm requires is there", cpus,
		       cpus == 1 ? "" : "s");
	first_run_tell(r, "  APICv and posted interrupts: %s",
		       msr_caps_apicv(&first) ? "offered" : "not offered");
	return STAGE_PASSED;
}

static int put_online(int cpu, bool online)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = write(fd, online ? "1" : "0", 1) == 1 ? 0 : -1;
	close(fd);
	return ret;
}

static bool is_online(int cpu)
{
	char path[64], c = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = 0;
	close(fd);
	return c == '1';
}

/* All but processor 0. One that will not leave is no surprise: VMX comes on there as well, then. */
static void others_offline(struct first_run *r)
{
	int cpu;

	for (cpu = 1; cpu < FIRST_RUN_CPUS_MAX; cpu++)
		if (is_online(cpu) && !put_online(cpu, false))
			r->offline[r->nr_offline++] = cpu;
}

static int load_module(struct first_run *r, const char *options, struct sentence *why)
{
	const char *list[2] = { NULL, NULL };
	int ret;

	list[0] = options[0] ? options : NULL;
	if (r->loaded)
		return 0;
	ret = r->module ? owner_load_file(r->module, options, why) :
	      owner_load("minikvm", list, why);
	r->loaded = !ret;
	return ret;
}

static int unload_module(struct first_run *r, struct sentence *why)
{
	if (!r->loaded)
		return 0;
	if (owner_unload("minikvm", why))
		return -1;
	r->loaded = false;
	return 0;
}

/* VT-x gets free: its owner is remembered, and comes back at the end. */
static int free_vtx(struct first_run *r, struct sentence *why)
{
	if (module_loaded("kvm_intel")) {
		if (owner_unload("kvm_intel", why))
			return -1;
		r->had_kvm = true;
	}
	if (!r->loaded && minikvm_state() != MINIKVM_ABSENT) {
		if (owner_unload("minikvm", why))
			return -1;
		r->had_minikvm = true;
	}
	return 0;
}

static int ready(struct first_run *r, struct sentence *why)
{
	return free_vtx(r, why) || load_module(r, "vtd=0", why) ? -1 : 0;
}

static int stage_vmx(struct first_run *r, struct sentence *why)
{
	int round;

	if (free_vtx(r, why))
		return -1;
	others_offline(r);
	for (round = 1; round <= 3; round++) {
		if (first_run_step(r, why, "VMXON, %d", round) || load_module(r, "vtd=0", why) ||
		    first_run_step(r, why, "VMXOFF, %d", round) || unload_module(r, why))
			return -1;
	}
	first_run_tell(r, "  on and off three times, with %d other processor%s offline",
		       r->nr_offline, r->nr_offline == 1 ? "" : "s");
	return STAGE_PASSED;
}

static int stage_entry(struct first_run *r, struct sentence *why)
{
	if (ready(r, why) || guest_one_entry(why))
		return -1;
	first_run_tell(r, "  the guest executed HLT and came back");
	return STAGE_PASSED;
}

static int entry_on(int cpu, struct sentence *why)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return say(why, "Processor %d cannot be used: %s.", cpu, strerror(errno));
	return guest_one_entry(why);
}

static int stage_cpus(struct first_run *r, struct sentence *why)
{
	cpu_set_t before, all;
	int cpu, i, tried = 0, ret = -1;

	if (ready(r, why))
		return -1;
	while (r->nr_offline) {
		i = r->offline[r->nr_offline - 1];
		if (first_run_step(r, why, "processor %d comes online, VMXON there", i))
			return -1;
		if (put_online(i, true))
			return say(why, "Processor %d does not come online: %s (dmesg).", i,
				   strerror(errno));
		r->nr_offline--;
	}
	sched_getaffinity(0, sizeof(before), &before);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		if (first_run_step(r, why, "an entry on processor %d", cpu) || entry_on(cpu, why))
			goto out;
		tried++;
	}
	first_run_tell(r, "  an entry on each of %d processor%s", tried, tried == 1 ? "" : "s");
	ret = STAGE_PASSED;
out:
	sched_setaffinity(0, sizeof(before), &before);
	return ret;
}

static int stage_exits(struct first_run *r, struct sentence *why)
{
	return ready(r, why) ? -1 : guest_exits(r, why);
}

static int stage_ept(struct first_run *r, struct sentence *why)
{
	return ready(r, why) ? -1 : guest_memory(r, why);
}

static int stage_apicv(struct first_run *r, struct sentence *why)
{
	char line[128];
	FILE *caps;
	int on = -1;

	if (ready(r, why))
		return -1;
	caps = fopen(VM_FILES_ROOT "/caps", "re");
	while (caps && on < 0 && fgets(line, sizeof(line), caps))
		if (sscanf(line, "feature apicv %d", &on) != 1)
			on = -1;
	if (caps)
		fclose(caps);
	first_run_tell(r, "  APICv is %s", on < 0 ? "not known (debugfs is not mounted)" :
		       on ? "on" :
		       "off: the module delivers interrupts by itself (dmesg has the reason)");
	return guest_interrupts(r, why);
}

static bool read_hex(const char *path, unsigned long long *value)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fscanf(f, "%llx", value) == 1;
	fclose(f);
	return ok;
}

/* CAP and ECAP of a unit that the kernel's own driver has. */
static bool unit_of_driver(int unit, unsigned long long *cap, unsigned long long *ecap)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/iommu/dmar%d/intel-iommu/cap", unit);
	if (!read_hex(path, cap))
		return false;
	snprintf(path, sizeof(path), "/sys/class/iommu/dmar%d/intel-iommu/ecap", unit);
	return read_hex(path, ecap);
}

/* The same out of its registers, which are read and not written. */
static int unit_of_memory(__u64 base, unsigned long long *cap, unsigned long long *ecap)
{
	int fd = open("/dev/mem", O_RDONLY | O_SYNC | O_CLOEXEC);
	volatile __u64 *registers;
	void *page;

	if (fd < 0)
		return -1;
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)base);
	close(fd);
	if (page == MAP_FAILED)
		return -1;
	registers = page;
	*cap = registers[1];
	*ecap = registers[2];
	munmap(page, 4096);
	return 0;
}

/* The register bases of the DMAR table's units. Return: how many, or -1 where there is no table. */
static int dmar_units(__u64 *bases)
{
	static __u8 table[65536];
	FILE *f = fopen("/sys/firmware/acpi/tables/DMAR", "re");
	size_t size, at;
	__u16 type, length;
	int n = 0;

	if (!f)
		return -1;
	size = fread(table, 1, sizeof(table), f);
	fclose(f);
	for (at = 48; at + 16 <= size && n < UNITS_MAX; at += length) {
		memcpy(&type, table + at, 2);
		memcpy(&length, table + at + 2, 2);
		if (length < 4)
			break;
		if (!type)
			memcpy(&bases[n++], table + at + 8, 8);
	}
	return n;
}

static int show_unit(struct first_run *r, int unit, __u64 base, struct sentence *why)
{
	unsigned long long cap, ecap;
	char name[16];

	if (!unit_of_driver(unit, &cap, &ecap) && unit_of_memory(base, &cap, &ecap)) {
		first_run_tell(r, "  unit %d cannot be read: the kernel closes /dev/mem (lockdown)",
			       unit);
		return 0;
	}
	if (cap == ~0ULL || !cap)
		return say(why, "VT-d unit %d answers with CAP = 0x%llx: nothing is there.", unit,
			   cap);
	snprintf(name, sizeof(name), "%d", unit);
	caps_print_vtd_unit(r->report, name, cap, ecap, NULL);
	return 0;
}

static int stage_vtd(struct first_run *r, struct sentence *why)
{
	__u64 bases[UNITS_MAX];
	int units = dmar_units(bases), i;

	if (units <= 0) {
		first_run_tell(r, "  there is no DMAR table: no VT-d, or the firmware has it off");
		return STAGE_NOTHING;
	}
	for (i = 0; i < units; i++)
		if (first_run_step(r, why, "the registers of unit %d", i) ||
		    show_unit(r, i, bases[i], why))
			return -1;
	first_run_tell(r, "  %d unit%s; the report has what they can do", units,
		       units == 1 ? "" : "s");
	return STAGE_PASSED;
}

static int stage_vtd_on(struct first_run *r, struct sentence *why)
{
	__u64 bases[UNITS_MAX];

	if (dmar_units(bases) <= 0) {
		first_run_tell(r, "  there is no DMAR table");
		return STAGE_NOTHING;
	}
	if (!access("/sys/class/iommu/dmar0", F_OK))
		return say(why, "The kernel's own driver has VT-d: boot with intel_iommu=off intremap=off, and run this stage again.");
	if (unload_module(r, why) || free_vtx(r, why) || load_module(r, "vtd=1", why))
		return -1;
	if (access("/sys/kernel/debug/minikvm-iommu/units", F_OK))
		return say(why, "The module left VT-d alone; its message is in dmesg.");
	if (first_run_step(r, why, "VT-d off again") || unload_module(r, why))
		return -1;
	first_run_tell(r, "  the module drove VT-d, and gave it back");
	return STAGE_PASSED;
}

/**
 * first_run_put_back() - processors online, the old owner of VT-x in place
 * @r: the run
 */
void first_run_put_back(struct first_run *r)
{
	struct sentence why;

	if (unload_module(r, &why))
		first_run_tell(r, "minikvm stays loaded: %s", why.text);
	while (r->nr_offline) {
		r->nr_offline--;
		if (put_online(r->offline[r->nr_offline], true))
			first_run_tell(r, "Processor %d does not come online again: %s",
				       r->offline[r->nr_offline], strerror(errno));
	}
	if (r->had_kvm && !r->loaded && owner_load("kvm_intel", NULL, &why))
		first_run_tell(r, "%s", why.text);
	if (r->had_minikvm && !r->loaded && load_module(r, "", &why))
		first_run_tell(r, "%s", why.text);
}

const struct first_run_stage first_run_stages[] = {
	{
		.name = "cpu", .run = stage_cpu,
		.about = "reads processor, microcode, firmware, kernel and mitigations",
	},
	{
		.name = "capabilities", .run = stage_capabilities,
		.about = "reads the capability MSRs of every processor",
	},
	{
		.name = "vmx", .run = stage_vmx,
		.about = "takes the other processors offline; VMXON and VMXOFF on processor 0",
	},
	{
		.name = "entry", .run = stage_entry,
		.about = "enters a guest of one instruction, on processor 0",
	},
	{
		.name = "cpus", .run = stage_cpus,
		.about = "brings the other processors online one by one; a guest on each",
	},
	{
		.name = "exits", .run = stage_exits,
		.about = "a guest makes each kind of exit 1000 times",
	},
	{
		.name = "ept", .run = stage_ept,
		.about = "a guest touches memory, which is taken from it and given back",
	},
	{
		.name = "apicv", .run = stage_apicv,
		.about = "interrupts to a guest that runs, by APICv where the processor has it",
	},
	{
		.name = "vt-d", .run = stage_vtd,
		.about = "reads the remapping units' capabilities",
	},
	{
		.name = "vt-d-on", .run = stage_vtd_on, .asked_only = true,
		.about = "the module drives VT-d, and gives it back",
	},
	{ }
};
