/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run of the pipeline up to where its snapshot stage begins. */
#pragma once

#include "move/recover.h"
#include "move/stage.h"

#include "bench.h"

/* Begin a run whose VIP leaves the device, with its addresses sorted as the
 * check stage does. To be released by run_end() whatever is returned. */
int snapshot_run(struct bench *b, struct run *run, struct report *report);

/* 0 when the snapshot of RUN took every connection for a candidate. */
int snapshot_check(const struct bench *b, const struct run *run);
