# SPDX-License-Identifier: GPL-2.0-only
#
# report.awk - from the lines of in-host to the benchmark's tables and its JSON.
#
# usage: awk -v json=FILE -f report.awk GOALS LINES
#
# A line of in-host has the host's setting in front: auto (mitigations as the kernel sets them) or off
# (mitigations=off). Status 1 where a row is missing that kvm_intel has.

# The file of goals: NAME RATIO [TICKS].
FILENAME == ARGV[1] {
	if (NF && $1 !~ /^#/) {
		goal[$1] = $2
		if (NF > 2)
			ticks_goal[$1] = $3
	}
	next
}
$3 == "row" && $2 != "counted" {
	name = $4
	# The same row of kvm_intel, which has no APICv on Bochs.
	if ($2 == "apicv") {
		name = $4 "_apicv"
		value[$1, "minikvm", name] = $5
		value[$1, "kvm", name] = value[$1, "kvm", $4]
		if ($4 in goal)
			goal[name] = goal[$4]
	} else {
		value[$1, $2, name] = $5
	}
	# Rows with tracepoints on, or without any, stand in a table of their own.
	if ($2 ~ /_(traced|bare)$/) {
		if (!(name in seen_traced)) {
			seen_traced[name] = 1
			traced[++nr_traced] = name
		}
	} else if ($2 != "floor" && !(name in seen)) {
		seen[name] = 1
		order[++rows] = name
	}
}
$3 == "own" && $1 == "auto" {
	own[$2, $4] = $5
}
$3 == "vmcs" && $2 == "counted" {
	reads[$4] = $5
	writes[$4] = $6
}
$3 == "growth" {
	point = $4 " " $5
	if (!(point in seen_point)) {
		seen_point[point] = 1
		points[++nr_points] = point
		if (!($4 in first))
			first[$4] = point
		last[$4] = point
	}
	grown[$2, point] = $6
}

# Of kvm_intel's; a timer of kvm_intel's may fire ahead of its time.
function ratio(ours, kvm) {
	return kvm > 0 ? ours / kvm : 0
}

function known(setting, label, name) {
	return (setting, label, name) in value
}

# Whether a setting's figures are within the goal, where it was measured.
function within(setting, name,    ours, kvm) {
	if (!known(setting, "minikvm", name))
		return 1
	ours = value[setting, "minikvm", name]
	kvm = value[setting, "kvm", name]
	if (setting == "off" && name in ticks_goal && ours > ticks_goal[name])
		return 0
	# As the table shows it, in hundredths.
	return kvm > 0 ? sprintf("%.2f", ours / kvm) + 0 <= most(name) + 0 : ours <= kvm
}

function most(name) {
	return name in goal ? goal[name] : "1.0"
}

function cell(setting, label, name) {
	return known(setting, label, name) ? value[setting, label, name] : "-"
}

function ratio_cell(setting, name) {
	if (!known(setting, "minikvm", name))
		return "-"
	return sprintf("%.2f", ratio(value[setting, "minikvm", name], value[setting, "kvm", name]))
}

# The same for JSON.
function figure(setting, label, name) {
	return known(setting, label, name) ? sprintf("%d", value[setting, label, name]) : "null"
}

function ratio_figure(setting, name) {
	if (!known(setting, "minikvm", name))
		return "null"
	return sprintf("%.3f", ratio(value[setting, "minikvm", name], value[setting, "kvm", name]))
}

# What is mostly not the hypervisor's, and whose it is.
function whose(name) {
	sub(/_apicv$/, "", name)
	if (name == "linux_boot")
		return "the guest's own; linux_boot_exits counts what is not"
	if (name == "qemu_boot")
		return "the guest's and QEMU's own; qemu_boot_exits counts what is not"
	if (name == "tpr_x2apic")
		return "the guest's own: no exit"
	if (name == "fork" || name == "fork_1g")
		return "the host kernel's fork()"
	if (name == "dirty_log_look")
		return "the host kernel's system call and copy of the bitmap"
	if (name == "irqfd_halted")
		return "the host kernel's two wake-ups"
	if (name == "ipi_halted" || name == "ipi_halted_burst")
		return "the host kernel's wake-up"
	return ""
}

