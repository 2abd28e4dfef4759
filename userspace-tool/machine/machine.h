/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine around the vCPUs: serial port, clock, power and reset registers, debug console.
 *
 * Ports: 0x3f8-0x3ff UART; 0x70-0x71 clock; 0x600-0x605 ACPI PM1; 0x604 <- 0x2000 power-off;
 * 0x64 <- 0xfe, 0xcf9 <- 0x06, 0x92 <- bit 0: reset; 0xe9 and 0x402 debug console; 0xcf8-0xcff PCI.
 * Everything else reads as all ones and swallows writes, like an empty bus.
 */
#ifndef MINIKVM_TOOL_MACHINE_H
#define MINIKVM_TOOL_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "devices/pci.h"
#include "devices/rtc.h"
#include "devices/uart.h"
#include "kvm/vm.h"
#include "terminal/console.h"
#include "vfio/assigned.h"

#define DEBUG_CONSOLE_PORT	0xe9
#define DEBUG_CONSOLE_PORT2	0x402
#define EXIT_REASONS_MAX	64
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
	OUTCOME_FAILED,
};

struct exit_counts {
	unsigned long long runs;	/* returns from KVM_RUN */
	unsigned long long interrupted;	/* of these, by a signal */
	unsigned long long reason[EXIT_REASONS_MAX];
	unsigned long long *port;	/* one per port, or NULL where nobody wants them */
};

/**
 * struct machine - one machine
 * @vm: the VM
 * @assigned: a device of the host's that the guest has, or NULL
 * @wake_fd: eventfd that wakes the event loop: output gathers, the run ends, input may go on
 * @rtc_ticks: the event loop is to call rtc_tick() every second
 * @outcome: the way in which the run ended; OUTCOME_NONE while it lasts
 * @detail: the sentence or number that belongs to it
 */
struct machine {
	struct vm vm;
	struct console console;
	struct uart uart;
	struct rtc rtc;
	struct pci_bus pci;
	struct assigned *assigned;
	int wake_fd;
	atomic_bool rtc_ticks;
	atomic_int outcome;
	pthread_mutex_t outcome_lock;
	struct sentence detail;
	int status;			/* of OUTCOME_DEBUG_EXIT, signal number of OUTCOME_SIGNAL */
	unsigned int debug_exit_port;	/* or NO_PORT */
	pthread_mutex_t power_lock;
	__u8 pm1[6];
	bool sci;
	struct exit_counts counts[VM_VCPUS_MAX];
	pthread_t thread[VM_VCPUS_MAX];
	unsigned int threads;
};

/**
 * machine_init() - wire up the devices
 * @m: the machine, with its VM and console already there
 */
void machine_init(struct machine *m);

/**
 * machine_stop() - end the run
 * @m: the machine
 * @how: the way; the first call wins
 * @detail: the sentence that belongs to it, or NULL
 * @status: the number that belongs to it
 *
 * vCPU threads see it after their current exit; machine_join() brings them back from the guest.
 */
void machine_stop(struct machine *m, enum outcome how, const struct sentence *detail, int status);

#endif
