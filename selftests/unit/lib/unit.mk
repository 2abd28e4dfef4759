# SPDX-License-Identifier: GPL-2.0-only
#
# unit.mk - what the Makefiles of the unit suites share: the module's own files, compiled unchanged
# in userspace with ASan and UBSan, and the tests that are linked with them.
#
#   make -C selftests/unit/SUITE check OUT=/abs/dir [COVERAGE=1]
#
# builds into OUT (default: build/unit/SUITE), prints TAP and a final line, and fails if a test
# failed. COVERAGE=1 makes the objects count their lines (selftests/coverage). A suite sets what it
# needs of these and includes this file last:
#
#   TESTS       its programs, each from a file of that name here
#   SOURCES     files of the tree that are tested, such as arch/x86/irq/pic.c; all tests have them
#   PARTS       files of this folder, without .c, that all tests have
#   KERNEL_H    kernel headers that the sources include, made to lead to lib/kernel.h
#   MODULE_H    headers of the module that lead to the suite's own virt/vcpu.h
#   OWN_H       those of arch/x86/include that come from the kernel's headers (KDIR) themselves
#   ARGS_test   arguments of the program `test`
#   ALSO        a command that is one more test
#   MORE_CFLAGS, SOURCES_CFLAGS   for all files, for the tested ones
#
# A program that needs further objects says `$(OUT)/test: $(OUT)/more.o`, also for the tree's files.

UNIT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
SUITE := $(notdir $(CURDIR))
TOP := $(abspath $(UNIT)/../..)
# Where SOURCES are.
TREE ?= $(TOP)
OUT ?= $(TOP)/build/unit/$(SUITE)
SEED ?=
WERROR ?= -Werror
ifeq ($(origin CC),default)
CC := gcc
endif

# Counting is slow under sanitizers, and `make check-unit` has them.
ifeq ($(COVERAGE),)
CHECKED := -fsanitize=address,undefined -fno-sanitize-recover=undefined
else
CHECKED := --coverage
endif
CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra $(WERROR) -Wno-unused-parameter -Wno-sign-compare \
	  -Wno-missing-field-initializers -Wno-override-init -pthread $(MORE_CFLAGS) \
	  $(if $(KERNEL_H),-Ishim -I$(OUT)/include) -I$(UNIT)/lib -I$(TREE) -I. \
	  $(CHECKED) -fno-omit-frame-pointer
LDFLAGS := $(CHECKED) -pthread $(MORE_LDFLAGS)

# Headers that the machine happens to have would hide what is missing on others: only those that the
# lab fetched, or KDIR's. Debian splits them; the link "source" leads to the common part.
ifneq ($(OWN_H),)
KDIR ?= $(firstword $(wildcard $(TOP)/build/kernel-*/usr/lib/modules/*/build))
OWN_FOUND := $(firstword $(wildcard $(addsuffix /arch/x86/include/$(firstword $(OWN_H)), \
	$(dir $(KDIR))source $(KDIR)/source $(KDIR))))
ifeq ($(OWN_FOUND),)
$(error no kernel headers with arch/x86/include/$(firstword $(OWN_H)): run selftests/setup unit, or set KDIR)
endif
OWN_DIR := $(OWN_FOUND:%/$(firstword $(OWN_H))=%)
endif

SHARED := $(SOURCES:%.c=$(OUT)/%.o) $(PARTS:%=$(OUT)/%.o) $(if $(KERNEL_H),$(OUT)/kernel.o)
MADE := $(if $(KERNEL_H),$(OUT)/include/.made)
# What says how objects are made: those of an older tree, in the same folder, are made anew.
RULES := Makefile $(UNIT)/lib/unit.mk

.DEFAULT_GOAL := all
.PHONY: all check clean
.SECONDARY:

all: $(TESTS:%=$(OUT)/%)

$(OUT)/include/.made: $(RULES)
	@rm -rf $(OUT)/include
	@mkdir -p $(sort $(dir $(addprefix $(OUT)/include/,$(KERNEL_H) $(MODULE_H) $(OWN_H))))
	@for h in $(KERNEL_H); do echo '#include <kernel.h>' > $(OUT)/include/$$h; done
	@for h in $(MODULE_H); do echo '#include "virt/vcpu.h"' > $(OUT)/include/$$h; done
	@for h in $(OWN_H); do ln -s $(OWN_DIR)/$$h $(OUT)/include/$$h; done
	@touch $@

$(OUT)/%.o: $(TREE)/%.c $(MADE) $(RULES)
	@mkdir -p $(@D)
	@echo "  CC      $*.o"
	@$(CC) $(CFLAGS) $(SOURCES_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/%.o: %.c $(MADE) $(RULES)
	@mkdir -p $(@D)
	@echo "  CC      $*.o"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/%.o: $(UNIT)/lib/%.c $(MADE) $(RULES)
	@mkdir -p $(@D)
	@echo "  CC      $*.o"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(TESTS:%=$(OUT)/%): $(OUT)/%: $(OUT)/%.o $(SHARED)
	@echo "  LD      $*"
	@$(CC) $(LDFLAGS) -o $@ $^

# One line that says what this is, and how it went.
run = echo "\# $(1)"; $(2) || failed=1;
check: all
	@failed=0; \
	$(if $(ALSO),$(call run,$(notdir $(firstword $(ALSO))),$(ALSO))) \
	$(foreach test,$(TESTS),$(call run,$(test),$(OUT)/$(test) $(ARGS_$(test)))) \
	if [ $$failed = 0 ]; then echo "# $(SUITE): PASS"; else echo "# $(SUITE): FAIL"; exit 1; fi

clean:
	rm -rf $(OUT)

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
