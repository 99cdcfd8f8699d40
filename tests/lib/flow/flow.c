/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"flow serve [-p PROTO] [-c] ADDR PORT\n"
	"	answers \"PEER-ADDR PEER-PORT TEXT\" to every line or datagram; prints \"ready\".\n"
	"	stdin: push = send to every peer unasked. End of stdin: end.\n"
	"	-c: datagrams of each peer have a connected socket, as with QUIC\n"
	"flow open [-p PROTO] [-n N] [-b ADDR] [-P PORT] [-t SEC] [-k SEC] [-a] ADDR PORT\n"
	"	opens N flows, one exchange on each, prints \"open N\" or \"open M of N\".\n"
	"	stdin: ping = one exchange on every flow:\n"
	"	         ping alive=A reset=R stalled=S changed=C  (they add up to the flows)\n"
	"	       heard = wait for the server's push: heard H of N\n"
	"	       ports = LOCALPORT SEENADDR SEENPORT per flow; more N; quit\n"
	"	-k: with keepalives so many seconds apart\n"
	"	-a: a datagram is taken for the answer wherever it comes from\n"
	"flow busy [-p PROTO] [-n N] [-b ADDR] [-P PORT] [-t SEC] [-d MS] [-s SEC] ADDR PORT\n"
	"	exchanges without end, MS apart, for SEC or until a line or the end of stdin,\n"
	"	and one more on each flow then:\n"
	"	         busy alive=A ... exchanges=E longest_ms=L\n"
	"flow churn [-r RATE] [-l MS] [-t SEC] [-s SEC] ADDR PORT\n"
	"	RATE new TCP connections a second, each of which lives for MS and does three\n"
	"	exchanges; prints \"ready\", and when all have ended:\n"
	"	         churn whole=W unopened=U reset=R stalled=S changed=C opened=O ms=T\n"
	"flow pairs [-n N] [-t SEC] -b ADDR -P FIRST ADDR PORT SERVICE-ADDR SERVICE-PORT\n"
	"	N times a TCP connection to each of the two from one port (FIRST and on, 20000\n"
	"	of them), 256 pairs open at a time: pairs N crossed=C failed=F\n"
	"flow spray [-n N] [-P FIRST] ADDR 0\n"
	"	one datagram from one UDP socket to each of N ports from FIRST on\n"
	"PROTO: tcp udp udplite icmp sctp gre or a number; -u is -p udp.\n";

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void raise_file_limit(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int fail_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

/* Fill *O from the words after the subcommand; false when they are wrong. */
static bool parse(struct options *o, int argc, char **argv)
{
	const char *proto = "tcp", *bind_to = NULL;
	int c;

	*o = (struct options){ .n = 1, .deadline_ms = 3000, .think_ms = 10, .life_ms = 1000 };
	while ((c = getopt(argc, argv, "up:n:b:P:t:k:d:s:r:l:ac")) != -1) {
		switch (c) {
		case 'u':
			proto = "udp";
			break;
		case 'p':
			proto = optarg;
			break;
		case 'n':
			o->n = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			bind_to = optarg;
			break;
		case 'P':
			o->first_port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
			o->deadline_ms = (unsigned)(strtod(optarg, NULL) * 1000);
			break;
		case 'k':
			o->keepalive = (int)strtol(optarg, NULL, 10);
			break;
		case 'd':
			o->think_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			o->life_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			o->any_answer = true;
			break;
		case 'c':
			o->connects = true;
			break;
		default:
			return false;
		}
	}
	if (argc - optind == 4 && !wire_address(argv[optind + 2], argv[optind + 3], &o->second))
		return false;
	if ((argc - optind != 2 && !o->second.sa.sa_family) ||
	    !wire_address(argv[optind], argv[optind + 1], &o->remote))
		return false;
	o->has_bind = bind_to;
	if (bind_to && !wire_address(bind_to, "0", &o->bind))
		return false;
	return wire_parse(proto, o->remote.sa.sa_family, &o->wire);
}

int main(int argc, char **argv)
{
	struct options o;

	if (argc < 2 || !parse(&o, argc - 1, argv + 1))
		return fail_usage();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0); /* scripts wait for lines */
	raise_file_limit();
	if (!strcmp(argv[1], "serve"))
		return serve_main(&o);
	if (!strcmp(argv[1], "open"))
		return open_main(&o);
	if (!strcmp(argv[1], "busy"))
		return busy_main(&o);
	if (!strcmp(argv[1], "spray"))
		return spray_main(&o);
	if (!strcmp(argv[1], "pairs") && o.second.sa.sa_family && o.has_bind)
		return pairs_main(&o);
	if (!strcmp(argv[1], "churn"))
		return churn_main(&o);
	return fail_usage();
}
