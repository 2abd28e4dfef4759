/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In the place of trace/kvm_events.h and trace/kvm_x86_events.h, for files of the module that are
 * compiled in userspace: every tracepoint is off, as in a kernel without them.
 */
#ifndef UNIT_TRACE_KVM_EVENTS_H
#define UNIT_TRACE_KVM_EVENTS_H

#define trace_out_of_line		noinline __cold

#define trace_kvm_ack_irq(...)		do { } while (0)
#define trace_kvm_apic(...)		do { } while (0)
#define trace_kvm_apic_enabled()	false
#define trace_kvm_apic_accept_irq(...)	do { } while (0)
#define trace_kvm_apic_accept_irq_enabled()	false
#define trace_kvm_apic_ipi(...)		do { } while (0)
#define trace_kvm_apic_ipi_enabled()	false
#define trace_kvm_apicv_accept_irq(...)	do { } while (0)
#define trace_kvm_apicv_accept_irq_enabled()	false
#define trace_kvm_eoi(...)		do { } while (0)
#define trace_kvm_eoi_enabled()		false
#define trace_kvm_hv_timer_state(...)	do { } while (0)
#define trace_kvm_hv_timer_state_enabled()	false
#define trace_kvm_ioapic_set_irq(...)	do { } while (0)
#define trace_kvm_msr(...)		do { } while (0)
#define trace_kvm_pic_set_irq(...)	do { } while (0)
#define trace_kvm_set_irq(...)		do { } while (0)

#endif
