/* udp MODE [ADDRESS] [own | steered] [early]: datagrams on this host, as tcp.c does it. */
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
	say_parcel((struct parcel){"loopback-udp", &a, &b, client, server, text, count, how, SURE});
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
	say_parcel((struct parcel){"loopback-udp", &b, &a, server, client, text, count, READ, SURE});
	check(take(&a) == count, "recv");
}

static void talk(void)
{
	for (int i = 0; i < 10; i++) {
		char *text = lend(100);

		sprintf(text, "THIS IS A MESSAGE FROM THE CLIENT, OF WHICH THE NUMBER IS %d", i);
		say_forth(text);
		sprintf(text + 80, "answer %d", i);
		say_back(text + 80);
	}
}

static void pair(void)
{
	meet();
	talk();
}

/* Neither is connected nor bound when the first one leaves. */
static void unconnected(void)
{
	ann = cast("ann");
	bob = cast("bob");
	server = place_of(address, 0);
	b = bound(bob, &server);
	a = open_plug(ann, family_of(address), SOCK_DGRAM);
	check(call(ann, SYS_sendto, a.fd, P("to whom"), 7, 0, P(server.address), server.length) == 7, "sendto");
	client = place_of(address, port_of(&a));
	forth("to whom", 7, READ);
	check(take(&b) == 7, "recv");
	say_back("it concerns");
}

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

static long raise_cable(long own)
{
	raise_device("veth0", (char *)own);
	return 0;
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

static const char *const words[] = {"one ", "two ", "three"};

static void ways(void)
{
	struct mmsghdr *messages = lend(3 * sizeof(*messages));

	meet();
	check(call(ann, SYS_write, a.fd, P("by write"), 8) == 8, "write");
	forth("by write", 8, READ);
	check(call(ann, SYS_writev, a.fd, P(pieces_of(words, 3)), 3) == 13, "writev");
	forth("one two three", 13, READ);
	check(call(ann, SYS_sendmsg, a.fd, P(message_of(pieces_of(words, 3), 3)), 0) == 13, "sendmsg");
	forth("one two three", 13, READ);
	for (int i = 0; i < 3; i++)
		messages[i].msg_hdr = *message_of(pieces_of(words + i, 1), 1);
	check(call(ann, SYS_sendmmsg, a.fd, P(messages), 3, 0) == 3, "sendmmsg");
	for (int i = 0; i < 3; i++)
		forth(words[i], strlen(words[i]), READ);
	for (int i = 0; i < 6; i++)
		take(&b);
	check(call(ann, SYS_sendto, a.fd, P(""), 0, 0, 0, 0) == 0, "send of nothing");
	forth("", 0, READ);
	check(take(&b) == 0, "recv");
}

/* A thousand datagrams a call, four times in a row, before anybody reads. */
static void crowd(void)
{
	enum { CALLS = 4, MOST = 1024 };
	struct mmsghdr *messages = lend(MOST * sizeof(*messages));
	static const char *const text[] = {"one of many"};

	meet();
	set_option(&b, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
	for (int i = 0; i < MOST; i++)
		messages[i].msg_hdr = *message_of(pieces_of(text, 1), 1);
	for (int i = 0; i < CALLS; i++)
		check(call(ann, SYS_sendmmsg, a.fd, P(messages), MOST, 0) == MOST, "sendmmsg");
	for (int i = 0; i < CALLS * MOST; i++) {
		forth(text[0], 11, READ);
		check(take(&b) == 11, "recv");
	}
}

/* Three calls, one datagram: one event, when it leaves. Its contents are those of three calls. */
static void corked(void)
{
	meet();
	check(call(ann, SYS_sendto, a.fd, P("one "), 4, MSG_MORE, 0, 0) == 4, "send");
	check(call(ann, SYS_sendto, a.fd, P("two "), 4, MSG_MORE, 0, 0) == 4, "send");
	check(call(ann, SYS_sendto, a.fd, P("three"), 5, 0, 0, 0) == 5, "send");
	forth("one two three", 13, SPLICED);
	check(take(&b) == 13, "recv");
	say_forth("and one by itself");
}

/* 60,000 bytes are one datagram on this device. */
static void large(void)
{
	enum { SIZE = 60000 };
	char *text = lend(SIZE);

	for (int i = 0; i < SIZE; i++)
		text[i] = i * 7 + i / 253;
	meet();
	check(call(ann, SYS_sendto, a.fd, P(text), SIZE, 0, 0, 0) == SIZE, "send");
	forth(text, SIZE, READ);
	check(take(&b) == SIZE, "recv");
}

/* One call whose bytes the kernel cuts to several datagrams: one event all the same. */
static void segments(void)
{
	char *text = lend(250);

	for (int i = 0; i < 250; i++)
		text[i] = 'a' + i % 26;
	meet();
	set_option(&a, IPPROTO_UDP, UDP_SEGMENT, 100);
	check(call(ann, SYS_sendto, a.fd, P(text), 250, 0, 0, 0) == 250, "send");
	forth(text, 250, READ);
	check(take(&b) == 100 && take(&b) == 100 && take(&b) == 50, "recv");
	set_option(&a, IPPROTO_UDP, UDP_SEGMENT, 0);
	say_forth("in one piece");
}

static long request(long sqe)
{
	return complete_request((struct io_uring_sqe *)sqe);
}

static void by_ring(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));

	meet();
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = a.fd, .addr = P("ring send"), .len = 9};
	check(play(ann, request, sqe) == 9, "io_uring send");
	forth("ring send", 9, URING);
	check(take(&b) == 9, "recv");
}

