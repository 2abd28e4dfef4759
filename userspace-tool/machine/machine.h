/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine around the vCPUs: serial port, clock, power and reset registers, debug console.
 *
 * Ports: 0x3f8-0x3ff UART; 0x70-0x71 clock; 0x600-0x605 ACPI PM1; 0x604 <- 0x2000 power-off;
 * 0x608-0x609 ACPI's events; 0x610-0x61b hot plug; 0x505 pvpanic;
 * 0x64 <- 0xfe, 0xcf9 <- 0x06, 0x92 <- bit 0: reset; 0xe9 and 0x402 debug console; 0xcf8-0xcff PCI.
 * Everything else reads as all ones and swallows writes, like an empty bus.
 */
#ifndef MINIKVM_TOOL_MACHINE_H
#define MINIKVM_TOOL_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bus/bus.h"
#include "devices/pci.h"
#include "devices/rtc.h"
#include "devices/uart.h"
#include "kvm/vm.h"
#include "machine/exit_log.h"
#include "machine/hotplug.h"
#include "machine/pause.h"
#include "state/state.h"
#include "terminal/console.h"
#include "vfio/assigned.h"
#include "virtio/virtio_pci.h"

#define DEBUG_CONSOLE_PORT	0xe9
#define DEBUG_CONSOLE_PORT2	0x402
#define NO_PORT			0x10000

/* How a run ends. */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_POWER_OFF,
	OUTCOME_HALTED,		/* HLT of a guest without interrupt controllers */
	OUTCOME_MATCHED,	/* --exit-on */
	OUTCOME_LEFT,		/* Ctrl-A x */
	OUTCOME_DEBUG_EXIT,
	OUTCOME_RESET,
	OUTCOME_TRIPLE_FAULT,
	OUTCOME_TIMEOUT,
	OUTCOME_SIGNAL,
	OUTCOME_KILLED,		/* by the debugger */
	OUTCOME_QUIT,		/* minikvm ctl NAME quit */
	OUTCOME_FAILED,
};

struct exit_counts {
	unsigned long long runs;	/* returns from KVM_RUN */
	unsigned long long interrupted;	/* of these, by a signal */
	unsigned long long reason[EXIT_REASONS_MAX];
	unsigned long long *port;	/* one per port, or NULL without --stats */
};

#define STATES_MAX	64	/* devices of a machine that are in its snapshots */

/**
 * struct machine_state - a device that is in the machine's snapshots
 * @ops: what its state consists of
 * @device: the argument of @ops' functions
 * @instance: counts those with the same name
 */
struct machine_state {
	const struct device_state *ops;
	void *device;
	__u32 instance;
};

#define REPORTS_MAX	16	/* that wait for the event loop; further ones are lost */

/**
 * struct machine_report - something that those who watch the machine want to know
 * @event: its name, a word
 * @detail: a sentence
 */
struct machine_report {
	const char *event;
	struct sentence detail;
};

/**
 * struct machine - one machine
 * @vm: the VM
 * @console: the terminal
 * @uart: serial port, connected to @console
 * @rtc: clock
 * @ports: bus of I/O ports
 * @memory: bus of guest-physical memory that is not RAM
 * @pci: PCI root
 * @virtio: virtio devices
 * @virtio_count: how many
 * @terminal: the virtio console that what is typed goes to, or NULL: the serial port
 * @split: devices offer no packed virtqueues
 * @assigned: devices of the host's that the guest has
 * @assigned_count: how many
 * @wake_fd: eventfd that wakes the event loop: output gathers, the run ends, input may go on
 * @rtc_ticks: the event loop is to call rtc_tick() every second
 * @outcome: the way in which the run ended; OUTCOME_NONE while it lasts
 * @outcome_lock: of @outcome, @detail and @status
 * @detail: the sentence that belongs to @outcome
 * @status: byte of OUTCOME_DEBUG_EXIT, signal number of OUTCOME_SIGNAL
 * @debug_exit_port: port that ends the run, or NO_PORT
 * @power_lock: of @pm1, @gpe, @sci and @hotplug
 * @pm1: ACPI's PM1 registers: status, enable, control, two bytes each
 * @gpe: ACPI's general-purpose events: status, enable
 * @hotplug: slots for devices that come and go
 * @sci: ACPI's interrupt line as last driven
 * @counts: exits of each vCPU
 * @thread: the thread of each vCPU
 * @threads: how many threads there are
 * @exit_log: exits that are told while it runs
 * @pause: vCPUs that a debugger has stopped
 * @state: the devices that are in snapshots, in the order in which they were added
 * @states: how many these are
 * @own_states: how many of these are the machine's own; virtio devices follow
 * @report: what the event loop is to tell, under @outcome_lock
 * @reports: how many these are
 */
struct machine {
	struct vm vm;
	struct console console;
	struct uart uart;
	struct rtc rtc;
	struct bus ports;
	struct bus memory;
	struct pci_root pci;
	struct virtio_pci *virtio[PCI_SLOTS];
	unsigned int virtio_count;
	struct virtio_device *terminal;
	bool split;
	struct assigned *assigned[PCI_SLOTS];
	unsigned int assigned_count;
	int wake_fd;
	atomic_bool rtc_ticks;
	atomic_int outcome;
	pthread_mutex_t outcome_lock;
	struct sentence detail;
	int status;
	unsigned int debug_exit_port;
	pthread_mutex_t power_lock;
	__u8 pm1[6];
	__u8 gpe[2];
	struct hotplug hotplug;
	bool sci;
	struct exit_counts counts[VM_VCPUS_MAX];
	pthread_t thread[VM_VCPUS_MAX];
	unsigned int threads;
	struct exit_log exit_log;
	struct pause pause;
	struct machine_state state[STATES_MAX];
	unsigned int states;
	unsigned int own_states;
	struct machine_report report[REPORTS_MAX];
	unsigned int reports;
};

void machine_init(struct machine *m);
void machine_add_state(struct machine *m, const struct device_state *ops, void *device);
void machine_wake(struct machine *m);
void machine_report(struct machine *m, const char *event, const struct sentence *detail);
bool machine_take_report(struct machine *m, struct machine_report *report);
void machine_stop(struct machine *m, enum outcome how, const struct sentence *detail, int status);

#endif
