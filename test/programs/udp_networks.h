/* Addresses of the other family, of any, of another device. */
#pragma once
#include "udp_scene.h"

/* Between sockets of both families: what travels is IPv4. */
static void mapped(void)
{
	struct place there;

	ann = cast("ann");
	bob = cast("bob");
	server = place_of("127.0.0.1", 0);
	b = bound(bob, &server);
	there = place_of("::ffff:127.0.0.1", server.port);
	a = open_plug(ann, AF_INET6, SOCK_DGRAM);
	connect_plug(&a, there.address, there.length);
	client = place_at(&a);
	talk();
}

/* Bound to any address, of any family: the datagram has the one it was sent to. */
static void any(void)
{
	struct place everywhere = place_of("::", 0);

	ann = cast("ann");
	bob = cast("bob");
	b = open_plug(bob, AF_INET6, SOCK_DGRAM);
	set_option(&b, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	bind_plug(&b, everywhere.address, everywhere.length);
	server = place_of("127.0.0.2", port_of(&b));
	a = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&a, server.address, server.length);
	client = place_at(&a);
	say_forth("by IPv4");
	server = place_of("::1", server.port);
	a = open_plug(ann, AF_INET6, SOCK_DGRAM);
	connect_plug(&a, server.address, server.length);
	client = place_at(&a);
	say_forth("by IPv6");
}

static void own_address(void)
{
	struct actor *neighbour;

	leave_network(0);
	neighbour = cast("neighbour");
	play(neighbour, leave_network, 0);
	/* where there is no other device to have, the address stands on lo */
	raise_device(lay_cable(neighbour->pid) == 0 ? "veth0" : "lo:1", "10.9.8.7");
	address = "10.9.8.7";
	pair();
}

/* What goes over a cable to another network is not the loopback's. */
static void leaving(void)
{
	bob = cast("bob");
	play(bob, leave_network, 0);
	leave_network(0);
	ann = cast("ann");
	must(lay_cable(bob->pid), "veth");
	play(ann, raise_cable, "10.9.8.1");
	play(bob, raise_cable, "10.9.8.2");
	server = place_of("10.9.8.2", 7000);
	b = bound(bob, &server);
	a = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&a, server.address, server.length);
	check(call(ann, SYS_sendto, a.fd, P("to another host"), 15, 0, 0, 0) == 15, "send");
	check(take(&b) == 15, "recv");
}
