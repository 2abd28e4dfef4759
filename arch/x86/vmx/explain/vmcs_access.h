/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses of VMCS fields: counted, and their failures told. The accessors are in vmcs.h.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_ACCESS_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_VMCS_ACCESS_H

struct dentry;

void vmcs_access_failed(unsigned long what);
void vmcs_access_exit(void);

#ifdef MINIKVM_COUNT_VMCS
void vmcs_access_debugfs_init(struct dentry *root);
#else
static inline void vmcs_access_debugfs_init(struct dentry *root)
{
}
#endif

#endif
