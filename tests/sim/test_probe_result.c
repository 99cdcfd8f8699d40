/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict kept for this boot: what is believed, and what is measured again.
 * A kernel of one call suffices here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "move/probe.h"

#define BOOT "6f1c29a2-0c53-4f9e-9d0e-0d8f0f4f1a11"
#define OTHER_BOOT "77777777-0c53-4f9e-9d0e-0d8f0f4f1a11"

struct oracle {
	enum kernel_kind ipv4, ipv6;
	const char *reason;
	int result;
	unsigned asked;
	usec_t timeout;
	usec_t clock, takes; /* as long as it may, if that is more */
};

struct scene {
	struct oracle oracle;
	struct kernel kernel;
	char base[64], dir[80], file[96];
};

static int oracle_probe(void *ctx, bool asked, usec_t timeout, struct probe_result *ret)
{
	struct oracle *o = ctx;

	assert_false(asked); /* in passing only */
	o->asked++;
	o->timeout = timeout;
	o->clock += MIN(o->takes, timeout);
	*ret = (struct probe_result){ .ipv4 = o->ipv4, .ipv6 = o->ipv6 };
	snprintf(ret->reason, sizeof(ret->reason), "%s", o->reason);
	return o->result;
}

static usec_t oracle_now(void *ctx)
{
	return ((struct oracle *)ctx)->clock;
}

static const struct kernel_ops oracle_ops = { .probe = oracle_probe, .now = oracle_now };

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->base, sizeof(s->base), "/tmp/vipsafe-verdict.XXXXXX");
	assert_non_null(mkdtemp(s->base));
	snprintf(s->dir, sizeof(s->dir), "%s/run", s->base);
	snprintf(s->file, sizeof(s->file), "%s/verdict", s->dir);
	s->oracle = (struct oracle){ KERNEL_AFFECTED, KERNEL_FIXED, "", 0, 0, 0, 0, 0 };
	s->kernel = (struct kernel){ &oracle_ops, &s->oracle };
	*state = s;
	return 0;
}

static void forget_tried(struct scene *s)
{
	char path[128];

	snprintf(path, sizeof(path), "%s-tried", s->file);
	unlink(path);
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	unlink(s->file);
	forget_tried(s);
	/* Fails, and so does the test, when a temporary file was left. */
	if (rmdir(s->dir) < 0 && errno != ENOENT)
		return -1;
	rmdir(s->base);
	free(s);
	return 0;
}

static struct probe_result ask(struct scene *s, const char *boot)
{
	struct probe_result v;

	memset(&v, 0x5a, sizeof(v));
	probe_result_get(&s->kernel, s->dir, boot, 123 * USEC_PER_MSEC, &v);
	return v;
}

/* Where the kernel is slow, moves that follow one another do not each begin an experiment. */
static void none_is_made_soon_after_one_that_took_too_long(void **state)
{
	struct scene *s = *state;
	struct oracle *o = &s->oracle;
	struct probe_result v;

	o->ipv4 = o->ipv6 = KERNEL_UNKNOWN;
	o->takes = USEC_PER_SEC;
	o->clock = 5 * USEC_PER_SEC;
	(void)ask(s, BOOT);
	o->clock += 59 * USEC_PER_SEC;
	v = ask(s, BOOT);
	assert_int_equal(o->asked, 1);
	assert_int_equal(v.ipv4, KERNEL_UNKNOWN);
	assert_int_equal(v.ipv6, KERNEL_UNKNOWN);
	assert_non_null(strstr(v.reason, "did not finish in time"));
	(void)ask(s, OTHER_BOOT);
	assert_int_equal(o->asked, 2);
	o->clock = 5 * USEC_PER_SEC; /* that one was tried later than it is now */
	(void)ask(s, OTHER_BOOT);
	assert_int_equal(o->asked, 3);
	o->clock += 60 * USEC_PER_SEC;
	o->takes = 0;
	(void)ask(s, OTHER_BOOT);
	(void)ask(s, OTHER_BOOT); /* it has no answer, but did not take long either */
	assert_int_equal(o->asked, 5);
}

