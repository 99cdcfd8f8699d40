/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/sections.h"

#include <stddef.h>

#include "core/instance_settings.h"
#include "core/lvs_settings.h"
#include "core/settings.h"

const struct setting_section *const sections_all[] = {
	&agent_section, &device_section,      &instance_section,
	&lvs_section,	&lvs_service_section, &lvs_fwmark_section,
	NULL,
};
