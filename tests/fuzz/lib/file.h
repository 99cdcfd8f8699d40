/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that is the input: what opens FILE_NAME gets it (open and openat are
 * linked with --wrap). It has no name on any disk, so that nothing stays
 * behind, however the program ends. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FILE_DIR "/nonexistent-vipsafe-fuzz"
#define FILE_NAME "fuzz-input"

void file_load(const uint8_t *data, size_t size);

/* What is in it now. Returns its size. */
size_t file_content(uint8_t *buf, size_t size);