static void write_file(struct scene *s, const char *text, size_t size, mode_t mode)
{
	int fd;

	unlink(s->file);
	fd = open(s->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void measured_once_per_boot(void **state)
{
	struct scene *s = *state;
	struct probe_result v = ask(s, BOOT);

	assert_int_equal(s->oracle.asked, 1);
	assert_int_equal(s->oracle.timeout, 123 * USEC_PER_MSEC);
	assert_int_equal(v.ipv4, KERNEL_AFFECTED);
	assert_int_equal(v.ipv6, KERNEL_FIXED);
	assert_string_equal(v.reason, "");
	assert_false(v.cached);

	s->oracle.ipv4 = KERNEL_FIXED; /* would only be seen by asking again */
	v = ask(s, BOOT);
	assert_int_equal(s->oracle.asked, 1);
	assert_int_equal(v.ipv4, KERNEL_AFFECTED);
	assert_int_equal(v.ipv6, KERNEL_FIXED);
	assert_true(v.cached);

	v = ask(s, OTHER_BOOT);
	assert_int_equal(s->oracle.asked, 2);
	assert_int_equal(v.ipv4, KERNEL_FIXED);
	assert_false(v.cached);
}

static void file_is_private(void **state)
{
	struct scene *s = *state;
	struct stat st;

	(void)ask(s, BOOT);
	assert_int_equal(stat(s->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(s->dir, &st), 0);
	assert_int_equal(st.st_mode & 07022, 0);
}

static void half_an_answer_is_kept_with_its_reason(void **state)
{
	struct scene *s = *state;
	struct probe_result v;

	s->oracle.ipv6 = KERNEL_UNKNOWN;
	s->oracle.reason = "IPv6: this kernel has none";
	(void)ask(s, BOOT);
	v = ask(s, BOOT);
	assert_int_equal(s->oracle.asked, 1);
	assert_true(v.cached);
	assert_int_equal(v.ipv4, KERNEL_AFFECTED);
	assert_int_equal(v.ipv6, KERNEL_UNKNOWN);
	assert_string_equal(v.reason, "IPv6: this kernel has none");
}

static void no_answer_is_not_kept(void **state)
{
	struct scene *s = *state;
	struct probe_result v;

	s->oracle = (struct oracle){ KERNEL_UNKNOWN, KERNEL_UNKNOWN, "no time", 0, 0, 0 };
	v = ask(s, BOOT);
	assert_string_equal(v.reason, "no time");
	assert_int_equal(access(s->file, F_OK), -1);
	(void)ask(s, BOOT);
	assert_int_equal(s->oracle.asked, 2);
}

static void failing_probe_is_unknown(void **state)
{
	struct scene *s = *state;
	struct probe_result v;

	s->oracle.result = -ENOMEM;
	v = ask(s, BOOT);
	assert_int_equal(v.ipv4, KERNEL_UNKNOWN);
	assert_int_equal(v.ipv6, KERNEL_UNKNOWN);
	assert_true(strlen(v.reason) > 0);
	assert_int_equal(access(s->file, F_OK), -1);
}

static void unusable_directory_still_answers(void **state)
{
	struct scene *s = *state;
	struct probe_result v;

	assert_int_equal(mkdir(s->dir, 0755), 0);
	assert_int_equal(chmod(s->dir, 0777), 0);
	v = ask(s, BOOT);
	assert_int_equal(v.ipv4, KERNEL_AFFECTED);
	assert_false(v.cached);
	assert_int_equal(access(s->file, F_OK), -1); /* nothing put where others may write */
	assert_int_equal(probe_result_store(s->dir, BOOT, &v), -EPERM);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);
}

static void missing_file_and_directory(void **state)
{
	struct scene *s = *state;
	char below[128];
	struct probe_result v;

	snprintf(below, sizeof(below), "%s/not/there", s->base);
	assert_int_equal(probe_result_load(below, BOOT, &v), -ENOENT);
	assert_int_equal(mkdir(s->dir, 0755), 0);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -ENOENT);
}

static void damaged_files_are_measured_again(void **state)
{
#define HEAD "vipsafe-verdict 1\nboot_id " BOOT "\n"
	static const struct {
		const char *text;
		size_t size; /* 0: the string's */
	} bad[] = {
		{ "" },
		{ "vipsafe-verdict 2\nboot_id " BOOT "\nipv4 fixed\nipv6 fixed\n" },
		{ "vipsafe-verdict 1\nipv4 fixed\nipv6 fixed\n" },
		{ "vipsafe-verdict 1\nboot_id \nipv4 fixed\nipv6 fixed\n" },
		{ HEAD "ipv4 fixed\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed" }, /* cut in the last line */
		{ HEAD "ipv6 fixed\nipv4 fixed\n" },
		{ HEAD "ipv4 fixed\nipv6 fixe\n" },
		{ HEAD "ipv4 fixedx\nipv6 fixed\n" },
		{ HEAD "ipv4 2\nipv6 2\n" },
		{ HEAD "ipv4\nipv6 fixed\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nmore 1\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nhelpers \n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nhelpers here\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nreason a\nhelpers kept\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nhelpers kept\nhelpers kept\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nreason a\nreason b\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\nreason \033[31mred\n" },
		{ HEAD "ipv4 fixed\nipv6 fixed\n\0junk", sizeof(HEAD) - 1 + 27 },
	};
	struct scene *s = *state;
	struct probe_result v;

	assert_int_equal(mkdir(s->dir, 0755), 0);
	/* The good one first, or the loop would prove nothing. */
	write_file(s, HEAD "ipv4 fixed\nipv6 fixed\n", strlen(HEAD) + 22, 0600);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), 0);
	assert_int_equal(v.ipv4, KERNEL_FIXED);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);

		write_file(s, bad[i].text, size, 0600);
		if (probe_result_load(s->dir, BOOT, &v) != -EBADMSG)
			fail_msg("bad file %zu was believed", i);
		assert_int_equal(ask(s, BOOT).ipv4, KERNEL_AFFECTED);
		assert_int_equal(s->oracle.asked, i + 1);
	}
