/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the ends (ends.h): a head, the names of devices, the deeds, and the ends, each a ring
 * that is written in place. The number of ends is written after them, so that whoever reads it
 * finds them. */
#pragma once

#include <sys/types.h>

#include "base/end.h"
#include "base/os.h"

#define ENDS_FILE "ends"
#define ENDS_ASIDE "ends.new"
#define MAGIC "vipsafe ends 2"

#define DEVICES 255
#define DEVICE_SIZE 16
#define DEEDS 4096

#define AT_DEVICES 4096
#define AT_DEEDS (AT_DEVICES + 4096)
#define AT_ENDS (AT_DEEDS + DEEDS * sizeof(struct deed))

struct ends_head {
	char magic[16];
	char boot_id[BOOT_ID_MAX];
	uint32_t max, deeds;
	usec_t since;	  /* when it was made */
	uint64_t n;	  /* ends, ever; the I-th is in the place I % MAX */
	uint64_t n_deeds; /* likewise */
};

/* Where end NUMBER is. */
off_t ends_file_place(const struct ends_head *h, uint64_t number);

/* SIZE bytes at AT. 0 or a negative errno; -EBADMSG: there are fewer. */
int ends_file_get(int fd, void *buf, size_t size, off_t at);

/* -ENOSPC: not all of it was written. */
int ends_file_put(int fd, const void *buf, size_t size, off_t at);

/* Open the file in DIR for reading, or by FLAGS. A descriptor, or a negative errno; -EPERM: others
 * could have written it. */
int ends_file_open(int dir, int flags);

/* The head, if it is one of BOOT_ID: else -ENOENT, or -EBADMSG. */
int ends_file_head(int fd, const char *boot_id, struct ends_head *ret);

int ends_file_devices(int fd, char ret[DEVICES][DEVICE_SIZE]);
