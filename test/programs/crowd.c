/*
 * crowd SOCKETS PROCESSES: that many open unix sockets, in as few processes as their descriptors fit
 * in, and that many processes that sleep. Says "ready", ends when its stdin does.
 */
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKETS_A_PROCESS 1000

static int ready[2];

static void become(int sockets)
{
	int pair[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < sockets; i += 2)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			err(1, "socketpair");
	if (write(ready[1], "", 1) != 1)
		err(1, "write");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct rlimit files = {SOCKETS_A_PROCESS + 64, SOCKETS_A_PROCESS + 64};
	char byte;

	if (argc < 3)
		errx(2, "usage: crowd SOCKETS PROCESSES");
	int sockets = atoi(argv[1]), processes = atoi(argv[2]), made = 0;

	/* a group of its own: all of it is ended at once */
	setpgid(0, 0);
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "RLIMIT_NOFILE");
	if (pipe(ready))
		err(1, "pipe");
	for (; sockets > 0 || made < processes; made++, sockets -= SOCKETS_A_PROCESS) {
		int mine = sockets > SOCKETS_A_PROCESS ? SOCKETS_A_PROCESS : sockets;
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			become(mine > 0 ? mine : 0);
	}
	for (int i = 0; i < made; i++)
		if (read(ready[0], &byte, 1) != 1)
			err(1, "read");
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}
