/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All sections of the configuration, in the order of the manual; NULL ends them. */
#pragma once

#include "base/setting.h"

extern const struct setting_section *const sections_all[];
