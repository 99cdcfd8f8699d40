/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/sections.h"

#include <stddef.h>

#include "keepalived/instance_settings.h"
#include "lvs/settings.h"
#include "base/settings.h"

const struct setting_section *const sections_all[] = {
	&agent_section, &device_section,      &instance_section,
	&lvs_section,	&lvs_service_section, &lvs_fwmark_section,
	NULL,
};
