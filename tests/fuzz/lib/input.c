/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

void fuzz_broken(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
	abort();
}

const uint8_t *input_take(struct input *in, size_t want, size_t *ret_size)
{
	const uint8_t *p = in->data;
	size_t n = MIN(want, in->left);

	in->data += n;
	in->left -= n;
	*ret_size = n;
	return p;
}

uint8_t input_byte(struct input *in)
{
	size_t n;
	const uint8_t *p = input_take(in, 1, &n);

	return n ? *p : 0;
}

uint16_t input_u16(struct input *in)
{
	uint8_t low = input_byte(in);

	return (uint16_t)(low | input_byte(in) << 8);
}

char *input_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CLAIM(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
