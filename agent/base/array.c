/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define CAP_MIN 16

/* ARRAY points to a pointer of any type, so it is read and written with
 * memcpy() */
static int array_resize(void *array, size_t n, size_t size)
{
	void *p;

	if (n > SIZE_MAX / size)
		return -ENOMEM;
	memcpy(&p, array, sizeof(p));
	p = realloc(p, n * size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
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
	memcpy(&p, array, sizeof(p));
	p += (*n)++ * size;
	memset(p, 0, size);
	return p;
}