static long two_requests(long sqes)
{
	return complete_requests((struct io_uring_sqe *)sqes, 2, 0);
}

/* To addresses, two in one go; by a worker; and by a send that says where to, where io_uring can do that. */
static void by_rings(void)
{
	struct io_uring_sqe *sqes = lend(2 * sizeof(*sqes));
	static const char *const words[] = {"first", "second"};
	struct msghdr *message;
	long sent;

	ann = cast("ann");
	bob = cast("bob");
	server = place_of(address, 0);
	b = bound(bob, &server);
	client = place_of(address, 0);
	a = bound(ann, &client);
	for (int i = 0; i < 2; i++) {
		message = message_of(pieces_of(&words[i], 1), 1);
		message->msg_name = server.address;
		message->msg_namelen = server.length;
		sqes[i] = (struct io_uring_sqe){
			.opcode = IORING_OP_SENDMSG, .fd = a.fd, .addr = P(message), .len = 1};
	}
	check(play(ann, two_requests, sqes) == 11, "two io_uring sendmsg");
	forth("first", 5, URING);
	forth("second", 6, URING);
	take(&b);
	take(&b);
	sqes[0].flags = IOSQE_ASYNC;
	check(play(ann, request, sqes) == 5, "io_uring sendmsg by a worker");
	forth("first", 5, URING);
	take(&b);
	sqes[0] = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = a.fd, .addr = P("to you"), .len = 6,
					.addr2 = P(server.address), .addr_len = server.length};
	sent = play(ann, request, sqes);
	check(sent == 6 || sent == -EDESTADDRREQ || sent == -EINVAL, "io_uring send to an address");
	if (sent != 6)
		return;
	forth("to you", 6, URING);
	take(&b);
}

static void by_splice(void)
{
	int ends[2];

	check(pipe(ends) == 0, "pipe");
	write_all(ends[1], "out of a pipe", 13);
	meet();
	check(call(ann, SYS_splice, ends[0], 0, a.fd, 0, 100, 0) == 13, "splice");
	forth("out of a pipe", 13, SPLICED);
	check(take(&b) == 13, "recv");
}

/* Nobody is there, or not for us, or the size is wrong. */
static void nobody(void)
{
	struct plug stranger;
	struct place elsewhere;

	meet();
	close_plug(&b);
	check(call(ann, SYS_sendto, a.fd, P("x"), 1, 0, 0, 0) == 1, "send");
	check(call(ann, SYS_sendto, a.fd, P("x"), 1, 0, 0, 0) == -ECONNREFUSED, "ECONNREFUSED");
	/* bob listens to a stranger only */
	b = bound(bob, &server);
	elsewhere = place_of(address, 0);
	stranger = bound(bob, &elsewhere);
	connect_plug(&b, elsewhere.address, elsewhere.length);
	check(call(ann, SYS_sendto, a.fd, P("not for him"), 11, 0, 0, 0) == 11, "send");
	check(try_take(&b) == -EAGAIN, "it came");
	close_plug(&b);
	close_plug(&stranger);
	b = bound(bob, &server);
	call(ann, SYS_getsockopt, a.fd, SOL_SOCKET, SO_ERROR, P(lend(16)), P(lend_copy(&(int){4}, 4)));
	check(call(ann, SYS_sendto, a.fd, P(stage->arena), 70000, 0, 0, 0) == -EMSGSIZE, "EMSGSIZE");
	check(call(ann, SYS_sendto, a.fd, 8, 10, 0, 0, 0) == -EFAULT, "EFAULT");
	say_forth("at last");
}