#undef HEAD
}

static void oversized_file_is_refused(void **state)
{
	struct scene *s = *state;
	char text[4096];
	struct probe_result v;
	int n;

	assert_int_equal(mkdir(s->dir, 0755), 0);
	n = snprintf(text, sizeof(text),
		     "vipsafe-verdict 1\nboot_id " BOOT "\nipv4 fixed\nipv6 fixed\nreason ");
	memset(text + n, 'x', sizeof(text) - (size_t)n);
	text[sizeof(text) - 1] = '\n';
	write_file(s, text, sizeof(text), 0600);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);
}

static void files_others_could_write_are_not_believed(void **state)
{
	static const char good[] = "vipsafe-verdict 1\nboot_id " BOOT "\nipv4 fixed\nipv6 fixed\n";
	struct scene *s = *state;
	char target[128];
	struct probe_result v;

	assert_int_equal(mkdir(s->dir, 0755), 0);
	write_file(s, good, strlen(good), 0600);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), 0);
	write_file(s, good, strlen(good), 0620);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);
	write_file(s, good, strlen(good), 0602);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);

	/* A link to a good file is still somebody's link. */
	write_file(s, good, strlen(good), 0600);
	snprintf(target, sizeof(target), "%s/elsewhere", s->base);
	assert_int_equal(rename(s->file, target), 0);
	assert_int_equal(symlink(target, s->file), 0);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);

	/* Storing replaces the link, never what it points to. */
	v = (struct probe_result){ .ipv4 = KERNEL_AFFECTED, .ipv6 = KERNEL_AFFECTED };
	assert_int_equal(probe_result_store(s->dir, BOOT, &v), 0);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), 0);
	assert_int_equal(v.ipv4, KERNEL_AFFECTED);
	assert_int_equal(rename(target, s->file), 0);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), 0);
	assert_int_equal(v.ipv4, KERNEL_FIXED);

	/* A FIFO in its place must not hang us. */
	unlink(s->file);
	assert_int_equal(mkfifo(s->file, 0600), 0);
	assert_int_equal(probe_result_load(s->dir, BOOT, &v), -EBADMSG);
}

