/*
 * tcp MODE [ADDRESS] [own] [early]: a client and a server on this host. own: in a network of their own; early:
 * all is connected before tracing begins; server: only the server is older than that.
 */
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
	say_parcel((struct parcel){"loopback-tcp", &a, &b, client, server, text, count, how, guess});
}

static void back(const char *text, long count, enum how how, enum guess guess)
{
	say_parcel((struct parcel){"loopback-tcp", &b, &a, server, client, text, count, how, guess});
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

/* As the first ipcdump's tests: ten messages, and here as many back. */
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
	address = "10.9.8.2";
	serve();
	reach(address);
	b = accept_plug(&listener);
	check(call(ann, SYS_sendto, a.fd, P("to another host"), 15, 0, 0, 0) == 15, "send");
	take_all(&b, 15);
	check(call(bob, SYS_sendto, b.fd, P("from another host"), 17, 0, 0, 0) == 17, "send");
	take_all(&a, 17);
}

/* Each way to send; one event a call. */
static const char *const words[] = {"one ", "two ", "three"};

static void ways(void)
{
	struct mmsghdr *messages = lend(3 * sizeof(*messages));

	meet();
	check(call(ann, SYS_writev, a.fd, P(pieces_of(words, 3)), 3) == 13, "writev");
	forth("one two three", 13, READ, SURE);
	take_all(&b, 13);
	check(call(ann, SYS_sendmsg, a.fd, P(message_of(pieces_of(words, 3), 3)), 0) == 13, "sendmsg");
	forth("one two three", 13, READ, SURE);
	take_all(&b, 13);
	for (int i = 0; i < 3; i++)
		messages[i].msg_hdr = *message_of(pieces_of(words + i, 1), 1);
	check(call(ann, SYS_sendmmsg, a.fd, P(messages), 3, 0) == 3, "sendmmsg");
	for (int i = 0; i < 3; i++)
		forth(words[i], strlen(words[i]), READ, SURE);
	take_all(&b, 13);
	/* held back until the next one, and yet two calls */
	check(call(ann, SYS_sendto, a.fd, P("more "), 5, MSG_MORE, 0, 0) == 5, "send");
	forth("more ", 5, READ, SURE);
	check(call(ann, SYS_sendto, a.fd, P("to come"), 7, 0, 0, 0) == 7, "send");
	forth("to come", 7, READ, SURE);
	take_all(&b, 12);
	check(call(ann, SYS_sendto, a.fd, P("urgent"), 6, MSG_OOB, 0, 0) == 6, "send");
	forth("urgent", 6, READ, SURE);
	take_all(&b, 5);
	say_back("enough");
}

static void by_splice(void)
{
	int ends[2];

	check(pipe(ends) == 0, "pipe");
	meet();
	write_all(ends[1], "out of ", 7);
	write_all(ends[1], "a pipe", 6);
	check(call(ann, SYS_splice, ends[0], 0, a.fd, 0, 100, 0) == 13, "splice");
	forth("out of a pipe", 13, SPLICED, SURE);
	take_all(&b, 13);
}

static void by_sendfile(void)
{
	enum { SIZE = 100000 };
	char *text = malloc(SIZE);
	int file = memfd_create("text", 0);

	for (int i = 0; i < SIZE; i++)
		text[i] = 'a' + i % 26;
	write_all(file, text, SIZE);
	lseek(file, 0, SEEK_SET);
	meet();
	check(call(ann, SYS_sendfile, a.fd, file, 0, SIZE) == SIZE, "sendfile");
	forth(text, SIZE, SPLICED, SURE);
	take_all(&b, SIZE);
}

static void by_zerocopy(void)
{
	enum { SIZE = 20000 };
	char *text = lend(SIZE);

	for (int i = 0; i < SIZE; i++)
		text[i] = 'a' + i % 26;
	meet();
	set_option(&a, SOL_SOCKET, SO_ZEROCOPY, 1);
	check(call(ann, SYS_sendto, a.fd, P(text), SIZE, MSG_ZEROCOPY, 0, 0) == SIZE, "send");
	forth(text, SIZE, READ, SURE);
	take_all(&b, SIZE);
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
	forth("ring send", 9, URING, SURE);
	take_all(&b, 9);
}

