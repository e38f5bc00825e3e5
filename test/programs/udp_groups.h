/* One datagram for several, or one of several sockets. */
#pragma once
#include "udp_scene.h"

enum { FEW = 3, MANY = 40 };

/* One event for each of so many who receive it. */
static void to_many(const char *group, const char *from, int option, int count)
{
	struct plug receivers[MANY];
	struct in_addr wanted;

	if (!steered)
		leave_network(0);
	ann = cast("ann");
	server = place_of(option ? group : "0.0.0.0", 7000);
	inet_pton(AF_INET, group, &wanted);
	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "receiver%d", i);
		receivers[i] = open_plug(cast(name), AF_INET, SOCK_DGRAM);
		set_option(&receivers[i], SOL_SOCKET, SO_REUSEADDR, 1);
		bind_plug(&receivers[i], server.address, server.length);
		if (option) {
			struct ip_mreqn member = {wanted, {0}, 1};

			must(call(receivers[i].who, SYS_setsockopt, receivers[i].fd, IPPROTO_IP, IP_ADD_MEMBERSHIP,
				  P(lend_copy(&member, sizeof(member))), sizeof(member)), "IP_ADD_MEMBERSHIP");
		}
	}
	server = place_of(group, 7000);
	a = open_plug(ann, AF_INET, SOCK_DGRAM);
	client = place_of(from, 7001);
	bind_plug(&a, client.address, client.length);
	if (option) {
		struct ip_mreqn device = {{0}, {0}, 1};

		must(call(ann, SYS_setsockopt, a.fd, IPPROTO_IP, IP_MULTICAST_IF, P(lend_copy(&device, sizeof(device))),
			  sizeof(device)), "IP_MULTICAST_IF");
	} else {
		set_option(&a, SOL_SOCKET, SO_BROADCAST, 1);
	}
	for (int round = 0; round < 2; round++) {
		check(call(ann, SYS_sendto, a.fd, P("to all"), 6, 0, P(server.address), server.length) == 6, "sendto");
		for (int i = 0; i < count; i++) {
			b = receivers[i];
			forth("to all", 6, READ);
			check(take(&b) == 6, "recv");
			check(try_take(&b) == -EAGAIN, "twice");
		}
	}
}

static void multicast(void)
{
	to_many("239.1.2.3", "127.0.0.1", 1, FEW);
}

/* More than ipcdump keeps of one datagram. */
static void multicast_to_many(void)
{
	to_many("239.1.2.4", "127.0.0.1", 1, MANY);
}

static void broadcast(void)
{
	to_many("127.255.255.255", "127.0.0.1", 0, FEW);
}

/* Two sockets at one port: one of them gets it. */
static void reuseport(void)
{
	struct plug both[2];

	ann = cast("ann");
	server = place_of(address, 0);
	for (int i = 0; i < 2; i++) {
		struct place same = place_of(address, server.port);

		both[i] = open_plug(cast(i ? "worker1" : "worker0"), AF_INET, SOCK_DGRAM);
		set_option(&both[i], SOL_SOCKET, SO_REUSEPORT, 1);
		bind_plug(&both[i], same.address, same.length);
		set_port(&server, port_of(&both[i]));
	}
	for (int i = 0; i < 10; i++) {
		a = open_plug(ann, AF_INET, SOCK_DGRAM);
		connect_plug(&a, server.address, server.length);
		client = place_at(&a);
		check(call(ann, SYS_sendto, a.fd, P("to one of you"), 13, 0, 0, 0) == 13, "send");
		for (int turn = 0; b = both[turn & 1], try_take(&b) != 13; turn++)
			;
		forth("to one of you", 13, READ);
	}
}
