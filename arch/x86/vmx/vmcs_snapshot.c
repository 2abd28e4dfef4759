// SPDX-License-Identifier: GPL-2.0-only
/*
 * A copy of a vCPU's VMCS, and the entry checks on it.
 *
 * SDM, "VM Entries". All fields are read at once, between two entries of the vCPU, and the checks
 * go over the copy in the reader's own time. What the module keeps outside of the VMCS until the
 * next entry (RIP, RSP, RFLAGS, a field that a test breaks) is put into the copy, so that it shows
 * what the processor would see.
 */
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/explain/entry_check.h"
#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmcs_snapshot.h"
#include "arch/x86/vmx/hardware.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* The place of a field in the table, or NR_VMCS_FIELDS. */
static unsigned int place(u32 field)
{
	unsigned int i;

	for (i = 0; i < NR_VMCS_FIELDS; i++)
		if (vmcs_fields[i].encoding == field)
			break;
	return i;
}

static void set(struct vmcs_snapshot *s, u32 field, u64 value)
{
	unsigned int i = place(field);

	if (i < NR_VMCS_FIELDS)
		s->value[i] = value;
}

/*
 * A VMREAD of a field that does not exist leaves its error number in the VMCS: so each is tried
 * once, and the error number is read before. All CPUs have the same fields.
 */
enum { UNTRIED, EXISTS, MISSING };

static u8 tried[NR_VMCS_FIELDS];

static void read_field(struct vmcs_snapshot *s, unsigned int i)
{
	unsigned long value = 0;

	if (READ_ONCE(tried[i]) != MISSING)
		s->has[i] = vmcs_try_read(vmcs_fields[i].encoding, &value);
	WRITE_ONCE(tried[i], s->has[i] ? EXISTS : MISSING);
	s->value[i] = s->has[i] ? value : 0;
}

static void add_what_waits(struct vmcs_snapshot *s, struct mkvm_vcpu *vcpu)
{
	const struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 dirty = vcpu->arch.regs_dirty;

	if (dirty & BIT(GREG_RIP))
		set(s, GUEST_RIP, vcpu->arch.regs[GREG_RIP]);
	if (dirty & BIT(GREG_RSP))
		set(s, GUEST_RSP, vcpu->arch.regs[GREG_RSP]);
	if (dirty & BIT(GREG_RFLAGS))
		set(s, GUEST_RFLAGS, vcpu->arch.rflags);
	/* Before the first entry: the thread that runs the vCPU writes its own, like this one's. */
	if (!vmx->host_cr4) {
		set(s, HOST_CR3, __native_read_cr3());
		set(s, HOST_CR4, cr4_read_shadow());
	}
	if (break_field_armed(vmx))
		set(s, vmx->broken_field.encoding, vmx->broken_field.value);
}

/**
 * vmcs_snapshot_take() - copy a vCPU's VMCS
 * @vcpu: its mutex is held, by this thread or by the vCPU's; it need not be loaded
 * @snapshot: struct vmcs_snapshot, all 0 but for its reader
 *
 * Context: process, as mkvm_inspect() calls it.
 */
void vmcs_snapshot_take(struct mkvm_vcpu *vcpu, void *snapshot)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmcs_snapshot *s = snapshot;
	unsigned int i, error = place(VM_INSTRUCTION_ERROR);

	s->running = current != s->reader;
	s->pa = vmx->vmcs_pa;
	preempt_disable();
	s->valid = vmx_vmcs_activate(vmx, smp_processor_id());
	if (s->valid) {
		read_field(s, error);
		for (i = 0; i < NR_VMCS_FIELDS; i++)
			if (i != error)
				read_field(s, i);
	}
	s->vtpr = s->valid ? entry_check_vtpr(vcpu) : -1;
	preempt_enable();
	/*
	 * The host-state area is that of the CPU where the vCPU ran. vmx_vcpu_load() writes it anew
	 * when the VMCS was active elsewhere: so it must not stay active where the reader was.
	 */
	if (!s->running)
		vmx_vmcs_deactivate(vmx);
	add_what_waits(s, vcpu);
}

struct pass {
	struct entry_check check;
	const struct vmcs_snapshot *s;
	vmcs_rule_fn tell;
	void *arg;
};

static u64 read_copy(struct entry_check *c, u32 field)
{
	unsigned int i = place(field);

	return i < NR_VMCS_FIELDS ? container_of(c, struct pass, check)->s->value[i] : 0;
}

static void tell_broken(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	struct pass *p = container_of(c, struct pass, check);

	p->tell(p->arg, c->section, field, value, rule, false);
}

static void tell_holds(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	struct pass *p = container_of(c, struct pass, check);

	p->tell(p->arg, c->section, field, value, rule, true);
}

/**
 * vmcs_snapshot_check() - which rules of the SDM apply to a VMCS, and which of them does it break?
 * @s: the copy
 * @tell: is told each rule
 * @arg: for @tell
 *
 * Return: the number of broken rules.
 */
int vmcs_snapshot_check(const struct vmcs_snapshot *s, vmcs_rule_fn tell, void *arg)
{
	struct pass p = {
		.check = {
			.read = read_copy, .report = tell_broken, .holds = tell_holds,
			.vmcs_pa = s->pa, .vtpr = s->vtpr,
		},
		.s = s, .tell = tell, .arg = arg,
	};

	return entry_check_here(&p.check);
}