/* By a worker, and without copying where the kernel can do that. */
static void by_rings(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));
	long sent;

	meet();
	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_SEND, .flags = IOSQE_ASYNC, .fd = a.fd, .addr = P("by a worker"), .len = 11};
	check(play(ann, request, sqe) == 11, "io_uring send by a worker");
	forth("by a worker", 11, URING, SURE);
	take_all(&b, 11);
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_SEND_ZC, .fd = a.fd, .addr = P("as it is"), .len = 8};
	sent = play(ann, request, sqe);
	check(sent == 8 || sent == -EINVAL, "io_uring send without copying");
	if (sent != 8)
		return;
	forth("as it is", 8, URING, SURE);
	take_all(&b, 8);
}

static void failed(void)
{
	meet();
	check(call(ann, SYS_sendto, a.fd, 8, 10, 0, 0, 0) == -EFAULT, "EFAULT");
	check(call(ann, SYS_sendto, a.fd, P(""), 0, 0, 0, 0) == 0, "send of nothing");
	say_forth("this works");
	must(call(ann, SYS_shutdown, a.fd, SHUT_WR), "shutdown");
	check(call(ann, SYS_sendto, a.fd, P("x"), 1, MSG_NOSIGNAL, 0, 0) == -EPIPE, "EPIPE");
	say_back("the other direction works");
}

/* Nobody reads until nothing more fits. */
static void pressure(void)
{
	enum { SIZE = 10000 };
	char *text = lend(SIZE);
	long total = 0, n;

	memset(text, 'p', SIZE);
	ann = cast("ann");
	bob = cast("bob");
	serve();
	set_option(&listener, SOL_SOCKET, SO_RCVBUF, 20000);
	reach(address);
	set_option(&a, SOL_SOCKET, SO_SNDBUF, 40000);
	b = accept_plug(&listener);
	while ((n = call(ann, SYS_sendto, a.fd, P(text), SIZE, MSG_DONTWAIT, 0, 0)) > 0) {
		forth(text, n, READ, SURE);
		total += n;
	}
	check(n == -EAGAIN, "EAGAIN");
	take_all(&b, total);
	say_forth("and now?");
}

/* What is lost on its way is sent again by the kernel, but was sent once. */
static void sent_again(void)
{
	leave_network(0);
	meet();
	say_forth("first");
	lower_device("lo");
	for (int i = 0; i < 3; i++) {
		check(call(ann, SYS_sendto, a.fd, P("lost on its way"), 15, 0, 0, 0) == 15, "send");
		forth("lost on its way", 15, READ, SURE);
	}
	check(try_take(&b) == -EAGAIN, "a device that is down carries nothing");
	raise_device("lo", NULL);
	take_all(&b, 45);
	say_forth("and last");
}

/* Written to, and nobody accepts: the listener's holder, as a guess. */
static void not_accepted(void)
{
	ann = cast("ann");
	bob = cast("bob");
	serve();
	reach(address);
	if (early)
		wait_for_test();
	/* a socket that no process has yet has no number */
	b = (struct plug){.who = bob};
	check(call(ann, SYS_sendto, a.fd, P("too early"), 9, 0, 0, 0) == 9, "send");
	forth("too early", 9, READ, MUST_GUESS);
}

static long breed(long name)
{
	return P(enter((char *)name));
}

/* Workers forked before share the listener: whoever accepts is the one. */
static void prefork(void)
{
	struct actor *workers[3];

	ann = cast("client");
	bob = cast("master");
	serve();
	for (int i = 0; i < 3; i++) {
		char *role = lend(16);

		snprintf(role, 16, "worker%d", i);
		workers[i] = (void *)play(bob, breed, role);
		say_role(role, workers[i]->pid, role);
	}
	if (early)
		wait_for_test();
	for (int i = 0; i < 6; i++) {
		listener.who = workers[i * 2 % 3];
		reach(address);
		b = accept_plug(&listener);
		say_forth("request");
		say_back("response");
		close_plug(&a);
		close_plug(&b);
	}
}

/* A child serves the connection that its parent has accepted. */
static void forking_server(void)
{
	struct plug parents;

	ann = cast("client");
	bob = cast("server");
	serve();
	reach(address);
	parents = accept_plug(&listener);
	bob = (void *)play(bob, breed, "child");
	say_role("child", bob->pid, "child");
	b = plug(bob, parents.fd);
	close_plug(&parents);
	if (early)
		wait_for_test();
	check(call(ann, SYS_sendto, a.fd, P("to the child"), 12, 0, 0, 0) == 12, "send");
	forth("to the child", 12, READ, MAY_GUESS);
	take_all(&b, 12);
	say_forth("to the child");
	say_back("from the child");
}

