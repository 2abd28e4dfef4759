// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers as the guest reads and writes them.
 *
 * SDM, "Local APIC Register Address Map" (xAPIC: memory, 32 bits in every 16 bytes), "x2APIC
 * Register Address Space" and "Reserved Bit Checking" (MSRs 0x800 to 0x8ff, #GP for what is
 * not there), "Error Handling" (ESR). One table says which register exists in which mode.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/nospec.h>
#include <linux/string.h>

#include "arch/x86/irq/lapic_internal.h"

/* xAPIC read and write, x2APIC read and write, and what each is checked for. */
#define XR	BIT(0)
#define XW	BIT(1)
#define R2	BIT(2)
#define W2	BIT(3)
#define LVT	BIT(4)
#define RW	(XR | XW | R2 | W2)
#define RO	(XR | R2)

static const u8 access[64] = {
	[APIC_ID >> 4]		= XR | XW | R2,
	[APIC_LVR >> 4]		= RO,
	[APIC_TASKPRI >> 4]	= RW,
	[APIC_ARBPRI >> 4]	= XR,
	[APIC_PROCPRI >> 4]	= RO,
	[APIC_EOI >> 4]		= XR | XW | W2,
	[APIC_LDR >> 4]		= XR | XW | R2,
	[APIC_DFR >> 4]		= XR | XW,
	[APIC_SPIV >> 4]	= RW,
	[APIC_ISR >> 4 ... (APIC_ISR >> 4) + 7] = RO,
	[APIC_TMR >> 4 ... (APIC_TMR >> 4) + 7] = RO,
	[APIC_IRR >> 4 ... (APIC_IRR >> 4) + 7] = RO,
	[APIC_ESR >> 4]		= RW,
	[APIC_LVTCMCI >> 4]	= RW | LVT,
	[APIC_ICR >> 4]		= RW,
	[APIC_ICR2 >> 4]	= XR | XW,
	[APIC_LVTT >> 4]	= RW | LVT,
	[APIC_LVTTHMR >> 4]	= RW | LVT,
	[APIC_LVTPC >> 4]	= RW | LVT,
	[APIC_LVT0 >> 4]	= RW | LVT,
	[APIC_LVT1 >> 4]	= RW | LVT,
	[APIC_LVTERR >> 4]	= RW | LVT,
	[APIC_TMICT >> 4]	= RW,
	[APIC_TMCCT >> 4]	= RO,
	[APIC_TDCR >> 4]	= RW,
	[APIC_SELF_IPI >> 4]	= W2,
};

/* Reserved bits of an x2APIC write: SDM, "Interrupt Command Register in x2APIC Mode". */
#define X2APIC_ICR_RESERVED	(GENMASK_ULL(31, 20) | GENMASK_ULL(17, 16) | BIT_ULL(13))
/* Delivery status and remote IRR: read only, written values are ignored. */
#define LVT_READ_ONLY		(APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR)
#define TDCR_BITS		0xbu

/* Register offset of an x2APIC MSR; ~0 outside the range, which reg_exists() refuses. */
static u32 msr_to_reg(u32 msr)
{
	return msr - X2APIC_MSR_FIRST < ARRAY_SIZE(access) ? (msr - X2APIC_MSR_FIRST) << 4 : ~0u;
}

static bool reg_exists(const struct mkvm_lapic *apic, u32 reg, u8 how)
{
	if (reg >= ARRAY_SIZE(access) << 4)
		return false;
	reg = array_index_nospec(reg >> 4, ARRAY_SIZE(access));
	if (reg == APIC_LVTCMCI >> 4 && !lapic_has_cmci(apic))
		return false;
	return access[reg] & how;
}

/* @reg exists and may be read. */
static u32 read_reg(struct mkvm_lapic *apic, u32 reg)
{
	switch (reg) {
	case APIC_LVR:
		return lapic_version(apic);
	case APIC_PROCPRI:
		return lapic_ppr(apic);
	case APIC_TMCCT:
		return lapic_timer_current(apic);
	case APIC_EOI:
	case APIC_ARBPRI:
		return 0;
	default:
		return lapic_get(apic, reg);
	}
}

