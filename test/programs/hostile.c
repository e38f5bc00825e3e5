/*
 * hostile WHAT N: what a tracer should not come to harm by.
 *
 *   lives N      N processes that live for a moment, under names that are escape codes; each writes a byte
 *   shapes N     N times: a datagram of 1 MiB, 1024 pieces at once, NULs for contents and for an address
 *   changing N   N sends whose buffers, and where they are, another thread changes all the while
 */
#include "truth.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { MIB = 1 << 20, PIECES = 1024, PIECE = 40 };

static const char *const names[] = {"\033]0;owned\007", "\033[2J\033[H", "a\nb\rc\td", "\"},{\"x\":\"", "\\x1b%s%n", "\377\376\200"};

__attribute__((noinline)) static void live(int out, const char *name)
{
	pid_t child = vfork();

	check(child >= 0, "vfork");
	if (child == 0) {
		prctl(PR_SET_NAME, name);
		write(out, name, 1);
		_exit(0);
	}
	check(waitpid(child, NULL, 0) == child, "waitpid");
}

static void lives(long count)
{
	int ends[2];
	char byte;

	check(pipe(ends) == 0, "pipe");
	prctl(PR_SET_NAME, "\033[31mparent");
	for (long i = 0; i < count; i++) {
		live(ends[1], names[i % (sizeof(names) / sizeof(names[0]))]);
		check(read(ends[0], &byte, 1) == 1, "read");
	}
}

static void shapes(long count)
{
	static char nulls[MIB], taken[MIB];
	struct iovec pieces[PIECES];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ends[2], both[2], one, other, size = 4 * MIB;

	prctl(PR_SET_NAME, "hostile");
	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0, "socketpair");
	check(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0, "SO_SNDBUFFORCE");
	check(pipe(both) == 0, "pipe");
	check(fcntl(both[1], F_SETPIPE_SZ, MIB) >= 0, "F_SETPIPE_SZ");
	/* an abstract name of NULs alone */
	one = socket(AF_UNIX, SOCK_DGRAM, 0);
	other = socket(AF_UNIX, SOCK_DGRAM, 0);
	check(bind(one, (void *)&address, sizeof(address)) == 0, "bind");
	for (int i = 0; i < PIECES; i++)
		pieces[i] = (struct iovec){nulls + i * PIECE, i % 3 ? PIECE : 0};
	for (long i = 0; i < count; i++) {
		ssize_t sent;

		check(send(ends[0], nulls, MIB, 0) == MIB, "send");
		check(recv(ends[1], taken, MIB, 0) == MIB, "recv");
		sent = writev(both[1], pieces, PIECES);
		check(sent > 0, "writev");
		check(read(both[0], taken, MIB) == sent, "read");
		check(sendto(other, nulls, 0, 0, (void *)&address, sizeof(address)) == 0, "an empty datagram");
		check(sendto(other, nulls, 100, 0, (void *)&address, sizeof(address)) == 100, "sendto");
		check(recv(one, taken, 100, 0) == 0 && recv(one, taken, 100, 0) == 100, "recv");
	}
}

static struct iovec moving[16];
static char buffer[1 << 16];
static _Atomic int over;

static void *change(void *unused)
{
	static const unsigned long places[] = {0, 1, 0xffffffff81000000, 0x7fffffffffff, 0xdead000000000000};
	unsigned state = 1;

	while (!atomic_load(&over)) {
		struct iovec *piece;

		state = state * 1103515245 + 12345;
		piece = &moving[state >> 16 & 15];
		memset(buffer + (state >> 8 & 0xff00), state >> 24, 256);
		if (state >> 21)
			*piece = (struct iovec){buffer + (state & 0xffff) / 2, state >> 20 & 0x3ff};
		else
			*piece = (struct iovec){(void *)places[state % 5], state};
	}
	return unused;
}

static void changing(long count)
{
	int ends[2], both[2];
	static char taken[1 << 17];
	pthread_t thread;

	prctl(PR_SET_NAME, "hostile");
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	check(pipe2(both, O_NONBLOCK) == 0, "pipe");
	for (int i = 0; i < 16; i++)
		moving[i] = (struct iovec){buffer, 100};
	check(pthread_create(&thread, NULL, change, NULL) == 0, "pthread_create");
	for (long i = 0; i < count; i++) {
		struct msghdr message = {.msg_iov = moving, .msg_iovlen = 16};

		sendmsg(ends[0], &message, MSG_DONTWAIT);
		recv(ends[1], taken, sizeof(taken), MSG_DONTWAIT);
		writev(both[1], moving, 16);
		readv(both[0], moving, 16);
		read(both[0], taken, sizeof(taken));
	}
	atomic_store(&over, 1);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	long count;

	check(argc == 3, "usage: hostile WHAT N");
	count = atol(argv[2]);
	if (!strcmp(argv[1], "lives"))
		lives(count);
	else if (!strcmp(argv[1], "shapes"))
		shapes(count);
	else
		changing(count);
	return 0;
}