/* Two listeners at one port: whose queue it is in, that one gets it. */
static void reuseport(void)
{
	struct plug listeners[2];

	ann = cast("client");
	for (int i = 0; i < 2; i++) {
		bob = cast(i ? "worker1" : "worker0");
		server = place_of(address, server.port);
		listeners[i] = open_plug(bob, AF_INET, SOCK_STREAM);
		set_option(&listeners[i], SOL_SOCKET, SO_REUSEPORT, 1);
		bind_plug(&listeners[i], server.address, server.length);
		set_port(&server, port_of(&listeners[i]));
		listen_plug(&listeners[i]);
	}
	for (int i = 0; i < 8; i++) {
		long fd;

		reach(address);
		/* without SOCK_NONBLOCK accept would wait in the wrong one */
		for (int k = 0;; k = !k) {
			must(call(listeners[k].who, SYS_fcntl, listeners[k].fd, F_SETFL, O_NONBLOCK), "fcntl");
			fd = call(listeners[k].who, SYS_accept4, listeners[k].fd, 0, 0, 0);
			if (fd >= 0) {
				b = plug(listeners[k].who, fd);
				break;
			}
		}
		say_forth("request");
		say_back("response");
	}
}

/* A server that was connected to itself. */
static void self(void)
{
	ann = bob = cast("self");
	serve();
	reach(address);
	b = accept_plug(&listener);
	talk();
}

static long bulk_total;

static long pour(long fd)
{
	enum { SIZE = 60000 };
	char *bytes = malloc(SIZE);

	memset(bytes, 'b', SIZE);
	for (long sent = 0; sent < bulk_total;) {
		long n = send(fd, bytes, bulk_total - sent < SIZE ? bulk_total - sent : SIZE, 0);

		check(n > 0, "send");
		sent += n;
	}
	shutdown(fd, SHUT_WR);
	return 0;
}

static long drain(long fd)
{
	long total = 0, n;

	while ((n = recv(fd, stage->arena, TAKEN, 0)) > 0)
		total += n;
	return total;
}

/* A lot, at full speed; the test adds up the counts. */
static void bulk(void)
{
	meet();
	begin(bob, PLAY, P(drain), b.fd);
	check(play(ann, pour, a.fd) == 0, "send");
	check(answer(bob) == bulk_total, "bytes went missing");
}

/* Nobody's bytes and nobody's name are another's, however many send at once. */
static void storm(void)
{
	struct plug from[STORM_PAIRS], to[STORM_PAIRS];
	char name[16];

	for (int i = 0; i < STORM_PAIRS; i++) {
		snprintf(name, sizeof(name), "sender%d", i);
		ann = cast(name);
		snprintf(name, sizeof(name), "receiver%d", i);
		bob = cast(name);
		serve();
		reach(address);
		b = accept_plug(&listener);
		say_forth("first");
		from[i] = a;
		to[i] = b;
	}
	raise_storm(from, to);
}

/* The first bytes travel with the request to connect. */
static void fastopen(void)
{
	int file;

	leave_network(0);
	file = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY);
	check(file >= 0, "tcp_fastopen");
	write_all(file, "1543", 4); /* both sides, without a cookie, every listener */
	close(file);
	ann = cast("ann");
	bob = cast("bob");
	serve();
	a = open_plug(ann, AF_INET, SOCK_STREAM);
	check(call(ann, SYS_sendto, a.fd, P("in a hurry"), 10, MSG_FASTOPEN, P(server.address), server.length) == 10,
	      "send");
	client = place_at(&a);
	b = (struct plug){.who = bob};
	forth("in a hurry", 10, READ, MUST_GUESS);
}

static const struct mode modes[] = {
	{"pair", pair},
	{"mapped", mapped},
	{"mapped_server", mapped_server},
	{"own_address", own_address},
	{"sent_again", sent_again},
	{"two_networks", two_networks},
	{"leaving", leaving},
	{"ways", ways},
	{"splice", by_splice},
	{"sendfile", by_sendfile},
	{"zerocopy", by_zerocopy},
	{"io_uring", by_ring},
	{"rings", by_rings},
	{"failed", failed},
	{"pressure", pressure},
	{"not_accepted", not_accepted},
	{"prefork", prefork},
	{"forking_server", forking_server},
	{"reuseport", reuseport},
	{"self", self},
	{"bulk", bulk},
	{"storm", storm},
	{"fastopen", fastopen},
};

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
		else if (strpbrk(argv[i], ".:"))
			address = argv[i];
		else if (!strcmp(argv[1], "bulk"))
			bulk_total = strtol(argv[i], NULL, 10);
		else
			port = atoi(argv[i]);
	}
	set_stage();
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		linger();
	return status;
}
