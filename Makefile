# SPDX-License-Identifier: GPL-2.0-only
#
# Makefile - the commands of the project; `make help` lists them. Everything that is made or
# fetched goes to build/; the scripts behind the targets are selftests/setup, check, lint, demo.

SHELL := /bin/bash
# make splits names at spaces, and kbuild refuses colons: selftests/tree.sh knows what it is asked.
# (A package of the module's sources alone has no selftests.)
BAD_PATH := $(shell [ ! -e selftests/tree.sh ] || . selftests/tree.sh 2>&1)
ifneq ($(BAD_PATH),)
$(error $(BAD_PATH))
endif
BUILD ?= $(CURDIR)/build
KDIR ?= /lib/modules/$(shell uname -r)/build
# One directory of objects for each kernel: build/module-$(KNAME).
KNAME ?= host
# Code that only tests reach (posted_test, break_field): the modules of the lab's kernels have it, and
# the benchmark's that is compared with them.
TESTHOOKS ?= $(if $(filter 6.1 6.12 debug bare lint-%,$(KNAME)),1)
# COUNT_VMCS=y: a module that counts its VMREADs and VMWRITEs, for the benchmark.
COUNT_VMCS ?=
# TRACING=n: a module without tracepoints, for the benchmark.
TRACING ?=
# BTF_BASE=FILE: the target kernel's BTF, or an ELF file with it, where compat/btf does not find it.
BTF_BASE ?=
DESTDIR ?=
PREFIX ?= /usr/local
PACKAGE_VERSION ?= $(shell sed -n 's/.*MINIKVM_ABI_VERSION[[:space:]]*//p' uapi/linux/minikvm.h).0

MODULE_DIR := $(BUILD)/module-$(KNAME)
MODULE_SOURCES = $(shell find Kbuild arch compat uapi virt iommu trace -name '*.[chS]' -o -name Kbuild \
		   -o -path compat/probe -o -path compat/compiler -o -path compat/fits -o -path compat/btf 2>/dev/null)

# The kernel's own compiler, or a newer one where that cannot be had, unless CC= names one or LLVM=1
# asks for clang, as it does of the kernel itself.
ifeq ($(origin CC),command line)
KCC := $(CC)
else ifneq ($(LLVM),)
KCC := clang
else
KCC = $(eval KCC := $$(shell compat/compiler $(KDIR)))$(KCC)
endif

.PHONY: all
all: module tool

.PHONY: help
help:
	@echo "make               module for the installed kernel's headers (KDIR= another) and the tool"
	@echo "make lab-module    module for the lab's kernel: what make shell loads, and reload in it"
	@echo "make demo          boot a real Linux kernel as a guest on /dev/minikvm, in the lab"
	@echo "make guest-kernel  a small kernel to learn with: build/guest-kernel/kernel.elf"
	@echo "make demo-guest    its shell, as a guest on /dev/minikvm, in the lab"
	@echo "make shell         a shell in an emulated Intel machine with the module loaded (OPTIONS= of lab shell)"
	@echo "make check         every test (half an hour to an hour on two cores)"
	@echo "make check-long    what takes longer: QEMU 10.0, forty boots of foreign kernels and ramdisk"
	@echo "make check-debug   kselftests and clients on a kernel with lockdep, KASAN, kmemleak, UBSAN"
	@echo "make check-unit    only what runs without the lab"
	@echo "make check-fresh   CI's whole run on a minimal Debian 12 and on a minimal Debian 13 (root)"
	@echo "make coverage      which lines of the pure parts the unit suites run, by room and file"
	@echo "make bench         minikvm beside kvm_intel in the same boot: table, build/bench.json"
	@echo "make check-here    kselftests, the tool's tests and guests on this machine, not in the lab (root, VT-x)"
	@echo "make bench-here    cycles on this machine, beside kvm_intel (root, VT-x)"
	@echo "make bench-iommu   VT-d beside intel_iommu through the same API, in instructions"
	@echo "make lint          checkpatch, sparse, W=1 for 6.1 and 6.12, kernel-doc, floors, shellcheck, clang-tidy"
	@echo "make htmldocs      the book, Documentation/, as pages for a browser: build/htmldocs/index.html"
	@echo "make book-logs     the logs in the book, from runs in the lab (Documentation/logs)"
	@echo "make install       module (DKMS if there is one), tool, man pages, completion, udev rule, texts; PREFIX= DESTDIR="
	@echo "make uninstall     removes what make install with the same PREFIX and DESTDIR has put there"
	@echo "make deb           Debian packages in build/deb: minikvm-dkms, minikvm, minikvm-doc"
	@echo "make clean         remove what was built (make distclean: also what was fetched)"
	@echo "selftests/lab/lab --help   run one command in an emulated host"

