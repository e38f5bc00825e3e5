/*
 * execs CPU COUNT RATE: starts itself COUNT times, RATE times a second, each of which ends at once; all of it on one
 * core. Prints the wall-clock time and the CPU time of all of them, in nanoseconds.
 */
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time))
		err(1, "clock_gettime");
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long used(int whose)
{
	struct rusage usage;

	if (getrusage(whose, &usage))
		err(1, "getrusage");
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char **argv)
{
	char *words[] = {argv[0], NULL};
	long long start, count, rate;
	cpu_set_t set;

	if (argc == 1)
		return 0;
	if (argc < 4)
		errx(2, "usage: execs CPU COUNT RATE");
	count = atoll(argv[2]);
	rate = atoll(argv[3]);
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (rate < 1 || sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	start = now();
	for (long long i = 0; i < count; i++) {
		long long due = start + i * 1000000000LL / rate;
		struct timespec time = {due / 1000000000LL, due % 1000000000LL};
		pid_t pid;
		int status;

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
		if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ))
			err(1, "posix_spawn");
		if (waitpid(pid, &status, 0) != pid || status)
			errx(1, "a child ended with %d", status);
	}
	printf("%lld %lld\n", now() - start, used(RUSAGE_SELF) + used(RUSAGE_CHILDREN));
	return 0;
}
