/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmexit N: end the VM with status N, by one outb to qemu's isa-debug-exit
 * (the cloud kernels have no /dev/port to do it from a shell).
 * vmexit seed: credit entropy so that nothing waits in getrandom(). The bytes
 * are constant: for throw-away test VMs only. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/random.h>
#include <sys/io.h>
#include <sys/ioctl.h>

#define DEBUG_EXIT_PORT 0xf4
#define STATUS_MAX 120

static int seed(void)
{
	struct {
		int bits, bytes;
		char data[64];
	} entropy = { 512, 64, { 1, 2, 3 } };
	int fd, r;

	fd = open("/dev/random", O_RDWR);
	if (fd < 0)
		return 1;
	r = ioctl(fd, RNDADDENTROPY, &entropy);
	close(fd);
	return r < 0;
}

int main(int argc, char *argv[])
{
	int status;

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "seed") == 0)
		return seed();
	status = atoi(argv[1]);
	if (status < 0 || status > STATUS_MAX)
		status = STATUS_MAX;
	if (ioperm(DEBUG_EXIT_PORT, 1, 1) < 0)
		return 1;
	outb(status, DEBUG_EXIT_PORT);
	return 1;
}
