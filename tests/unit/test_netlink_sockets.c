/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of a kernel that refuses to tell of sockets, or to close them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sockends.h"
#include "kernel/sockets.h"
#include "kernel/sockreset.h"
#include "lib/fake_netlink.h"

static const struct addr vip = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };

/* One of a node's address AT, by its own port. */
static void say_socket(const struct nlmsghdr *request, uint8_t family, uint8_t at, uint16_t port,
		       uint8_t state)
{
	struct inet_diag_msg m = { .idiag_family = family, .idiag_state = state };
	const uint8_t own[4] = { 192, 0, 2, at }, peer[4] = { 198, 51, 100, 9 };
	size_t skip = family == AF_INET6 ? 12 : 0;

	if (skip)
		m.id.idiag_src[2] = m.id.idiag_dst[2] = htonl(0xffff);
	memcpy((uint8_t *)m.id.idiag_src + skip, own, sizeof(own));
	memcpy((uint8_t *)m.id.idiag_dst + skip, peer, sizeof(peer));
	m.id.idiag_sport = htons(port);
	m.id.idiag_dport = htons(state == TCP_LISTEN ? 0 : 3306);
	netlink_say(request, SOCK_DIAG_BY_FAMILY, 0, &m, sizeof(m));
}

/* ---- closing ----------------------------------------------------------------------------- */

static int list_error, list6_error; /* after what has been told */
static int destroy_error[4];	    /* of the socket with port 1000 + i */
static unsigned asked[4], n_resets; /* to be closed */
static bool is_interrupted;

/* Instead of packets. */
int sockreset(const struct addr *own, struct sockreset_end *ends, size_t n, uint64_t *ret_closed)
{
	assert_true(addr_equal(own, &vip));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ends[i].peer.family, AF_INET);
		assert_memory_equal(ends[i].peer.bytes, ((uint8_t[]){ 198, 51, 100, 9 }), 4);
	}
	n_resets += (unsigned)n;
	*ret_closed += n;
	return 0;
}

static void node(const struct nlmsghdr *request)
{
	const struct inet_diag_req_v2 *req = NLMSG_DATA(request);
	unsigned i = ntohs(req->id.idiag_sport) - 1000U;

	if (request->nlmsg_type == SOCK_DESTROY) {
		if (i >= 4) { /* none that there is */
			netlink_verdict(request, destroy_error[0]);
			return;
		}
		asked[i]++;
		netlink_verdict(request, destroy_error[i]);
	} else if (req->sdiag_family == AF_INET) {
		netlink_say(request, SOCK_DIAG_BY_FAMILY, 0, "cut", 3);
		say_socket(request, AF_INET, 1, 1000, TCP_ESTABLISHED);
		say_socket(request, AF_INET, 1, 1001, TCP_SYN_SENT);
		say_socket(request, AF_INET, 1, 1002, TCP_CLOSE_WAIT);
		/* the filter of a kernel has let them through: another's, and what has no peer */
		say_socket(request, AF_INET, 2, 1003, TCP_ESTABLISHED);
		say_socket(request, AF_INET, 1, 1003, TCP_LISTEN);
		say_socket(request, AF_INET, 1, 1003, TCP_TIME_WAIT);
		say_socket(request, AF_INET, 1, 1003, 200);
		if (list_error)
			netlink_verdict(request, list_error);
		else
			netlink_end(request, is_interrupted ? NLM_F_DUMP_INTR : 0, 0);
	} else if (list6_error) {
		netlink_verdict(request, list6_error);
	} else {
		say_socket(request, AF_INET6, 1, 1003, TCP_ESTABLISHED);
		netlink_end(request, 0, 0);
	}
}

static int destroy(const int errors[4], uint64_t *ret_closed)
{
	int r;

	netlink_begin(node);
	memcpy(destroy_error, errors, sizeof(destroy_error));
	memset(asked, 0, sizeof(asked));
	n_resets = 0;
	r = sockets_destroy(&vip, ret_closed);
	assert_int_equal(netlink_unread(), 0);
	list_error = list6_error = 0;
	is_interrupted = false;
	return r;
}

