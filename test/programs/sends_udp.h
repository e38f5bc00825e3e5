/* Datagrams that are held back, answered, sent to a group, or come by another address. */
#pragma once
#include "sends_scene.h"

/* UDP, from a socket of ann's that is bound to nothing to one of bob's */
static struct pair udp_between(const char *address, int port, struct place *client, struct place *server)
{
	struct pair pair;

	cast_all();
	*server = place_of(address, port);
	pair.to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&pair.to, server->address, server->length);
	set_port(server, port_of(&pair.to));
	pair.from = open_plug(ann, AF_INET, SOCK_DGRAM);
	*client = place_of("127.0.0.1", 0);
	return pair;
}

static void say_udp(const struct plug *from, const struct plug *to, struct place src, struct place dst, const char *bytes,
		    long count, enum how how)
{
	say_inet_sent((struct inet_sent){"loopback-udp", from, to, src, dst, bytes, count, how, SURE});
	check(take(to) == count, "recv");
}

/* The kernel looks at the lower half of such an argument only. */
static long wide(long argument)
{
	return sizeof(long) > 4 ? argument | 1L << 40 : argument;
}

/* What was held back is sent as UDP_CORK is taken off; and what a filter leaves of the next ones */
static void uncorked(void)
{
	struct place client, server;
	struct pair pair = udp_between("127.0.0.1", 0, &client, &server);
	int off = 0;

	connect_plug(&pair.from, server.address, server.length);
	client = place_at(&pair.from);
	set_option(&pair.from, IPPROTO_UDP, UDP_CORK, 1);
	check(call(ann, SYS_sendto, pair.from.fd, P("held "), 5, 0, 0, 0) == 5, "send");
	check(call(ann, SYS_sendto, pair.from.fd, P("back"), 4, 0, 0, 0) == 4, "send");
	must(call(ann, SYS_setsockopt, pair.from.fd, wide(IPPROTO_UDP), wide(UDP_CORK), P(lend_copy(&off, sizeof(off))),
		  sizeof(off)), "setsockopt");
	say_udp(&pair.from, &pair.to, client, server, "held back", 9, SPLICED);
	check(call(ann, SYS_sendto, pair.from.fd, P("free"), 4, 0, 0, 0) == 4, "send");
	say_udp(&pair.from, &pair.to, client, server, "free", 4, READ);
	/* eight more, for a filter is shown the header, too */
	filter(&pair.to, 8 + 6);
	check(call(ann, SYS_write, pair.from.fd, P(text), TEXT) == TEXT, "write");
	say_udp(&pair.from, &pair.to, client, server, text, 6, READ);
	filter(&pair.to, 0);
	check(call(ann, SYS_write, pair.from.fd, P(text), TEXT) == TEXT, "write");
}

/* A server that is bound to every address answers from the one that was asked */
static void answered(void)
{
	struct place client, server, anywhere = place_of("0.0.0.0", 0);
	struct pair pair = udp_between("0.0.0.0", 0, &client, &anywhere);
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000035)};
	struct msghdr *message = lend(sizeof(*message));
	struct cmsghdr *control = lend(64);

	server = place_of("127.0.0.53", anywhere.port);
	check(call(ann, SYS_sendto, pair.from.fd, P("query"), 5, 0, P(server.address), server.length) == 5, "sendto");
	set_port(&client, port_of(&pair.from));
	say_udp(&pair.from, &pair.to, client, server, "query", 5, READ);
	*message = *message_of(lend_copy(&(struct iovec){lend_copy("answer", 6), 6}, sizeof(struct iovec)), 1);
	message->msg_name = client.address;
	message->msg_namelen = client.length;
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(sizeof(info));
	*control = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
	memcpy(CMSG_DATA(control), &info, sizeof(info));
	check(call(bob, SYS_sendmsg, pair.to.fd, P(message), 0) == 6, "sendmsg");
	say_udp(&pair.to, &pair.from, server, client, "answer", 6, READ);
}

