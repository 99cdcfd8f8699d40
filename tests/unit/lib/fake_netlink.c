/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/nlask.h"

#define SAID_MAX 512
#define MESSAGE_MAX 2048

struct nlsock {
	uint32_t seq;
};

struct said {
	int error; /* instead of a message */
	uint8_t data[MESSAGE_MAX] __attribute__((aligned(8)));
};

static struct fake_netlink fake;
static struct said queue[SAID_MAX];
static unsigned n_said, n_read;

struct fake_netlink *netlink_begin(netlink_answer answer)
{
	fake = (struct fake_netlink){ .answer = answer };
	n_said = n_read = 0;
	return &fake;
}

static struct said *next_said(void)
{
	if (n_said == SAID_MAX)
		abort();
	memset(&queue[n_said], 0, sizeof(queue[n_said]));
	return &queue[n_said++];
}

struct nlmsghdr *netlink_say(const struct nlmsghdr *request, uint16_t type, uint16_t flags,
			     const void *body, size_t len)
{
	struct nlmsghdr *nlh = (void *)next_said()->data;

	if (NLMSG_SPACE(len) > MESSAGE_MAX)
		abort();
	*nlh = (struct nlmsghdr){ .nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
				  .nlmsg_type = type,
				  .nlmsg_flags = flags,
				  .nlmsg_seq = request ? request->nlmsg_seq : 0 };
	memcpy(NLMSG_DATA(nlh), body, len);
	return nlh;
}

struct nlmsghdr *netlink_say_whole(const struct nlmsghdr *request, const void *message)
{
	const struct nlmsghdr *m = message;

	return netlink_say(request, m->nlmsg_type, 0, NLMSG_DATA(m),
			   m->nlmsg_len - (size_t)NLMSG_HDRLEN);
}

void netlink_say_text(const struct nlmsghdr *request, uint16_t type, uint16_t flags, uint16_t attr,
		      const char *text)
{
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	size_t at = nfmsg_begin(&b, type, 0, AF_INET, 0);

	buf_text(&b, attr, text);
	message_end(&b, at);
	netlink_say_whole(request, data)->nlmsg_flags = flags;
}

void netlink_verdict(const struct nlmsghdr *request, int error)
{
	struct nlmsgerr e = { .error = error, .msg = *request };

	netlink_say(request, NLMSG_ERROR, 0, &e, sizeof(e));
}

void netlink_end(const struct nlmsghdr *request, uint16_t flags, int error)
{
	netlink_say(request, NLMSG_DONE, flags, &error, sizeof(error));
}

void netlink_fault(int error)
{
	next_said()->error = error;
}

unsigned netlink_unread(void)
{
	return n_said - n_read;
}

/* ---- kernel/nlsock.h --------------------------------------------------------------- */

int nlsock_new(int protocol _unused_, int sndbuf _unused_, int rcvbuf _unused_, struct nlsock **ret)
{
	if (fake.new_error)
		return fake.new_error;
	*ret = calloc(1, sizeof(**ret));
	fake.opened++;
	return *ret ? 0 : -ENOMEM;
}

struct nlsock *nlsock_free(struct nlsock *s)
{
	fake.closed += s != NULL;
	n_read = n_said;
	free(s);
	return NULL;
}

int nlsock_join(struct nlsock *s _unused_, const int *groups _unused_, size_t n)
{
	fake.groups += (unsigned)n;
	return fake.join_error;
}

int nlsock_fd(const struct nlsock *s _unused_)
{
	return -1;
}

uint32_t nlsock_port(const struct nlsock *s _unused_)
{
	return 4711;
}

uint32_t nlsock_seqs(struct nlsock *s, uint32_t n)
{
	s->seq += n;
	return s->seq - n + 1;
}

uint32_t nlsock_seq(struct nlsock *s)
{
	return nlsock_seqs(s, 1);
}

int nlsock_send(struct nlsock *s _unused_, const void *data, size_t len)
{
	const struct nlmsghdr *nlh = data;
	int left = (int)len;

	if (fake.send_error)
		return fake.send_error;
	fake.sends++;
	for (; NLMSG_OK(nlh, (unsigned)left); nlh = NLMSG_NEXT(nlh, left)) {
		fake.requests++;
		fake.answer(nlh);
		if (left < (int)sizeof(*nlh))
			break;
	}
	return 0;
}

int nlsock_receive(struct nlsock *s _unused_, usec_t deadline _unused_, const void **ret)
{
	const struct said *one;

	if (n_read == n_said)
		return -ETIMEDOUT;
	one = &queue[n_read++];
	if (one->error)
		return one->error;
	*ret = one->data;
	return (int)((const struct nlmsghdr *)(const void *)one->data)->nlmsg_len;
}

int nlsock_receive_burst(struct nlsock *s, struct nlsock_burst *b)
{
	const void *data = NULL;
	int n = 0, len;

	while (n < NLSOCK_BURST && n_read < n_said && !(n && queue[n_read].error)) {
		len = nlsock_receive(s, 0, &data);
		if (len < 0)
			return len;
		memcpy(b->in[n], data, (size_t)len);
		b->len[n++] = len;
	}
	return n ? n : -EAGAIN;
}

__attribute__((weak)) int __wrap_access(const char *path _unused_, int mode _unused_)
{
	return 0;
}
