/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device that this process emulates: header type 0, BARs that the guest can size and move,
 * capabilities, an interrupt pin and MSI-X.
 */
#ifndef MINIKVM_TOOL_PCI_ENDPOINT_H
#define MINIKVM_TOOL_PCI_ENDPOINT_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

#include "bus/bus.h"
#include "devices/msix.h"
#include "devices/pci.h"
#include "terminal/sentence.h"

#define ENDPOINT_BARS		6
#define ENDPOINT_CONFIG		256	/* bytes that are implemented; the rest of ECAM's reads 0 */

/* What a device is, in the header's words; @class has the subclass and interface, too */
struct pci_identity {
	__u16 vendor, device;
	__u16 subsystem_vendor, subsystem;
	__u32 class;
	__u8 revision;
};

/**
 * struct pci_endpoint_ops - what the device wants to know; each may be NULL
 * @bar_moved: BAR @bar is now decoded at @at, or nowhere (0). A vCPU's thread, lock held
 * @config_read: the guest reads @size bytes at @reg, in a capability; may fill them in
 * @config_written: the guest has written @size bytes at @reg; lock not held
 */
struct pci_endpoint_ops {
	void (*bar_moved)(void *opaque, unsigned int bar, __u64 at);
	void (*config_read)(void *opaque, unsigned int reg, unsigned int size);
	void (*config_written)(void *opaque, unsigned int reg, unsigned int size);
};

/**
 * struct pci_bar - a base address register
 * @size: bytes, a power of two from 16 on (I/O: from 4 on); 0 where there is none
 * @io: ports, not memory
 * @wide: 64 bits; the next register is its upper half
 * @at: where it is decoded, or 0
 * @ops: what is behind it
 */
struct pci_bar {
	__u64 size;
	bool io, wide;
	__u64 at;
	const struct bus_ops *ops;
};

/**
 * struct pci_endpoint - the device
 * @root: the root that it is on
 * @number: of the device there
 * @ops: what it wants to know
 * @opaque: the argument of @ops and of the BARs' ops
 * @lock: of all below, except what is in @msix
 * @config: configuration space
 * @writable: the bits of it that the guest can change
 * @bar: the BARs
 * @used: bytes of @config that are taken by capabilities
 * @last: offset of the last capability, 0 before the first
 * @msix_at: offset of MSI-X, 0 without it
 * @msix: its messages
 * @asserted: the interrupt pin, as the device wants it
 * @driven: as the root knows it: not while the guest disables it, or MSI-X is on
 */
struct pci_endpoint {
	struct pci_root *root;
	unsigned int number;
	const struct pci_endpoint_ops *ops;
	void *opaque;
	pthread_mutex_t lock;
	__u8 config[ENDPOINT_CONFIG];
	__u8 writable[ENDPOINT_CONFIG];
	struct pci_bar bar[ENDPOINT_BARS];
	unsigned int used, last;
	unsigned int msix_at;
	struct msix msix;
	bool asserted, driven;
};

void pci_endpoint_init(struct pci_endpoint *e, const struct pci_identity *identity,
		       const struct pci_endpoint_ops *ops, void *opaque);
void pci_endpoint_add_bar(struct pci_endpoint *e, unsigned int bar, __u64 size, bool io, bool wide,
			  const struct bus_ops *ops);
unsigned int pci_endpoint_add_capability(struct pci_endpoint *e, __u8 id, const void *body,
					 unsigned int len);
int pci_endpoint_add_msix(struct pci_endpoint *e, const struct wires *wires, unsigned int count,
			  unsigned int bar, __u32 table, __u32 pending);
int pci_endpoint_plug(struct pci_endpoint *e, struct pci_root *root, unsigned int first,
		      struct sentence *why);
int pci_endpoint_move(struct pci_endpoint *e, unsigned int number);
void pci_endpoint_unplug(struct pci_endpoint *e);
void pci_endpoint_pin(struct pci_endpoint *e, bool level);

#endif