/* To a group, by a socket that was given no address and no device: its source is none, as recvfrom says */
static void to_group(void)
{
	struct place client, server, anywhere;
	struct pair pair;
	struct ip_mreqn member = {{htonl(0xe00000fb)}, {htonl(0x7f000001)}, 0};

	leave_network(0);
	check(system("ip route add 224.0.0.0/4 dev lo") == 0, "ip route");
	pair = udp_between("0.0.0.0", 5353, &client, &anywhere);
	must(call(bob, SYS_setsockopt, pair.to.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, P(lend_copy(&member, sizeof(member))),
		  sizeof(member)), "IP_ADD_MEMBERSHIP");
	server = place_of("224.0.0.251", 5353);
	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, P(server.address), server.length) == TEXT, "sendto");
	client = place_of("0.0.0.0", port_of(&pair.from));
	say_udp(&pair.from, &pair.to, client, server, text, TEXT, READ);
}

static void say_translated(const char *type, const struct plug *from, const struct plug *to, struct place src,
			   struct place dst, struct place nat, const char *bytes)
{
	char meta[320];
	long count = strlen(bytes);

	snprintf(meta, sizeof(meta),
		 "\"src_addr\":\"%s\",\"src_port\":%d,\"dst_addr\":\"%s\",\"dst_port\":%d,\"dst_inode\":%lu,"
		 "\"nat_addr\":\"%s\",\"nat_port\":%d",
		 src.text, src.port, dst.text, dst.port, to->inode, nat.text, nat.port);
	say_carried(type, from->who->name, to->who->name, meta, bytes, count, READ, SURE);
	check(take(to) == count, "recv");
}

/* A proxy gets what was meant for others: of this host, or of none */
static void redirected(void)
{
	const char *const meant[] = {"127.0.0.1", "10.99.99.99"};
	struct place client, server, proxy;
	struct plug listener, from, to;

	leave_network(0);
	check(system("ip link add v0 type veth peer name v1 && ip link set v1 up && ip addr add 10.77.0.2/24 dev v0 && ip link set v0 up &&"
		     "ip route add default via 10.77.0.1 && nft 'add table ip t' &&"
		     "nft 'add chain ip t o { type nat hook output priority -100; }' &&"
		     "nft 'add rule ip t o tcp dport 80 redirect to :8080' &&"
		     "nft 'add rule ip t o udp dport 53 redirect to :5353'") == 0, "ip, nft");
	cast_all();
	proxy = place_of("127.0.0.1", 8080);
	listener = open_plug(bob, AF_INET, SOCK_STREAM);
	bind_plug(&listener, proxy.address, proxy.length);
	listen_plug(&listener);
	for (int i = 0; i < 2; i++) {
		server = place_of(meant[i], 80);
		from = open_plug(ann, AF_INET, SOCK_STREAM);
		connect_plug(&from, server.address, server.length);
		client = place_at(&from);
		to = accept_plug(&listener);
		check(call(ann, SYS_write, from.fd, P("GET"), 3) == 3, "write");
		say_translated("loopback-tcp", &from, &to, client, server, proxy, "GET");
		check(call(bob, SYS_write, to.fd, P("200"), 3) == 3, "write");
		say_translated("loopback-tcp", &to, &from, proxy, client, server, "200");
	}
	/* before it is accepted nobody knows by what address it comes */
	server = place_of(meant[0], 80);
	from = open_plug(ann, AF_INET, SOCK_STREAM);
	connect_plug(&from, server.address, server.length);
	client = place_at(&from);
	check(call(ann, SYS_write, from.fd, P("early"), 5) == 5, "write");
	to = accept_plug(&listener);
	say_inet_sent((struct inet_sent){"loopback-tcp", &from, &to, client, server, "early", 5, READ, SURE});
	check(take(&to) == 5, "recv");
	proxy = place_of("127.0.0.1", 5353);
	server = place_of("127.0.0.1", 53);
	to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&to, proxy.address, proxy.length);
	from = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&from, server.address, server.length);
	client = place_at(&from);
	check(call(ann, SYS_write, from.fd, P("who"), 3) == 3, "write");
	say_translated("loopback-udp", &from, &to, client, server, proxy, "who");
	check(call(bob, SYS_sendto, to.fd, P("you"), 3, 0, P(client.address), client.length) == 3, "sendto");
	say_translated("loopback-udp", &to, &from, proxy, client, server, "you");
}
