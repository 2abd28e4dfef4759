/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processor's VMX can do and what minikvm makes of it, in debugfs.
 */
#ifndef MINIKVM_ARCH_X86_VMX_CAPS_SHOW_H
#define MINIKVM_ARCH_X86_VMX_CAPS_SHOW_H

struct dentry;

void caps_debugfs_init(struct dentry *root);

#endif
