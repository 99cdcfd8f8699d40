/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that keeps what the probe found. */
#include "lib/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"
#include "move/probe.h"

#define BOOT_ID "0f6c1d5e-7a0b-4f0e-9a51-3c1f5b2f7d10"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_result v;
	int r;

	/* "/" exists everywhere, and nobody but root may write to it */
	file_load(data, size);
	r = probe_result_load("/", BOOT_ID, &v);
	CLAIM(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	CLAIM(v.cached);
	CLAIM(v.ipv4 <= KERNEL_FIXED && v.ipv6 <= KERNEL_FIXED);
	CLAIM(memchr(v.reason, '\0', sizeof(v.reason)));
	for (const char *p = v.reason; *p; p++)
		CLAIM(*p >= ' ' && *p <= '~');
	CLAIM(probe_result_for(&v, 0) <= KERNEL_FIXED);
	return 0;
}