/* What did not fit into the receiver's queue was received by nobody. */
static void full(void)
{
	char *text = lend(2000);
	int fits = 0;

	memset(text, 'f', 2000);
	meet();
	set_option(&b, SOL_SOCKET, SO_RCVBUF, 10000);
	for (int i = 0; i < 30; i++) {
		memcpy(text, &i, sizeof(i));
		check(call(ann, SYS_sendto, a.fd, P(text), 2000, 0, 0, 0) == 2000, "send");
	}
	while (try_take(&b) == 2000) {
		forth(stage->arena, 2000, READ);
		fits++;
	}
	check(fits > 0 && fits < 30, "all fit, or none");
}

/* One event for each who receives it. */
static void to_many(const char *group, const char *from, int option)
{
	struct plug receivers[3];
	struct in_addr wanted;

	if (!steered)
		leave_network(0);
	ann = cast("ann");
	server = place_of(option ? group : "0.0.0.0", 7000);
	inet_pton(AF_INET, group, &wanted);
	for (int i = 0; i < 3; i++) {
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
		for (int i = 0; i < 3; i++) {
			b = receivers[i];
			forth("to all", 6, READ);
			check(take(&b) == 6, "recv");
			check(try_take(&b) == -EAGAIN, "twice");
		}
	}
}

static void multicast(void)
{
	to_many("239.1.2.3", "127.0.0.1", 1);
}

static void broadcast(void)
{
	to_many("127.255.255.255", "127.0.0.1", 0);
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

static long breed(long name)
{
	return P(enter((char *)name));
}

/* The child reads what its parent has used. */
static void forked(void)
{
	static const char either[] = "whoever takes it", child[] = "to the child";

	meet();
	say_back("from the parent");
	say_forth("to the parent");
	bob = (void *)play(bob, breed, "child");
	say_role("child", bob->pid, "child");
	b = plug(bob, b.fd);
	/* the parent has it still */
	check(call(ann, SYS_sendto, a.fd, P(either), 16, 0, 0, 0) == 16, "send");
	say_parcel((struct parcel){"loopback-udp", &a, &b, client, server, either, 16, READ, MAY_GUESS});
	check(take(&b) == 16, "recv");
	check(call(ann, SYS_sendto, a.fd, P(child), 12, 0, 0, 0) == 12, "send");
	say_parcel((struct parcel){"loopback-udp", &a, &b, client, server, child, 12, READ, MAY_GUESS});
	check(take(&b) == 12, "recv");
	say_back("from the child");
}

static void self(void)
{
	ann = bob = cast("self");
	server = place_of(address, 0);
	b = bound(bob, &server);
	a = open_plug(ann, family_of(address), SOCK_DGRAM);
	connect_plug(&a, server.address, server.length);
	client = place_at(&a);
	talk();
}

static const struct mode modes[] = {
	{"pair", pair},
	{"unconnected", unconnected},
	{"mapped", mapped},
	{"any", any},
	{"own_address", own_address},
	{"leaving", leaving},
	{"ways", ways},
	{"crowd", crowd},
	{"corked", corked},
	{"large", large},
	{"segments", segments},
	{"io_uring", by_ring},
	{"rings", by_rings},
	{"splice", by_splice},
	{"nobody", nobody},
	{"full", full},
	{"multicast", multicast},
	{"broadcast", broadcast},
	{"reuseport", reuseport},
	{"forked", forked},
	{"self", self},
};

/* All in a network of its own, sent on one processor and received on another: on somebody's time, or nobody's. */
static void steer(void)
{
	static const char folder[] = "/sys";
	cpu_set_t set;
	int fd;

	leave_network(0);
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	must(mount("sysfs", folder, "sysfs", 0, NULL), "mount of sysfs");
	fd = open("/sys/class/net/lo/queues/rx-0/rps_cpus", O_WRONLY);
	must(fd, "rps_cpus");
	must(write(fd, "2", 1), "write of rps_cpus");
	close(fd);
	CPU_ZERO(&set);
	CPU_SET(1, &set);
	if (fork() == 0) {
		/* whose time it is: of nobody's that a test machine hides from tracing, as it may its own agents */
		must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
		must(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}), "SCHED_FIFO");
		for (;;)
			;
	}
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
	steered = 1;
}

int main(int argc, char **argv)
{
	int status;

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "early"))
			early = 1;
		else if (!strcmp(argv[i], "server"))
			old_server = 1;
		else if (!strcmp(argv[i], "own"))
			leave_network(0);
		else if (!strcmp(argv[i], "steered"))
			steer();
		else if (strpbrk(argv[i], ".:"))
			address = argv[i];
		else
			port = atoi(argv[i]);
	}
	set_stage();
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		linger();
	return status;
}
