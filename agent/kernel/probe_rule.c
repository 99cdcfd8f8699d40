/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_rule.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <vipsafe/base.h>

#define PATH_LEN 64

static const char *const environment[] = {
	"PATH=/usr/sbin:/sbin:/usr/bin:/bin",
	"LC_ALL=C",
	NULL,
};

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void probe_rule_order(enum probe_tool ret[PROBE_TOOL_COUNT])
{
	static const enum probe_tool nft_first[] = { PROBE_NFT, PROBE_IPTABLES,
						     PROBE_IPTABLES_LEGACY };
	static const enum probe_tool nft_last[] = { PROBE_IPTABLES, PROBE_IPTABLES_LEGACY,
						    PROBE_NFT };
	bool iptables_only = exists("/sys/module/ip_tables") && !exists("/sys/module/nf_tables");

	memcpy(ret, iptables_only ? nft_last : nft_first, sizeof(nft_first));
}

static int find_program(const char *name, char ret[PATH_LEN])
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(ret, PATH_LEN, "%s/%s", dirs[i], name);
		if (access(ret, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* iptables takes a lock file under /run. Ours would wait for, or disturb, the
 * node's own iptables runs, and might leave the file behind. */
static void hide_run(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	if (mount("none", "/run", "tmpfs", 0, NULL) < 0)
		return; /* then it shares the node's lock, which only costs time */
}

/* In the child: never returns. */
static void become(const char *path, char *const argv[], int output, bool private_run, pid_t parent)
{
	sigset_t none;
	int null;

	/* The probe is killed at its deadline, and we with it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (private_run)
		hide_run();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	null = open("/dev/null", O_RDONLY);
	if ((null >= 0 && dup2(null, STDIN_FILENO) < 0) || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	execve(path, argv, (char *const *)environment);
	_exit(127);
}

/* The first line of what comes until the end, made printable. */
static void read_complaint(int fd, char error[PROBE_ERROR_MAX])
{
	size_t len = 0;
	bool first_line = true;
	char c[256];

	for (;;) {
		ssize_t n = read(fd, c, sizeof(c));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && first_line; i++) {
			if (c[i] == '\n')
				first_line = len == 0;
			else if (len + 1 < PROBE_ERROR_MAX)
				error[len++] = c[i] >= ' ' && c[i] <= '~' ? c[i] : '?';
		}
	}
	error[len] = '\0';
}

static int run_program(const char *path, char *const argv[], bool private_run,
		       char error[PROBE_ERROR_MAX])
{
	pid_t pid, parent = getpid();
	int output[2], status;

	if (pipe2(output, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(path, argv, output[1], private_run, parent);
	close(output[1]);
	if (pid > 0)
		read_complaint(output[0], error);
	close(output[0]);
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!error[0])
		snprintf(error, PROBE_ERROR_MAX, "failed silently");
	return -EIO;
}

/* As one argument, which every nft takes ("-f -" came later). Before Linux
 * 4.18 an iptables NAT table at priority 100 would see the packet first and
 * settle it as not translated: come earlier. */
static int install_nft(uint8_t family, const char *device, char error[PROBE_ERROR_MAX])
{
	const char *f = family == AF_INET ? "ip" : "ip6";
	char path[PATH_LEN], rules[384];
	char *argv[] = { "nft", rules, NULL };
	int r;

	r = find_program("nft", path);
	if (r < 0)
		return r;
	snprintf(rules, sizeof(rules),
		 "add table %s vipsafe_probe; "
		 "add chain %s vipsafe_probe post "
		 "{ type nat hook postrouting priority 90 ; }; "
		 "add rule %s vipsafe_probe post oifname \"%s\" masquerade",
		 f, f, f, device);
	return run_program(path, argv, false, error);
}

static int install_iptables(uint8_t family, bool legacy, const char *device,
			    char error[PROBE_ERROR_MAX])
{
	char path[PATH_LEN], name[32], dev[32];
	char *argv[] = {
		name, "-t", "nat", "-A", "POSTROUTING", "-o", dev, "-j", "MASQUERADE", NULL
	};
	int r;

	snprintf(name, sizeof(name), "%s%s", family == AF_INET ? "iptables" : "ip6tables",
		 legacy ? "-legacy" : "");
	snprintf(dev, sizeof(dev), "%s", device);
	r = find_program(name, path);
	if (r < 0)
		return r;
	return run_program(path, argv, true, error);
}

int probe_rule_install(enum probe_tool tool, uint8_t family, const char *device,
		       char error[PROBE_ERROR_MAX])
{
	error[0] = '\0';
	switch (tool) {
	case PROBE_NFT:
		return install_nft(family, device, error);
	case PROBE_IPTABLES:
		return install_iptables(family, false, device, error);
	case PROBE_IPTABLES_LEGACY:
		return install_iptables(family, true, device, error);
	case PROBE_TOOL_COUNT:
		break;
	}
	return -EINVAL;
}
