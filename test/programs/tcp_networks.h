/* Addresses of the other family, of another device, in another network. */
#pragma once
#include "tcp_scene.h"

/* An IPv6 socket talks to an IPv4 one. */
static void mapped(void)
{
	ann = cast("ann");
	bob = cast("bob");
	serve();
	reach("::ffff:127.0.0.1");
	b = accept_plug(&listener);
	talk();
}

/* An IPv6 socket is talked to by an IPv4 one. */
static void mapped_server(void)
{
	struct place any;

	ann = cast("ann");
	bob = cast("bob");
	any = place_of("::", 0);
	listener = open_plug(bob, AF_INET6, SOCK_STREAM);
	set_option(&listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	bind_plug(&listener, any.address, any.length);
	listen_plug(&listener);
	server = place_of("127.0.0.1", port_of(&listener));
	reach("127.0.0.1");
	b = accept_plug(&listener);
	talk();
}

/* The host's own address on a device that is not the loopback one. */
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

/* Two networks, the same addresses and ports in both at the same time. */
static void two_networks(void)
{
	struct plug ends[2][2], listeners[2];
	struct place from = place_of("127.0.0.1", 7001);

	server = place_of("127.0.0.1", 7000);
	client = from;
	for (int i = 0; i < 2; i++) {
		leave_network(0);
		ann = cast(i ? "cyd" : "ann");
		bob = cast(i ? "dan" : "bob");
		listeners[i] = open_plug(bob, AF_INET, SOCK_STREAM);
		bind_plug(&listeners[i], server.address, server.length);
		listen_plug(&listeners[i]);
		ends[i][0] = open_plug(ann, AF_INET, SOCK_STREAM);
		bind_plug(&ends[i][0], from.address, from.length);
		connect_plug(&ends[i][0], server.address, server.length);
		ends[i][1] = accept_plug(&listeners[i]);
	}
	if (early)
		wait_for_test();
	for (int i = 0; i < 6; i++) {
		a = ends[i % 2][0];
		b = ends[i % 2][1];
		ann = a.who;
		bob = b.who;
		say_forth(i % 2 ? "in the second network" : "in the first network");
		say_back(i % 2 ? "heard in the second" : "heard in the first");
	}
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
	address = "10.9.8.2";
	serve();
	reach(address);
	b = accept_plug(&listener);
	check(call(ann, SYS_sendto, a.fd, P("to another host"), 15, 0, 0, 0) == 15, "send");
	take_all(&b, 15);
	check(call(bob, SYS_sendto, b.fd, P("from another host"), 17, 0, 0, 0) == 17, "send");
	take_all(&a, 17);
}
