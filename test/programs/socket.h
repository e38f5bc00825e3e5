/* Sockets in the hands of actors. */
#pragma once
#include "actor.h"
#include <sys/socket.h>
#include <sys/uio.h>

/* The arena's first half is where actors read to, its second half holds what they send. */
enum { TAKEN = ARENA / 2 };

/* Memory that every actor sees at one address. */
static inline void *lend(size_t size)
{
	static size_t used = TAKEN;
	void *memory;

	set_stage();
	memory = stage->arena + used;
	used += (size + 15) & ~15UL;
	check(used <= ARENA, "the arena is full");
	return memory;
}

static inline void *lend_copy(const void *bytes, size_t size)
{
	return memcpy(lend(size), bytes, size);
}

/* One end: a socket, who shall be named as its holder, and its number in that process. */
struct plug {
	struct actor *who;
	int fd;
	unsigned long inode;
};

static inline struct plug plug(struct actor *who, long fd)
{
	struct plug plug = {.who = who, .fd = fd};
	struct stat status;
	char path[64];

	errno = -fd;
	check(fd >= 0, "a socket's number");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", who->pid, plug.fd);
	check(stat(path, &status) == 0, path);
	plug.inode = status.st_ino;
	say("{\"socket\":%lu}", plug.inode);
	return plug;
}

static inline struct plug open_plug(struct actor *who, int domain, int type)
{
	return plug(who, call(who, SYS_socket, domain, type, 0));
}

static inline void must(long result, const char *what)
{
	errno = result < 0 ? -result : 0;
	check(result >= 0, what);
}

static inline void bind_plug(const struct plug *plug, const void *address, socklen_t length)
{
	must(call(plug->who, SYS_bind, plug->fd, P(address), length), "bind");
}

static inline void listen_plug(const struct plug *plug)
{
	must(call(plug->who, SYS_listen, plug->fd, 16), "listen");
}

static inline void connect_plug(const struct plug *plug, const void *address, socklen_t length)
{
	must(call(plug->who, SYS_connect, plug->fd, P(address), length), "connect");
}

static inline struct plug accept_plug(const struct plug *listener)
{
	return plug(listener->who, call(listener->who, SYS_accept4, listener->fd, 0, 0, 0));
}

static inline void close_plug(const struct plug *plug)
{
	must(call(plug->who, SYS_close, plug->fd), "close");
}

static inline void set_option(const struct plug *plug, int level, int option, int value)
{
	must(call(plug->who, SYS_setsockopt, plug->fd, level, option, P(lend_copy(&value, sizeof(value))),
		  sizeof(value)), "setsockopt");
}

/* Takes one message or all that is there, up to half the arena; its size. */
static inline long take(const struct plug *plug)
{
	long n = call(plug->who, SYS_recvfrom, plug->fd, P(stage->arena), TAKEN, 0, 0, 0);

	must(n, "recv");
	return n;
}

/* A try to receive counts as nothing, it only tells whether something came. */
static inline long try_take(const struct plug *plug)
{
	return call(plug->who, SYS_recvfrom, plug->fd, P(stage->arena), TAKEN, MSG_DONTWAIT, 0, 0);
}

/* A pair made by the script, to be handed to two actors that it casts afterwards. */
static inline void make_pair(int ends[2], int type)
{
	check(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
}

/* Nobody but this actor keeps the end. The fd must be the same in all of them. */
static inline struct plug keep(struct actor *who, int fd)
{
	for (int i = 0; i < stage->count; i++)
		if (&stage->actors[i] != who)
			call(&stage->actors[i], SYS_close, fd);
	close(fd);
	return plug(who, fd);
}

/* The pieces of one gathering call, each in memory of its own. */
static inline struct iovec *pieces_of(const char *const *texts, int count)
{
	struct iovec *pieces = lend(count * sizeof(*pieces));

	for (int i = 0; i < count; i++)
		pieces[i] = (struct iovec){lend_copy(texts[i], strlen(texts[i])), strlen(texts[i])};
	return pieces;
}

static inline struct msghdr *message_of(struct iovec *pieces, int count)
{
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};

	return lend_copy(&message, sizeof(message));
}

/*
 * A storm: many pairs at once, each with its own sender and receiver. Message k of pair i has
 * storm_size(i, k) bytes, all of them 'A' + i.
 */
enum { STORM_PAIRS = 8, STORM_MESSAGES = 300 };

static inline long storm_size(long pair, long message)
{
	return 10 + (message * 37 + pair) % 500;
}

/* who: the number of the pair, and of the socket in the upper half */
static inline long send_storm(long who)
{
	long pair = who & 0xffff, fd = who >> 16;
	char bytes[512];

	memset(bytes, 'A' + pair, sizeof(bytes));
	for (long k = 0; k < STORM_MESSAGES; k++)
		check(send(fd, bytes, storm_size(pair, k), 0) == storm_size(pair, k), "send");
	return 0;
}

static inline long take_storm(long who)
{
	long pair = who & 0xffff, fd = who >> 16, left = 0;
	char bytes[65536];

	for (long k = 0; k < STORM_MESSAGES; k++)
		left += storm_size(pair, k);
	while (left > 0) {
		long n = recv(fd, bytes, sizeof(bytes), 0);

		check(n > 0, "recv");
		left -= n;
	}
	return left;
}

static inline void raise_storm(const struct plug *from, const struct plug *to)
{
	for (long i = 0; i < STORM_PAIRS; i++) {
		begin(to[i].who, PLAY, P(take_storm), (long)to[i].fd << 16 | i);
		begin(from[i].who, PLAY, P(send_storm), (long)from[i].fd << 16 | i);
	}
	for (long i = 0; i < STORM_PAIRS; i++) {
		check(answer(from[i].who) == 0, "send");
		check(answer(to[i].who) == 0, "recv");
	}
}

/* What hands a descriptor from one process to another. */
static inline struct msghdr *rights(int fd)
{
	struct {
		struct cmsghdr header;
		int fd;
	} *control = lend(CMSG_SPACE(sizeof(int)));
	static const char *const byte[] = {"!"};
	struct msghdr *message = message_of(pieces_of(byte, 1), 1);

	control->header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	control->fd = fd;
	message->msg_control = control;
	message->msg_controllen = CMSG_LEN(sizeof(int));
	return message;
}
