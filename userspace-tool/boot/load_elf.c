// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF kernels: the PVH boot protocol (note XEN_ELFNOTE_PHYS32_ENTRY and struct hvm_start_info of
 * Xen's "x86/HVM direct boot ABI"), which a vmlinux built with CONFIG_PVH offers; a vmlinux
 * without it, entered like the 64-bit Linux boot protocol; and plain 32-bit and 64-bit ELF
 * programs, entered in the same way and free to ignore what they are handed.
 *
 * Relies on libelf for the file format. libelf gives out header fields as they stand in the
 * file: offsets, sizes and addresses are checked here against the file and guest memory.
 */
#include <asm/bootparam.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "boot/load.h"

#define XEN_ELFNOTE_PHYS32_ENTRY	18
#define HVM_START_MAGIC			0x336ec578
#define SEGMENTS_MAX			4096

struct hvm_start_info {
	__u32 magic;
	__u32 version;
	__u32 flags;
	__u32 nr_modules;
	__u64 modlist_paddr;
	__u64 cmdline_paddr;
	__u64 rsdp_paddr;
	__u64 memmap_paddr;
	__u32 memmap_entries;
	__u32 reserved;
};

struct hvm_modlist_entry {
	__u64 paddr;
	__u64 size;
	__u64 cmdline_paddr;
	__u64 reserved;
};

struct hvm_memmap_entry {
	__u64 addr;
	__u64 size;
	__u32 type;
	__u32 reserved;
};

/* One page for all of it, so that the loader needs one address. */
struct pvh_page {
	struct hvm_start_info info;
	struct hvm_modlist_entry module;
	struct hvm_memmap_entry memmap[E820_MAX];
};

bool elf_recognise(const struct image *img)
{
	return img->size >= EI_NIDENT && !memcmp(img->data, ELFMAG, SELFMAG);
}

/* libelf takes a non-const pointer, and does not write through it for a file opened so. */
static Elf *open_elf(const struct image *img)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	return elf_memory((char *)img->data, img->size);
}

static bool read_header(Elf *elf, GElf_Ehdr *ehdr, size_t *segments)
{
	return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, ehdr) &&
	       elf_getphdrnum(elf, segments) == 0 && *segments <= SEGMENTS_MAX;
}

/* The entry point among notes that are aligned as @type says; false where none has it. */
static bool pvh_entry_among(Elf *elf, const GElf_Phdr *ph, Elf_Type type, __u64 *entry)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, ph->p_offset, ph->p_filesz, type);
	size_t pos = 0, name, desc;
	GElf_Nhdr note;

	while (data && (pos = gelf_getnote(data, pos, &note, &name, &desc)) > 0) {
		const __u8 *base = data->d_buf;

		if (note.n_type != XEN_ELFNOTE_PHYS32_ENTRY || note.n_namesz != 4 ||
		    memcmp(base + name, "Xen", 4) != 0)
			continue;
		if (note.n_descsz != 4 && note.n_descsz != 8)
			continue;
		*entry = 0;
		memcpy(entry, base + desc, note.n_descsz);
		return true;
	}
	return false;
}

/*
 * Notes are aligned to 4 bytes, or to 8 where p_align is 8; but linkers also give a segment of
 * 4-byte notes the alignment of 8 that a note before it or the script asked for.
 */
static bool pvh_entry_in(Elf *elf, const GElf_Phdr *ph, const struct image *img, __u64 *entry)
{
	if (ph->p_offset > img->size || ph->p_filesz > img->size - ph->p_offset)
		return false;
	return (ph->p_align == 8 && pvh_entry_among(elf, ph, ELF_T_NHDR8, entry)) ||
	       pvh_entry_among(elf, ph, ELF_T_NHDR, entry);
}

