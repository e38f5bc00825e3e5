/* Two processes and their sockets, for all of udp.c. */
#pragma once
#include "net.h"
#include "ring.h"
#include <sys/mount.h>
#include <sys/prctl.h>

static const char *address = "127.0.0.1";
static int early, old_server, steered, port;
static struct actor *ann, *bob;
static struct plug a, b;
static struct place client, server;

static struct plug bound(struct actor *who, struct place *place)
{
	struct plug one = open_plug(who, place->address->ss_family, SOCK_DGRAM);

	bind_plug(&one, place->address, place->length);
	set_port(place, port_of(&one));
	return one;
}

/* bob is bound, ann connects to him. */
static void meet(void)
{
	ann = cast("ann");
	bob = cast("bob");
	server = place_of(address, port);
	b = bound(bob, &server);
	if (old_server)
		wait_for_test();
	a = open_plug(ann, family_of(address), SOCK_DGRAM);
	connect_plug(&a, server.address, server.length);
	client = place_at(&a);
	if (early)
		wait_for_test();
}

static void forth(const void *text, long count, enum how how)
{
	say_inet_sent((struct inet_sent){"loopback-udp", &a, &b, client, server, text, count, how, SURE});
}

static void say_forth(const char *text)
{
	long count = strlen(text);

	check(call(ann, SYS_sendto, a.fd, P(text), count, 0, 0, 0) == count, "send");
	forth(text, count, READ);
	check(take(&b) == count, "recv");
}

/* bob is not connected: he answers to an address. */
static void say_back(const char *text)
{
	long count = strlen(text);

	check(call(bob, SYS_sendto, b.fd, P(text), count, 0, P(client.address), client.length) == count, "sendto");
	say_inet_sent((struct inet_sent){"loopback-udp", &b, &a, server, client, text, count, READ, SURE});
	check(take(&a) == count, "recv");
}
