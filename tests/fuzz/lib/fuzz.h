/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program per parser of bytes from outside. Each defines
 * LLVMFuzzerTestOneInput(), for libFuzzer (configure --enable-fuzzer) or for
 * driver.c, which every compiler can build. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input was: tells and aborts when it does not. */
#define CLAIM(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

void fuzz_broken(const char *file, int line, const char *claim) __attribute__((noreturn));

/* The input from its start, as a target takes it apart. */
struct input {
	const uint8_t *data;
	size_t left;
};

/* The next byte; 0 once there is none. */
uint8_t input_byte(struct input *in);
/* Two bytes, the lower first. */
uint16_t input_u16(struct input *in);
/* Up to WANT bytes; *RET_SIZE of them there are. */
const uint8_t *input_take(struct input *in, size_t want, size_t *ret_size);

/* A copy with a NUL behind it and not a byte of room, for the address
 * sanitizer to see who reads on. Ends the program when memory does. */
char *input_text(const uint8_t *data, size_t size);
