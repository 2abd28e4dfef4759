/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Placing a kernel in guest memory and saying in which state its first CPU starts.
 *
 * One loader per boot protocol: the Linux/x86 boot protocol (load_bzimage.c), ELF files with
 * and without the PVH entry note (load_elf.c), Multiboot version 1 (load_multiboot.c), raw
 * real-mode images (load_flat.c). All are pure: image and guest memory in, a boot state out,
 * so that the unit tests can feed them anything.
 */
#ifndef MINIKVM_TOOL_LOAD_H
#define MINIKVM_TOOL_LOAD_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "boot/image.h"
#include "terminal/sentence.h"

struct boot_params;

enum cpu_mode {
	CPU_REAL16,		/* CS:IP, everything else as after reset */
	CPU_PROTECTED32,	/* flat 4 GiB segments, paging off */
	CPU_LONG64,		/* flat, first 4 GiB identity-mapped */
};

/* Which of the two entries of a bzImage to take: AUTO is the 64-bit one where there is one. */
enum entry_choice {
	ENTRY_AUTO,
	ENTRY_32,
	ENTRY_64,
};

/**
 * struct boot_state - how the first CPU starts
 * @mode: the processor mode
 * @cs: code segment selector; CPU_REAL16 only, the other modes use the tool's own GDT
 * @rip: instruction pointer; an offset into @cs for CPU_REAL16, else a linear address
 * @rsp: stack pointer
 * @rax: what the protocol hands over in EAX
 * @rbx: same for EBX
 * @rsi: same for RSI
 * @protocol: how the image was recognised, for the user
 */
struct boot_state {
	enum cpu_mode mode;
	__u16 cs;
	__u64 rip;
	__u64 rsp;
	__u64 rax;
	__u64 rbx;
	__u64 rsi;
	const char *protocol;
};

/**
 * struct boot_request - what is to be booted
 * @kernel: the kernel's file
 * @initrd: the initial ramdisk, or @initrd.data NULL
 * @linux_cmdline: the command line for a Linux kernel
 * @append: the user's own part of it, for Multiboot kernels
 * @entry: which entry of a bzImage to take; ENTRY_AUTO for other kernels
 * @rsdp: guest-physical address of the ACPI RSDP, or 0
 */
struct boot_request {
	struct image kernel;
	struct image initrd;
	const char *linux_cmdline;
	const char *append;
	enum entry_choice entry;
	__u64 rsdp;
};

/* load.c: what the boot protocols share */
int load_kernel(const struct boot_request *req, const struct guest_ram *ram,
		struct boot_state *state, struct sentence *why);
int place_initrd(const struct boot_request *req, const struct guest_ram *ram, __u64 floor,
		 __u64 last, __u64 *gpa, struct sentence *why);
int say_no_memory(const struct image *img, __u64 gpa, __u64 size, struct sentence *why);
int place_cmdline(const char *cmdline, __u64 max, const struct guest_ram *ram,
		  struct sentence *why);
int place_boot_area(enum cpu_mode mode, const struct guest_ram *ram, struct sentence *why);
void place_linux_params(struct boot_params *bp, const struct boot_request *req,
			const struct guest_ram *ram, __u64 initrd);

/* load_bzimage.c, load_multiboot.c, load_elf.c, load_flat.c */
bool bzimage_recognise(const struct image *img);
int load_bzimage(const struct boot_request *req, const struct guest_ram *ram,
		 struct boot_state *state, struct sentence *why);
bool multiboot_recognise(const struct image *img);
int load_multiboot(const struct boot_request *req, const struct guest_ram *ram,
		   struct boot_state *state, struct sentence *why);
bool elf_recognise(const struct image *img);
bool elf_has_pvh_note(const struct image *img);
int load_elf(const struct boot_request *req, const struct guest_ram *ram,
	     struct boot_state *state, struct sentence *why);
int elf_load_segments(const struct image *img, const struct guest_ram *ram, __u64 *entry,
		      __u64 *end, struct sentence *why);
int load_flat(const struct image *img, __u64 load, const struct guest_ram *ram,
	      struct boot_state *state, struct sentence *why);

#endif
