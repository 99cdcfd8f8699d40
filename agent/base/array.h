/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow; the only place that calls realloc() for them. ARRAY is the address of the
 * caller's pointer to elements of SIZE bytes. */
#pragma once

#include <stddef.h>

/* Make room for NEED elements; *CAP is the present room. Grows by at least half: pages beyond the
 * end are not touched, so the slack costs address space rather than memory. New elements are not
 * zeroed. Returns 0, or -ENOMEM with nothing changed. */
int array_reserve(void *array, size_t *cap, size_t need, size_t size);

/* Free half of the room if the N elements use at most a quarter of it. */
void array_shrink(void *array, size_t *cap, size_t n, size_t size);

/* Append an element, zeroed, to the *N there are; NULL: out of memory. The room is not stored: it
 * is *N rounded up to a power of two, so the array must have been allocated here. */
void *array_append(void *array, size_t *n, size_t size);
