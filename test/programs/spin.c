/*
 * spin CPU WHAT COUNT: one process that communicates with nobody: getppid (the cheapest system call),
 * compute (no system calls), mutex (seeks in a file with two descriptors, each of which takes and
 * gives back a mutex of the kernel's), devices (reads and writes of those that are no terminals),
 * open (and close). Prints the wall-clock and CPU time, in nanoseconds.
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
	int fd = open("/proc/self/exe", O_RDONLY);

	/* only a file's position is locked, and only with a second descriptor */
	if (fd < 0 || dup(fd) < 0)
		err(1, "/proc/self/exe");
	for (long i = 0; i < count; i++)
		lseek(fd, 0, SEEK_SET);
}

static void use_devices(long count)
{
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
	char buffer[64];

	for (long i = 0; i < count; i++)
		if (read(zero, buffer, sizeof(buffer)) < 0 ||
		    write(null, buffer, sizeof(buffer)) < 0)
			err(1, "reading and writing devices");
}

static void open_and_close(long count)
{
	for (long i = 0; i < count; i++)
		if (close(open("/dev/null", O_RDONLY)))
			err(1, "/dev/null");
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
	else if (!strcmp(argv[2], "devices"))
		use_devices(count);
	else if (!strcmp(argv[2], "open"))
		open_and_close(count);
	else
		errx(2, "%s: there are getppid, compute, mutex, devices, open", argv[2]);
	wall += now(CLOCK_MONOTONIC);
	cpu += now(CLOCK_PROCESS_CPUTIME_ID);
	printf("%lld %lld\n", wall, cpu);
	return 0;
}
