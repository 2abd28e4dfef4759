# SPDX-License-Identifier: GPL-2.0-only
#
# walk.awk - of a recording of the teaching kernel by `minikvm trace`, the lines between two of the
# guest's announcements, in short: for the chapter's log. The first N that match PATTERN are passed over.
#
# usage: awk -v from=PATTERN -v to=PATTERN [-v timer=1] [-v skip=N] -f walk.awk RECORDING
#
# Numbers that depend on the build are left out, and lines that repeat the one before; so are the
# host's own interrupts, and the timer's, unless they are wanted.

function show(line) {
	if (line != last)
		print line
	last = line
}

/ kvm_hypercall: .*: the guest/ {
	sub(/.*: the guest/, "the guest")
	sub(/0x[0-9a-f]+$/, "ADDRESS")
	if (!on && $0 ~ from && matches++ >= skip)
		on = 1
	if (on) {
		show($0)
		# Each window once, and its first line is not its last.
		if (lines++ && $0 ~ to) {
			on = 0
			exit
		}
	}
	next
}

on && / kvm_exit: / {
	sub(/.* reason /, "")
	reason = $1
	# Where an EPT violation comes depends on how many pages the last one mapped.
	if (reason == "VMCALL" || reason == "EXTERNAL_INTERRUPT" || reason == "IO_INSTRUCTION" ||
	    reason == "EPT_VIOLATION")
		next
	if (!timer && (reason == "PREEMPTION_TIMER" || reason == "MSR_WRITE" ||
		       reason == "INTERRUPT_WINDOW"))
		next
	show("  exit: " reason)
}

on && timer && / kvm_inj_virq: / {
	sub(/.*kvm_inj_virq: /, "")
	show("  injected: " $0)
}

on && timer && / kvm_msr: / {
	sub(/.*kvm_msr: /, "")
	sub(/ = .*/, "")
	show("  " $0)
}
