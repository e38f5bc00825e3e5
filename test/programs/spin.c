/*
 * spin CPU WHAT COUNT: one process that communicates with nobody: getppid (the cheapest system call),
 * compute (no system calls), mutex (seeks in a file with two descriptors, each of which takes and
 * gives back a mutex of the kernel's). Prints the wall-clock and CPU time, in nanoseconds.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		err(1, "clock_gettime");
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static volatile unsigned long result;

static void compute(long count)
{
	unsigned long x = 88172645463325252UL;

	for (long i = 0; i < count; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	result = x;
}

static void seek(long count)
{
	int fd = open("/dev/zero", O_RDONLY);

	/* only with a second descriptor is the position locked */
	if (fd < 0 || dup(fd) < 0)
		err(1, "/dev/zero");
	for (long i = 0; i < count; i++)
		lseek(fd, 0, SEEK_SET);
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	if (argc < 4)
		errx(2, "usage: spin CPU WHAT COUNT");
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	long count = atol(argv[3]);
	long long wall = -now(CLOCK_MONOTONIC), cpu = -now(CLOCK_PROCESS_CPUTIME_ID);

	if (!strcmp(argv[2], "getppid"))
		for (long i = 0; i < count; i++)
			syscall(SYS_getppid);
	else if (!strcmp(argv[2], "compute"))
		compute(count);
	else if (!strcmp(argv[2], "mutex"))
		seek(count);
	else
		errx(2, "%s: there are getppid, compute, mutex", argv[2]);
	wall += now(CLOCK_MONOTONIC);
	cpu += now(CLOCK_PROCESS_CPUTIME_ID);
	printf("%lld %lld\n", wall, cpu);
	return 0;
}
