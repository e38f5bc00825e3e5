/* udp MODE [ADDRESS] [own | steered] [early]: datagrams on this host, as tcp.c does it. */
#include "udp_scene.h"

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

#include "udp_networks.h"
#include "udp_ways.h"

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

#include "udp_groups.h"

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
	say_inet_sent((struct inet_sent){"loopback-udp", &a, &b, client, server, either, 16, READ, MAY_GUESS});
	check(take(&b) == 16, "recv");
	check(call(ann, SYS_sendto, a.fd, P(child), 12, 0, 0, 0) == 12, "send");
	say_inet_sent((struct inet_sent){"loopback-udp", &a, &b, client, server, child, 12, READ, MAY_GUESS});
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

/* Who is not known yet is looked for after the message: he has another name by then. */
static void renamed_since(void)
{
	meet();
	check(call(ann, SYS_sendto, a.fd, P("to bob"), 6, 0, 0, 0) == 6, "send");
	forth("to bob", 6, READ);
	rename_to(bob, "robert");
	check(take(&b) == 6, "recv");
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
	{"io_uring", via_uring},
	{"rings", via_urings},
	{"splice", by_splice},
	{"nobody", nobody},
	{"full", full},
	{"multicast", multicast},
	{"multicast_to_many", multicast_to_many},
	{"broadcast", broadcast},
	{"reuseport", reuseport},
	{"forked", forked},
	{"self", self}, {"renamed", renamed},
	{"renamed_since", renamed_since},
};

/* All in a network of its own, sent on one processor and received on another: on somebody's time, or nobody's. */
static void steer(void)
{
	static const char folder[] = "/sys";
	int fd;

	leave_network(0);
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	must(mount("sysfs", folder, "sysfs", 0, NULL), "mount of sysfs");
	fd = open("/sys/class/net/lo/queues/rx-0/rps_cpus", O_WRONLY);
	must(fd, "rps_cpus");
	must(write(fd, "2", 1), "write of rps_cpus");
	close(fd);
	if (fork() == 0) {
		/* whose time it is: of nobody's that a test machine hides from tracing, as it may its own agents */
		must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		stay_on(1);
		run_first();
		for (;;)
			;
	}
	stay_on(0);
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
