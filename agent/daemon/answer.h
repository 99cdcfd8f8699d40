/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to those who only want to know. */
#pragma once

#include "daemon/daemon.h"

void answer_status(struct daemon *d, struct client *c, const struct wire_request *r);
