/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a connection ended, as JSON: what the daemon tells of it, and what show/explain reads. */
#pragma once

#include <jansson.h>

#include "base/end.h"

/* T as an object; NULL: out of memory. "certain" is false where there is a doubt, which "doubt"
 * names. What is not known is left out. */
json_t *end_json(const struct end_told *t);
