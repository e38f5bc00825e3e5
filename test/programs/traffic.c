/*
 * traffic CPU KIND SHAPE SIZE COUNT [RATE]: two processes pinned to one core (-1: not pinned) move COUNT
 * messages of SIZE bytes; KIND pipe, unix, tcp; SHAPE pingpong (there and back), shared (the same, and a
 * third process has one end open as well, so who receives is not known before) or flood (one way), a
 * flood at RATE messages a second (0: as fast as it goes). Prints what the traffic took, without
 * set-up: wall-clock and CPU time of both processes, in nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct channel {
	int in, out;
};

static char *buffer;
static size_t size;

static long long now(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		err(1, "clock_gettime");
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void give(int fd)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = write(fd, buffer + at, size - at);

		if (n < 0)
			err(1, "write");
		at += n;
	}
}

/* false: the other side has closed */
static int take(int fd)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, buffer + at, size - at);

		if (n < 0)
			err(1, "read");
		if (n == 0)
			return 0;
		at += n;
	}
	return 1;
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
}

static void open_tcp(int *listener, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	*listener = socket(AF_INET, SOCK_STREAM, 0);
	if (*listener < 0 || bind(*listener, (void *)address, length) || listen(*listener, 1) ||
	    getsockname(*listener, (void *)address, &length))
		err(1, "listening on loopback");
}

static void no_delay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		err(1, "TCP_NODELAY");
}

static void echo(struct channel channel, int flood)
{
	while (take(channel.in))
		if (!flood)
			give(channel.out);
}

static void send_all(struct channel channel, int flood, long count, long rate)
{
	long long start = now(CLOCK_MONOTONIC);

	for (long i = 0; i < count; i++) {
		/* a thousandth of a second's share at a time, as bursts come in life */
		long share = rate / 1000 > 0 ? rate / 1000 : 1;

		if (rate > 0 && i % share == 0) {
			long long due = start + i * 1000000000LL / rate;
			struct timespec until = {due / 1000000000, due % 1000000000};

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		}
		give(channel.out);
		if (!flood && !take(channel.in))
			errx(1, "the other process has gone");
	}
}

int main(int argc, char **argv)
{
	struct channel near, far;
	struct sockaddr_in address;
	int forth[2], back[2], listener = -1, started[2];
	long long wall, cpu;
	clockid_t child_clock;
	pid_t child;

	if (argc < 6)
		errx(2, "usage: traffic CPU KIND SHAPE SIZE COUNT [RATE]");
	pin(atoi(argv[1]));
	const char *kind = argv[2];
	int flood = !strcmp(argv[3], "flood"), shared = !strcmp(argv[3], "shared");
	long count = atol(argv[5]), rate = argc > 6 ? atol(argv[6]) : 0;

	size = atol(argv[4]);
	buffer = calloc(1, size);
	if (!strcmp(kind, "pipe")) {
		if (pipe(forth) || pipe(back))
			err(1, "pipe");
		near = (struct channel){back[0], forth[1]};
		far = (struct channel){forth[0], back[1]};
	} else if (!strcmp(kind, "unix")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, forth))
			err(1, "socketpair");
		near = (struct channel){forth[0], forth[0]};
		far = (struct channel){forth[1], forth[1]};
	} else if (!strcmp(kind, "tcp")) {
		open_tcp(&listener, &address);
	} else {
		errx(2, "%s is no kind; there are pipe, unix, tcp", kind);
	}
	if (pipe(started))
		err(1, "pipe");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "traffic-far");
		if (listener >= 0) {
			far.in = far.out = accept(listener, NULL, NULL);
			if (far.in < 0)
				err(1, "accept");
			no_delay(far.in);
		} else {
			close(near.out);
			close(near.in);
		}
		if (shared && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
		}
		/* one message, so that both sides have used everything once */
		if (!take(far.in))
			return 1;
		if (write(started[1], "", 1) != 1)
			err(1, "write");
		echo(far, flood);
		pause();
	}
	if (listener >= 0) {
		near.in = near.out = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(near.out, (void *)&address, sizeof(address)))
			err(1, "connect");
		no_delay(near.out);
	} else {
		close(far.in);
		if (far.out != far.in)
			close(far.out);
	}
	give(near.out);
	char byte;
	if (read(started[0], &byte, 1) != 1)
		err(1, "read");
	if (clock_getcpuclockid(child, &child_clock))
		errx(1, "no clock of the other process");
	wall = -now(CLOCK_MONOTONIC);
	cpu = -now(CLOCK_PROCESS_CPUTIME_ID) - now(child_clock);
	send_all(near, flood, count, rate);
	if (flood) {
		/* the rest of it is read once nothing is left to send */
		long long before = 0, after = now(child_clock);

		sched_yield();
		while (before != after) {
			struct timespec pause = {0, 200000};

			before = after;
			nanosleep(&pause, NULL);
			after = now(child_clock);
		}
	}
	wall += now(CLOCK_MONOTONIC);
	cpu += now(CLOCK_PROCESS_CPUTIME_ID) + now(child_clock);
	printf("%lld %lld\n", wall, cpu);
	fflush(stdout);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