.PHONY: module
# kbuild puts objects beside sources, so each kernel gets a directory of links to them.
module:
	@test -e $(KDIR)/Makefile || { echo "minikvm: no kernel headers at $(KDIR): apt-get install linux-headers-$$(uname -r), or make KDIR=..." >&2; exit 1; }
	@compat/fits $(KDIR)
	@mkdir -p $(MODULE_DIR)
	@for path in $(MODULE_SOURCES); do \
		mkdir -p $(MODULE_DIR)/$$(dirname $$path); \
		ln -sfn $(CURDIR)/$$path $(MODULE_DIR)/$$path; \
	done
	@find $(MODULE_DIR) -xtype l -delete
	@test -n "$(KCC)"
	@if ! [ $(MODULE_DIR)/compat.flags -nt compat/tests ] || ! echo "$(KDIR)" | cmp -s - $(MODULE_DIR)/compat.kdir; then \
		compat/probe $(KDIR) "$(KCC)" > $(MODULE_DIR)/compat.flags || { rm -f $(MODULE_DIR)/compat.flags; exit 1; }; \
		echo "$(KDIR)" > $(MODULE_DIR)/compat.kdir; \
	fi
	$(MAKE) -C $(KDIR) M=$(MODULE_DIR) CC="$(KCC)" TESTHOOKS=$(TESTHOOKS) COUNT_VMCS=$(COUNT_VMCS) TRACING=$(TRACING) \
		MINIKVM_COMPAT_FLAGS="$$(cat $(MODULE_DIR)/compat.flags)" modules
	@compat/btf $(KDIR) $(MODULE_DIR)/minikvm.ko $(BTF_BASE)
	@echo "built $(MODULE_DIR)/minikvm.ko"

# What lab shell loads, and `reload` in it.
.PHONY: lab-module
lab-module:
	@kernel=$$(selftests/lab/lab kernel) && \
		$(MAKE) --no-print-directory module KNAME=$$kernel KDIR=$$(selftests/lab/lab kdir $$kernel)

.PHONY: tool
tool:
	$(MAKE) -C userspace-tool OUT=$(BUILD)/tool
	@echo "built $(BUILD)/tool/minikvm"

.PHONY: guest-kernel
guest-kernel:
	$(MAKE) --no-print-directory -s -C selftests/guest-kernel OUT=$(BUILD)/guest-kernel
	@echo "built $(BUILD)/guest-kernel/kernel.elf"

.PHONY: check-here bench-here
.PHONY: demo-guest
demo-guest:
	selftests/setup demo
	selftests/guest-kernel/demo

.PHONY: demo shell check check-ci check-fresh check-long check-debug check-unit coverage bench bench-iommu lint htmldocs book-logs
demo:
	selftests/setup demo
	selftests/demo
shell:
	@[ -t 0 ] && [ -t 1 ] || { echo "make shell: a shell needs a terminal for its input and its output" >&2; exit 2; }
	@selftests/setup shell
	@selftests/lab/lab shell $(OPTIONS)
check:
	selftests/setup check
	selftests/check
check-ci:
	selftests/setup check
	[ "$$(id -u)" -ne 0 ] || selftests/setup fresh
	selftests/check --ci
check-fresh:
	selftests/setup fresh
	selftests/fresh
check-long:
	selftests/setup long
	selftests/check --long
check-debug:
	selftests/setup debug
	selftests/check --debug
check-unit:
	selftests/setup unit
	selftests/check --unit
coverage:
	selftests/setup coverage
	selftests/coverage
bench:
	selftests/setup check
	selftests/bench/run
	selftests/guest-kernel/bench
check-here bench-here:
	selftests/setup unit
	selftests/here $(@:%-here=%)
bench-iommu:
	selftests/setup bench-iommu
	selftests/bench-iommu/run
lint:
	selftests/setup lint
	selftests/lint
book-logs:
	selftests/setup check
	selftests/book-logs
htmldocs:
	selftests/setup docs
	sphinx-build -b html -W --keep-going -q -d $(BUILD)/htmldocs.doctrees Documentation $(BUILD)/htmldocs
	@echo "built $(BUILD)/htmldocs/index.html"

