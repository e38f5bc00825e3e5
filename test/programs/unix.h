/* Unix sockets: names, pairs, and what they carry. */
#pragma once
#include "socket.h"
#include <stddef.h>
#include <sys/un.h>

#define ANONYMOUS "<anonymous>"

static inline const char *unix_type(int type)
{
	return type == SOCK_STREAM ? "unix-stream" : type == SOCK_DGRAM ? "unix-dgram" : "unix-seqpacket";
}

static inline int type_of(const char *word)
{
	return !strcmp(word, "stream") ? SOCK_STREAM : !strcmp(word, "dgram") ? SOCK_DGRAM : SOCK_SEQPACKET;
}

/* An address that the actors see, and how ipcdump must print it. */
struct name {
	struct sockaddr_un *address;
	socklen_t length;
	char path[160];
};

static inline struct name path_name(const char *path)
{
	struct name name;

	name.address = lend(sizeof(*name.address));
	name.address->sun_family = AF_UNIX;
	check(strlen(path) < sizeof(name.address->sun_path), "a path too long for a socket");
	strcpy(name.address->sun_path, path);
	name.length = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
	snprintf(name.path, sizeof(name.path), "%s", path);
	return name;
}

/* padded: as the first ipcdump's tests bound it, all of sun_path, its rest zeros */
static inline struct name abstract_name(const char *text, size_t count, int padded)
{
	struct name name;

	name.address = lend(sizeof(*name.address));
	name.address->sun_family = AF_UNIX;
	memcpy(name.address->sun_path + 1, text, count);
	name.length = padded ? sizeof(*name.address) : offsetof(struct sockaddr_un, sun_path) + 1 + count;
	name.path[0] = '@';
	for (size_t i = 0; i < count; i++)
		name.path[1 + i] = text[i] ? text[i] : '@';
	name.path[1 + count] = 0;
	return name;
}

/* Binds a socket to an abstract name that no other run's socket has, nor one with another number. */
static inline struct name bind_abstract(const struct plug *plug, int number)
{
	char text[64];
	struct name name;

	name = abstract_name(text, snprintf(text, sizeof(text), "abstract-%d-%d", getpid(), number), 0);
	bind_plug(plug, name.address, name.length);
	return name;
}

/* One transfer that ipcdump owes the test. */
struct letter {
	int type;
	const char *path; /* "<anonymous>" when NULL */
	const struct plug *from, *to;
	const void *bytes;
	size_t count;
	enum how how;
	enum guess guess;
	const char *dst; /* who gets it, when it is not the holder that `to` names */
	const char *src_path; /* of the sender, when it is bound as well as the receiver */
};

static inline void say_letter(struct letter letter)
{
	char meta[512];
	int n;

	n = snprintf(meta, sizeof(meta), "\"path\":\"%s\",\"src_inode\":%lu,\"dst_inode\":%lu",
		     letter.path ? letter.path : ANONYMOUS, letter.from->inode, letter.to->inode);
	if (letter.src_path)
		snprintf(meta + n, sizeof(meta) - n, ",\"src_path\":\"%s\"", letter.src_path);
	say_carried(unix_type(letter.type), letter.from->who->name,
		    letter.dst ? letter.dst : letter.to->who->name, meta, letter.bytes, letter.count, letter.how,
		    letter.guess);
}

/* Sends and receives in lock-step, and says so. */
static inline void pass(int type, const char *path, const struct plug *from, const struct plug *to,
			const char *text)
{
	long count = strlen(text);

	check(call(from->who, SYS_sendto, from->fd, P(text), count, 0, 0, 0) == count, "send");
	say_letter((struct letter){.type = type, .path = path, .from = from, .to = to, .bytes = text, .count = count});
	check(take(to) == count, "recv");
}

/* As pass, but nobody receives yet. */
static inline void post(int type, const char *path, const struct plug *from, const struct plug *to,
			const char *text, enum guess guess)
{
	long count = strlen(text);

	check(call(from->who, SYS_sendto, from->fd, P(text), count, 0, 0, 0) == count, "send");
	say_letter((struct letter){.type = type, .path = path, .from = from, .to = to, .bytes = text, .count = count,
				   .guess = guess});
}
