// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power button and the power switch, and general-purpose events: the PM1 and GPE registers of
 * chapter "ACPI Hardware Specification", sections "Fixed Hardware Registers" and "Generic Hardware
 * Registers". acpi.h has their ports. All share the line of the SCI.
 */
#include <string.h>

#include "boot/acpi.h"
#include "compiler.h"
#include "machine/power.h"

#define PM1_STATUS_POWER_BUTTON	0x01	/* in the high byte: bit 8 */
#define PM1_CONTROL_SCI_EN	0x01
#define PM1_SLEEP_ENABLE	0x20	/* in the high byte: bit 13 */
#define PM1_SLEEP_TYPE(high)	((high) >> 2 & 7)
#define GPE			(ACPI_GPE_STATUS - ACPI_PM1_STATUS)

void power_init(struct machine *m)
{
	pthread_mutex_init(&m->power_lock, NULL);
	memset(m->pm1, 0, sizeof(m->pm1));
	memset(m->gpe, 0, sizeof(m->gpe));
	memset(&m->hotplug, 0, sizeof(m->hotplug));
	m->sci = false;
	m->pm1[ACPI_PM1_CONTROL - ACPI_PM1_STATUS] = PM1_CONTROL_SCI_EN;
}

/* Called with power_lock held. */
static void update_sci(struct machine *m)
{
	bool sci = (m->pm1[0] & m->pm1[2]) || (m->pm1[1] & m->pm1[3]) || (m->gpe[0] & m->gpe[1]);

	if (sci == m->sci)
		return;
	m->sci = sci;
	vm_irq_line(&m->vm, ACPI_SCI_IRQ, sci);
}

void power_button(struct machine *m)
{
	pthread_mutex_lock(&m->power_lock);
	m->pm1[1] |= PM1_STATUS_POWER_BUTTON;
	update_sci(m);
	pthread_mutex_unlock(&m->power_lock);
}

/* General-purpose event @number has happened: its bit stays until the guest clears it. */
void power_event(struct machine *m, unsigned int number)
{
	pthread_mutex_lock(&m->power_lock);
	m->gpe[0] |= BIT(number);
	update_sci(m);
	pthread_mutex_unlock(&m->power_lock);
}

/* The register at port ACPI_PM1_STATUS + @reg: PM1's are 0 to 5, those of the events 8 and 9. */
static __u8 *find(struct machine *m, unsigned int reg)
{
	return reg < GPE ? &m->pm1[reg] : &m->gpe[reg - GPE];
}

/* The guest writes to a register, which is numbered as for find(). */
void power_write(struct machine *m, unsigned int reg, __u8 value)
{
	pthread_mutex_lock(&m->power_lock);
	switch (reg) {
	case 0:
	case 1:
	case GPE:
		*find(m, reg) &= ~value;	/* status bits are cleared by writing 1 */
		break;
	case 4:
		m->pm1[reg] = value | PM1_CONTROL_SCI_EN;
		break;
	case 5:
		m->pm1[reg] = value & ~PM1_SLEEP_ENABLE;
		if ((value & PM1_SLEEP_ENABLE) && PM1_SLEEP_TYPE(value) == ACPI_S5_SLEEP_TYPE)
			machine_stop(m, OUTCOME_POWER_OFF, NULL, 0);
		break;
	default:
		*find(m, reg) = value;
	}
	update_sci(m);
	pthread_mutex_unlock(&m->power_lock);
}

__u8 power_read(struct machine *m, unsigned int reg)
{
	__u8 value;

	pthread_mutex_lock(&m->power_lock);
	value = *find(m, reg);
	pthread_mutex_unlock(&m->power_lock);
	return value;
}
