/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow: the one place that calls realloc() for them. In each function
 * ARRAY is the address of the caller's pointer to elements of SIZE bytes. */
#pragma once

#include <stddef.h>

/* Room for NEED elements, *CAP being what there is room for now. Grows by half at
 * least, and pages beyond the end are not touched: the slack costs address space
 * rather than memory. What is new is not zeroed. 0 or -ENOMEM; nothing has changed
 * then. */
int array_reserve(void *array, size_t *cap, size_t need, size_t size);

/* Give half of it back when three quarters are not in use by the N there are. */
void array_shrink(void *array, size_t *cap, size_t n, size_t size);

/* One more element behind the *N there are, zeroed; NULL: out of memory. What there
 * is room for is not kept: it is *N rounded up to a power of two, so nobody else may
 * have allocated the array. */
void *array_append(void *array, size_t *n, size_t size);
