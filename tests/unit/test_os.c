/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few calls that everybody needs, on pipes and files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os.h"

static void all_is_written_and_read(void **state _unused_)
{
	char buf[32] = "";
	size_t n = 99;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(os_write_all(p[1], "one", 3), 0);
	assert_int_equal(os_write_all(p[1], "two", 3), 0);
	close(p[1]);
	assert_int_equal(os_read_all(p[0], buf, 4, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(buf, "onet", 4);
	assert_int_equal(os_read_all(p[0], buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 2); /* the end */
	close(p[0]);
	assert_int_equal(os_read_all(p[0], buf, sizeof(buf), &n), -EBADF);
	assert_int_equal(n, 0);
	assert_int_equal(os_write_all(p[1], "x", 1), -EBADF);
}

static void only_a_file_is_read_whole(void **state _unused_)
{
	char dir[] = "/tmp/vipsafe-test-XXXXXX", path[64], *text = NULL;
	struct stat st;
	size_t n = 99;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/one", dir);
	assert_int_equal(os_read_file(path, 4, &text, &n, &st), -ENOENT);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("four", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(os_read_file(path, 3, &text, &n, &st), -EFBIG);
	assert_null(text);
	assert_int_equal(os_read_file(path, 4, &text, &n, &st), 0);
	assert_int_equal(n, 4);
	assert_int_equal(st.st_size, 4);
	assert_string_equal(text, "four");
	free(text);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(mkfifo(path, 0600), 0); /* that nobody opens */
	assert_int_equal(os_read_file(path, 4, &text, &n, &st), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(os_read_file(dir, 4, &text, &n, &st), -EINVAL);
	assert_int_equal(rmdir(dir), 0);
}

static void a_wait_ends_at_its_deadline(void **state _unused_)
{
	usec_t began = os_now();
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(os_wait_readable(p[0], began), -ETIMEDOUT);
	assert_int_equal(os_wait_readable(p[0], began + 2 * USEC_PER_MSEC), -ETIMEDOUT);
	assert_true(os_now() >= began + 2 * USEC_PER_MSEC);
	assert_int_equal(os_write_all(p[1], "x", 1), 0);
	assert_int_equal(os_wait_readable(p[0], os_now() + 3600 * USEC_PER_SEC), 0);
	close(p[0]);
	close(p[1]);
}

static size_t content(int dirfd, const char *name, char buf[32])
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	assert_true(fd >= 0);
	assert_int_equal(os_read_all(fd, buf, 32, &n), 0);
	close(fd);
	return n;
}

static void rewrite(int dirfd, const char *text, int outcome)
{
	int fd = os_open_aside(dirfd, "file~", 0644);

	assert_true(fd >= 0);
	assert_int_equal(os_write_all(fd, text, strlen(text)), 0);
	close(fd);
	assert_int_equal(os_replace(dirfd, "file~", "file", outcome), outcome);
	assert_int_equal(faccessat(dirfd, "file~", F_OK, 0), -1);
}

static void a_file_is_replaced_as_a_whole(void **state _unused_)
{
	char dir[] = "/tmp/test_os.XXXXXX", buf[32];
	mode_t before = umask(0077);
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	rewrite(fd, "first", 0);
	assert_int_equal(fstatat(fd, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	close(os_open_aside(fd, "file~", 0600)); /* as a kill leaves it */
	rewrite(fd, "second", 0);
	assert_int_equal(content(fd, "file", buf), 6);
	assert_memory_equal(buf, "second", 6);
	rewrite(fd, "third", -ENOSPC);
	assert_int_equal(content(fd, "file", buf), 6);
	assert_int_equal(unlinkat(fd, "file", 0), 0);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
	umask(before);
}

static void a_file_is_made_once(void **state _unused_)
{
	char dir[] = "/tmp/test_os.XXXXXX", path[64], buf[32];
	mode_t before = umask(0077);
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(os_open_aside(fd, "file.new", 0600)); /* as a kill leaves it */
	assert_int_equal(os_create(path, "first", 5, 0644), 0);
	assert_int_equal(fstatat(fd, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(os_create(path, "first", 5, 0644), 0);
	assert_int_equal(os_create(path, "firs", 4, 0644), -EEXIST);
	assert_int_equal(os_create(path, "first.", 6, 0644), -EEXIST);
	assert_int_equal(content(fd, "file", buf), 5);
	assert_int_equal(unlinkat(fd, "file", 0), 0);
	assert_int_equal(symlinkat("/nowhere/file", fd, "file"), 0);
	assert_int_equal(os_create(path, "first", 5, 0644), -EEXIST);
	assert_int_equal(unlinkat(fd, "file", 0), 0);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(os_create(path, "first", 5, 0644), -ENOENT);
	assert_int_equal(os_create("/tmp/", "first", 5, 0644), -EISDIR);
	umask(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_written_and_read),
		cmocka_unit_test(only_a_file_is_read_whole),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(a_file_is_replaced_as_a_whole),
		cmocka_unit_test(a_file_is_made_once),
	};

	return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
