/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe watch: print events as they happen, one line each, until interrupted or until the
 * daemon exits. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"

struct watching {
	const struct options *options;
	bool heard;
	int refused; /* the exit code; EXIT_DONE: the daemon was willing */
};

/* Returns false to stop. */
static bool on_packet(void *ud, const struct wire_answer *a)
{
	struct watching *w = ud;

	if (a->error_code) {
		w->refused = cli_fail(w->options, client_failure_code(CLIENT_REFUSED, a),
				      "watch: %s", a->error_text);
		return false;
	}
	w->heard = true;
	if (w->options->json && a->result)
		puts(a->result);
	else if (!w->options->json && a->out)
		fputs(a->out, stdout);
	/* each line is to be seen at once; stop when nobody reads any more */
	return fflush(stdout) == 0;
}

int command_watch(struct cli *cli, int argc, char *argv[])
{
	struct wire_request r = { .op = WIRE_WATCH, .text = WIRE_TEXT_SHORT };
	struct watching w = { .options = &cli->options };
	char barred[CLIENT_TEXT_MAX];
	const char *why;
	int status;

	if (!command_is_bare(&cli->options, argc, argv))
		return EXIT_USAGE;
	status = client_listen(cli->settings.socket, &r, cli->options.timeout, on_packet, &w);
	if (w.refused)
		return w.refused;
	if (status == -EACCES)
		return cli_fail(&cli->options, EXIT_NOT_PERMITTED, "watch: %s",
				client_barred_text(cli->settings.socket, barred));
	if (status >= 0)
		return EXIT_DONE;
	if (status == -ENOENT || status == -ECONNREFUSED)
		why = "the daemon is not running";
	else if (status == -EPIPE || status == -EBADMSG)
		why = "the daemon has ended the connection";
	else
		why = strerror(-status);
	if (!w.heard)
		return cli_fail(&cli->options, EXIT_UNREACHABLE, "watch: %s", why);
	cli_complain(stderr, "watch: %s", why); /* on stdout there are events */
	return EXIT_UNREACHABLE;
}
