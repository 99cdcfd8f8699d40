/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of the operating system, for all layers above the pure one. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vipsafe/base.h>

/* CLOCK_MONOTONIC in microseconds. */
usec_t os_now(void);
void os_sleep(usec_t duration);

/* CLOCK_REALTIME in microseconds since 1970: to show an instant to people (base/when.h), and for
 * nothing else, since it jumps. */
usec_t os_wall(void);

/* The instant TIMEOUT from now (USEC_NEVER: never), and the time left until DEADLINE; 0: it has
 * passed. */
usec_t os_deadline(usec_t timeout);
usec_t os_left(usec_t deadline);

/* Write all SIZE bytes. Returns 0 or the negative errno of write(). */
int os_write_all(int fd, const void *data, size_t size);

/* Read up to SIZE bytes, fewer only at the end of the file. Returns 0 or the negative errno of
 * read(); *RET_SIZE: how many were read, in both cases. */
int os_read_all(int fd, void *buf, size_t size, size_t *ret_size);

struct stat;

/* Read the file PATH: *RET (owned), with a NUL behind its *RET_SIZE bytes, and what it was like
 * before. -EINVAL: it is no regular file, which is not waited for; -EFBIG: it has more than MAX
 * bytes; or another negative errno. */
int os_read_file(const char *path, size_t max, char **ret, size_t *ret_size, struct stat *ret_stat);

/* A file is written anew beside its place, so that a reader finds either the old or the new
 * content. Open ASIDE in DIRFD for that, with MODE whatever the umask; one that is there was left
 * by a kill. Returns a descriptor (O_CLOEXEC) or a negative errno. */
int os_open_aside(int dirfd, const char *aside, mode_t mode);

/* Let ASIDE take the place of NAME, or remove it if writing it came to an error R. Returns R, or
 * why the renaming failed. */
int os_replace(int dirfd, const char *aside, const char *name, int r);

/* Make the file PATH of SIZE bytes, with MODE whatever the umask: whole, or not at all. One that is
 * there is never changed: 0 if it has this content, else -EEXIST. Or another negative errno. */
int os_create(const char *path, const void *data, size_t size, mode_t mode);

/* What recvmmsg() has returned for a netlink socket: how many datagrams, or a negative errno.
 * Kernels before 4.11 tell of an overrun before the first datagram by 0. */
static inline int os_received(int result)
{
	return result < 0 ? -errno : result ? result : -ENOBUFS;
}

/* Returns 0 when FD is readable, -ETIMEDOUT at DEADLINE (of os_now()), or the negative errno of
 * poll(). */
int os_wait_readable(int fd, usec_t deadline);

/* The descriptors that a program inherits: others may share them, and the other end may be
 * anything. */
/* Open descriptors 0 to 2 where they are closed: otherwise the next socket would get such a
 * number, and messages would be written to it. */
void descriptors_open_standard(void);

/* Write to FD. Waits for room for PATIENCE in total, even if FD is blocking; FD's flags stay as
 * they are, since others may share it. Returns 0, -EAGAIN (not everything was written), or the
 * negative errno of writing. */
int descriptor_write(int fd, const void *data, size_t size, usec_t patience);

/* From now on, output to stderr waits two seconds in total for its reader, which may have stopped
 * reading. */
void descriptors_make_stderr_patient(void);

/* Close every descriptor above the standard ones except KEEP (-1: none): a process that outlives
 * the caller must not keep its locks and pipes. */
void descriptors_close_others(int keep);

/* What distinguishes this run and this boot from others. */

#define BOOT_ID_MAX 40

/* A random number, for hash tables and names of runs. */
uint64_t identity_seed(void);

/* The kernel's id of this boot, or "unknown". */
void identity_boot_id(char buf[BOOT_ID_MAX]);

/* The name of process PID as the kernel has it, which is to be escaped. False: it has ended. */
bool identity_comm(int64_t pid, char *ret, size_t size);

struct asker; /* base/request.h */

/* Fill RET with process PID of user UID, who asks for something; its instance stays. */
void identity_asker(int64_t pid, uint32_t uid, struct asker *ret);

/* Read /proc/sys/NAME as one number; only settings of devices that vipsafe has made are written.
 * -ENOENT: this kernel does not have it; -EBADMSG: no number. */
int os_read_sysctl(const char *name, uint32_t *ret);
