/* SPDX-License-Identifier: GPL-2.0-or-later */
/* standin VERSION CONF: be a keepalived of that version, as far as vipsafe can tell:
 * what it does with its addresses, and what it says when. One instance, which
 * is elected by adverts over UDP. CONF has lines of
 *   name NAME | vrrp 2|3 | advert MS | own ADDR | peer ADDR | track FILE | fifo PATH |
 *   vip ADDR/LEN DEV | master|backup|fault|stop COMMAND
 * FILE holds what is added to a priority of 100. HUP reads CONF again. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT 1112
#define VIPS_MAX 8
#define LINE_MAX_SIZE 256
#define EXIT_CONFIG 2

/* As measured; see the manual vipsafe-keepalived(7). */
static const struct version {
	const char *name;
	bool refuses_lo; /* "trying to assign ip address … to unknown lo interface" */
	bool has_fifo;
	bool announces; /* MASTER once more when it is reloaded */
	bool stop_late; /* STOP is told a second after the addresses are gone */
	bool cleans;	/* removes what it finds of its addresses when it starts */
} versions[] = {
	{ "1.2.24", true, false, true, false, false },
	{ "1.3.5", true, false, false, true, false },
	{ "1.3.9", false, true, false, true, false },
	{ "2.0.10", false, true, false, false, false },
	{ "2.0.20", false, true, false, false, true },
	{ "2.2.7", false, true, false, false, true },
	{ "2.4.3", false, true, false, false, true },
};

struct vip {
	char address[64], device[32];
	bool set; /* it thinks that it has set it */
};

struct conf {
	char name[64], own[64], peer[64], track[LINE_MAX_SIZE], fifo[LINE_MAX_SIZE];
	char command[4][LINE_MAX_SIZE]; /* of master, backup, fault, stop */
	int vrrp;
	long advert;
	struct vip vips[VIPS_MAX];
	size_t n_vips;
};

static const char *const states[] = { "MASTER", "BACKUP", "FAULT", "STOP" };
enum state { MASTER, BACKUP, FAULT, STOP };

static struct keepalived {
	const struct version *version;
	const char *path;
	struct conf conf;
	enum state state;
	int socket, priority;
	long down; /* when the other is taken for dead; MASTER: when to say that we are not */
} k;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void say(const char *text, const char *more)
{
	printf("%s%s\n", text, more);
	fflush(stdout);
}

/* ---- addresses ------------------------------------------------------------------- */

static bool ip(const char *verb, const struct vip *v)
{
	char command[LINE_MAX_SIZE];

	snprintf(command, sizeof(command), "ip addr %s %s dev %s %s >/dev/null 2>&1", verb,
		 v->address, v->device,
		 !strcmp(verb, "add") && strchr(v->address, ':') ? "nodad" : "");
	return system(command) == 0;
}

/* One that is there is taken for its own: the kernel's EEXIST is no error to it. */
static void set_addresses(void)
{
	size_t i;

	for (i = 0; i < k.conf.n_vips; i++) {
		if (!k.conf.vips[i].set)
			ip("add", &k.conf.vips[i]);
		k.conf.vips[i].set = true;
	}
}

static void remove_addresses(bool all)
{
	size_t i;

	for (i = 0; i < k.conf.n_vips; i++) {
		if (k.conf.vips[i].set || all)
			ip("del", &k.conf.vips[i]);
		k.conf.vips[i].set = false;
	}
}

/* ---- what it says ----------------------------------------------------------------- */