/* For the fast way of WRMSR, too, which is not taken while there is an event to tell. */
static void send_untold(struct mkvm_lapic *apic, u32 icr, u32 dest)
{
	struct lapic_irq irq = {
		.dest_id = dest,
		.vector = icr & APIC_VECTOR_MASK,
		.delivery_mode = (icr & APIC_MODE_MASK) >> 8,
		.shorthand = (icr >> 18) & 3,
		.logical = icr & APIC_DEST_LOGICAL,
		.level = icr & APIC_INT_ASSERT,
	};

	switch (irq.delivery_mode) {
	case DM_FIXED:
	case DM_LOWEST:
		/* IPIs are edge triggered on every processor since the Pentium 4. */
		if (unlikely(irq.vector < 16)) {
			lapic_error(apic->vcpu, APIC_ESR_SENDILL);
			return;
		}
		break;
	case DM_INIT:
		/* The trigger mode only tells INIT from the INIT level de-assert of old. */
		irq.trig_level = icr & APIC_INT_LEVELTRIG;
		break;
	case DM_RESERVED:
	case DM_EXTINT:
		return;
	}
	lapic_deliver(apic->vcpu->vm, apic->vcpu, &irq);
}

static trace_out_of_line void tell_ipi(u32 icr, u32 dest)
{
	trace_kvm_apic_ipi(icr, dest);
}

static void send_ipi(struct mkvm_lapic *apic, u32 icr, u32 dest)
{
	if (trace_kvm_apic_ipi_enabled())
		tell_ipi(icr, dest);
	send_untold(apic, icr, dest);
}

static trace_out_of_line void tell_access(bool write, u32 reg, u64 val)
{
	trace_kvm_apic(write, reg, val);
}

static void write_lvt(struct mkvm_lapic *apic, u32 reg, u32 val)
{
	val &= lapic_lvt_valid_bits(apic, reg);
	if (!apic->sw_enabled)
		val |= APIC_LVT_MASKED;
	if (reg == APIC_LVTT)
		lapic_timer_write_lvtt(apic, val);
	else
		lapic_put(apic, reg, val);
	if (reg == APIC_LVT0)
		mkvm_make_request(MKVM_REQ_EVENT, apic->vcpu);
}

/* @reg exists and may be written; in x2APIC mode @val has no reserved bit set. */
static void write_reg(struct mkvm_lapic *apic, u32 reg, u32 val)
{
	if (trace_kvm_apic_enabled())
		tell_access(true, reg, val);
	switch (reg) {
	case APIC_EOI:
		lapic_eoi(apic->vcpu);
		break;
	case APIC_TASKPRI:
		lapic_write_tpr(apic, val);
		break;
	case APIC_ICR:
		/* The message is sent at once: delivery status never reads as 1. */
		val &= ~APIC_ICR_BUSY;
		lapic_put(apic, APIC_ICR, val);
		send_ipi(apic, val, lapic_get(apic, APIC_ICR2) >> 24);
		break;
	case APIC_ICR2:
		lapic_put(apic, APIC_ICR2, val & 0xff000000);
		break;
	case APIC_ID:
		lapic_put(apic, APIC_ID, val & 0xff000000);
		lapic_map_update(apic->vcpu->vm);
		break;
	case APIC_LDR:
		lapic_put(apic, APIC_LDR, val & APIC_LDR_MASK);
		lapic_map_update(apic->vcpu->vm);
		break;
	case APIC_DFR:
		lapic_put(apic, APIC_DFR, val | 0x0fffffff);
		lapic_map_update(apic->vcpu->vm);
		break;
	case APIC_SPIV:
		lapic_write_svr(apic, val);
		break;
	case APIC_ESR:
		/* SDM, "Error Handling": the write shows what came since the last one. */
		lapic_put(apic, APIC_ESR, xchg(&apic->esr_pending, 0));
		break;
	case APIC_TMICT:
		lapic_timer_write_initial(apic, val);
		break;
	case APIC_TDCR:
		lapic_timer_write_divide(apic, val & TDCR_BITS);
		break;
	default:
		if (access[reg >> 4] & LVT)
			write_lvt(apic, reg, val);
		break;
	}
}

