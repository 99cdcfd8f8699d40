/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as JSON. Scripts rely on the keys: they stay; more may be added. */
#pragma once

#include <jansson.h>

#include "base/report.h"

/* A new reference; NULL: out of memory. */
json_t *report_json_new(const struct report *r);
