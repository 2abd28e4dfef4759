# SPDX-License-Identifier: GPL-2.0-only
#
# Makefile - the commands of the project; `make help` lists them. Everything that is made or
# fetched goes to build/.

SHELL := /bin/bash
BUILD ?= $(CURDIR)/build
KDIR ?= /lib/modules/$(shell uname -r)/build
# A name for what is built against KDIR: one directory of objects for each.
KNAME ?= host

MODULE_SOURCES := Kbuild arch compat uapi virt $(wildcard iommu)

.PHONY: module
# The objects live beside the sources, which kbuild wants; so each kernel gets a tree of links.
module:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers at $(KDIR): apt-get install linux-headers-$$(uname -r), or make KDIR=..." >&2; exit 1; }
	@mkdir -p $(BUILD)/module-$(KNAME)
	@for path in $$(cd $(CURDIR) && find $(MODULE_SOURCES) -name '*.[chS]' -o -name Kbuild -o -path compat/probe); do \
		mkdir -p $(BUILD)/module-$(KNAME)/$$(dirname $$path); \
		ln -sfn $(CURDIR)/$$path $(BUILD)/module-$(KNAME)/$$path; \
	done
	@test -s $(BUILD)/module-$(KNAME)/compat.flags -a $(BUILD)/module-$(KNAME)/compat.flags -nt compat/tests || \
		compat/probe $(KDIR) > $(BUILD)/module-$(KNAME)/compat.flags
	$(MAKE) -C $(KDIR) M=$(BUILD)/module-$(KNAME) MINIKVM_COMPAT_FLAGS="$$(cat $(BUILD)/module-$(KNAME)/compat.flags)" $(KMAKEFLAGS) modules
