# SPDX-License-Identifier: GPL-2.0-only
#
# tool.mk - a fuzzer of parts of the userspace tool, with libFuzzer, ASan and UBSan. A Makefile sets
#
#   NAME       of the fuzzer; its source is fuzz_NAME.c, with _ for -
#   FUZZED     the tool's sources, from userspace-tool/
#   MAX_LEN    bytes of the longest input
#   LIBS       libraries, if any
#   WORDS      words that random bytes seldom are, quoted for the shell, if any
#   OPTIONS    of libFuzzer, if any
#
# and includes this file. The corpus grows in OUT/corpus and is used again by the next run; a
# crashing input is left in OUT. Needs clang with libFuzzer: on Debian clang and libclang-rt-14-dev.

TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
TOOL := $(TOP)/userspace-tool
OUT ?= $(TOP)/build/fuzz/$(NAME)
SECONDS ?= 30
CLANG ?= clang

PROGRAM := fuzz_$(subst -,_,$(NAME))
SOURCES := $(PROGRAM).c $(addprefix $(TOOL)/,$(FUZZED))
DICTIONARY := $(if $(WORDS),$(OUT)/dictionary)
CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -D_GNU_SOURCE -I$(TOOL) -I$(TOOL)/tests -I$(TOP) -pthread \
	  -Dfuzz_one_input=LLVMFuzzerTestOneInput \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

.PHONY: all run clean

all: $(OUT)/$(PROGRAM)

$(OUT)/$(PROGRAM): $(SOURCES) $(wildcard $(TOOL)/*.h $(TOOL)/*/*.h) $(MAKEFILE_LIST)
	@mkdir -p $(OUT)/corpus
	@command -v $(CLANG) >/dev/null || \
		{ echo "clang is missing: apt-get install clang libclang-rt-14-dev" >&2; exit 1; }
	@echo "  CLANG   $(PROGRAM)"
	@$(CLANG) $(CFLAGS) $(SOURCES) -o $@ $(LIBS)

$(OUT)/dictionary: $(MAKEFILE_LIST)
	@mkdir -p $(OUT)
	@for word in $(WORDS); do echo "\"$$word\""; done > $@

run: all $(DICTIONARY)
	@cd $(OUT) && if ./$(PROGRAM) -max_total_time=$(SECONDS) -max_len=$(MAX_LEN) $(DICTIONARY:%=-dict=%) \
		-timeout=5 $(OPTIONS) -print_final_stats=1 -artifact_prefix=$(OUT)/ corpus > log 2>&1; then \
		grep '^stat::number\|^stat::average' log; echo "# fuzz $(NAME): PASS"; \
	else \
		grep -v 'NEW\|REDUCE' log | tail -n 60; echo "# fuzz $(NAME): FAIL, log and input in $(OUT)"; exit 1; \
	fi

clean:
	rm -rf $(OUT)