# What is installed lies in $(STAGE) first. The module: dkms, its source, which DKMS builds for each
# kernel it fits; ko, the module of $(KDIR), stripped; none. $(MANIFEST) is what uninstall goes by.
INSTALL_MODULE ?= $(if $(DESTDIR),dkms,$(if $(shell command -v dkms),dkms,ko))
STAGE = $(BUILD)/stage
UDEVDIR ?= /usr/lib/udev/rules.d
DOCDIR = $(PREFIX)/share/doc/minikvm
MANIFEST ?= $(PREFIX)/share/minikvm/installed-files
KRELEASE = $(shell cat $(KDIR)/include/config/kernel.release)
.PHONY: stage-tool stage-dkms stage-source-alone stage-ko stage-none install uninstall deb
stage-tool: tool
	rm -rf $(STAGE)
	$(MAKE) -C userspace-tool OUT=$(BUILD)/tool share
	mkdir -p $(STAGE)$(PREFIX)/share $(STAGE)$(DOCDIR)/examples
	cp -r $(BUILD)/tool/share/. $(STAGE)$(PREFIX)/share
	install -D -m 755 $(BUILD)/tool/minikvm $(STAGE)$(PREFIX)/bin/minikvm
	strip $(STAGE)$(PREFIX)/bin/minikvm
	[ ! -e $(BUILD)/tool/minikvm-slirp ] || install -D -s -m 755 $(BUILD)/tool/minikvm-slirp \
		$(STAGE)$(PREFIX)/libexec/minikvm/minikvm-slirp
	install -D -m 644 packaging/99-minikvm.rules $(STAGE)$(UDEVDIR)/99-minikvm.rules
	install -D -m 644 uapi/linux/minikvm.h $(STAGE)$(PREFIX)/include/linux/minikvm.h
	install -m 644 LICENSE README.md SECURITY.md CONTRIBUTING.md $(STAGE)$(DOCDIR)
	cp -r Documentation $(STAGE)$(DOCDIR)
	rm -rf $(STAGE)$(DOCDIR)/Documentation/conf.py $(STAGE)$(DOCDIR)/Documentation/__pycache__
	install -m 644 packaging/modprobe.conf userspace-tool/tests/guests/flat_hello.S \
		userspace-tool/tests/guests/multiboot.S $(STAGE)$(DOCDIR)/examples
	install -m 755 userspace-tool/demo/build-initramfs $(STAGE)$(DOCDIR)/examples
	find $(STAGE) -type d -exec chmod 755 {} +
# DKMS looks there, whatever PREFIX is.
stage-dkms: stage-tool
	$(MAKE) stage-source-alone
stage-source-alone:
	mkdir -p $(STAGE)/usr/src/minikvm-$(PACKAGE_VERSION)
	@cp --parents $(MODULE_SOURCES) Makefile LICENSE $(STAGE)/usr/src/minikvm-$(PACKAGE_VERSION)
	sed 's/@VERSION@/$(PACKAGE_VERSION)/' packaging/dkms.conf \
		> $(STAGE)/usr/src/minikvm-$(PACKAGE_VERSION)/dkms.conf
stage-ko: stage-tool module
	install -D -m 644 $(MODULE_DIR)/minikvm.ko $(STAGE)/lib/modules/$(KRELEASE)/updates/minikvm.ko
	strip --strip-debug $(STAGE)/lib/modules/$(KRELEASE)/updates/minikvm.ko
stage-none: stage-tool
# A machine whose /lib is a link to /usr/lib gets the module through it.
install: stage-$(INSTALL_MODULE)
	packaging/install-tree install $(STAGE) "$(DESTDIR)/" $(MANIFEST)
	@[ -n "$(DESTDIR)" ] || packaging/after-install install $(INSTALL_MODULE) $(PACKAGE_VERSION)

uninstall:
	@[ -n "$(DESTDIR)" ] || packaging/after-install before-uninstall
	packaging/install-tree uninstall "$(DESTDIR)/" $(MANIFEST)
	@[ -n "$(DESTDIR)" ] || packaging/after-install uninstall

deb:
	selftests/setup deb
	packaging/build-debs $(BUILD)/deb $(PACKAGE_VERSION)

.PHONY: clean distclean
clean:
	rm -rf $(BUILD)/module-* $(BUILD)/stage $(BUILD)/deb $(BUILD)/tool $(BUILD)/guest-kernel $(BUILD)/unit \
		$(BUILD)/fuzz $(BUILD)/kselftest \
		$(BUILD)/check $(BUILD)/demo $(BUILD)/bench* $(BUILD)/htmldocs*
distclean:
	rm -rf $(BUILD)
