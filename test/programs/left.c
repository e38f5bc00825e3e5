/*
 * left PIPES: so many pipes are each left with a byte by processes that have a thousand of them; says so, waits for a
 * line, and closes them all.
 */
#include "truth.h"
#include <sys/resource.h>
#include <sys/wait.h>

enum { EACH = 1000 };

int main(int argc, char **argv)
{
	struct rlimit limit = {2 * EACH + 100, 2 * EACH + 100};
	int gate[2], count[2], holders;
	char line[16], byte;

	check(argc == 2, "usage: left PIPES");
	holders = (atoi(argv[1]) + EACH - 1) / EACH;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	check(pipe(gate) == 0 && pipe(count) == 0, "pipe");
	for (int i = 0; i < holders; i++) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid > 0)
			continue;
		close(gate[1]);
		for (int k = 0; k < EACH; k++) {
			int ends[2];

			check(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, "a pipe");
		}
		check(write(count[1], "x", 1) == 1, "write");
		_exit(read(gate[0], &byte, 1) != 0);
	}
	for (int i = 0; i < holders; i++)
		check(read(count[0], &byte, 1) == 1, "read");
	puts("full");
	fflush(stdout);
	check(fgets(line, sizeof(line), stdin) != NULL, "stdin");
	close(gate[1]);
	for (int i = 0; i < holders; i++)
		check(wait(NULL) > 0, "wait");
	puts("closed");
	return 0;
}
