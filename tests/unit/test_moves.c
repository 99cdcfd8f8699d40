/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows a move of the daemon: announcements, and how far apart they are. What a
 * run does, and what an announcement takes, is played here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "daemon/log.h"
#include "daemon/moves.h"
#include "move/announce.h"
#include "base/rundir.h"

#define INTERVAL (50 * USEC_PER_MSEC)
#define ROUND_TAKES (30 * USEC_PER_MSEC)
#define ROUNDS_MAX 16

/* Of each announcement, the run's own first. */
struct announcements {
	usec_t begun[ROUNDS_MAX], ended[ROUNDS_MAX];
	size_t n;
};

static struct announcements heard;

static void sleep_for(usec_t duration)
{
	const struct timespec ts = { .tv_nsec = (long)(duration * 1000) };

	nanosleep(&ts, NULL);
}

static void announce(void)
{
	assert_true(heard.n < ROUNDS_MAX);
	heard.begun[heard.n] = os_now();
	sleep_for(ROUND_TAKES);
	heard.ended[heard.n++] = os_now();
}

/* ---- instead of what moves.c calls ---- */

void run_move(const struct run_env *env, const struct request *req, struct report *report)
{
	assert_int_equal(env->settings->announce.count, 1);
	report_init(report, req);
	announce();
}

bool again_wanted(const struct announce_settings *settings, const struct report *report _unused_)
{
	return settings->again;
}

void again_round(const struct kernel *k _unused_, const struct report *report _unused_)
{
	announce();
}

void guards_await(const struct guards *w _unused_, const char *device _unused_,
		  const struct addr *a _unused_)
{
}

void guards_give_up(const struct guards *w _unused_, const struct addr *a _unused_,
		    bool keep _unused_)
{
}

struct source guards_source(const struct guards *w _unused_, int ifindex _unused_,
			    const struct request *req _unused_, struct kernel *ret_kernel _unused_)
{
	return (struct source){ .ops = NULL };
}

struct kernel_real *guards_kernel(const struct guards *w _unused_, int ifindex _unused_)
{
	return NULL;
}

struct kernel kernel_real_get(struct kernel_real *k _unused_)
{
	return (struct kernel){ .ops = NULL };
}

struct kernel_real *kernel_real_free(struct kernel_real *k _unused_)
{
	return NULL;
}

void publish_report(struct publisher *t _unused_, const struct report *r _unused_)
{
}

int rundir_open(const char *path _unused_)
{
	return -ENOENT; /* nobody has a lock there */
}

int lock_take(int run_dir _unused_, const char *device _unused_, const struct kernel *k _unused_,
	      usec_t until _unused_, int *ret_fd _unused_)
{
	return 0;
}

void control_answer(struct client *cl _unused_, char *line _unused_)
{
}

bool control_is_awaited(const struct client *cl _unused_)
{
	return true;
}

char *wire_answer_report(const struct report *r _unused_, enum wire_text text _unused_)
{
	return NULL;
}

void control_refuse(struct client *cl _unused_, enum wire_refusal why _unused_,
		    const char *text _unused_)
{
}

void log_line(int priority _unused_, const char *fmt _unused_, ...)
{
}

/* ---- */

static int link_get(void *ctx _unused_, const char *name _unused_, struct link *ret)
{
	*ret = (struct link){ .ifindex = 7, .name = "br-mgmt" };
	return 0;
}

static void on_done(void *ud, const struct report *r)
{
	assert_non_null(r);
	*(bool *)ud = true;
}

/* Whatever each takes; and a second burst whose time has come before the first one has
 * ended. */
static void announcements_are_an_interval_apart(void **state _unused_)
{
	const struct announce_settings announced = {
		.count = 4, .interval = INTERVAL, .again = 2, .again_after = USEC_PER_MSEC
	};
	const struct kernel_ops ops = { .link_get = link_get };
	struct settings settings = { .timeout = 10 * USEC_PER_SEC };
	const struct run_env env = { .kernel = { .ops = &ops }, .settings = &settings };
	const struct guards guards = { .n = 0 };
	bool done = false;
	const struct moves_job job = { .done = on_done, .ud = &done, .announce = &announced };
	struct publisher publisher = { .env = &env };
	struct request request;
	struct moves *m;
	usec_t next;
	size_t i;

	request_init(&request, OP_ADD);
	assert_int_equal(moves_new(&env, &guards, &publisher, &m), 0);
	moves_submit(m, &request, &job);
	assert_true(done);
	while ((next = moves_tick(m)) != USEC_NEVER)
		if (next > os_now())
			sleep_for(next - os_now());
	assert_int_equal(heard.n, 4 + 2);
	for (i = 1; i < heard.n; i++)
		assert_true(heard.begun[i] >= heard.ended[i - 1] + INTERVAL);
	moves_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(announcements_are_an_interval_apart),
	};

	return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
