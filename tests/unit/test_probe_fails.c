/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An experiment that cannot be made: the kernel stays unknown, and why is said. Nothing is made on
 * the node: there is no network namespace here, and the fake kernel makes no device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "kernel/probe.h"
#include "lib/fake_netlink.h"

int __wrap_unshare(int flags);
int __wrap_background_new(void (*work)(void *ud, void *answer), void *ud, size_t size,
			  usec_t timeout, struct background **ret);
int __wrap_background_wait(struct background *b, void *answer);
struct background *__wrap_background_free(struct background *b);

static bool has_conntrack;
static int unshare_error, user_error; /* the latter of a user's namespace, too */
static int child_error, answer_error;
static bool answer_is_damaged;
static unsigned children;
static struct fake_netlink *net;

/* No module is loaded. */
int __wrap_access(const char *path, int mode _unused_)
{
	return has_conntrack && strstr(path, "nf_conntrack_count") ? 0 : -1;
}

int __wrap_unshare(int flags)
{
	errno = flags & CLONE_NEWUSER ? user_error : unshare_error;
	return errno ? -1 : 0;
}

/* In this process, at once. */
static struct background *running;
static size_t answer_size;

int __wrap_background_new(void (*work)(void *ud, void *answer), void *ud, size_t size,
			  usec_t timeout _unused_, struct background **ret)
{
	if (child_error)
		return child_error;
	children++;
	answer_size = size;
	running = calloc(1, size);
	assert_non_null(running);
	work(ud, running);
	*ret = running;
	return 0;
}

int __wrap_background_wait(struct background *b, void *answer)
{
	memcpy(answer, b, answer_size);
	if (answer_is_damaged) /* in what is found */
		*(uint8_t *)answer = 0x7f;
	return answer_error;
}

struct background *__wrap_background_free(struct background *b)
{
	free(b);
	return NULL;
}

static void refuse(const struct nlmsghdr *request)
{
	netlink_verdict(request, -EOPNOTSUPP);
}

static void begin(void)
{
	net = netlink_begin(refuse);
	has_conntrack = true;
	unshare_error = user_error = child_error = answer_error = 0;
	answer_is_damaged = false;
	children = 0;
}

static void expect(const char *why)
{
	struct probe_result r = { .ipv4 = KERNEL_FIXED, .ipv6 = KERNEL_FIXED };

	probe_run(true, USEC_PER_SEC, &r);
	assert_int_equal(r.ipv4, KERNEL_UNKNOWN);
	assert_int_equal(r.ipv6, KERNEL_UNKNOWN);
	assert_int_equal(r.helpers, HELPERS_UNKNOWN);
	assert_string_equal(r.reason, why);
	assert_int_equal(net->opened, net->closed);
}

/* It would be loaded, and would track what passes the node. */
static void conntrack_that_is_not_loaded(void **state _unused_)
{
	begin();
	has_conntrack = false;
	expect("conntrack is not in this kernel");
	assert_int_equal(children, 0);
	has_conntrack = true;
	net->new_error = -EPROTONOSUPPORT;
	expect("conntrack is not in this kernel");
	net->new_error = -EMFILE;
	expect(strerror(EMFILE));
}

static void no_namespace(void **state _unused_)
{
	static const struct {
		int error;
		const char *why;
	} cases[] = {
		{ EPERM, "no permission to create a network namespace" },
		{ EACCES, "no permission to create a network namespace" },
		{ EINVAL, "this kernel has no network namespaces" },
		{ ENOSPC, "no more network namespaces are allowed here" },
		{ EUSERS, "no more network namespaces are allowed here" },
		{ ENOMEM, "cannot create a network namespace" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		unshare_error = cases[i].error;
		user_error = ENOSPC; /* not what is told: that was only tried as well */
		expect(cases[i].why);
		assert_int_equal(net->opened, 0);
	}
}

static void no_device(void **state _unused_)
{
	char why[128];

	begin();
	snprintf(why, sizeof(why), "cannot create a test device: %s", strerror(EOPNOTSUPP));
	expect(why);
	assert_true(net->requests > 0);
}

static void no_answer(void **state _unused_)
{
	begin();
	unshare_error = EINVAL;
	answer_error = -ETIMEDOUT;
	expect("the experiment did not finish in time");
	answer_error = -EIO;
	expect("the experiment died without an answer");
	answer_error = 0;
	answer_is_damaged = true;
	expect("the experiment died without an answer");
	child_error = -EAGAIN;
	expect(strerror(EAGAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conntrack_that_is_not_loaded),
		cmocka_unit_test(no_namespace),
		cmocka_unit_test(no_device),
		cmocka_unit_test(no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