static void every_pair_survives_the_file(void **state)
{
	static const enum kernel_kind all[] = { KERNEL_UNKNOWN, KERNEL_AFFECTED, KERNEL_FIXED };
	struct scene *s = *state;

	for (size_t i = 0; i < 9; i++) {
		struct probe_result in = { .ipv4 = all[i / 3], .ipv6 = all[i % 3] }, out;

		in.helpers = (enum helper_kind)(i % 3);

		snprintf(in.reason, sizeof(in.reason), "%s", i % 2 ? "because: so" : "");
		assert_int_equal(probe_result_store(s->dir, BOOT, &in), 0);
		assert_int_equal(probe_result_load(s->dir, BOOT, &out), 0);
		assert_int_equal(out.ipv4, in.ipv4);
		assert_int_equal(out.ipv6, in.ipv6);
		assert_int_equal(out.helpers, in.helpers);
		assert_string_equal(out.reason, in.reason);
	}
}

static void unwritable_values_are_refused(void **state)
{
	struct probe_result v = { .ipv4 = KERNEL_UNKNOWN, .reason = "two\nlines" };
	struct scene *s = *state;

	assert_int_equal(probe_result_store(s->dir, BOOT, &v), -EINVAL);
	v.reason[0] = '\0';
	assert_int_equal(probe_result_store(s->dir, "two\nlines", &v), -EINVAL);
	assert_int_equal(probe_result_store(s->dir, "", &v), -EINVAL);
	assert_int_equal(access(s->file, F_OK), -1);
}

static void worse_of_both(void **state)
{
	static const struct {
		enum kernel_kind ipv4, ipv6, both;
	} rows[] = {
		{ KERNEL_FIXED, KERNEL_FIXED, KERNEL_FIXED },
		{ KERNEL_FIXED, KERNEL_UNKNOWN, KERNEL_UNKNOWN },
		{ KERNEL_UNKNOWN, KERNEL_FIXED, KERNEL_UNKNOWN },
		{ KERNEL_UNKNOWN, KERNEL_AFFECTED, KERNEL_AFFECTED },
		{ KERNEL_AFFECTED, KERNEL_FIXED, KERNEL_AFFECTED },
		{ KERNEL_FIXED, KERNEL_AFFECTED, KERNEL_AFFECTED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_result v = { .ipv4 = rows[i].ipv4, .ipv6 = rows[i].ipv6 };

		assert_int_equal(probe_result_for(&v, AF_INET), rows[i].ipv4);
		assert_int_equal(probe_result_for(&v, AF_INET6), rows[i].ipv6);
		assert_int_equal(probe_result_for(&v, AF_UNSPEC), rows[i].both);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(measured_once_per_boot),
		CASE(none_is_made_soon_after_one_that_took_too_long),
		CASE(file_is_private),
		CASE(half_an_answer_is_kept_with_its_reason),
		CASE(no_answer_is_not_kept),
		CASE(failing_probe_is_unknown),
		CASE(unusable_directory_still_answers),
		CASE(missing_file_and_directory),
		CASE(damaged_files_are_measured_again),
		CASE(oversized_file_is_refused),
		CASE(files_others_could_write_are_not_believed),
		CASE(every_pair_survives_the_file),
		CASE(unwritable_values_are_refused),
		CASE(worse_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
