/*
 * preforked CPU KIND WORKERS COUNT RATE: COUNT connections, RATE a second, of KIND unix or tcp, each with one request
 * and its answer, to whichever of WORKERS forked processes accepts it. The first half of the workers is on core CPU,
 * all else where it likes. The request is `N`, the answer the pid of the worker that had it; prints both, one
 * connection a line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 16 };

static struct sockaddr_storage address;
static socklen_t length;

static int open_socket(void)
{
	int fd = socket(address.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static int open_listener(const char *kind)
{
	int fd;

	if (!strcmp(kind, "tcp")) {
		struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		memcpy(&address, &here, length = sizeof(here));
	} else if (!strcmp(kind, "unix")) {
		/* a name of the kernel's choice */
		address.ss_family = AF_UNIX;
		length = sizeof(sa_family_t);
	} else {
		errx(2, "%s is no kind; there are unix, tcp", kind);
	}
	fd = open_socket();
	if (bind(fd, (void *)&address, length) || listen(fd, 128))
		err(1, "listening");
	length = sizeof(address);
	if (getsockname(fd, (void *)&address, &length))
		err(1, "getsockname");
	return fd;
}

static void serve(int listener, int cpu)
{
	char request[SIZE], answer[SIZE];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (cpu >= 0 && sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	snprintf(answer, sizeof(answer), "%d", getpid());
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(1, "accept");
		if (read(fd, request, sizeof(request)) <= 0 || write(fd, answer, strlen(answer)) < 0)
			err(1, "serving");
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct timespec start;
	int listener, workers;
	long count, rate;

	if (argc < 6)
		errx(2, "usage: preforked CPU KIND WORKERS COUNT RATE");
	listener = open_listener(argv[2]);
	workers = atoi(argv[3]);
	count = atol(argv[4]);
	rate = atol(argv[5]);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < workers; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, "worker");
			serve(listener, i < workers / 2 ? atoi(argv[1]) : -1);
		}
	if (clock_gettime(CLOCK_MONOTONIC, &start))
		err(1, "clock_gettime");
	for (long i = 0; i < count; i++) {
		long long due = start.tv_nsec + i * 1000000000LL / rate;
		struct timespec until = {start.tv_sec + due / 1000000000, due % 1000000000};
		char request[SIZE], answer[SIZE] = "";
		int fd = open_socket();

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		snprintf(request, sizeof(request), "%ld", i);
		if (connect(fd, (void *)&address, length))
			err(1, "connect");
		if (write(fd, request, strlen(request)) < 0 || read(fd, answer, sizeof(answer) - 1) <= 0)
			err(1, "asking");
		close(fd);
		printf("%s %s\n", request, answer);
	}
	return 0;
}
