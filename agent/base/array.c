/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define CAP_MIN 16

/* ARRAY points to a pointer of any type, which this may read and write. */
typedef void *any_pointer __attribute__((may_alias));

static int array_resize(void *array, size_t n, size_t size)
{
	any_pointer *at = array;
	void *bigger;

	if (n > SIZE_MAX / size)
		return -ENOMEM;
	bigger = realloc(*at, n * size);
	if (!bigger)
		return -ENOMEM;
	*at = bigger;
	return 0;
}

int array_reserve(void *array, size_t *cap, size_t need, size_t size)
{
	size_t to = MAX(*cap + *cap / 2, (size_t)CAP_MIN);
	int r;

	if (need <= *cap)
		return 0;
	to = MAX(to, need);
	r = array_resize(array, to, size);
	if (r == 0)
		*cap = to;
	return r;
}

void array_shrink(void *array, size_t *cap, size_t n, size_t size)
{
	size_t to = *cap / 2;

	if (to >= CAP_MIN && n <= to / 2 && array_resize(array, to, size) == 0)
		*cap = to;
}

void *array_append(void *array, size_t *n, size_t size)
{
	char *p;

	/* *N is a power of two: no room is left */
	if (!(*n & (*n - 1)) && array_resize(array, *n ? 2 * *n : 1, size) < 0)
		return NULL;
	p = (char *)*(any_pointer *)array + (*n)++ * size;
	memset(p, 0, size);
	return p;
}
