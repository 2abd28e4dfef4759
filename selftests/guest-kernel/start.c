// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's first C: what the boot loader says, then everything in the order in which one needs
 * the other, and at last the first process.
 */
#include "start.h"
#include "acpi.h"
#include "announce.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "format.h"
#include "machine.h"
#include "mailbox.h"
#include "memory.h"
#include "paging.h"
#include "process.h"
#include "random.h"
#include "smp.h"
#include "task.h"

#define MULTIBOOT_LOADER	0x2badb002
#define MULTIBOOT_MEMORY	BIT(0)
#define MULTIBOOT_COMMAND_LINE	BIT(2)
#define PVH_MAGIC		0x336ec578
#define PVH_RAM			1
#define FIRST_MIB		0x100000

struct multiboot_info {
	u32 flags, mem_lower, mem_upper, boot_device, command_line;
};

struct pvh_info {
	u32 magic, version, flags, modules;
	u64 module_list, command_line, rsdp, memory_map;
	u32 memory_entries, reserved;
};

struct pvh_memory {
	u64 address, size;
	u32 type, reserved;
};

char command_line[COMMAND_LINE_MAX];

u64 start_time;

static u64 memory_limit, rsdp;

/* Before anything is written behind the kernel, where a loader may have put it. */
static void take_command_line(u64 address)
{
	unsigned int i;
	const char *p = physical(address);

	for (i = 0; i < COMMAND_LINE_MAX - 1 && p[i]; i++)
		command_line[i] = p[i];
}

static void read_multiboot(const struct multiboot_info *info)
{
	if (info->flags & MULTIBOOT_MEMORY)
		memory_limit = FIRST_MIB + (u64)info->mem_upper * 1024;
	if (info->flags & MULTIBOOT_COMMAND_LINE)
		take_command_line(info->command_line);
}

static void read_pvh(const struct pvh_info *info)
{
	const struct pvh_memory *m = physical(info->memory_map);
	unsigned int i;

	for (i = 0; info->version >= 1 && i < info->memory_entries; i++)
		if (m[i].type == PVH_RAM && m[i].address <= FIRST_MIB &&
		    m[i].address + m[i].size > FIRST_MIB)
			memory_limit = m[i].address + m[i].size;
	if (info->command_line)
		take_command_line(info->command_line);
	rsdp = info->rsdp;
}

/**
 * start() - the kernel begins
 * @magic: Multiboot's, or 0
 * @info: physical address of what the loader says
 */
void start(u32 magic, u32 info)
{
	const struct pvh_info *pvh = physical(info);

	console_init();
	if (magic == MULTIBOOT_LOADER)
		read_multiboot(physical(info));
	else if (pvh->magic == PVH_MAGIC)
		read_pvh(pvh);
	else
		stop("the boot loader speaks neither Multiboot nor PVH");
	cpu_find_features();
	acpi_init(rsdp);
	memory_init(memory_limit);
	paging_init();
	pool_init();
	sched_init();
	mailbox_init();
	task_init();
	/* The stack in use is that of task 0, which becomes this processor's idle task. */
	smp_add_this(0);
	cpu_init(&cpus[0], 0);
	apic_init_boot();
	cpus[0].switched_at = rdtsc();
	start_time = rdtsc();
	asm volatile("sti");
	smp_start_others();
	asm volatile("cli");
	lock_kernel();
	print("guest-kernel: %u CPUs, %lu MiB, TSC %lu kHz, %s, %s\n", sched.nr_cpus,
	      memory_end() >> 20, features.tsc_khz, features.x2apic ? "x2APIC" : "xAPIC",
	      features.tsc_deadline ? "TSC deadline" : "one-shot timer");
	random_init();
	announcing = features.kvm && find_word(command_line, "announce");
	process_start_kernel();
	process_start_init();
	console_listen();
	cpu_set_kernel_stack((u64)current()->stack + KERNEL_STACK_STRIDE - PAGE_SIZE);
	task_idle();
}
