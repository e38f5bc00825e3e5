// How fast this processor's time stamp counter runs: prints kHz, by the kernel's clock over a fifth of a second.
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(void)
{
	uint64_t from = nanoseconds(), ticks = __rdtsc(), until;

	do
		until = nanoseconds();
	while (until - from < 200000000);
	ticks = __rdtsc() - ticks;
	printf("%llu\n", (unsigned long long)(ticks * 1000000 / (until - from)));
	return 0;
}