#define ERRORS(...) ((const int[4]){ __VA_ARGS__ })

/* One that cannot be closed does not save the rest, and one that is gone is no error. */
static void one_that_stays(void **state _unused_)
{
	uint64_t closed;

	assert_int_equal(destroy(ERRORS(0), &closed), 0);
	assert_int_equal(closed, 4);
	assert_int_equal(asked[0] + asked[1] + asked[2] + asked[3], 4);
	assert_int_equal(destroy(ERRORS(-EIO, 0, -EBUSY, 0), &closed), -EIO);
	assert_int_equal(closed, 2);
	assert_int_equal(destroy(ERRORS(-ENOENT, 0, -ESTALE, 0), &closed), 0);
	assert_int_equal(closed, 2);
	/* what would be the same of the next is not asked again */
	assert_int_equal(destroy(ERRORS(0, -EPERM, 0, 0), &closed), -EPERM);
	assert_int_equal(closed, 1);
	assert_int_equal(asked[2] + asked[3], 0);
}

/* Of what opens there is nothing to be reset. */
static void a_kernel_that_closes_none(void **state _unused_)
{
	uint64_t closed;

	assert_int_equal(destroy(ERRORS(-EOPNOTSUPP), &closed), 0);
	assert_int_equal(n_resets, 3);
	assert_int_equal(closed, 3);
	assert_int_equal(asked[0], 1);
	/* before 4.5 */
	assert_int_equal(destroy(ERRORS(-EINVAL), &closed), 0);
	assert_int_equal(n_resets, 3);
}

static void a_list_that_fails(void **state _unused_)
{
	uint64_t closed;

	is_interrupted = true;
	assert_int_equal(destroy(ERRORS(0), &closed), 0);
	assert_int_equal(closed, 4);
	/* no IPv6, and no module for it */
	list6_error = -ENOENT;
	assert_int_equal(destroy(ERRORS(0), &closed), 0);
	assert_int_equal(closed, 3);
	list6_error = -EAFNOSUPPORT;
	assert_int_equal(destroy(ERRORS(0), &closed), 0);
	/* what was found until then is closed */
	list6_error = -ENOMEM;
	assert_int_equal(destroy(ERRORS(0), &closed), -ENOMEM);
	assert_int_equal(closed, 3);
	list_error = -EIO;
	assert_int_equal(destroy(ERRORS(0), &closed), -EIO);
	assert_int_equal(closed, 3);
}

static void no_socket_to_ask_with(void **state _unused_)
{
	const struct addr none = { .family = AF_UNSPEC };
	struct fake_netlink *k = netlink_begin(node);
	uint64_t closed = 7;

	assert_int_equal(sockets_destroy(&none, &closed), -EINVAL);
	assert_int_equal(k->opened, 0);
	k->new_error = -EPROTONOSUPPORT;
	assert_int_equal(sockets_destroy(&vip, &closed), -EOPNOTSUPP);
	assert_int_equal(closed, 0);
	assert_false(sockets_can_destroy());
	assert_int_equal(socklist_dump(SOCK_PEERS, NULL, NULL), -EOPNOTSUPP);
	k->new_error = -EMFILE;
	assert_int_equal(sockets_destroy(&vip, &closed), -EMFILE);
}

static bool can(int error)
{
	netlink_begin(node);
	destroy_error[0] = error;
	return sockets_can_destroy();
}

static void what_it_says_of_none(void **state _unused_)
{
	assert_true(can(-ENOENT));
	assert_true(can(-ESTALE));
	assert_false(can(-EOPNOTSUPP));
	assert_false(can(-EINVAL));
	assert_false(can(-EPERM));
	assert_false(can(0));
}

/* ---- listing ------------------------------------------------------------------------------ */

static int kind_error[6]; /* TCP and UDP of both families, listeners of both */
static unsigned n_seen;
static int sink_returns;

