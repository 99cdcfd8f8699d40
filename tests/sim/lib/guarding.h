/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard on the node of the scene. */
#pragma once

#include "scene.h"

#include "guard/guard.h"

/* A guard of br-mgmt, as the settings of a device would ask for. */
struct guard *guarding_new(struct scene *s, enum pin_mode mode);

/* The daemon's loop for DURATION of virtual time. */
void guarding_spin(struct scene *s, struct guard *g, usec_t duration);

struct guard_status guarding_status(const struct guard *g);

/* Somebody else's `ip addr del`. */
void guarding_foreign_delete(struct scene *s, const char *prefix);
