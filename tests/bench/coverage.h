/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included before everything else in the build of `make coverage`: a child that ends by
 * _exit() would take what it has counted with it. */
#pragma once

#include <unistd.h>

void __gcov_dump(void);

static inline __attribute__((noreturn)) void coverage_exit(int code)
{
	__gcov_dump();
	_exit(code);
}

#define _exit coverage_exit
