/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe connections: what the daemon's guards know of the conntrack table or, without the daemon,
 * what the table itself and the marks of guards before show. Printed as it is read. */
#include "cli/connections.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/local_table.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "show/connections.h"

/* ---- from the daemon --------------------------------------------------------------- */

struct listening {
	const struct options *options;
	bool heard, ended, whole;
	int code;      /* an exit code of what was refused */
	bool or_local; /* what is not guarded is listed without the daemon */
};

static bool connections_on_packet(void *ud, const struct wire_answer *a)
{
	struct listening *l = ud;

	l->heard = true;
	if (a->error_code && l->or_local &&
	    !strcmp(a->error_code, wire_refusal_name(WIRE_NOT_GUARDED))) {
		l->code = -ENOENT;
		return false;
	}
	if (a->error_code) {
		l->code = !strcmp(a->error_code, wire_refusal_name(WIRE_NOT_GUARDED))
				  ? EXIT_UNPROTECTED
				  : client_failure_code(CLIENT_REFUSED, a);
		(void)cli_fail(l->options, l->code, "connections: %s", a->error_text);
		return false;
	}
	if (a->result) {
		l->ended = true;
		l->whole = strstr(a->result, "true") != NULL;
		return false;
	}
	fputs(a->out ? a->out : "", stdout);
	return fflush(stdout) == 0;
}

static int connections_complete(bool whole)
{
	if (!whole)
		cli_complain(stderr, "connections: the table changed its size while it was read: "
				     "some may be missing");
	return EXIT_DONE;
}

/* The exit code, or -ENOENT: there is no daemon. */
static int list_guarded(const struct cli *cli, bool or_local, int argc, char *argv[])
{
	struct wire_request r = { .op = WIRE_CONNECTIONS, .words = argv, .n_words = argc };
	struct listening l = { .options = &cli->options, .code = EXIT_DONE, .or_local = or_local };
	char barred[CLIENT_TEXT_MAX];
	int status;

	r.text = cli->options.json ? WIRE_TEXT_NONE : WIRE_TEXT_SHORT;
	status = client_listen(cli->settings.socket, &r, cli->options.timeout,
			       connections_on_packet, &l);
	if (l.code)
		return l.code;
	if (l.ended)
		return connections_complete(l.whole);
	if (status == -EACCES)
		return cli_fail(&cli->options, EXIT_NOT_PERMITTED, "connections: %s",
				client_barred_text(cli->settings.socket, barred));
	if (status == -ENOENT || status == -ECONNREFUSED)
		return -ENOENT;
	if (status < 0)
		return cli_fail(&cli->options, EXIT_UNREACHABLE,
				"connections: the daemon has ended the connection");
	return EXIT_DONE; /* we were told to end, or nobody reads any more */
}

/* ---- from the table ---------------------------------------------------------------- */

struct local_listing {
	const struct cli *cli;
	const struct connections *which;
};

static int connections_on_entry(void *ud, const struct kernel *k, const struct conn_record *record,
				const char *device, enum protection p)
{
	const struct local_listing *l = ud;
	char line[CONNECTION_LINE_MAX];
	size_t n;

	if (!connections_want(l->which, k, record, p))
		return 0;
	n = connections_line(k, record, device, p, l->cli->options.json, line);
	return fwrite(line, 1, n, stdout) == n ? 0 : -EPIPE;
}

static int list_local(const struct cli *cli, const struct connections *which)
{
	struct local_listing l = { .cli = cli, .which = which };
	int r = local_table(cli, which->device, connections_on_entry, &l);

	if (r == 0 || r == -EINTR)
		return connections_complete(r == 0);
	if (r == -EPIPE)
		return EXIT_DONE;
	if (r == -ENODEV)
		return cli_fail(&cli->options, EXIT_UNPROTECTED,
				"connections: there is no device \"%s\"", which->device);
	return cli_fail(&cli->options,
			r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_UNPROTECTED,
			"connections: the conntrack table cannot be read: %s", strerror(-r));
}

int connections_list(const struct cli *cli, bool or_local, int argc, char *argv[])
{
	struct connections which;
	struct request_error e;
	int code = -ENOENT;

	if (connections_parse(&which, argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	if (!cli->options.local)
		code = list_guarded(cli, or_local, argc, argv);
	return code == -ENOENT ? list_local(cli, &which) : code;
}

int command_connections(struct cli *cli, int argc, char *argv[])
{
	return connections_list(cli, false, argc, argv);
}
