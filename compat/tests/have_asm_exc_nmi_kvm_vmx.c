// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entry point for an NMI that arrived in guest mode is asm_exc_nmi_noist in 6.1 and
 * asm_exc_nmi_kvm_vmx in 6.12. Used by arch/x86/vmx/vmenter.S.
 */
#include <linux/hardirq.h>
#include <asm/idtentry.h>

void *probe(void);
void *probe(void)
{
	return asm_exc_nmi_kvm_vmx;
}
