/*
 * tcp MODE [ADDRESS] [own] [early]: a client and a server on this host. own: in a network of their own; early:
 * all is connected before tracing begins; server: only the server is older than that.
 */
#include "tcp_scene.h"

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

#include "tcp_networks.h"
#include "tcp_ways.h"

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

#include "tcp_servers.h"

/* A server that was connected to itself. */
static void self(void)
{
	ann = bob = cast("self");
	serve();
	reach(address);
	b = accept_plug(&listener);
	talk();
}

/* Each end is renamed between messages: that is seen in the next one already. */
static void renamed(void)
{
	meet();
	talk();
	rename_to(ann, "anna");
	talk();
	rename_to(bob, "robert");
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
	{"shelved", shelved},
	{"ways", ways},
	{"splice", by_splice},
	{"sendfile", by_sendfile},
	{"zerocopy", by_zerocopy},
	{"io_uring", via_uring},
	{"rings", via_urings},
	{"failed", failed},
	{"pressure", pressure},
	{"not_accepted", not_accepted},
	{"prefork", prefork},
	{"forking_server", forking_server},
	{"reuseport", reuseport},
	{"hurried", hurried},
	{"self", self}, {"renamed", renamed},
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
