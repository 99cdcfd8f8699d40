/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call of struct kernel_ops on the real kernel, for tests that are about
 * agent/kernel and not about what is made of it:
 *   kernelcall link NAME
 *   kernelcall list
 *   kernelcall refuse N                     addresses from the Nth on, by one socket N times;
 *       prints how many there were before, at the last of these, and after them
 *   kernelcall add|del ADDR/LEN DEV [WORD VALUE …]
 *   kernelcall promotes DEV
 *   kernelcall announce DEV ADDR
 *   kernelcall heard DEV                    obeys lines: "for [ADDR…]" listens for others; prints
 *       each address heard, or "woken" for nothing
 *   kernelcall frame DEV HEX                one frame as it is, link header and all
 *   kernelcall probe [MILLISECONDS]
 *   kernelcall hold auto|nft|iptables DEV   prints the backend, then obeys lines:
 *       arm MS | let-go | look | close | open; each is answered by "ok MICROSECONDS" or an error
 *   kernelcall hold-clean [BUSY-IFINDEX]    prints how many were removed
 *   kernelcall program MS BYTES NAME [WORD …]   run it with so much input; prints
 *       its lines, and then how it ended
 * Prints what came back, or the name of the error. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_packet.h>
#include <linux/rtnetlink.h>

#include "base/os.h"
#include "base/request.h"
#include "base/text.h"
#include "kernel/hold.h"
#include "kernel/kernel_real.h"
#include "kernel/nlask.h"
#include "base/program.h"

#define PATIENCE (20 * USEC_PER_SEC) /* with the system's programs */

static int answer(int r)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EEXIST, "EEXIST" },	      { EADDRNOTAVAIL, "EADDRNOTAVAIL" },
		{ ENODEV, "ENODEV" },	      { ENOENT, "ENOENT" },
		{ EPERM, "EPERM" },	      { EINVAL, "EINVAL" },
		{ EOPNOTSUPP, "EOPNOTSUPP" }, { ENETDOWN, "ENETDOWN" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (r == -names[i].error) {
			puts(names[i].name);
			return 1;
		}
	puts(r < 0 ? strerror(-r) : "ok");
	return r < 0;
}

static int usage(const char *word)
{
	fprintf(stderr, "kernelcall: %s?\n", word);
	return 2;
}

/* "WORD VALUE": numbers as strtoul() reads them. */
static bool option(struct ifaddr *a, const char *word, const char *value)
{
	uint32_t number = (uint32_t)strtoul(value, NULL, 0);

	if (strcmp(word, "label") == 0)
		snprintf(a->label, sizeof(a->label), "%s", value);
	else if (strcmp(word, "scope") == 0)
		a->scope = (uint8_t)number;
	else if (strcmp(word, "flags") == 0)
		a->flags = number;
	else if (strcmp(word, "preferred") == 0)
		a->preferred_lft = number;
	else if (strcmp(word, "metric") == 0)
		a->metric = number;
	else if (strcmp(word, "proto") == 0)
		a->proto = (uint8_t)number;
	else if (strcmp(word, "brd") == 0)
		return addr_parse(value, &a->broadcast) == 0;
	else if (strcmp(word, "peer") == 0)
		return addr_parse(value, &a->peer) == 0;
	else
		return false;
	return true;
}

static int do_addr(struct kernel k, bool add, int argc, char **argv)
{
	struct ifaddr a = { .preferred_lft = IFADDR_FOREVER, .valid_lft = IFADDR_FOREVER };
	struct link link;
	int r;

	if (argc < 2 || prefix_parse(argv[0], PREFIX_LEN_REQUIRED, &a.prefix) < 0)
		return usage("ADDR/LEN DEV");
	for (int i = 2; i < argc; i += 2)
		if (i + 1 == argc || !option(&a, argv[i], argv[i + 1]))
			return usage(argv[i]);
	r = k.ops->link_get(k.ctx, argv[1], &link);
	if (r < 0)
		return answer(r);
	a.ifindex = link.ifindex;
	return answer(add ? k.ops->addr_add(k.ctx, &a) : k.ops->addr_del(k.ctx, &a));
}

