/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serves the requests of clients of the control socket. */
#pragma once

#include "daemon/daemon.h"

/* The handler to which the control socket of D gives requests. */
struct control_handler requests_handler(struct daemon *d);
