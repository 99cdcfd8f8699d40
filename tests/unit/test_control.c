/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: the loop goes on and answers who asks properly, whatever
 * others do to it. The daemon's side runs in a child, clients are this process. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "daemon/control.h"
#include "base/os.h"
#include "daemon/peer.h"
#include "daemon/alone.h"

#define DEADLINE_MS 120000
#define NO_GROUP ((gid_t)-1)

static const char asking[] = "{\"v\":2,\"words\":[\"status\"]}";
/* the answer is more than a socket takes at once */
static const char asking_much[] = "{\"v\":2,\"words\":[\"status\"],\"timeout_ms\":1}";

struct scene {
	char dir[64], path[96];
	pid_t server;
};

/* ---- the daemon's side --------------------------------------------------------- */

struct server {
	struct control *control;
	struct client *waiting[CONTROL_CLIENTS_MAX]; /* asked "reload" */
	size_t n;
	uint64_t begun, abandoned; /* reloads handed over; requests that were not */
};

/* reload: no answer, ever. status tells the counts. */
static void on_request(void *ud, struct client *c, const struct wire_request *r)
{
	static const struct status_device device = { .state = "live", .reason = "why" };
	struct status_device many[2000];
	struct status s = { .version = "x",
			    .devices = many,
			    .n_devices = r->move.timeout ? ARRAY_SIZE(many) : 1 };
	struct server *server = ud;
	size_t i;

	s.moves = server->begun;
	s.refused = server->abandoned;
	if (r->op == WIRE_RELOAD) {
		server->begun++;
		if (server->n == ARRAY_SIZE(server->waiting))
			_exit(3);
		server->waiting[server->n++] = c;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = device;
	control_answer(c, wire_answer_status(&s, WIRE_TEXT_SHORT));
}

static void on_gone(void *ud, struct client *c)
{
	struct server *server = ud;
	size_t i = 0;

	while (i < server->n && server->waiting[i] != c)
		i++;
	if (i == server->n) /* told twice, or of somebody else */
		_exit(3);
	server->waiting[i] = server->waiting[--server->n];
}

static void on_refused(void *ud _unused_, pid_t pid _unused_, uid_t uid _unused_)
{
}

static void on_abandoned(void *ud)
{
	struct server *server = ud;

	server->abandoned++;
}

static usec_t on_round(void *ud)
{
	struct server *server = ud;

	return control_tick(server->control);
}

static void __attribute__((noreturn)) serve(const char *path, int ready)
{
	struct server server = { NULL };
	const struct control_handler h = {
		.request = on_request,
		.gone = on_gone,
		.refused = on_refused,
		.abandoned = on_abandoned,
		.ud = &server,
	};
	struct loop *loop;
	int fd;

	alarm(600);
	signal(SIGPIPE, SIG_IGN);
	if (loop_new(&loop) < 0 || socket_file_listen(path, NO_GROUP, &fd) < 0 ||
	    control_new(loop, fd, NO_GROUP, &h, &server.control) < 0)
		_exit(1);
	loop_on_round(loop, on_round, &server);
	if (write(ready, "", 1) != 1)
		_exit(1);
	_exit(loop_run(loop) < 0 ? 2 : 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int fds[2];
	char c;

	snprintf(s->dir, sizeof(s->dir), "/tmp/vipsafe-control-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/control.sock", s->dir);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	s->server = fork();
	assert_true(s->server >= 0);
	if (!s->server)
		serve(s->path, fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
	unlink(s->path);
	rmdir(s->dir);
	free(s);
	return 0;
}

/* ---- the clients' side ---------------------------------------------------------- */

static int begin(const struct scene *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(a.sun_path, s->path, strlen(s->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(int fd, const void *text, size_t size)
{
	/* who was turned away already may be told so instead */
	if (send(fd, text, size, MSG_NOSIGNAL) < 0)
		assert_true(errno == EPIPE || errno == ECONNRESET);
}

/* All that comes until the end. */
static char *hear(int fd)
{
	static char buf[4 << 20];
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k;

		assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
		k = recv(fd, buf + n, sizeof(buf) - 1 - n, 0);
		if (k < 0 && errno == ECONNRESET)
			continue;
		assert_true(k >= 0);
		if (!k)
			break;
		n += (size_t)k;
	}
	buf[n] = '\0';
	close(fd);
	return buf;
}

static bool is_served(const char *text)
{
	struct wire_answer a;
	bool served;

	assert_int_equal(wire_answer_parse(text, strlen(text), &a), 0);
	served = a.result != NULL;
	wire_answer_done(&a);
	return served;
}

static void is_refused(int fd, enum wire_refusal why)
{
	const char *text = hear(fd);
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(text, strlen(text), &a), 0);
	assert_non_null(a.error_code);
	assert_string_equal(a.error_code, wire_refusal_name(why));
	wire_answer_done(&a);
}

static void still_answers(const struct scene *s)
{
	int fd = begin(s);

	say(fd, asking, strlen(asking));
	assert_true(is_served(hear(fd)));
	assert_int_equal(waitpid(s->server, NULL, WNOHANG), 0);
}

static void a_long_answer_comes_whole(void **state)
{
	const struct scene *s = *state;
	int fd = begin(s);
	const char *text;

	say(fd, asking_much, strlen(asking_much));
	text = hear(fd);
	assert_true(strlen(text) > 16 * WIRE_PIECE_MAX);
	assert_true(is_served(text));
}

static void garbage_gets_one_line(void **state)
{
	static const char *const garbage[] = { "x", "{", "\xff\xfe", "{\"v\":2}", "[[[[[[[[" };
	const struct scene *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		int fd = begin(s);

		say(fd, garbage[i], strlen(garbage[i]));
		is_refused(fd, WIRE_BAD_REQUEST);
	}
	still_answers(s);
}

static void too_much_is_refused(void **state)
{
	const struct scene *s = *state;
	size_t size = 3 * WIRE_REQUEST_MAX;
	char *text = malloc(size);
	int fd = begin(s), bytes = (int)(4 * size);

	assert_non_null(text);
	memset(text, ' ', size);
	memcpy(text, asking, strlen(asking));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
	is_refused(fd, WIRE_TOO_LARGE);
	free(text);
	still_answers(s);
}

static void who_says_nothing_is_dropped(void **state)
{
	const struct scene *s = *state;
	usec_t began = os_now();

	is_refused(begin(s), WIRE_TOO_LATE);
	assert_in_range(os_now() - began, USEC_PER_SEC, 10 * USEC_PER_SEC);
	still_answers(s);
}

static void who_leaves_is_forgotten(void **state)
{
	static const char waiting[] = "{\"v\":2,\"words\":[\"reload\"]}";
	const struct scene *s = *state;
	int i;

	/* more than there are places, one after the other */
	for (i = 0; i < 2 * CONTROL_CLIENTS_MAX; i++) {
		int fd = begin(s);

		if (i % 3 == 1)
			say(fd, "x", 1);
		if (i % 3 == 2)
			say(fd, waiting, strlen(waiting));
		close(fd);
		if (i % 3 == 2)
			still_answers(s);
	}
	still_answers(s);
}

/* What waits in the listener's queue, of which only the last is still wanted. */
static void nothing_is_begun_for_who_has_left(void **state)
{
	static const char waiting[] = "{\"v\":2,\"words\":[\"reload\"]}";
	const struct scene *s = *state;
	struct wire_answer a;
	const char *text;
	int i, fd, last;

	assert_int_equal(kill(s->server, SIGSTOP), 0);
	for (i = 0; i < 5; i++) {
		fd = begin(s);
		say(fd, waiting, strlen(waiting));
		close(fd);
	}
	last = begin(s);
	say(last, waiting, strlen(waiting));
	fd = begin(s);
	say(fd, asking, strlen(asking));
	assert_int_equal(kill(s->server, SIGCONT), 0);
	text = hear(fd);
	assert_int_equal(wire_answer_parse(text, strlen(text), &a), 0);
	assert_non_null(strstr(a.result, "\"moves\":1,"));
	assert_non_null(strstr(a.result, "\"refused\":5,"));
	wire_answer_done(&a);
	close(last);
	still_answers(s);
}

/* Answers that nobody reads do not keep others waiting for theirs. */
static void who_does_not_read_is_dropped(void **state)
{
	const struct scene *s = *state;
	int fds[CONTROL_CLIENTS_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = begin(s);
		say(fds[i], asking_much, strlen(asking_much));
	}
	still_answers(s);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

#define MANY 200

static void half_of_many_are_silent(void **state)
{
	const struct scene *s = *state;
	int fds[MANY];
	usec_t began = os_now();
	size_t i;

	for (i = 0; i < MANY; i++) {
		fds[i] = begin(s);
		if (i % 2)
			say(fds[i], asking, strlen(asking));
	}
	for (i = 1; i < MANY; i += 2)
		assert_true(is_served(hear(fds[i])));
	/* places are not kept for two seconds by who says nothing */
	assert_in_range(os_now() - began, 0, 4 * USEC_PER_SEC);
	for (i = 0; i < MANY; i += 2)
		is_refused(fds[i], WIRE_TOO_LATE);
	still_answers(s);
}

static void socket_is_for_its_owner(void **state)
{
	const struct scene *s = *state;
	struct stat st;

	assert_int_equal(stat(s->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_socket_in_use_is_left_alone(void **state)
{
	const struct scene *s = *state;
	int fd;

	assert_int_equal(socket_file_listen(s->path, NO_GROUP, &fd), -EADDRINUSE);
	still_answers(s);
}

static void a_dead_socket_is_replaced(void **state)
{
	struct scene *s = *state;
	int fd;

	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
	assert_int_equal(socket_file_listen(s->path, NO_GROUP, &fd), 0);
	close(fd);
	s->server = fork(); /* for the teardown */
	if (!s->server) {
		pause();
		_exit(0);
	}
}

static void another_file_is_left_alone(void **state)
{
	const struct scene *s = *state;
	char path[128];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/file", s->dir);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(socket_file_listen(path, NO_GROUP, &fd), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
}

static void others_may_not_write_beside_it(void **state)
{
	const struct scene *s = *state;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/second.sock", s->dir);
	assert_int_equal(chmod(s->dir, 0777), 0);
	assert_int_equal(socket_file_listen(path, NO_GROUP, &fd), -EPERM);
	assert_int_equal(chmod(s->dir, 0700), 0);
}

static void strangers_may_not(void **state _unused_)
{
	int fds[2];
	struct peer p;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(peer_read(fds[0], &p), 0);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(p.uid, geteuid());
	assert_int_equal(peer_rights(&p, fds[0], NO_GROUP), PEER_ROOT);
	/* as if he were somebody else: then only a group of his helps */
	p.uid = geteuid() + 1;
	p.gid = getegid() + 1;
	assert_int_equal(peer_rights(&p, fds[0], NO_GROUP), PEER_NOBODY);
	assert_int_equal(peer_rights(&p, fds[0], getegid() + 4711), PEER_NOBODY);
	assert_int_equal(peer_rights(&p, fds[0], p.gid), PEER_GROUP);
	close(fds[0]);
	close(fds[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	struct rlimit files = { 4096, 4096 };
	const struct CMUnitTest tests[] = {
		TEST(a_long_answer_comes_whole),
		TEST(garbage_gets_one_line),
		TEST(too_much_is_refused),
		TEST(who_says_nothing_is_dropped),
		TEST(who_leaves_is_forgotten),
		TEST(nothing_is_begun_for_who_has_left),
		TEST(who_does_not_read_is_dropped),
		TEST(half_of_many_are_silent),
		TEST(socket_is_for_its_owner),
		TEST(a_socket_in_use_is_left_alone),
		TEST(a_dead_socket_is_replaced),
		TEST(another_file_is_left_alone),
		TEST(others_may_not_write_beside_it),
		cmocka_unit_test(strangers_may_not),
	};

	(void)setrlimit(RLIMIT_NOFILE, &files);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
