/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending to the daemon, and to the log. */
#include "cli/notify.h"

#include <stdarg.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/client.h"
#include "show/logger.h"

void notify_complain(const struct notify *n, const char *fmt, ...)
{
	struct logger logger = { .fd = -1 };
	char text[1024], line[1100];
	struct log_record m;
	va_list ap;

	va_start(ap, fmt);
	text_line_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(n->err, "vipsafe: notify: %s\n", text);
	snprintf(line, sizeof(line), "notify: %s", text);
	log_record_init(&m, "vipsafe", LOG_WARNING, line);
	(void)logger_send(&logger, &m, NULL);
	logger_done(&logger);
}

bool notify_daemon(struct notify *n, usec_t patience, int *ret_code)
{
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	bool taken = false;

	client_ask(n->cli->settings.socket, &n->request, patience, &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		*ret_code = a.exit_code;
		taken = true;
		break;
	case CLIENT_REFUSED:
		notify_complain(n, "%s", a.error_text);
		break;
	case CLIENT_BARRED:
		notify_complain(n, CLIENT_BARRED_TEXT);
		*ret_code = EXIT_NOT_PERMITTED;
		taken = geteuid() != 0; /* root can do it without the daemon */
		break;
	case CLIENT_ABSENT:
	case CLIENT_BROKEN:
		break;
	}
	wire_answer_done(&a);
	return taken;
}