static void run_script(const char *command)
{
	sigset_t none;

	if (!*command || fork())
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void tell(enum state state)
{
	char line[LINE_MAX_SIZE];
	int fifo;

	run_script(k.conf.command[state]);
	if (k.version->has_fifo && *k.conf.fifo) {
		fifo = open(k.conf.fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		snprintf(line, sizeof(line), "INSTANCE \"%s\" %s %d\n", k.conf.name, states[state],
			 k.priority);
		if (fifo < 0 || write(fifo, line, strlen(line)) < 0)
			say("the FIFO cannot be written to", "");
		if (fifo >= 0)
			close(fifo);
	}
}

static void enter(enum state state)
{
	k.state = state;
	printf("(%s) Entering %s STATE\n", k.conf.name, states[state]);
	fflush(stdout);
	tell(state);
}

/* ---- configuration ------------------------------------------------------------------ */

static void take_vip(struct conf *c, const char *address, const char *device)
{
	if ((!strcmp(device, "lo") && k.version->refuses_lo) || !if_nametoindex(device)) {
		printf("trying to assign ip address %s to unknown %s interface\n", address, device);
		return;
	}
	snprintf(c->vips[c->n_vips].address, sizeof(c->vips[0].address), "%s", address);
	snprintf(c->vips[c->n_vips++].device, sizeof(c->vips[0].device), "%s", device);
}

static void take_line(struct conf *c, char *line)
{
	static const char *const words[] = { "master", "backup", "fault", "stop" };
	char *value = line + strcspn(line, " "), *more;
	size_t i;

	line[strcspn(line, "\n")] = '\0';
	if (!*value)
		return;
	*value++ = '\0';
	for (i = 0; i < 4; i++)
		if (!strcmp(line, words[i]))
			snprintf(c->command[i], sizeof(c->command[i]), "%s", value);
	more = value + strcspn(value, " ");
	if (!strcmp(line, "name"))
		snprintf(c->name, sizeof(c->name), "%s", value);
	else if (!strcmp(line, "own"))
		snprintf(c->own, sizeof(c->own), "%s", value);
	else if (!strcmp(line, "peer"))
		snprintf(c->peer, sizeof(c->peer), "%s", value);
	else if (!strcmp(line, "track"))
		snprintf(c->track, sizeof(c->track), "%s", value);
	else if (!strcmp(line, "fifo"))
		snprintf(c->fifo, sizeof(c->fifo), "%s", value);
	else if (!strcmp(line, "vrrp"))
		c->vrrp = atoi(value);
	else if (!strcmp(line, "advert"))
		c->advert = atol(value);
	else if (!strcmp(line, "vip") && *more && c->n_vips < VIPS_MAX) {
		*more++ = '\0';
		take_vip(c, value, more);
	}
}

/* False: it would end with a permanent error. */
static bool read_conf(struct conf *c)
{
	char line[LINE_MAX_SIZE];
	FILE *f = fopen(k.path, "r");

	memset(c, 0, sizeof(*c));
	while (f && fgets(line, sizeof(line), f))
		take_line(c, line);
	if (f)
		fclose(f);
	fflush(stdout);
	if (c->n_vips || c->vrrp == 2)
		return true;
	say("No VIP specified: at least one is required", "");
	return false;
}

static void stop(int code)
{
	bool was_master = k.state == MASTER;

	remove_addresses(false);
	if (was_master && k.version->stop_late)
		usleep(1010 * 1000);
	enter(STOP);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	exit(code);
}

static bool has(const struct conf *c, const struct vip *v)
{
	size_t i;

	for (i = 0; i < c->n_vips; i++)
		if (!strcmp(c->vips[i].address, v->address) &&
		    !strcmp(c->vips[i].device, v->device))
			return true;
	return false;
}

/* The state is kept; addresses that are in it no more go, new ones come. */
static void reload(void)
{
	struct conf fresh;
	bool fine = read_conf(&fresh);
	size_t i, j;

	say("Reloading", "");
	for (i = 0; i < k.conf.n_vips; i++) {
		if (k.conf.vips[i].set && !has(&fresh, &k.conf.vips[i]))
			ip("del", &k.conf.vips[i]);
		for (j = 0; j < fresh.n_vips; j++)
			if (!strcmp(fresh.vips[j].address, k.conf.vips[i].address))
				fresh.vips[j].set =
					k.conf.vips[i].set && has(&fresh, &k.conf.vips[i]);
	}
	k.conf = fresh;
	if (!fine)
		stop(EXIT_CONFIG);
	if (k.state == MASTER)
		set_addresses();
	if (k.state == MASTER && k.version->announces)
		tell(MASTER);
	say("Reloaded", "");
}

/* ---- the election -------------------------------------------------------------------- */

static void read_priority(void)
{
	FILE *f = fopen(k.conf.track, "r");
	int more = 0;

	if (f && fscanf(f, "%d", &more) != 1)
		more = 0;
	if (f)
		fclose(f);
	if (100 + more == k.priority)
		return;
	printf("Changing effective priority from %d to %d\n", k.priority, 100 + more);
	fflush(stdout);
	k.priority = 100 + more;
}

static void advertise(int priority)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	uint8_t data = (uint8_t)priority;

	inet_pton(AF_INET, k.conf.peer, &to.sin_addr);
	(void)!sendto(k.socket, &data, 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static long skew(void)
{
	return (256 - k.priority) * k.conf.advert / 256;
}

static void wait_for_master(void)
{
	k.down = now_ms() + 3 * k.conf.advert + skew();
}

static void hear_advert(void)
{
	uint8_t other;

	if (recv(k.socket, &other, 1, MSG_DONTWAIT) != 1)
		return;
	if (k.state == BACKUP && other == 0) {
		k.down = now_ms() + skew();
	} else if (k.state == BACKUP && other >= k.priority) {
		wait_for_master();
	} else if (k.state == MASTER && other > k.priority) {
		remove_addresses(false);
		enter(BACKUP);
		wait_for_master();
	}
}

static void tick(void)
{
	read_priority();
	if (now_ms() < k.down)
		return;
	if (k.state == BACKUP) {
		advertise(k.priority);
		set_addresses();
		enter(MASTER);
	} else {
		advertise(k.priority);
	}
	k.down = now_ms() + k.conf.advert;
}

static int open_socket(void)
{
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	inet_pton(AF_INET, k.conf.own, &me.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

static void serve(int signals)
{
	struct pollfd p[2] = { { .fd = k.socket, .events = POLLIN },
			       { .fd = signals, .events = POLLIN } };
	struct signalfd_siginfo info;

	for (;;) {
		poll(p, 2, 10);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (p[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGHUP)
				reload();
			if (info.ssi_signo == SIGTERM) {
				if (k.state == MASTER)
					advertise(0);
				stop(0);
			}
		}
		if (p[0].revents)
			hear_advert();
		tick();
	}
}

int main(int argc, char *argv[])
{
	sigset_t set;
	size_t i;

	for (i = 0; argc == 3 && i < sizeof(versions) / sizeof(versions[0]); i++)
		if (!strcmp(argv[1], versions[i].name))
			k.version = &versions[i];
	if (!k.version) {
		fprintf(stderr, "standin VERSION CONF\n");
		return 1;
	}
	k.path = argv[2];
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!read_conf(&k.conf))
		return EXIT_CONFIG;
	k.socket = open_socket();
	k.priority = 100;
	if (k.version->cleans)
		remove_addresses(true);
	enter(BACKUP);
	wait_for_master();
	serve(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
