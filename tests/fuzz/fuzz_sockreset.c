/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the packet socket sees leave while sockets are made to tell their numbers: a byte that says
 * which family (bit 0: IPv6) and how many sockets are asked, then packets, each after two bytes of
 * length. Whatever they are, only those asked for are reset, each once. */
#include "lib/fuzz.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "kernel/sockreset.h"

#define ENDS 8
#define FD_RAW 1000 /* not open; closing it fails */
#define FD_TAP 1001

enum {
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_ACK = 0x10,
};

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
		      socklen_t to_len);

static const uint8_t own_bytes[2][16] = { { 192, 168, 11, 100 },
					  { 0xfd, 0, 0, 0x11, [15] = 0x64 } };
static const uint8_t peer_bytes[2][16] = { { 192, 168, 11, 8 }, { 0xfd, 0, 0, 0x11, [15] = 8 } };

static struct input packets;
static const uint8_t *packet; /* the last one */
static size_t packet_size;
static unsigned family_index, n_ends, asked, resets[ENDS][2];

static struct addr reset_address(const uint8_t bytes[2][16])
{
	return addr_make(family_index ? AF_INET6 : AF_INET, bytes[family_index]);
}

int __wrap_socket(int domain, int type _unused_, int protocol _unused_)
{
	return domain == AF_PACKET ? FD_TAP : FD_RAW;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value _unused_,
		      socklen_t len _unused_)
{
	CLAIM(fd == FD_TAP && level == SOL_SOCKET && name == SO_ATTACH_FILTER);
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *a _unused_, socklen_t len _unused_)
{
	CLAIM(fd == FD_TAP);
	return 0;
}

int __wrap_poll(struct pollfd *fds _unused_, nfds_t n _unused_, int timeout _unused_)
{
	return packets.left > 0;
}

/* One packet, and behind it in the buffer what would go on with it. */
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags _unused_)
{
	size_t want = input_u16(&packets);

	CLAIM(fd == FD_TAP);
	memset(buf, 0, size);
	memcpy(buf, packets.data, MIN(packets.left, size));
	packet = input_take(&packets, want, &packet_size);
	packet_size = MIN(packet_size, size);
	return (ssize_t)packet_size;
}

/* The sum over the pseudo header and the segment, which holds its own checksum. */
static bool sum_holds(const uint8_t *addrs, size_t len, const uint8_t *tcp)
{
	uint32_t sum = IPPROTO_TCP + 20;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)addrs[i] << 8 | addrs[i + 1];
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)tcp[i] << 8 | tcp[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* An acknowledgement that came whole: it alone tells both numbers. */
static bool packet_answers(void)
{
	size_t header = family_index ? 40 : 4U * (packet[0] & 0x0f);

	return packet_size >= header + 20 &&
	       (packet[header + 13] & (FLAG_ACK | FLAG_SYN | FLAG_RST)) == FLAG_ACK;
}

static uint16_t port_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Ports 7000 on, and 40000 on: those of one of the sockets, and which. */
static unsigned end_of(uint16_t own, uint16_t peer)
{
	CLAIM(own >= 7000 && own < 7000 + n_ends && peer == own + 33000);
	return own - 7000U;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags _unused_,
		      const struct sockaddr *to, socklen_t to_len)
{
	size_t alen = family_index ? 16 : 4, header = family_index ? 40 : 20;
	const uint8_t *p = data, *addrs = p + (family_index ? 8 : 12), *tcp = p + header;
	bool leaves;
	unsigned i;

	CLAIM(fd == FD_RAW && len == header + 20);
	CLAIM(to_len == (family_index ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)));
	CLAIM(to->sa_family == (family_index ? AF_INET6 : AF_INET));
	CLAIM(sum_holds(addrs, 2 * alen, tcp));
	leaves = !memcmp(addrs, own_bytes[family_index], alen);
	CLAIM(!memcmp(addrs + (leaves ? alen : 0), peer_bytes[family_index], alen));
	CLAIM(!memcmp(addrs + (leaves ? 0 : alen), own_bytes[family_index], alen));
	i = end_of(port_at(leaves ? tcp : tcp + 2), port_at(leaves ? tcp + 2 : tcp));
	CLAIM(tcp[13] == FLAG_ACK || tcp[13] == FLAG_RST);
	if (tcp[13] == FLAG_ACK) {
		CLAIM(!leaves); /* as if from the peer */
		asked++;
	} else {
		CLAIM(++resets[i][leaves] == 1 && packet_answers());
	}
	return (ssize_t)len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockreset_end ends[ENDS];
	struct addr own;
	uint64_t closed = 0, done = 0;
	uint8_t kind;
	int r;

	packets = (struct input){ data, size };
	kind = input_byte(&packets);
	family_index = kind & 1;
	n_ends = 1U + (kind >> 1) % ENDS;
	asked = 0;
	memset(resets, 0, sizeof(resets));
	own = reset_address(own_bytes);
	for (unsigned i = 0; i < n_ends; i++)
		ends[i] = (struct sockreset_end){ .peer = reset_address(peer_bytes),
						  .sport = htons((uint16_t)(7000 + i)),
						  .dport = htons((uint16_t)(40000 + i)) };
	r = sockreset(&own, ends, n_ends, &closed);
	CLAIM(asked == 2 * n_ends);
	for (unsigned i = 0; i < n_ends; i++) {
		CLAIM(ends[i].done == (resets[i][0] == 1) && resets[i][0] == resets[i][1]);
		done += ends[i].done;
	}
	CLAIM(closed == done);
	CLAIM(r == (done == n_ends ? 0 : -ETIMEDOUT));
	return 0;
}
