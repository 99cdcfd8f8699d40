/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hookstorm SEED EVENTS LOSSY FIFO|- DECOY|- PROGRAM: be keepalived, with scripts
 * that are late, doubled and lost. EVENTS random changes of VI_1 happen; a
 * script for each is begun at that moment and gets to PROGRAM up to 300 ms
 * later, so that they overtake each other. The last one is not lost unless
 * LOSSY is 1. FIFO also gets a line of each; DECOY (an address of lo) comes and
 * goes with MASTER. Prints the last state when all scripts have ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const states[] = { "MASTER", "BACKUP", "FAULT", "STOP" };

static uint64_t random_state;

static unsigned draw(unsigned below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 2685821657736338717ULL) >> 33) % below;
}

static void pass(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void begin_script(const char *program, const char *state, unsigned delay)
{
	pid_t pid = fork();

	if (pid < 0)
		exit(1);
	if (pid)
		return;
	pass(delay);
	execl(program, program, "notify", "INSTANCE", "VI_1", state, "100", (char *)NULL);
	_exit(127);
}

static void write_line(int fifo, const char *state)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "INSTANCE \"VI_1\" %s 100\n", state);

	(void)!write(fifo, line, (size_t)n); /* a full one loses it */
}

static void move_decoy(const char *decoy, const char *verb)
{
	char command[128];

	snprintf(command, sizeof(command), "ip addr %s %s dev lo 2>/dev/null", verb, decoy);
	(void)!system(command);
}

int main(int argc, char *argv[])
{
	const char *last = "STOP";
	int events, lossy, fifo, status, bad = 0, i;

	if (argc != 7)
		return 2;
	random_state = strtoull(argv[1], NULL, 0) | 1;
	events = atoi(argv[2]);
	lossy = atoi(argv[3]);
	fifo = open(argv[4], O_RDWR | O_NONBLOCK);
	for (i = 0; i < events; i++) {
		const char *state = states[draw(4)];

		if (argv[5][0] != '-' && strcmp(state, "MASTER") && !strcmp(last, "MASTER"))
			move_decoy(argv[5], "del");
		if (argv[5][0] != '-' && !strcmp(state, "MASTER"))
			move_decoy(argv[5], "add");
		if (fifo >= 0)
			write_line(fifo, state);
		if ((i == events - 1 && !lossy) || draw(4))
			begin_script(argv[6], state, draw(300));
		if (!draw(4)) /* another one, begun at the same time */
			begin_script(argv[6], state, draw(300));
		last = state;
		/* more than a tick, which is what the order is known to */
		pass(12 + draw(30));
	}
	while (wait(&status) > 0)
		bad += !WIFEXITED(status) || WEXITSTATUS(status);
	if (bad) {
		printf("%d scripts failed\n", bad);
		return 1;
	}
	puts(last);
	return 0;
}
