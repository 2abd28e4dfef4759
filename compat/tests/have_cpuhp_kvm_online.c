// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUHP_AP_KVM_ONLINE (6.6): KVM's state moved to the section whose functions may fail and sleep. Used
 * by arch/x86/vmx/hardware.c as COMPAT_CPUHP_TASKLESS.
 */
#include <linux/cpuhotplug.h>

enum cpuhp_state probe(void);

enum cpuhp_state probe(void)
{
	return CPUHP_AP_KVM_ONLINE;
}
