/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See kvm_events.h beside it.
 */
#include "trace/kvm_events.h"
