/* giant N: one process sends N bytes to another in one call. Byte n is n modulo 251. Prints how many came. */
#include "actor.h"
#include <sys/socket.h>

static int ends[2];
static size_t length;

int main(int argc, char **argv)
{
	static char buffer[1 << 20];
	size_t taken = 0;
	ssize_t n;

	length = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	if (fork() == 0) {
		unsigned char *content = malloc(length);

		close(ends[0]);
		for (size_t i = 0; i < length; i++)
			content[i] = i % 251;
		check(send(ends[1], content, length, 0) == (ssize_t)length, "send");
		_exit(0);
	}
	close(ends[1]);
	while ((n = recv(ends[0], buffer, sizeof(buffer), 0)) > 0)
		taken += n;
	check(wait(NULL) > 0, "wait");
	printf("%zu\n", taken);
	return 0;
}
