/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a virtio device with its transport, for snapshots: virtio_state.c.
 */
#ifndef MINIKVM_TOOL_VIRTIO_STATE_H
#define MINIKVM_TOOL_VIRTIO_STATE_H

#include "state/state.h"

extern const struct device_state virtio_state;	/* of a struct virtio_pci */

#endif
