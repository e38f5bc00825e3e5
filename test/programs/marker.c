/*
 * marker KIND: one event of that kind from this process to itself, or more. When ipcdump has printed one,
 * everything that happened before is printed too. Kinds that are not here are marked by doctor's trial of them.
 */
#include "truth.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <termios.h>

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

static void mark_unix(int type)
{
	char byte = '.';
	int ends[2];

	check(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
	for (int i = 0; i < 2; i++) {
		check(send(ends[1], &byte, 1, 0) == 1, "send");
		check(recv(ends[0], &byte, 1, 0) == 1, "recv");
	}
}

static void mark_unix_stream(void)
{
	mark_unix(SOCK_STREAM);
}

static void mark_unix_dgram(void)
{
	mark_unix(SOCK_DGRAM);
}

static void mark_unix_seqpacket(void)
{
	mark_unix(SOCK_SEQPACKET);
}

static void mark_loopback(int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int server = socket(AF_INET, type, 0), client = socket(AF_INET, type, 0);
	char byte = '.';

	check(bind(server, (void *)&address, length) == 0, "bind");
	check(getsockname(server, (void *)&address, &length) == 0, "getsockname");
	if (type == SOCK_STREAM)
		check(listen(server, 1) == 0, "listen");
	check(connect(client, (void *)&address, length) == 0, "connect");
	if (type == SOCK_STREAM)
		server = accept(server, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		check(send(client, &byte, 1, 0) == 1, "send");
		check(recv(server, &byte, 1, 0) == 1, "recv");
	}
}

static void mark_loopback_tcp(void)
{
	mark_loopback(SOCK_STREAM);
}

static void mark_loopback_udp(void)
{
	mark_loopback(SOCK_DGRAM);
}

/* What a program prints, to the same process as the one that holds the terminal. */
static void mark_pty(void)
{
	struct termios mode;
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char byte = '.';

	check(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	check(slave >= 0 && tcgetattr(slave, &mode) == 0, "the terminal");
	cfmakeraw(&mode);
	tcsetattr(slave, TCSANOW, &mode);
	for (int i = 0; i < 2; i++) {
		check(write(slave, &byte, 1) == 1, "write");
		check(read(master, &byte, 1) == 1, "read");
	}
}

static const struct mode modes[] = {
	{"pipe", mark_pipe},
	{"signal", mark_signal},
	{"unix-stream", mark_unix_stream},
	{"unix-dgram", mark_unix_dgram},
	{"unix-seqpacket", mark_unix_seqpacket},
	{"loopback-tcp", mark_loopback_tcp},
	{"loopback-udp", mark_loopback_udp},
	{"pty", mark_pty},
};

int main(int argc, char **argv)
{
	return RUN_MODE(modes, argc, argv);
}
