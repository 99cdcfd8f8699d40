/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs out of inputs, without knowing what they mean. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../lib/random.h"

/* Change the SIZE bytes in BUF, which has room for MAX, in one to several
 * places; OTHER is another input to borrow from. Returns the new size. */
size_t mutate(struct rnd *r, uint8_t *buf, size_t size, size_t max, const uint8_t *other,
	      size_t other_size);