/**
 * lapic_mmio_read() - a read of the xAPIC page
 * @vcpu: the vCPU, which has a LAPIC
 * @offset: within the page
 * @len: bytes, 1 to 8
 * @data: gets @len bytes; zero where no register is, ones where no APIC is
 *
 * Context: vCPU thread; interrupts may be off.
 * Return: 0.
 */
int lapic_mmio_read(struct mkvm_vcpu *vcpu, u32 offset, int len, void *data)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 reg = offset & ~0xfu;
	u32 in_reg = offset & 0xf;
	u32 val;

	if (unlikely(apic->mode != LAPIC_XAPIC)) {
		memset(data, 0xff, len);
		return 0;
	}
	memset(data, 0, len);
	if (unlikely(!reg_exists(apic, reg, XR))) {
		lapic_error(vcpu, APIC_ESR_ILLREGA);
		return 0;
	}
	/* Only the first four of the sixteen bytes are the register. */
	if (in_reg >= 4)
		return 0;
	val = read_reg(apic, reg);
	if (trace_kvm_apic_enabled())
		tell_access(false, reg, val);
	memcpy(data, (u8 *)&val + in_reg, min_t(u32, len, 4 - in_reg));
	return 0;
}

/**
 * lapic_mmio_write() - a write to the xAPIC page
 * @vcpu: the vCPU, which has a LAPIC
 * @offset: within the page
 * @len: bytes; anything but 4 on a 16-byte boundary is undefined by the SDM and dropped here
 * @data: what is written
 *
 * Context: vCPU thread; interrupts may be off, except for EOI, and for ID, LDR and DFR, which
 * change the VM's table of destinations.
 * Return: 0.
 */
int lapic_mmio_write(struct mkvm_vcpu *vcpu, u32 offset, int len, const void *data)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 val;

	if (unlikely(apic->mode != LAPIC_XAPIC || len < 4 || offset & 0xf))
		return 0;
	if (unlikely(!reg_exists(apic, offset, XW))) {
		lapic_error(vcpu, APIC_ESR_ILLREGA);
		return 0;
	}
	memcpy(&val, data, sizeof(val));
	write_reg(apic, offset, val);
	return 0;
}

/**
 * lapic_x2apic_msr_read() - RDMSR of 0x800 to 0x8ff
 * @vcpu: the vCPU
 * @msr: the MSR
 * @data: gets the value
 *
 * Return: 0, or 1 for #GP: not in x2APIC mode, no such register, or write only.
 */
int lapic_x2apic_msr_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 reg = msr_to_reg(msr);

	if (!apic || apic->mode != LAPIC_X2APIC || !reg_exists(apic, reg, R2))
		return 1;
	*data = read_reg(apic, reg);
	if (reg == APIC_ICR)
		*data |= (u64)lapic_get(apic, APIC_ICR + 4) << 32;
	trace_kvm_apic(0, reg, *data);
	return 0;
}

static __always_inline int write_icr(struct mkvm_vcpu *vcpu, u64 data, bool tell)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (unlikely(apic->mode != LAPIC_X2APIC || data & X2APIC_ICR_RESERVED))
		return 1;
	data &= ~(u64)APIC_ICR_BUSY;
	if (tell)
		trace_kvm_apic(1, APIC_ICR, data);
	lapic_put(apic, APIC_ICR, data);
	lapic_put(apic, APIC_ICR + 4, data >> 32);
	if (tell)
		send_ipi(apic, data, data >> 32);
	else
		send_untold(apic, data, data >> 32);
	return 0;
}

