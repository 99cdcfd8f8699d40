/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe watch: print events as they happen, one line each, until interrupted or until the
 * daemon exits. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/publish.h"
#include "base/option.h"

struct watching {
	bool json;
	char *error; /* owned; why the daemon refused */
};

/* Returns false to stop. */
static bool on_packet(void *ud, const struct wire_answer *a)
{
	struct watching *w = ud;

	if (a->error_code) {
		w->error = strdup(a->error_text);
		return false;
	}
	if (w->json && a->result)
		puts(a->result);
	else if (!w->json && a->out)
		fputs(a->out, stdout);
	/* each line is to be seen at once; stop when nobody reads any more */
	return fflush(stdout) == 0;
}

int command_watch(struct cli *cli, int argc, char *argv[])
{
	struct wire_request r = { .op = WIRE_WATCH, .text = WIRE_TEXT_SHORT };
	struct watching w = { .json = cli->options.json };
	struct request_error e;
	int status;

	if (argc) {
		request_error_set(&e, "unknown word " QUOTED, argv[0]);
		return command_usage(&e);
	}
	if (cli->options.local) {
		request_error_set(&e, "contradictory options: \"--local\" does not go with watch");
		return command_usage(&e);
	}
	status = client_listen(cli->settings.socket, &r, cli->options.timeout, on_packet, &w);
	if (w.error) {
		cli_complain(stderr, "watch: %s", w.error);
		free(w.error);
		return EXIT_NOT_PERMITTED;
	}
	if (status == -EACCES) {
		cli_complain(stderr, "watch: " CLIENT_BARRED_TEXT);
		return EXIT_NOT_PERMITTED;
	}
	if (status == -ENOENT || status == -ECONNREFUSED) {
		fprintf(stderr, "vipsafe: watch: the daemon is not running\n");
		return EXIT_UNREACHABLE;
	}
	if (status == -EPIPE || status == -EBADMSG) {
		fprintf(stderr, "vipsafe: watch: the daemon has ended the connection\n");
		return EXIT_UNREACHABLE;
	}
	if (status < 0) {
		fprintf(stderr, "vipsafe: watch: %s\n", strerror(-status));
		return EXIT_UNREACHABLE;
	}
	return EXIT_DONE;
}