static void kinds(const struct nlmsghdr *request)
{
	const struct inet_diag_req_v2 *req = NLMSG_DATA(request);
	bool listens = req->idiag_states == 1 << TCP_LISTEN;
	size_t i = (listens				 ? 4
		    : req->sdiag_protocol == IPPROTO_UDP ? 2
							 : 0) +
		   (req->sdiag_family == AF_INET6);

	if (kind_error[i]) {
		netlink_verdict(request, kind_error[i]);
		return;
	}
	say_socket(request, req->sdiag_family, 1, 1000, listens ? TCP_LISTEN : TCP_ESTABLISHED);
	say_socket(request, AF_PHONET, 1, 1000, TCP_ESTABLISHED); /* none that we could mean */
	netlink_end(request, 0, 0);
}

static int see_flow(void *ud _unused_, const struct flow *f _unused_)
{
	n_seen++;
	return sink_returns;
}

static int list(enum sock_extent extent, size_t which, int error)
{
	int r;

	netlink_begin(kinds);
	memset(kind_error, 0, sizeof(kind_error));
	kind_error[which] = error;
	n_seen = 0;
	r = socklist_dump(extent, see_flow, NULL);
	return r;
}

/* Without its module for UDP, or without IPv6, those are left out; without TCP nothing is worth
 * having. */
static void kinds_that_are_not_there(void **state _unused_)
{
	assert_int_equal(list(SOCK_PEERS, 0, 0), 0);
	assert_int_equal(n_seen, 4);
	assert_int_equal(list(SOCK_LISTENERS | SOCK_TIMES, 0, 0), 0);
	assert_int_equal(n_seen, 6);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(list(SOCK_PEERS, i, -ENOENT), 0);
		assert_int_equal(n_seen, 3);
	}
	assert_int_equal(list(SOCK_PEERS, 0, -ENOENT), -EOPNOTSUPP);
	assert_int_equal(n_seen, 0);
	assert_int_equal(list(SOCK_PEERS, 3, -EPERM), -EPERM);
	/* an error of who is told is its own, whatever it means to a kernel */
	sink_returns = -ENOENT;
	assert_int_equal(list(SOCK_PEERS, 0, 0), -ENOENT);
	assert_int_equal(n_seen, 1);
	sink_returns = 0;
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void ends_that_are_lost(void **state _unused_)
{
	struct fake_netlink *k = netlink_begin(node);
	struct sockends *s = NULL;

	k->join_error = -EPERM;
	assert_int_equal(sockends_new(&s), -EOPNOTSUPP);
	assert_int_equal(k->closed, k->opened);
	k->join_error = 0;
	assert_int_equal(sockends_new(&s), 0);
	n_seen = 0;
	say_socket(NULL, AF_INET, 1, 1000, TCP_CLOSE);
	say_socket(NULL, AF_INET, 1, 1001, TCP_LISTEN); /* without a peer */
	netlink_say(NULL, SOCK_DIAG_BY_FAMILY, 0, "cut", 3);
	say_socket(NULL, AF_PHONET, 1, 1002, TCP_CLOSE);
	assert_int_equal(sockends_read(s, see_flow, NULL), 0);
	assert_int_equal(n_seen, 1);
	netlink_fault(-ENOBUFS);
	say_socket(NULL, AF_INET, 1, 1000, TCP_CLOSE);
	assert_int_equal(sockends_read(s, see_flow, NULL), -ENOBUFS);
	assert_int_equal(n_seen, 2);
	netlink_fault(-EBADF);
	assert_int_equal(sockends_read(s, see_flow, NULL), -EBADF);
	sink_returns = -ENOMEM;
	say_socket(NULL, AF_INET, 1, 1000, TCP_CLOSE);
	say_socket(NULL, AF_INET, 1, 1000, TCP_CLOSE);
	assert_int_equal(sockends_read(s, see_flow, NULL), -ENOMEM);
	assert_int_equal(n_seen, 3);
	sink_returns = 0;
	sockends_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_stays),	cmocka_unit_test(a_kernel_that_closes_none),
		cmocka_unit_test(a_list_that_fails),	cmocka_unit_test(no_socket_to_ask_with),
		cmocka_unit_test(what_it_says_of_none), cmocka_unit_test(kinds_that_are_not_there),
		cmocka_unit_test(ends_that_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
