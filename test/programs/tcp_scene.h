/* Two processes and their connection, for all of tcp.c. */
#pragma once
#include "net.h"
#include "ring.h"
#include <sys/sendfile.h>

static const char *address = "127.0.0.1";
static int early, old_server, port;
static struct actor *ann, *bob;
static struct plug a, b, listener;
static struct place client, server;

/* bob listens */
static void serve(void)
{
	server = place_of(address, port);
	listener = open_plug(bob, family_of(address), SOCK_STREAM);
	set_option(&listener, SOL_SOCKET, SO_REUSEADDR, 1);
	bind_plug(&listener, server.address, server.length);
	set_port(&server, port_of(&listener));
	listen_plug(&listener);
}

/* ann connects; v4-mapped: from a socket of the other family */
static void reach(const char *to)
{
	struct place there = place_of(to, server.port);

	a = open_plug(ann, family_of(to), SOCK_STREAM);
	connect_plug(&a, there.address, there.length);
	client = place_at(&a);
}

static void meet(void)
{
	ann = cast("ann");
	bob = cast("bob");
	serve();
	if (old_server)
		wait_for_test();
	reach(address);
	b = accept_plug(&listener);
	if (early)
		wait_for_test();
}

static void forth(const char *text, long count, enum how how, enum guess guess)
{
	say_inet_sent((struct inet_sent){"loopback-tcp", &a, &b, client, server, text, count, how, guess});
}

static void back(const char *text, long count, enum how how, enum guess guess)
{
	say_inet_sent((struct inet_sent){"loopback-tcp", &b, &a, server, client, text, count, how, guess});
}

static void take_all(const struct plug *plug, long count)
{
	for (long got = 0; got < count;)
		got += take(plug);
}

static void say_forth(const char *text)
{
	long count = strlen(text);

	check(call(ann, SYS_sendto, a.fd, P(text), count, 0, 0, 0) == count, "send");
	forth(text, count, READ, SURE);
	take_all(&b, count);
}

static void say_back(const char *text)
{
	long count = strlen(text);

	check(call(b.who, SYS_write, b.fd, P(text), count) == count, "write");
	back(text, count, READ, SURE);
	take_all(&a, count);
}
