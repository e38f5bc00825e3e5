/*
 * quiet N: N times a byte into a pipe of its own and out again, and in the end one that nobody reads. It
 * waits before and after.
 */
#include "truth.h"

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? atol(argv[1]) : 1000;
	char byte = '.';
	int ends[2];

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