function whose_json(name) {
	return whose(name) == "" ? "null" : "{\"whose\": \"" whose(name) "\"}"
}

function share(label, name) {
	return value["auto", label, name] - own[label, name]
}

function print_rows(    i, name, good, verdict) {
	form = "%-21s %10s %10s %5s %5s | %10s %10s %5s %5s | %5s %6s | %s\n"
	printf "%-21s %-33s | %-33s | %s\n", "", "the kernel's mitigations", "mitigations=off",
	       "VMCS accesses"
	printf form, "name", "kvm", "minikvm", "ratio", "floor", "kvm", "minikvm", "ratio", "floor",
	       "reads", "writes", "goal"
	for (i = 1; i <= rows; i++) {
		name = order[i]
		good = within("auto", name) && within("off", name)
		met += good
		above += ratio_cell("auto", name) + 0 > 1 || ratio_cell("off", name) + 0 > 1
		verdict = most(name) (name in ticks_goal ? "/" ticks_goal[name] : "")
		verdict = verdict (good ? " ok" : within("auto", name) ? " above, off" : " above")
		if (whose(name) != "")
			verdict = verdict ", share"
		printf form, name, cell("auto", "kvm", name), cell("auto", "minikvm", name),
		       ratio_cell("auto", name), cell("auto", "floor", name),
		       cell("off", "kvm", name), cell("off", "minikvm", name),
		       ratio_cell("off", name), cell("off", "floor", name),
		       name in reads ? reads[name] : "-", name in reads ? writes[name] : "-", verdict
	}
	printf "bench: %d rows, %d within their goals, %d above 1.0\n", rows, met, above
}

function print_shares(    i, name, form) {
	form = "%-21s %10s %10s %10s %5s   %s\n"
	printf "\nRows whose ticks are mostly not the hypervisor's (share): its part alone\n"
	printf form, "name", "own", "kvm", "minikvm", "ratio", "own is"
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (whose(name) == "")
			continue
		if (("minikvm", name) in own)
			printf form, name, own["minikvm", name], share("kvm", name),
			       share("minikvm", name),
			       sprintf("%.2f", ratio(share("minikvm", name), share("kvm", name))),
			       whose(name)
		else
			printf form, name, "-", "-", "-", "-", whose(name)
	}
}

# More than kvm_intel's for as many more?
function grows(name,    ours, kvm) {
	ours = grown["minikvm", last[name]] - grown["minikvm", first[name]]
	kvm = grown["kvm", last[name]] - grown["kvm", first[name]]
	return ours > kvm
}

function print_growth(    i, p, name, form, verdict) {
	form = "%-21s %10s %10s %5s   %s\n"
	printf "\nGrowth: what the first number of a name costs, and what more of them do\n"
	printf form, "name and number", "kvm", "minikvm", "ratio", "more than the first"
	for (i = 1; i <= nr_points; i++) {
		split(points[i], p, " ")
		name = p[1]
		verdict = ""
		if (points[i] != first[name])
			verdict = sprintf("kvm %+d, minikvm %+d",
					  grown["kvm", points[i]] - grown["kvm", first[name]],
					  grown["minikvm", points[i]] - grown["minikvm", first[name]])
		if (points[i] == last[name])
			verdict = verdict (grows(name) ? ": faster" : ": ok")
		printf form, sprintf("%-15s %5d", name, p[2]), grown["kvm", points[i]],
		       grown["minikvm", points[i]],
		       sprintf("%.2f", ratio(grown["minikvm", points[i]], grown["kvm", points[i]])),
		       verdict
	}
}

# What the tracepoints add to a row while they are off: a goal of its own, in ticks.
function off_cost(setting, name) {
	return value[setting, "minikvm", name] - value[setting, "minikvm_bare", name]
}

