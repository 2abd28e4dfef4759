// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking into a vCPU from outside: MINIKVM_GET_VMCS, and the same in debugfs.
 *
 * minikvm's own ABI (uapi/linux/minikvm.h). The ioctl is for the VM's owner, the file vmcsN beside
 * the vCPU's counters for an administrator who looks at another process's VM (`minikvm vmcs`).
 * A VMCS holds addresses of the host's kernel and memory: these, and all of the host-state area,
 * are shown only to a reader who may read the kernel's memory anyway. Relies on mkvm_inspect(),
 * which does not wait for an endless guest.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch/x86/abi/look.h"
#include "arch/x86/vmx/vmcs_snapshot.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"
#include "virt/inspect.h"

/* More than there are: entry_check_*.c has about 200 rules, some of which are for each segment. */
#define MAX_RULES	384

/**
 * struct look - a VMCS and the verdict on it, on their way to a reader
 * @vmcs: the copy
 * @sees_host: the reader may see what tells of the host
 * @nr_rules: rules that apply
 * @nr_broken: those of them that are broken
 * @rule: the rules
 */
struct look {
	struct vmcs_snapshot vmcs;
	bool sees_host;
	unsigned int nr_rules, nr_broken;
	struct minikvm_vmcs_rule rule[MAX_RULES];
};

/**
 * look_sees_host() - may the caller see where things lie in the host's memory?
 *
 * The rule is that of /proc/kcore: lockdown takes it from root, too.
 *
 * Return: true if so.
 */
bool look_sees_host(void)
{
	return capable(CAP_SYS_ADMIN) && !security_locked_down(LOCKDOWN_KCORE);
}

static bool masked(const struct look *l, u32 field)
{
	return !l->sees_host && (vmcs_field_group(field) == VMCS_HOST ||
				 vmcs_field_is_host_address(field));
}

static void take_rule(void *arg, const char *section, u32 field, u64 value, const char *rule,
		      bool holds)
{
	struct look *l = arg;
	struct minikvm_vmcs_rule *r;

	if (l->nr_rules == MAX_RULES)
		return;
	r = &l->rule[l->nr_rules++];
	r->field = field;
	r->flags = holds ? 0 : MINIKVM_VMCS_BROKEN;
	if (masked(l, field))
		r->flags |= MINIKVM_VMCS_MASKED;
	else
		r->value = value;
	strscpy(r->section, section, sizeof(r->section));
	strscpy(r->text, rule, sizeof(r->text));
}

/* Return: what kvfree() frees, or an errno. */
static struct look *look(struct mkvm_vcpu *vcpu)
{
	struct look *l = kvzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!l)
		return ERR_PTR(-ENOMEM);
	l->sees_host = look_sees_host();
	l->vmcs.reader = current;
	ret = mkvm_inspect(vcpu, vmcs_snapshot_take, &l->vmcs);
	if (!ret && !l->vmcs.valid)
		ret = -EIO;
	if (ret) {
		kvfree(l);
		return ERR_PTR(ret);
	}
	l->nr_broken = vmcs_snapshot_check(&l->vmcs, take_rule, l);
	return l;
}

static unsigned int nr_fields(const struct look *l)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_VMCS_FIELDS; i++)
		n += l->vmcs.has[i];
	return n;
}

static struct minikvm_vmcs_value field(const struct look *l, unsigned int i)
{
	struct minikvm_vmcs_value v = { .encoding = vmcs_fields[i].encoding };

	if (masked(l, v.encoding))
		v.flags = MINIKVM_VMCS_MASKED;
	else
		v.value = l->vmcs.value[i];
	return v;
}

