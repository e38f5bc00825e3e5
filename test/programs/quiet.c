/*
 * quiet N: N times a byte into a pipe of its own and out again, and in the end one that nobody reads. It
 * waits before and after.
 * quiet signals: waits for a number, sends itself as many signals that it ignores, and waits again.
 */
#include "truth.h"

static int signals(void)
{
	char line[32];

	for (;;) {
		say("{\"waiting\":true}");
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		for (long left = atol(line); left > 0; left--)
			check(kill(getpid(), SIGWINCH) == 0, "kill");
	}
}

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? atol(argv[1]) : 1000;
	char byte = '.';
	int ends[2];

	if (argc > 1 && !strcmp(argv[1], "signals"))
		return signals();
	check(pipe(ends) == 0, "pipe");
	wait_for_test();
	for (long i = 0; i < pairs; i++) {
		check(write(ends[1], &byte, 1) == 1, "write");
		check(read(ends[0], &byte, 1) == 1, "read");
	}
	check(write(ends[1], &byte, 1) == 1, "write");
	wait_for_test();
	return 0;
}
