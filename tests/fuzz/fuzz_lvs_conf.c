/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual servers of a keepalived.conf. */
#include "lib/fuzz.h"

#include "lib/file.h"
#include "lvs/source_file.h"
#include "lib/lvs_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();

	CLAIM(m);
	file_load(data, size);
	CLAIM(lvs_keepalived_read(FILE_DIR "/" FILE_NAME, m) == 0);
	lvs_map_holds(m);
	return 0;
}
