# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
machine_has_nested_vmx() { false; }
