/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockreset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"

/* So many are asked before their answers are read. */
#define CHUNK 64

/* The kernel answers within the call that asks; this is for a machine that is late. */
#define ANSWER_TIMEOUT_MS 50

#define SNAP 128 /* of an answer: its headers */

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	TCP_HEADER = 20,
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_ACK = 0x10,
};

struct sockreset {
	const struct addr *own;
	int raw; /* sends packets with the header that they have */
	int tap; /* sees what leaves from OWN */
};

/* What is known of a segment, in host order. */
struct segment {
	struct addr src, dst;
	uint16_t sport, dport; /* network order */
	uint32_t seq, ack;
	uint8_t flags;
};

/* ---- packets ------------------------------------------------------------------------ */

static uint32_t add_words(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static void put32(uint8_t *p, uint32_t value)
{
	value = htonl(value);
	memcpy(p, &value, sizeof(value));
}

/* RFC 793 3.1, over the pseudo header, too. */
static uint16_t segment_checksum(const struct segment *s, const uint8_t *tcp)
{
	size_t alen = addr_size(s->src.family);
	uint32_t sum = IPPROTO_TCP + TCP_HEADER;

	sum = add_words(sum, s->src.bytes, alen);
	sum = add_words(sum, s->dst.bytes, alen);
	sum = add_words(sum, tcp, TCP_HEADER);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put_tcp(const struct segment *s, uint8_t *p)
{
	uint16_t sum;

	memset(p, 0, TCP_HEADER);
	memcpy(p, &s->sport, 2);
	memcpy(p + 2, &s->dport, 2);
	put32(p + 4, s->seq);
	put32(p + 8, s->ack);
	p[12] = TCP_HEADER / 4 << 4;
	p[13] = s->flags;
	sum = segment_checksum(s, p);
	memcpy(p + 16, &sum, sizeof(sum));
}

/* The kernel fills in length and checksum of an IPv4 header (raw(7)). */
static size_t put_packet(const struct segment *s, uint8_t *p)
{
	if (s->src.family == AF_INET) {
		memset(p, 0, IP4_HEADER);
		p[0] = 0x45;
		p[8] = 64;
		p[9] = IPPROTO_TCP;
		memcpy(p + 12, s->src.bytes, 4);
		memcpy(p + 16, s->dst.bytes, 4);
		put_tcp(s, p + IP4_HEADER);
		return IP4_HEADER + TCP_HEADER;
	}
	memset(p, 0, IP6_HEADER);
	p[0] = 0x60;
	p[5] = TCP_HEADER;
	p[6] = IPPROTO_TCP;
	p[7] = 64;
	memcpy(p + 8, s->src.bytes, 16);
	memcpy(p + 24, s->dst.bytes, 16);
	put_tcp(s, p + IP6_HEADER);
	return IP6_HEADER + TCP_HEADER;
}

static int segment_send(int raw, const struct segment *s)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	uint8_t packet[IP6_HEADER + TCP_HEADER];
	size_t len = put_packet(s, packet);
	bool is_v4 = s->dst.family == AF_INET;

	memcpy(&to4.sin_addr, s->dst.bytes, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, s->dst.bytes, sizeof(to6.sin6_addr));
	if (sendto(raw, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   is_v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
		   is_v4 ? sizeof(to4) : sizeof(to6)) < 0)
		return -errno;
	return 0;
}

/* What has left: only an acknowledgement tells both numbers. */
static bool segment_parse(const uint8_t *p, size_t len, uint8_t family, struct segment *ret)
{
	size_t at = IP6_HEADER;
	uint32_t word;

	if (family == AF_INET) {
		if (len < IP4_HEADER || p[0] >> 4 != 4 || p[9] != IPPROTO_TCP ||
		    ((p[6] & 0x1f) | p[7]))
			return false;
		at = 4U * (p[0] & 0x0f);
		ret->src = addr_make(family, p + 12);
		ret->dst = addr_make(family, p + 16);
	} else {
		if (len < IP6_HEADER || p[0] >> 4 != 6 || p[6] != IPPROTO_TCP)
			return false;
		ret->src = addr_make(family, p + 8);
		ret->dst = addr_make(family, p + 24);
	}
	if (at < IP4_HEADER || len < at + TCP_HEADER)
		return false;
	p += at;
	memcpy(&ret->sport, p, 2);
	memcpy(&ret->dport, p + 2, 2);
	memcpy(&word, p + 4, 4);
	ret->seq = ntohl(word);
	memcpy(&word, p + 8, 4);
	ret->ack = ntohl(word);
	ret->flags = p[13];
	return (ret->flags & (FLAG_ACK | FLAG_SYN | FLAG_RST)) == FLAG_ACK;
}

/* ---- sockets ------------------------------------------------------------------------ */

/* TCP that leaves from OWN; offsets are those of the network header. */
static int tap_filter(int fd, const struct addr *own)
{
	bool is_v4 = own->family == AF_INET;
	size_t words = addr_size(own->family) / 4, n = 0;
	struct sock_filter f[6 + 2 * 4 + 2];
	struct sock_fprog prog = { .filter = f };
	uint8_t left = (uint8_t)(3 + 2 * words); /* steps to the end, which drops */

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0,
					      (uint8_t)(left + 2));
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					      is_v4 ? ETH_P_IP : ETH_P_IPV6, 0, left);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, is_v4 ? 9 : 6);
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0,
					      (uint8_t)(left - 2));
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, own->bytes + 4 * i, sizeof(word));
		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      (uint32_t)((is_v4 ? 12 : 8) + 4 * i));
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0,
						      (uint8_t)(left - 4 - 2 * i));
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SNAP);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	prog.len = (unsigned short)n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

