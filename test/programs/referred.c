/*
 * referred N: N messages to a process of which another thread refers to the same socket all the time, over each kind of
 * connection: the file has one reference at one moment and two at the next.
 */
#include "actor.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>

static int receiving, sending;
static long count;

static _Atomic uint32_t *taken(void)
{
	return (void *)stage->arena;
}

static void *refer(void *unused)
{
	int type;
	socklen_t length = sizeof(type);

	while (atomic_load(taken()) < count)
		check(getsockopt(receiving, SOL_SOCKET, SO_TYPE, &type, &length) == 0, "getsockopt");
	return unused;
}

static long take(long unused)
{
	pthread_t thread;
	char text[8];

	close(sending);
	check(pthread_create(&thread, NULL, refer, NULL) == 0, "pthread_create");
	while (atomic_load(taken()) < count) {
		if (recv(receiving, text, sizeof(text), MSG_DONTWAIT) > 0)
			atomic_fetch_add(taken(), 1);
		else
			sched_yield();
	}
	check(pthread_join(thread, NULL) == 0, "pthread_join");
	return unused;
}

static long give(long unused)
{
	close(receiving);
	for (uint32_t i = 0; i < count; i++) {
		check(send(sending, "referred", 8, 0) == 8, "send");
		while (atomic_load(taken()) <= i)
			sched_yield();
	}
	return unused;
}

static void connect_pair(int type)
{
	int ends[2];

	check(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
	receiving = ends[0];
	sending = ends[1];
}

static void connect_tcp(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	check(listener >= 0 && listen(listener, 1) == 0, "listen");
	check(getsockname(listener, (void *)&address, &length) == 0, "getsockname");
	sending = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(sending, (void *)&address, length) == 0, "connect");
	receiving = accept(listener, NULL, NULL);
	check(receiving >= 0 && close(listener) == 0, "accept");
}

/* Each process has its own end only. */
static void move_all(void)
{
	struct actor *receiver, *sender;

	set_stage();
	memset(stage->arena, 0, sizeof(uint32_t));
	receiver = enter("refreceiver");
	sender = enter("refsender");
	close(receiving);
	close(sending);
	begin(receiver, PLAY, P(take), 0);
	begin(sender, PLAY, P(give), 0);
	answer(receiver);
	answer(sender);
}

int main(int argc, char **argv)
{
	count = argc > 1 ? atol(argv[1]) : 1000;
	connect_pair(SOCK_STREAM);
	move_all();
	connect_pair(SOCK_DGRAM);
	move_all();
	connect_pair(SOCK_SEQPACKET);
	move_all();
	connect_tcp();
	move_all();
	exeunt();
	return 0;
}
