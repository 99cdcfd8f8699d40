/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listing that another thread reads on while its owner is busy with what it has. The kernel makes
 * the next part within the call that reads one, and takes no lock for it that changes of the table
 * need. The thread reads and copies; it knows nothing of entries, and gets no signals. */
#pragma once

#include <stdbool.h>

struct ahead;
struct nlsock;

/* The listing has been asked for on S, which is the thread's until ahead_free(). -EOPNOTSUPP: there
 * is one processor only, so that nothing would be gained; -ENOMEM, -EAGAIN: no thread. */
int ahead_new(struct nlsock *s, struct ahead **ret);

/* Ends the thread, which may be in the middle of the listing. NULL is passed over. */
struct ahead *ahead_free(struct ahead *a);

/* The next datagram, waiting for it: as nlsock_receive(), with its errors. */
int ahead_next(struct ahead *a, const void **ret);

/* Whether ahead_next() would have to wait. */
bool ahead_waits(struct ahead *a);
