/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients of the control socket ask for, and who answers it. */
#pragma once

#include "daemon/daemon.h"

/* How the control socket of D hands requests over. */
struct control_handler requests_handler(struct daemon *d);
