/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafed: guards devices, and moves addresses for clients of the control
 * socket. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "keepalived/instance_settings.h"
#include "daemon/daemon.h"
#include "daemon/requests.h"
#include "daemon/service.h"
#include "show/config.h"
#include "base/os.h"
#include "show/settings_text.h"

static const char help[] =
	"Usage: vipsafed [OPTION...]\n"
	"\n"
	"Guards devices so that no address delete breaks connections, and moves virtual\n"
	"IPs for \"vipsafe add\" and \"vipsafe del\". It stays in the foreground. On SIGHUP\n"
	"it reads the configuration again. On SIGTERM it stops; addresses stay where they\n"
	"are, unless on_stop says otherwise.\n"
	"\n"
	"  --config FILE   read FILE instead of " VIPSAFE_CONFIG "\n"
	"  --netns NAME    act in this network namespace, by its name or path\n"
	"  --check         check the configuration (exit code 0 or 78)\n"
	"  --print-config  print a configuration file with every key and its default\n"
	"  --foreground    stay in the foreground (it always does)\n"
	"  -v, --verbose   log more\n"
	"  --version       print the version\n"
	"  --help          print this help\n";

enum option_code {
	OPT_CONFIG = 256,
	OPT_NETNS,
	OPT_CHECK,
	OPT_PRINT,
	OPT_MANUAL,
	OPT_FOREGROUND,
	OPT_VERSION,
	OPT_HELP
};

static const struct option_table {
	struct option list[10];
} options = { {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "print-config", no_argument, NULL, OPT_PRINT },
	{ "print-manual", no_argument, NULL, OPT_MANUAL }, /* used to generate vipsafe.conf(5) */
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
} };

static void print_warning(void *ud _unused_, const char *line)
{
	fprintf(stderr, "vipsafed: %s\n", line);
}

/* getopt's own message would print the caller's bytes unescaped. */
static int refuse_word(const char *what, const char *word)
{
	struct request_error e;

	request_error_set(&e, "%s \"%.48s\"", what, word);
	fprintf(stderr, "vipsafed: %s\n", e.text);
	return EXIT_USAGE;
}

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char *argv[], struct daemon *d, bool *ret_check)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "v", options.list, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			d->config = optarg;
			break;
		case OPT_NETNS:
			d->netns = optarg;
			break;
		case OPT_CHECK:
			*ret_check = true;
			break;
		case OPT_PRINT:
			settings_text_file(stdout);
			return EXIT_DONE;
		case OPT_MANUAL:
			settings_text_manual(stdout);
			return EXIT_DONE;
		case OPT_FOREGROUND:
			break;
		case 'v':
			d->verbose = true;
			break;
		case OPT_VERSION:
			printf("vipsafed " PACKAGE_VERSION "%s\n", service_without());
			return EXIT_DONE;
		case OPT_HELP:
			fputs(help, stdout);
			return EXIT_DONE;
		default: /* of getopt_long */
			return refuse_word("unknown option, or one without its value:",
					   argv[optind > 1 ? optind - 1 : 1]);
		}
	}
	if (optind == argc)
		return -1;
	return refuse_word("unknown word", argv[optind]);
}

/* A guard has several sockets, and there may be hundreds of guards. */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

int main(int argc, char *argv[])
{
	struct daemon d = { .config = NULL };
	struct request_error e = { "" };
	bool check = false;
	int r;

	descriptors_open_standard();
	descriptors_make_stderr_patient();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like others */
	signal(SIGCHLD, SIG_DFL);
	umask(022);
	r = parse_options(argc, argv, &d, &check);
	if (r >= 0)
		return r;
	if (config_load_in(d.config, d.netns, &d.settings, &e) < 0) {
		fprintf(stderr, "vipsafed: %s\n", e.text);
		return EXIT_CONFIG;
	}
	if (check) {
		instance_settings_warn(&d.settings, print_warning, NULL);
		settings_done(&d.settings);
		return EXIT_DONE;
	}
	r = *d.settings.netns ? netns_enter(d.settings.netns, &e) : 0;
	if (r < 0) {
		fprintf(stderr, "vipsafed: %s\n", e.text);
		settings_done(&d.settings);
		return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_CONFIG;
	}
	raise_limit();
	d.handler = requests_handler(&d);
	r = daemon_start(&d);
	if (r == 0)
		r = daemon_run(&d);
	daemon_stop(&d);
	return r == 0			     ? EXIT_DONE
	       : r == -EALREADY		     ? EXIT_UNSAFE
	       : r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED
					     : EXIT_KERNEL_REFUSED;
}