/* It sees nothing before it is bound. */
static int tap_open(const struct addr *own)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = tap_filter(fd, own);
	if (r == 0 && bind(fd, (struct sockaddr *)&all, sizeof(all)) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* ---- asking, and resetting ------------------------------------------------------------- */

/* Two sequence numbers that lie half of all apart: no window has both. Neither carries data. */
static int sockreset_ask(const struct sockreset *r, const struct sockreset_end *e)
{
	struct segment s = { .src = e->peer, .dst = *r->own, .flags = FLAG_ACK };
	int err;

	s.sport = e->dport;
	s.dport = e->sport;
	err = segment_send(r->raw, &s);
	s.seq = 1U << 31;
	return err < 0 ? err : segment_send(r->raw, &s);
}

/* The peer first: once it is reset, the socket says no more. A firewall may refuse either. */
static bool sockreset_both(const struct sockreset *r, const struct segment *answer)
{
	struct segment out = *answer, in = *answer;
	bool told;

	out.ack = in.ack = 0;
	out.flags = in.flags = FLAG_RST;
	in.src = answer->dst;
	in.dst = answer->src;
	in.sport = answer->dport;
	in.dport = answer->sport;
	in.seq = answer->ack;
	told = segment_send(r->raw, &out) == 0;
	return segment_send(r->raw, &in) == 0 && told;
}

/* The filter has compared the source, too; what is sent from what is read here relies on nobody. */
static struct sockreset_end *sockreset_find(const struct sockreset *r, struct sockreset_end *ends,
					    size_t n, const struct segment *s)
{
	for (size_t i = 0; i < n && addr_equal(&s->src, r->own); i++)
		if (!ends[i].done && ends[i].sport == s->sport && ends[i].dport == s->dport &&
		    addr_equal(&ends[i].peer, &s->dst))
			return &ends[i];
	return NULL;
}

/* Read answers until all of a chunk are done, or none comes. */
static int sockreset_answers(const struct sockreset *r, struct sockreset_end *ends, size_t n,
			     uint64_t *ret_closed)
{
	struct pollfd p = { .fd = r->tap, .events = POLLIN };
	size_t left = n;

	while (left && poll(&p, 1, ANSWER_TIMEOUT_MS) > 0) {
		uint8_t packet[SNAP];
		ssize_t len = recv(r->tap, packet, sizeof(packet), MSG_DONTWAIT);
		struct segment s = { .flags = 0 };
		struct sockreset_end *e;

		if (len < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (len <= 0 || !segment_parse(packet, (size_t)len, r->own->family, &s))
			continue;
		e = sockreset_find(r, ends, n, &s);
		if (!e || !sockreset_both(r, &s))
			continue;
		e->done = true;
		left--;
		++*ret_closed;
	}
	return left ? -ETIMEDOUT : 0;
}

int sockreset(const struct addr *own, struct sockreset_end *ends, size_t n, uint64_t *ret_closed)
{
	_cleanup_close_ int raw = socket(own->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	_cleanup_close_ int tap = -1;
	struct sockreset r = { .own = own, .raw = raw };
	int result = 0;

	if (raw < 0)
		return errno == EPERM ? -EPERM : -EOPNOTSUPP;
	r.tap = tap = tap_open(own);
	if (tap < 0)
		return tap == -EPERM ? -EPERM : -EOPNOTSUPP;
	for (size_t at = 0; at < n; at += CHUNK) {
		size_t m = MIN(n - at, (size_t)CHUNK);
		int err;

		for (size_t i = 0; i < m; i++) /* who is not asked does not answer */
			(void)sockreset_ask(&r, &ends[at + i]);
		err = sockreset_answers(&r, ends + at, m, ret_closed);
		if (err < 0 && err != -ETIMEDOUT)
			return err;
		result = err < 0 ? err : result;
	}
	return result;
}

/* Sequence number and acknowledgement of 0 are out of every window but by chance; then the socket
 * drops them without a word (tcp_validate_incoming(), tcp_ack()). CTDB does the same. */
int sockreset_tickle(const struct conn *flows, size_t n, uint64_t *ret_sent)
{
	_cleanup_close_ int raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	_cleanup_close_ int raw6 = -1;

	*ret_sent = 0;
	if (raw4 < 0)
		return errno == EPERM ? -EPERM : -EOPNOTSUPP;
	raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); /* there may be no IPv6 */
	for (size_t i = 0; i < n; i++) {
		const struct tuple *t = &flows[i].reply;
		uint8_t family = flows[i].key.family;
		struct segment s = { .src = tuple_src(t, family),
				     .dst = tuple_dst(t, family),
				     .sport = t->sport,
				     .dport = t->dport,
				     .flags = FLAG_ACK };

		*ret_sent += segment_send(family == AF_INET ? raw4 : raw6, &s) == 0;
	}
	return 0;
}
