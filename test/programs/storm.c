/*
 * storm SECONDS RATE FILE: pairs of processes that talk by every kind of channel, each RATE times a second there and
 * back, and processes that live for a moment. Writes into FILE how many events of each kind that were:
 * {"pipe":1200,"signal":34,…}.
 */
#include "truth.h"
#include <arpa/inet.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

enum { LARGEST = 8000, KINDS = 8, PAIRS = 10 };

static const char *const kinds[KINDS] = {"pipe",	  "signal",	  "unix-stream",  "unix-dgram",
					 "unix-seqpacket", "loopback-tcp", "loopback-udp", "pty"};

static struct shared {
	_Atomic int over;
	/* by pair: events so far */
	_Atomic long counts[PAIRS];
	int kinds[PAIRS];
} *shared;

static long rate;
static struct timespec deadline;
static char bytes[LARGEST];

/* One side's way to the other and back. */
struct side {
	int in, out;
	pid_t peer; /* signals instead */
	int largest;
};

static void move(struct side *side, long size)
{
	if (side->peer)
		check(kill(side->peer, SIGUSR1) == 0, "kill");
	else
		check(write(side->out, bytes, size) == size, "write");
}

static void await(struct side *side, long size)
{
	int number;
	sigset_t one;

	if (side->peer) {
		sigemptyset(&one);
		sigaddset(&one, SIGUSR1);
		check(sigwait(&one, &number) == 0, "sigwait");
		return;
	}
	while (size > 0) {
		long n = read(side->in, bytes, size);

		check(n > 0, "read");
		size -= n;
	}
}

/* Both sides know how much comes. */
static long size_of(const struct side *side, unsigned long round)
{
	return 1 + (round * 2654435761UL >> 7) % side->largest;
}

static int is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline.tv_sec || (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec);
}

static void pause_for_rate(void)
{
	struct timespec time = {0, rate > 0 ? 1000000000 / rate - 1 : 0};

	if (rate > 0)
		nanosleep(&time, NULL);
}

/* First there, then back. The last round is announced before it, for nothing may be sent for that. */
static void begin(struct side *side, int pair, _Atomic int *last)
{
	int over = 0;

	for (unsigned long round = 0; !over; round++) {
		over = is_over();
		atomic_store(last, over);
		move(side, size_of(side, round));
		await(side, size_of(side, round + 1));
		atomic_fetch_add(&shared->counts[pair], 2);
		pause_for_rate();
	}
}

static void answer(struct side *side, _Atomic int *last)
{
	int over = 0;

	for (unsigned long round = 0; !over; round++) {
		await(side, size_of(side, round));
		over = atomic_load(last);
		move(side, size_of(side, round + 1));
	}
}

static int pairs;
static pid_t children[2 * PAIRS + 1];
static int born;

/* Two processes, one of them for each side. */
static void pair_up(int kind, struct side first, struct side second)
{
	_Atomic int *last = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int by_signal = kind == 1, pair = pairs++;
	pid_t answering, beginning;
	_Atomic pid_t *whom = (_Atomic pid_t *)last + 1;

	shared->kinds[pair] = kind;
	answering = fork();
	check(answering >= 0, "fork");
	if (answering == 0) {
		if (by_signal) {
			while (!(second.peer = atomic_load(whom)))
				sched_yield();
		}
		answer(&second, last);
		_exit(0);
	}
	children[born++] = answering;
	beginning = fork();
	check(beginning >= 0, "fork");
	if (beginning == 0) {
		if (by_signal)
			first.peer = answering;
		atomic_store(whom, getpid());
		begin(&first, pair, last);
		_exit(0);
	}
	children[born++] = beginning;
}

static void unix_pair(int kind, int type)
{
	int ends[2];

	check(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
	pair_up(kind, (struct side){ends[0], ends[0], 0, LARGEST}, (struct side){ends[1], ends[1], 0, LARGEST});
}

static int bound(int type, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, type, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	check(bind(fd, (void *)address, sizeof(*address)) == 0, "bind");
	check(getsockname(fd, (void *)address, &length) == 0, "getsockname");
	return fd;
}

static void tcp_pair(void)
{
	struct sockaddr_in address;
	int listener = bound(SOCK_STREAM, &address), one = socket(AF_INET, SOCK_STREAM, 0), other;

	check(listen(listener, 1) == 0, "listen");
	check(connect(one, (void *)&address, sizeof(address)) == 0, "connect");
	other = accept(listener, NULL, NULL);
	pair_up(5, (struct side){one, one, 0, LARGEST}, (struct side){other, other, 0, LARGEST});
}

static void udp_pair(void)
{
	struct sockaddr_in here, there;
	int one = bound(SOCK_DGRAM, &here), other = bound(SOCK_DGRAM, &there);

	check(connect(one, (void *)&there, sizeof(there)) == 0, "connect");
	check(connect(other, (void *)&here, sizeof(here)) == 0, "connect");
	pair_up(6, (struct side){one, one, 0, LARGEST}, (struct side){other, other, 0, LARGEST});
}

static void pty_pair(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, number, locked = 0;
	struct termios raw;
	char path[32];

	check(master >= 0 && ioctl(master, TIOCSPTLCK, &locked) == 0 && ioctl(master, TIOCGPTN, &number) == 0, "ptmx");
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	slave = open(path, O_RDWR | O_NOCTTY);
	check(slave >= 0 && tcgetattr(slave, &raw) == 0, path);
	cfmakeraw(&raw);
	check(tcsetattr(slave, TCSANOW, &raw) == 0, "raw mode");
	/* what a terminal takes at once */
	pair_up(7, (struct side){master, master, 0, 1000}, (struct side){slave, slave, 0, 1000});
}

/* Each lives just long enough to write a byte. */
static void short_lives(int pair)
{
	int ends[2];
	char byte;

	check(pipe(ends) == 0, "pipe");
	while (!is_over()) {
		pid_t child = vfork();

		check(child >= 0, "vfork");
		if (child == 0) {
			write(ends[1], "!", 1);
			_exit(0);
		}
		check(read(ends[0], &byte, 1) == 1, "read");
		atomic_fetch_add(&shared->counts[pair], 1);
		waitpid(child, NULL, 0);
		pause_for_rate();
	}
}

int main(int argc, char **argv)
{
	int there[2], back[2], pair;
	sigset_t one;
	FILE *file;

	check(argc == 4, "usage: storm SECONDS RATE FILE");
	rate = atol(argv[2]);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += atol(argv[1]);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	pair_up(0, (struct side){back[0], there[1], 0, LARGEST}, (struct side){there[0], back[1], 0, LARGEST});
	pair_up(1, (struct side){.largest = 1}, (struct side){.largest = 1});
	unix_pair(2, SOCK_STREAM);
	unix_pair(3, SOCK_DGRAM);
	unix_pair(4, SOCK_SEQPACKET);
	tcp_pair();
	udp_pair();
	pty_pair();
	pair = pairs++;
	shared->kinds[pair] = 0;
	short_lives(pair);
	for (int i = 0; i < born; i++) {
		int status;

		check(waitpid(children[i], &status, 0) == children[i] && status == 0, "one of them failed");
	}
	file = fopen(argv[3], "w");
	check(file != NULL, argv[3]);
	for (int kind = 0; kind < KINDS; kind++) {
		long count = 0;

		for (int i = 0; i < pairs; i++)
			if (shared->kinds[i] == kind)
				count += shared->counts[i];
		fprintf(file, "%s\"%s\":%ld", kind ? "," : "{", kinds[kind], count);
	}
	fprintf(file, "}\n");
	return fclose(file) != 0;
}