function print_traced(    i, s, name, form, setting) {
	form = "%-21s %9s %9s %6s | %9s %9s %9s %6s %6s | %s\n"
	for (s = 1; s <= 2; s++) {
		setting = s == 1 ? "auto" : "off"
		if (!known(setting, "minikvm_traced", traced[1]))
			continue
		printf "\nTracepoints, %s: not there (bare), off, and every event of the system kvm on\n",
		       s == 1 ? "the kernel's mitigations" : "mitigations=off"
		printf "%-21s %-26s | %-43s |\n", "", "kvm", "minikvm"
		printf form, "name", "off", "on", "adds", "bare", "off", "on", "off", "adds",
		       "off costs at most 2"
		for (i = 1; i <= nr_traced; i++) {
			name = traced[i]
			printf form, name, value[setting, "kvm", name],
			       value[setting, "kvm_traced", name],
			       value[setting, "kvm_traced", name] - value[setting, "kvm", name],
			       value[setting, "minikvm_bare", name], value[setting, "minikvm", name],
			       value[setting, "minikvm_traced", name],
			       sprintf("%+d", off_cost(setting, name)),
			       value[setting, "minikvm_traced", name] - value[setting, "minikvm", name],
			       off_cost(setting, name) <= 2 ? "ok" : "above"
		}
	}
}

function traced_json(setting, name) {
	if (!known(setting, "minikvm_traced", name))
		return "null"
	return sprintf("{\"kvm\": %d, \"kvm_on\": %d, \"minikvm_bare\": %d, \"minikvm\": %d, \"minikvm_on\": %d}",
		       value[setting, "kvm", name], value[setting, "kvm_traced", name],
		       value[setting, "minikvm_bare", name], value[setting, "minikvm", name],
		       value[setting, "minikvm_traced", name])
}

function write_json(    i, name, p) {
	printf "{\"rows\": [" > json
	for (i = 1; i <= rows; i++) {
		name = order[i]
		printf "%s\n{\"name\": \"%s\", \"kvm\": %s, \"minikvm\": %s, \"ratio\": %s, ",
		       (i > 1 ? "," : ""), name, figure("auto", "kvm", name),
		       figure("auto", "minikvm", name), ratio_figure("auto", name) > json
		printf "\"vmreads\": %s, \"vmwrites\": %s, \"floor\": %s, ",
		       name in reads ? reads[name] : "null", name in reads ? writes[name] : "null",
		       figure("auto", "floor", name) > json
		printf "\"off\": {\"kvm\": %s, \"minikvm\": %s, \"ratio\": %s, \"floor\": %s}, ",
		       figure("off", "kvm", name), figure("off", "minikvm", name),
		       ratio_figure("off", name), figure("off", "floor", name) > json
		printf "\"goal\": %s, \"goal_ticks_off\": %s, \"own\": ", most(name),
		       name in ticks_goal ? ticks_goal[name] : "null" > json
		if (("minikvm", name) in own)
			printf "{\"kvm\": %d, \"minikvm\": %d, \"whose\": \"%s\"}}",
			       own["kvm", name], own["minikvm", name], whose(name) > json
		else
			printf "%s}", whose_json(name) > json
	}
	printf "\n],\n\"growth\": [" > json
	for (i = 1; i <= nr_points; i++) {
		split(points[i], p, " ")
		printf "%s\n{\"name\": \"%s\", \"number\": %d, \"kvm\": %d, \"minikvm\": %d}",
		       (i > 1 ? "," : ""), p[1], p[2], grown["kvm", points[i]],
		       grown["minikvm", points[i]] > json
	}
	printf "\n],\n\"tracing\": [" > json
	for (i = 1; i <= nr_traced; i++)
		printf "%s\n{\"name\": \"%s\", \"auto\": %s, \"off\": %s}", (i > 1 ? "," : ""),
		       traced[i], traced_json("auto", traced[i]), traced_json("off", traced[i]) > json
	print "\n]}" > json
}

END {
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (known("auto", "kvm", name) != known("auto", "minikvm", name) ||
		    known("off", "kvm", name) != known("off", "minikvm", name) ||
		    known("auto", "kvm_traced", name) != known("auto", "minikvm_bare", name) ||
		    known("off", "kvm_traced", name) != known("off", "minikvm_bare", name)) {
			print "bench: " name " was not measured on both" > "/dev/stderr"
			broken = 1
		}
	}
	for (i = 1; i <= nr_points; i++)
		broken = broken || !(("kvm", points[i]) in grown) || !(("minikvm", points[i]) in grown)
	if (rows) {
		print_rows()
		print_shares()
	}
	if (nr_traced)
		print_traced()
	if (nr_points)
		print_growth()
	write_json()
	exit broken || !(rows + nr_points)
}