/**
 * lapic_x2apic_icr_write_fast() - WRMSR to 0x830, x2APIC's ICR
 * @vcpu: the vCPU, which has a LAPIC
 * @data: what is written
 *
 * Context: vCPU thread, interrupts may be off; no memory slots are touched; trace_msr() says no.
 * Return: 0, or 1 for #GP.
 */
int lapic_x2apic_icr_write_fast(struct mkvm_vcpu *vcpu, u64 data)
{
	return write_icr(vcpu, data, false);
}

/* Bits of @reg that a WRMSR may have set; all others are reserved and make it #GP. */
static u32 x2apic_valid_bits(const struct mkvm_lapic *apic, u32 reg)
{
	switch (reg) {
	case APIC_EOI:
	case APIC_ESR:
		return 0;
	case APIC_TASKPRI:
	case APIC_SELF_IPI:
		return APIC_VECTOR_MASK;
	case APIC_SPIV:
		return APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED |
		       (lapic_version(apic) & APIC_LVR_DIRECTED_EOI ?
			APIC_SPIV_DIRECTED_EOI : 0);
	case APIC_TMICT:
		return ~0u;
	case APIC_TDCR:
		return TDCR_BITS;
	default:	/* the LVT: nothing else can be written */
		return lapic_lvt_valid_bits(apic, reg) | LVT_READ_ONLY;
	}
}

/**
 * lapic_x2apic_msr_write() - WRMSR to 0x800 to 0x8ff
 * @vcpu: the vCPU
 * @msr: the MSR
 * @data: what is written
 *
 * Return: 0, or 1 for #GP: not in x2APIC mode, no such register, read only, or a reserved bit.
 * Context: vCPU thread, exit handlers.
 */
int lapic_x2apic_msr_write(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 reg = msr_to_reg(msr);

	if (!apic || apic->mode != LAPIC_X2APIC || !reg_exists(apic, reg, W2))
		return 1;
	if (reg == APIC_ICR)
		return write_icr(vcpu, data, true);
	if (data & ~(u64)x2apic_valid_bits(apic, reg))
		return 1;
	if (reg == APIC_SELF_IPI) {
		trace_kvm_apic(1, reg, data);
		send_ipi(apic, APIC_DEST_SELF | APIC_INT_ASSERT | (u32)data, 0);
	} else {
		write_reg(apic, reg, data);
	}
	return 0;
}

/**
 * lapic_virtual_write() - the guest has written to a register in the page, and that needs software
 * @vcpu: the vCPU, which is virtualized
 * @offset: of the register in the page
 *
 * Context: vCPU thread, interrupts may be off.
 */
void lapic_virtual_write(struct mkvm_vcpu *vcpu, u32 offset)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u32 val;

	if (unlikely(offset >= ARRAY_SIZE(access) << 4 || offset & 0xf))
		return;
	val = lapic_get(apic, offset);
	if (offset == APIC_SELF_IPI) {
		/* A vector that the processor refuses to send. */
		send_ipi(apic, APIC_DEST_SELF | APIC_INT_ASSERT | (val & APIC_VECTOR_MASK), 0);
	} else if (reg_exists(apic, offset, XW)) {
		write_reg(apic, offset, val);
	} else {
		lapic_put(apic, offset, 0);
		lapic_error(vcpu, APIC_ESR_ILLREGA);
	}
}

/**
 * lapic_x2apic_readable() - may RDMSR take a register from the page?
 * @vcpu: the vCPU, which has a LAPIC
 * @msr: any number
 *
 * Return: there is such an x2APIC register, and the page holds its value.
 */
bool lapic_x2apic_readable(struct mkvm_vcpu *vcpu, u32 msr)
{
	u32 reg = msr_to_reg(msr);

	/* The current count is computed when it is asked for. */
	return reg_exists(vcpu->arch.apic, reg, R2) && reg != APIC_TMCCT;
}