static bool find_pvh_entry(const struct image *img, __u64 *entry)
{
	Elf *elf = open_elf(img);
	bool found = false;
	GElf_Ehdr ehdr;
	GElf_Phdr ph;
	size_t n, i;

	if (read_header(elf, &ehdr, &n))
		for (i = 0; i < n && !found; i++)
			found = gelf_getphdr(elf, i, &ph) && ph.p_type == PT_NOTE &&
				pvh_entry_in(elf, &ph, img, entry);
	elf_end(elf);
	return found;
}

/* True where the ELF file carries the note XEN_ELFNOTE_PHYS32_ENTRY, the PVH entry point. */
bool elf_has_pvh_note(const struct image *img)
{
	__u64 entry;

	return find_pvh_entry(img, &entry);
}

static int load_segment(const struct image *img, const GElf_Phdr *ph, const struct guest_ram *ram,
			struct sentence *why)
{
	__u8 *dest;

	if (ph->p_offset > img->size || ph->p_filesz > img->size - ph->p_offset)
		return say(why, "The kernel %s is cut short: a segment ends beyond the file.",
			   img->name);
	if (ph->p_filesz > ph->p_memsz)
		return say(why, "The kernel %s has a segment with more bytes than memory.",
			   img->name);
	dest = guest_ram_at(ram, ph->p_paddr, ph->p_memsz);
	if (!dest)
		return say_no_memory(img, ph->p_paddr, ph->p_memsz, why);
	if (ph->p_paddr < GUEST_HIGH_MEMORY && ph->p_paddr + ph->p_memsz > GUEST_BOOT_AREA)
		return say(why,
			   "The kernel %s wants the memory between 0x%x and 1 MiB, which the boot information occupies.",
			   img->name, GUEST_BOOT_AREA);
	memcpy(dest, img->data + ph->p_offset, ph->p_filesz);
	memset(dest + ph->p_filesz, 0, ph->p_memsz - ph->p_filesz);
	return 0;
}

/* Entry points may be given as virtual addresses; only a physical one can be jumped to. */
static bool physical_entry(const GElf_Phdr *ph, __u64 e_entry, __u64 *entry)
{
	if (e_entry >= ph->p_paddr && e_entry - ph->p_paddr < ph->p_memsz)
		*entry = e_entry;
	else if (e_entry >= ph->p_vaddr && e_entry - ph->p_vaddr < ph->p_memsz)
		*entry = e_entry - ph->p_vaddr + ph->p_paddr;
	else
		return false;
	return true;
}

static int load_all(Elf *elf, const struct image *img, const struct guest_ram *ram, __u64 *entry,
		    __u64 *end, struct sentence *why)
{
	bool entry_found = false;
	GElf_Ehdr ehdr;
	GElf_Phdr ph;
	size_t n, i;

	if (!read_header(elf, &ehdr, &n))
		return say(why, "The ELF header of %s is damaged.", img->name);
	if (ehdr.e_machine != EM_386 && ehdr.e_machine != EM_X86_64)
		return say(why, "%s is an ELF file for another kind of processor than x86.",
			   img->name);
	if (ehdr.e_ident[EI_DATA] != ELFDATA2LSB)
		return say(why, "%s is a big-endian ELF file.", img->name);
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return say(why, "%s is an ELF object file, not a linked kernel.", img->name);
	*end = 0;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, i, &ph))
			return say(why, "The program headers of %s are damaged.", img->name);
		if (ph.p_type == PT_INTERP)
			return say(why, "%s is a program for an operating system, not a kernel.",
				   img->name);
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		if (load_segment(img, &ph, ram, why))
			return -1;
		if (ph.p_paddr + ph.p_memsz > *end)
			*end = ph.p_paddr + ph.p_memsz;
		if (!entry_found)
			entry_found = physical_entry(&ph, ehdr.e_entry, entry);
	}
	if (!*end)
		return say(why, "%s has no loadable segment.", img->name);
	if (!entry_found)
		return say(why, "The entry point 0x%llx of %s lies in none of its segments.",
			   (__u64)ehdr.e_entry, img->name);
	return 0;
}

