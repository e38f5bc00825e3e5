/*
 * marker pipe | marker signal: one event from this process to itself. When ipcdump has printed it,
 * everything that happened before is printed too.
 */
#include "truth.h"

static void mark_pipe(void)
{
	char byte = '.';
	int ends[2];

	check(pipe(ends) == 0, "pipe");
	check(write(ends[1], &byte, 1) == 1, "write");
	check(read(ends[0], &byte, 1) == 1, "read");
}

static void mark_signal(void)
{
	kill(getpid(), SIGURG);
}

static const struct mode modes[] = {{"pipe", mark_pipe}, {"signal", mark_signal}};

int main(int argc, char **argv)
{
	return RUN_MODE(modes, argc, argv);
}
