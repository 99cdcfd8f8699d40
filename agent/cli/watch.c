/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe watch: print events as they happen, one line each, until interrupted or until the
 * daemon exits. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/render.h"

struct watching {
	bool json;
	int refused; /* the exit code; EXIT_DONE: the daemon was willing */
};

/* Returns false to stop. */
static bool on_packet(void *ud, const struct wire_answer *a)
{
	struct watching *w = ud;

	if (a->error_code) {
		cli_complain(stderr, "watch: %s", a->error_text);
		w->refused = client_failure_code(CLIENT_REFUSED, a);
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
	char barred[CLIENT_TEXT_MAX];
	int status;

	if (!command_is_bare(argc, argv))
		return EXIT_USAGE;
	status = client_listen(cli->settings.socket, &r, cli->options.timeout, on_packet, &w);
	if (w.refused)
		return w.refused;
	if (status == -EACCES) {
		cli_complain(stderr, "watch: %s", client_barred_text(cli->settings.socket, barred));
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