/* A line per address, every field in it. */
static int print(void *ud, const struct ifaddr *a)
{
	char prefix[PREFIX_TEXT_MAX], peer[PREFIX_TEXT_MAX], brd[PREFIX_TEXT_MAX];

	(void)ud;
	printf("%d %s peer %s brd %s scope %u flags 0x%x label '%s' preferred %u valid %u "
	       "metric %u",
	       a->ifindex, prefix_format(&a->prefix, prefix), addr_format(&a->peer, peer),
	       addr_format(&a->broadcast, brd), a->scope, (unsigned)a->flags, a->label,
	       (unsigned)a->preferred_lft, (unsigned)a->valid_lft, (unsigned)a->metric);
	printf(a->proto ? " proto %u\n" : "\n", a->proto);
	return 0;
}

/* How many answers there were, and at which to refuse the rest. */
struct refusing {
	unsigned seen, at;
};

static int refuse_at(void *ud, const struct nlmsghdr *nlh)
{
	struct refusing *x = ud;

	x->seen += nlh->nlmsg_type == RTM_NEWADDR;
	return x->seen == x->at ? -ECANCELED : 0;
}

static int list_refusing(struct nlsock *s, struct refusing *x)
{
	const struct ifaddrmsg msg = { .ifa_family = AF_UNSPEC };
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	message_end(&b,
		    message_begin(&b, RTM_GETADDR, NLM_F_DUMP, nlsock_seq(s), &msg, sizeof(msg)));
	x->seen = 0;
	return nlask_dump(s, &b, refuse_at, x);
}

static int do_refuse(unsigned times)
{
	struct refusing none = { .at = 0 }, some = { .at = 0 }, again = { .at = 0 };
	struct nlsock *s;
	int r = nlsock_new(NETLINK_ROUTE, 0, 0, &s);

	if (r < 0)
		return answer(r);
	r = list_refusing(s, &none);
	while (r == 0 && some.at < times) {
		some.at++;
		r = list_refusing(s, &some);
		r = r == -ECANCELED ? 0 : r < 0 ? r : -ENOENT;
	}
	if (r == 0)
		r = list_refusing(s, &again);
	nlsock_free(s);
	if (r < 0)
		return answer(r);
	printf("%u %u %u\n", none.seen, some.seen, again.seen);
	return 0;
}

static int do_link(struct kernel k, const char *name)
{
	struct link link;
	int r = k.ops->link_get(k.ctx, name, &link);

	if (r < 0)
		return answer(r);
	printf("%d %s %s %s type %u mac ", link.ifindex, link.name, link.up ? "up" : "down",
	       link.running ? "running" : "idle", link.type);
	for (size_t i = 0; i < link.mac_len; i++)
		printf("%s%02x", i ? ":" : "", link.mac[i]);
	puts("");
	return 0;
}

static int do_announce(struct kernel k, const char *name, const char *text)
{
	struct link link;
	struct addr a;
	int r;

	if (addr_parse(text, &a) < 0)
		return usage(text);
	r = k.ops->link_get(k.ctx, name, &link);
	return answer(r < 0 ? r : k.ops->announce(k.ctx, &link, &a));
}

static int heard_listen_for(struct kernel k, const struct link *link, char *words)
{
	struct addr addrs[100];
	size_t n = 0;
	char *word;

	for (word = strtok(words, " \n"); word && n < ARRAY_SIZE(addrs); word = strtok(NULL, " \n"))
		if (addr_parse(word, &addrs[n++]) < 0)
			return usage(word);
	return answer(k.ops->heard_watch(k.ctx, link, addrs, n));
}

static int print_heard(void *ud, const struct addr *a)
{
	char text[PREFIX_TEXT_MAX];

	++*(unsigned *)ud;
	printf("heard %s\n", addr_format(a, text));
	return 0;
}