static long copy_look(const struct look *l, const struct minikvm_vmcs *to)
{
	struct minikvm_vmcs_value __user *user = u64_to_user_ptr(to->fields);
	struct minikvm_vmcs_value v;
	unsigned int i;

	for (i = 0; i < NR_VMCS_FIELDS; i++) {
		if (!l->vmcs.has[i])
			continue;
		v = field(l, i);
		if (copy_to_user(user++, &v, sizeof(v)))
			return -EFAULT;
	}
	return copy_to_user(u64_to_user_ptr(to->rules), l->rule,
			    l->nr_rules * sizeof(l->rule[0])) ? -EFAULT : 0;
}

/**
 * look_vmcs_ioctl() - MINIKVM_GET_VMCS
 * @call: the ioctl; the vCPU's mutex is not held
 *
 * Return: 0, -E2BIG, -EINVAL, -EBUSY, -EFAULT, -ENOMEM; -EIO: VMX is off.
 */
long look_vmcs_ioctl(struct mkvm_call *call)
{
	struct minikvm_vmcs args;
	struct look *l;
	long ret;

	if (copy_from_user(&args, mkvm_call_user(call), sizeof(args)))
		return -EFAULT;
	if (args.flags) {
		mkvm_refuse(call->vm, "MINIKVM_GET_VMCS: unknown flags 0x%x", args.flags);
		return -EINVAL;
	}
	l = look(call->vcpu);
	if (IS_ERR(l)) {
		if (PTR_ERR(l) == -EBUSY)
			mkvm_refuse(call->vm, "MINIKVM_GET_VMCS: vCPU %u is held up in the host's kernel",
				    call->vcpu->id);
		return PTR_ERR(l);
	}
	if (args.nr_fields < nr_fields(l) || args.nr_rules < l->nr_rules) {
		mkvm_refuse(call->vm, "MINIKVM_GET_VMCS: room for %u fields and %u rules, there are %u and %u",
			    args.nr_fields, args.nr_rules, nr_fields(l), l->nr_rules);
		ret = -E2BIG;
	} else {
		ret = copy_look(l, &args);
	}
	args.nr_fields = nr_fields(l);
	args.nr_rules = l->nr_rules;
	args.nr_broken = l->nr_broken;
	args.flags = l->vmcs.running ? MINIKVM_VMCS_RUNNING : 0;
	kvfree(l);
	if (ret != -EFAULT && copy_to_user(mkvm_call_user(call), &args, sizeof(args)))
		ret = -EFAULT;
	return ret;
}

/* One line for each field and each rule, for the tool and for people with no tool. */
static int vmcs_show(struct seq_file *m, void *unused)
{
	struct mkvm_vcpu *vcpu = m->private;
	struct look *l = look(vcpu);
	const struct minikvm_vmcs_rule *r;
	struct minikvm_vmcs_value v;
	unsigned int i;

	if (IS_ERR(l))
		return PTR_ERR(l);
	seq_printf(m, "vmcs %s vcpu %u%s broken %u\n", vcpu->vm->name, vcpu->id,
		   l->vmcs.running ? " running" : "", l->nr_broken);
	for (i = 0; i < NR_VMCS_FIELDS; i++) {
		if (!l->vmcs.has[i])
			continue;
		v = field(l, i);
		if (v.flags & MINIKVM_VMCS_MASKED)
			seq_printf(m, "field 0x%x masked\n", v.encoding);
		else
			seq_printf(m, "field 0x%x 0x%llx\n", v.encoding, v.value);
	}
	for (r = l->rule; r < l->rule + l->nr_rules; r++)
		seq_printf(m, "rule %s 0x%x %s|%s\n",
			   r->flags & MINIKVM_VMCS_BROKEN ? "broken" : "holds", r->field,
			   r->section, r->text);
	kvfree(l);
	return 0;
}

static int vmcs_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, vmcs_show, inode->i_private, 64 << 10);
}

static const struct file_operations vmcs_fops = {
	.owner = THIS_MODULE,
	.open = vmcs_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

void arch_debugfs_add_vcpu(struct mkvm_vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vmcs%u", vcpu->id);
	debugfs_create_file(name, 0400, vcpu->vm->stats_dentry, vcpu, &vmcs_fops);
}
