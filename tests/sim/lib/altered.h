/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that somebody else has altered. */
#pragma once

#include "scene.h"

/* Client to a virtual server, answered by a real one, masqueraded by the node:
 * what IPVS with vs.conntrack=1 makes of it. */
struct conn altered_ipvs(uint16_t n);

/* Altered in a way that nobody can ask for: it says it is translated. */
struct conn altered_strange(uint16_t n);

/* N of them into the table. */
void altered_add_ipvs(struct scene *s, uint16_t n);
void altered_add_strange(struct scene *s, uint16_t n);

/* Nothing that was tried is left between addresses for documentation. */
void altered_expect_no_trials(const struct scene *s);
