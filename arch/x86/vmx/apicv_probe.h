/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does VM entry take the controls of APICv as the SDM says?
 */
#ifndef MINIKVM_ARCH_X86_VMX_APICV_PROBE_H
#define MINIKVM_ARCH_X86_VMX_APICV_PROBE_H

#include <linux/types.h>

bool vmx_posted_desc_accepted(unsigned int offset);

#endif
