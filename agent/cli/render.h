/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of the commands, as text or JSON. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/options.h"
#include "base/report.h"

void render_report(const struct report *r, const struct options *o, FILE *out, FILE *err);

/* Print VALUE as one line; the reference is taken over. VALUE NULL: out of memory. */
void render_json(json_t *value, FILE *out, FILE *err);
