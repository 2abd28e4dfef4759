/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting virtiofsd for a shared directory.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_SHARE_H
#define MINIKVM_TOOL_VHOST_USER_SHARE_H

#include "vhost_user/device.h"

struct virtio_device *share_open(const char *directory, const char *tag, const char *sandbox,
				 const struct vhost_user_memory_source *memory,
				 struct sentence *why);

#endif