/* Until the end of stdin. */
static int do_heard(struct kernel_real *real, const char *name)
{
	struct kernel k = kernel_real_get(real);
	struct pollfd p[1 + KERNEL_FDS] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	int fds[KERNEL_FDS], i;
	struct link link;
	char line[4096];
	unsigned n;

	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		kernel_real_fds(real, fds);
		for (i = 0; i < KERNEL_FDS; i++)
			p[1 + i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (poll(p, 1 + KERNEL_FDS, -1) < 0)
			return 1;
		if (p[0].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			i = k.ops->link_get(k.ctx, name, &link);
			if (i < 0)
				answer(i);
			else if (!strncmp(line, "for", 3))
				heard_listen_for(k, &link, line + 3);
			else
				return usage(line);
			continue;
		}
		n = 0;
		i = k.ops->heard_events(k.ctx, print_heard, &n);
		if (i < 0 && i != -EAGAIN)
			answer(i);
		if (!n)
			puts("woken");
	}
}

static int do_frame(struct kernel k, const char *name, const char *hex)
{
	uint8_t data[2048];
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct link link;
	unsigned byte;
	size_t n = 0;
	int r = k.ops->link_get(k.ctx, name, &link);

	for (; n < sizeof(data) && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		data[n] = (uint8_t)byte;
	to.sll_ifindex = link.ifindex;
	if (r == 0 && (fd < 0 || sendto(fd, data, n, 0, (struct sockaddr *)&to, sizeof(to)) < 0))
		r = -errno;
	return answer(r);
}

static int do_promotes(struct kernel k, const char *name)
{
	struct link link;
	int r = k.ops->link_get(k.ctx, name, &link);

	if (r == 0)
		r = k.ops->promotes_secondaries(k.ctx, &link);
	if (r < 0)
		return answer(r);
	printf("%d\n", r);
	return 0;
}

static int do_probe(struct kernel k, const char *timeout)
{
	static const char *const names[] = { "unknown", "affected", "fixed" };
	struct probe_result v = { .cached = false };
	usec_t start = k.ops->now(k.ctx);
	int r;

	r = k.ops->probe(k.ctx, true, strtoul(timeout, NULL, 10) * USEC_PER_MSEC, &v);
	if (r < 0)
		return answer(r);
	printf("%s %s %llu ms%s%s\n", names[v.ipv4], names[v.ipv6],
	       (unsigned long long)((k.ops->now(k.ctx) - start) / USEC_PER_MSEC),
	       v.reason[0] ? " " : "", v.reason);
	return 0;
}

/* "ok MICROSECONDS" since START, or the error. */
static int timed(struct kernel k, usec_t start, int r)
{
	if (r < 0)
		answer(r);
	else
		printf("ok %llu\n", (unsigned long long)(k.ops->now(k.ctx) - start));
	fflush(stdout);
	return r;
}

static int hold_start(struct kernel k, enum hold_choice choice, const struct link *link)
{
	char reason[REPORT_TEXT_MAX] = "";
	enum hold_choice used;
	usec_t start = k.ops->now(k.ctx);
	int r = k.ops->hold_open(k.ctx, choice, link, start + PATIENCE, &used, reason);

	if (r < 0)
		printf("%s: ", reason);
	else
		printf("%s ", hold_choice_name(used));
	return timed(k, start, r);
}

/* Holds until the end of stdin, which closes nothing: that is how a killed
 * agent leaves it. */
static int do_hold(struct kernel k, const char *choice_name, const char *device)
{
	int choice = word_find(hold_words, choice_name);
	struct link link;
	char line[64];
	int r;

	if (choice < 0)
		return usage(choice_name);
	r = k.ops->link_get(k.ctx, device, &link);
	if (r < 0)
		return answer(r);
	if (hold_start(k, (enum hold_choice)choice, &link) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		usec_t start = k.ops->now(k.ctx);

		if (strncmp(line, "arm ", 4) == 0) {
			usec_t ms = strtoul(line + 4, NULL, 10);

			timed(k, start, k.ops->hold_arm(k.ctx, ms * USEC_PER_MSEC));
		} else if (strcmp(line, "let-go\n") == 0) {
			timed(k, start, k.ops->hold_disarm(k.ctx));
		} else if (strcmp(line, "look\n") == 0) {
			timed(k, start, k.ops->hold_check(k.ctx));
		} else if (strcmp(line, "open\n") == 0) {
			hold_start(k, (enum hold_choice)choice, &link);
		} else if (strcmp(line, "close\n") == 0) {
			timed(k, start, k.ops->hold_close(k.ctx, start + PATIENCE));
		} else {
			return usage(line);
		}
	}
	_exit(0);
}

static bool is_busy(void *ud, int ifindex)
{
	return ifindex == *(const int *)ud;
}

static int do_hold_clean(struct kernel k, const char *busy)
{
	int ifindex = (int)strtol(busy, NULL, 10), r;

	const struct rule_cleaning c = { .busy = is_busy, .ud = &ifindex };

	r = k.ops->hold_clean(k.ctx, &c, k.ops->now(k.ctx) + PATIENCE);

	if (r < 0)
		return answer(r);
	printf("%d\n", r);
	return 0;
}

static void print_line(void *ud, const char *line)
{
	(void)ud;
	puts(line);
}

static int do_program(int argc, char **argv)
{
	char error[PROGRAM_ERROR_MAX];
	struct program p = { .argv = argv + 2, .line = print_line };
	size_t size;
	char *input;
	int r;

	if (argc < 3)
		return usage("MS BYTES NAME");
	p.timeout = strtoul(argv[0], NULL, 10) * USEC_PER_MSEC;
	size = strtoul(argv[1], NULL, 10);
	input = malloc(size + 1);
	if (!input)
		return 1;
	memset(input, 'x', size);
	input[size] = '\0';
	p.input = input;
	r = program_run(&p, error);
	free(input);
	return answer(r);
}

static int run(struct kernel_real *real, int argc, char **argv)
{
	struct kernel k = kernel_real_get(real);
	const char *verb = argc > 0 ? argv[0] : "";

	if (strcmp(verb, "add") == 0 || strcmp(verb, "del") == 0)
		return do_addr(k, verb[0] == 'a', argc - 1, argv + 1);
	if (strcmp(verb, "list") == 0)
		return k.ops->addr_list(k.ctx, print, NULL) < 0;
	if (strcmp(verb, "refuse") == 0 && argc == 2)
		return do_refuse((unsigned)strtoul(argv[1], NULL, 10));
	if (strcmp(verb, "link") == 0 && argc == 2)
		return do_link(k, argv[1]);
	if (strcmp(verb, "promotes") == 0 && argc == 2)
		return do_promotes(k, argv[1]);
	if (strcmp(verb, "announce") == 0 && argc == 3)
		return do_announce(k, argv[1], argv[2]);
	if (strcmp(verb, "heard") == 0 && argc == 2)
		return do_heard(real, argv[1]);
	if (strcmp(verb, "frame") == 0 && argc == 3)
		return do_frame(k, argv[1], argv[2]);
	if (strcmp(verb, "probe") == 0)
		return do_probe(k, argc > 1 ? argv[1] : "3000");
	if (strcmp(verb, "hold") == 0 && argc == 3)
		return do_hold(k, argv[1], argv[2]);
	if (strcmp(verb, "program") == 0)
		return do_program(argc - 1, argv + 1);
	if (strcmp(verb, "hold-clean") == 0)
		return do_hold_clean(k, argc > 1 ? argv[1] : "0");
	return usage(verb);
}

int main(int argc, char **argv)
{
	struct kernel_real *real;
	int r = kernel_real_new(&real);

	if (r < 0)
		return answer(r);
	r = run(real, argc - 1, argv + 1);
	kernel_real_free(real);
	return r;
}