/**
 * elf_load_segments() - copy every PT_LOAD segment to its physical address
 * @img: the ELF file
 * @ram: the guest's memory
 * @entry: receives the entry point as a physical address
 * @end: receives the first byte after the highest segment
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int elf_load_segments(const struct image *img, const struct guest_ram *ram, __u64 *entry,
		      __u64 *end, struct sentence *why)
{
	Elf *elf = open_elf(img);
	int ret = load_all(elf, img, ram, entry, end, why);

	elf_end(elf);
	return ret;
}

static void fill_pvh(const struct boot_request *req, const struct guest_ram *ram, __u64 initrd)
{
	struct pvh_page *page = guest_ram_at(ram, GUEST_START_INFO, sizeof(*page));
	struct e820_map map;
	unsigned int i;

	memset(page, 0, sizeof(*page));
	e820_build(ram, &map);
	page->info = (struct hvm_start_info) {
		.magic = HVM_START_MAGIC,
		.version = 1,
		.cmdline_paddr = GUEST_CMDLINE,
		.rsdp_paddr = req->rsdp,
		.memmap_paddr = GUEST_START_INFO + offsetof(struct pvh_page, memmap),
		.memmap_entries = map.count,
	};
	for (i = 0; i < map.count; i++)
		page->memmap[i] = (struct hvm_memmap_entry) {
			.addr = map.range[i].start,
			.size = map.range[i].size,
			.type = map.range[i].type,
		};
	if (!initrd)
		return;
	page->info.nr_modules = 1;
	page->info.modlist_paddr = GUEST_START_INFO + offsetof(struct pvh_page, module);
	page->module.paddr = initrd;
	page->module.size = req->initrd.size;
}

/* What a decompressor would have put into the header; a vmlinux carries none of its own. */
static void fill_zero_page(const struct boot_request *req, const struct guest_ram *ram,
			   __u64 initrd)
{
	struct boot_params *bp = guest_ram_at(ram, GUEST_BOOT_PARAMS, sizeof(*bp));

	memset(bp, 0, sizeof(*bp));
	bp->hdr.boot_flag = 0xaa55;
	memcpy(&bp->hdr.header, "HdrS", 4);
	bp->hdr.version = 0x020c;
	bp->hdr.loadflags = LOADED_HIGH;
	bp->hdr.kernel_alignment = 2 * MIB;
	place_linux_params(bp, req, ram, initrd);
}

int load_elf(const struct boot_request *req, const struct guest_ram *ram,
	     struct boot_state *state, struct sentence *why)
{
	const struct image *img = &req->kernel;
	__u64 entry = 0, end = 0, initrd = 0;
	bool pvh;

	if (elf_load_segments(img, ram, &entry, &end, why))
		return -1;
	pvh = find_pvh_entry(img, &entry);
	if (pvh && !guest_ram_at(ram, entry, 1))
		return say(why, "The PVH entry point 0x%llx of %s lies outside the guest's memory.",
			   entry, img->name);
	if (pvh) {
		state->mode = CPU_PROTECTED32;
		state->protocol = "ELF, PVH entry";
	} else if (img->data[EI_CLASS] == ELFCLASS64) {
		state->mode = CPU_LONG64;
		state->protocol = "ELF, 64-bit entry";
	} else {
		state->mode = CPU_PROTECTED32;
		state->protocol = "ELF, 32-bit entry";
	}
	if (end < GUEST_HIGH_MEMORY)
		end = GUEST_HIGH_MEMORY;
	if (place_boot_area(state->mode, ram, why) ||
	    place_cmdline(req->linux_cmdline, GUEST_CMDLINE_MAX - 1, ram, why) ||
	    place_initrd(req, ram, end, GUEST_LOW_RAM_MAX - 1, &initrd, why))
		return -1;
	fill_pvh(req, ram, initrd);
	fill_zero_page(req, ram, initrd);
	state->rip = entry;
	state->rsp = GUEST_STACK_TOP;
	state->rbx = pvh ? GUEST_START_INFO : 0;
	state->rsi = GUEST_BOOT_PARAMS;
	return 0;
}
