// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at a VM's memory from outside: its slots and walks of its EPT, in debugfs.
 *
 * SDM, "The Extended Page Table Mechanism (EPT)". The file slots has a line for each memory slot;
 * ept takes a guest-physical address and gives the entry at each level (`minikvm ept`, `minikvm
 * walk`). A descriptor of ept remembers the address that was written through it. Addresses in the
 * host's memory are left out for a reader who may not see them (look.c).
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch/x86/abi/look.h"
#include "arch/x86/mmu/ept_table.h"
#include "virt/arch.h"
#include "virt/memslot.h"

static void show_slot(struct seq_file *m, const struct mkvm_memslot *slot)
{
	seq_printf(m, "slot %u gpa 0x%llx size 0x%llx hva 0x%lx%s%s\n", slot->id,
		   slot->base_gfn << PAGE_SHIFT, slot->npages << PAGE_SHIFT,
		   slot->userspace_addr, slot->flags & KVM_MEM_READONLY ? " read-only" : "",
		   slot->dirty_bitmap ? " dirty-log" : "");
}

static int slots_show(struct seq_file *m, void *unused)
{
	struct mkvm_vm *vm = m->private;
	int idx = srcu_read_lock(&vm->srcu);
	struct mkvm_memslots *slots = mkvm_memslots(vm);
	unsigned int i;

	for (i = 0; i < slots->nr; i++)
		show_slot(m, slots->slot[i]);
	srcu_read_unlock(&vm->srcu, idx);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(slots);

/* What one descriptor of ept is for. */
struct walk {
	struct mkvm_vm *vm;
	gpa_t gpa;
};

static int walk_show(struct seq_file *m, void *unused)
{
	const struct walk *w = m->private;
	u64 entry[EPT_MAX_LEVELS] = {}, hide = look_sees_host() ? 0 : EPT_ADDR_MASK;
	gfn_t gfn = w->gpa >> PAGE_SHIFT;
	struct mkvm_memslot *slot;
	int level, top = 0, last = 0, idx;
	struct ept_iter it;

	read_lock(&w->vm->mmu_lock);
	/* The tables have no place for bits above: such an address would look like another one. */
	if (gfn <= arch_mmu_max_gfn() && ept_iter_top(&it, w->vm, gfn)) {
		top = it.level;
		do {
			entry[it.level - 1] = it.val;
			last = it.level;
		} while (ept_iter_down(&it, gfn));
	}
	read_unlock(&w->vm->mmu_lock);
	seq_printf(m, "gpa 0x%llx eptp 0x%llx levels %d%s\n", w->gpa,
		   w->vm->arch.ept.eptp & ~hide, w->vm->arch.ept.levels, hide ? " masked" : "");
	idx = srcu_read_lock(&w->vm->srcu);
	slot = mkvm_gfn_to_slot(w->vm, gfn);
	if (slot)
		show_slot(m, slot);
	srcu_read_unlock(&w->vm->srcu, idx);
	for (level = top; level && level >= last; level--)
		seq_printf(m, "level %d index %u entry 0x%llx\n", level, ept_index(gfn, level),
			   entry[level - 1] & ~hide);
	return 0;
}

static int walk_open(struct inode *inode, struct file *file)
{
	struct walk *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!w)
		return -ENOMEM;
	w->vm = inode->i_private;
	ret = single_open(file, walk_show, w);
	if (ret)
		kfree(w);
	return ret;
}

static ssize_t walk_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct walk *w = ((struct seq_file *)file->private_data)->private;
	int ret = kstrtoull_from_user(from, count, 0, &w->gpa);

	return ret ?: count;
}

static int walk_release(struct inode *inode, struct file *file)
{
	kfree(((struct seq_file *)file->private_data)->private);
	return single_release(inode, file);
}

static const struct file_operations walk_fops = {
	.owner = THIS_MODULE,
	.open = walk_open,
	.read = seq_read,
	.write = walk_write,
	.llseek = seq_lseek,
	.release = walk_release,
};

void arch_debugfs_add_vm(struct mkvm_vm *vm)
{
	debugfs_create_file("slots", 0400, vm->stats_dentry, vm, &slots_fops);
	debugfs_create_file("ept", 0600, vm->stats_dentry, vm, &walk_fops);
}
