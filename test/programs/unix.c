/*
 * unix pair TYPE NAMING [early] [FOLDER]: one pair, used in both directions.
 * unix MODE TYPE [FOLDER]: ways to send. TYPE is stream, dgram or seqpacket.
 */
#include "unix_scene.h"
#include "unix_names.h"
#include "unix_ways.h"
#include "unix_reused.h"
#include "unix_sizes.h"

/* Both ends are one process's. */
static void self(void)
{
	int *ends = lend(2 * sizeof(int));

	ann = cast("ann");
	must(call(ann, SYS_socketpair, AF_UNIX, type, 0, P(ends)), "socketpair");
	a = plug(ann, ends[0]);
	b = plug(ann, ends[1]);
	talk(NULL);
}

/* Each end is renamed between messages: that is seen in the next one already. */
static void renamed(void)
{
	unnamed();
	talk(NULL);
	rename_to(ann, "anna");
	talk(NULL);
	rename_to(bob, "robert");
	talk(NULL);
}

static void *send_by_thread(void *text)
{
	prctl(PR_SET_NAME, "some-thread");
	return (void *)send(a.fd, text, strlen(text), 0);
}

static void *take_by_thread(void *unused)
{
	prctl(PR_SET_NAME, "some-thread");
	(void)unused;
	return (void *)recv(b.fd, stage->arena, 100, 0);
}

static long in_thread(long function)
{
	pthread_t thread;
	void *result;

	check(pthread_create(&thread, NULL, (void *(*)(void *))function, lend_copy("by a thread", 12)) == 0,
	      "pthread_create");
	check(pthread_join(thread, &result) == 0, "pthread_join");
	return (long)result;
}

/* A thread's name is not its process's. The actors must know the numbers, so they are cast late. */
static void threads(void)
{
	int ends[2];

	make_pair(ends, type);
	a.fd = ends[0];
	b.fd = ends[1];
	ann = cast("ann");
	bob = cast("bob");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	check(play(ann, in_thread, send_by_thread) == 11, "send");
	say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = "by a thread", .count = 11});
	check(play(bob, in_thread, take_by_thread) == 11, "recv");
	pass(type, NULL, &a, &b, "by the leader");
}

/* One direction is shut, the other goes on. */
static void half_shut(void)
{
	unnamed();
	pass(type, NULL, &a, &b, "last words");
	must(call(ann, SYS_shutdown, a.fd, SHUT_WR), "shutdown");
	check(call(ann, SYS_sendto, a.fd, P("x"), 1, MSG_NOSIGNAL, 0, 0) == -EPIPE, "EPIPE");
	pass(type, NULL, &b, &a, "and an answer");
}

/* Pairs that do not live long: none is mistaken for one before it. */
static void many(void)
{
	int *ends = lend(2 * sizeof(int));
	char text[32];

	ann = cast("ann");
	bob = cast("bob");
	for (int i = 0; i < 200; i++) {
		struct actor *who = i % 3 ? ann : bob;

		must(call(who, SYS_socketpair, AF_UNIX, type, 0, P(ends)), "socketpair");
		a = plug(who, ends[0]);
		b = plug(who, ends[1]);
		snprintf(text, sizeof(text), "message %d", i);
		post(type, NULL, &a, &b, lend_copy(text, sizeof(text)), MAY_MISS);
		take(&b);
		close_plug(&a);
		close_plug(&b);
	}
}

enum { CROWD = 10, CROWD_PAIRS = 5000 };

/* One process of a crowd: says that its sockets are there by a byte, and has them until it is told. */
static void be_crowd(int said, int told)
{
	struct rlimit limit = {3 * CROWD_PAIRS, 3 * CROWD_PAIRS};
	int ends[2];
	char byte;

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	for (int i = 0; i < CROWD_PAIRS; i++) {
		make_pair(ends, type);
		check(send(ends[0], "c", 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1, "a byte");
	}
	write_all(said, "c", 1);
	while (read(told, &byte, 1) > 0)
		;
	_exit(0);
}

/*
 * 100,000 sockets, more than are kept in mind, all in use and all open: who had one before them still
 * has it, and who gets one after them is named as ever.
 */
static void crowd(void)
{
	int said[2], told[2], ends[2];
	char byte;

	unnamed();
	pass(type, NULL, &a, &b, "before");
	pass(type, NULL, &b, &a, "before as well");
	check(pipe(said) == 0 && pipe(told) == 0, "pipe");
	for (int i = 0; i < CROWD; i++) {
		if (fork() == 0) {
			close(told[1]);
			be_crowd(said[1], told[0]);
		}
		check(read(said[0], &byte, 1) == 1, "a crowd");
	}
	pass(type, NULL, &a, &b, "after");
	pass(type, NULL, &b, &a, "after as well");
	close(told[1]);
	for (int i = 0; i < CROWD; i++)
		wait(NULL);
	make_pair(ends, type);
	ann = cast("zoe");
	bob = cast("max");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	pass(type, NULL, &a, &b, "later");
	pass(type, NULL, &b, &a, "later as well");
}

/* Nobody's bytes and nobody's name are another's, however many send at once. */
static void storm(void)
{
	struct plug from[STORM_PAIRS], to[STORM_PAIRS];
	int ends[STORM_PAIRS][2];
	struct actor *senders[STORM_PAIRS], *receivers[STORM_PAIRS];
	char name[16];

	for (int i = 0; i < STORM_PAIRS; i++)
		make_pair(ends[i], type);
	for (int i = 0; i < STORM_PAIRS; i++) {
		snprintf(name, sizeof(name), "sender%d", i);
		senders[i] = cast(name);
		snprintf(name, sizeof(name), "receiver%d", i);
		receivers[i] = cast(name);
	}
	for (int i = 0; i < STORM_PAIRS; i++) {
		from[i] = keep(senders[i], ends[i][0]);
		to[i] = keep(receivers[i], ends[i][1]);
		pass(type, NULL, &from[i], &to[i], "first");
	}
	raise_storm(from, to);
}

static const struct mode modes[] = {
	{"pair", pair},		{"half_named", half_named}, {"bound_client", bound_client},
	{"to_whom", to_whom},	{"send", by_send},	    {"write", by_write},
	{"writev", by_writev},	{"sendmsg", by_sendmsg},    {"sendmmsg", by_sendmmsg},
	{"many_pieces", by_many}, {"splice", by_splice},    {"sendfile", by_sendfile},
	{"io_uring", via_uring},	{"rings", via_urings},	    {"ring_to_whom", ring_to_whom},
	{"empty", empty},	    {"large", large},
	{"full", full},		{"failed", failed},	    {"out_of_band", out_of_band},
	{"peek", peek},		{"cuts", cuts},		    {"self", self}, {"renamed", renamed},
	{"threads", threads},	{"half_shut", half_shut},   {"many", many},
	{"storm", storm},	{"crowd", crowd},	    {"both_bound", both_bound},
	{"file_names", file_names}, {"reused_number", reused_number},
};

int main(int argc, char **argv)
{
	int status;

	type = type_of(argc > 2 ? argv[2] : "stream");
	for (int i = 3; i < argc; i++) {
		if (argv[i][0] == '/')
			folder = argv[i];
		else if (!strcmp(argv[i], "early"))
			early = 1;
		else
			naming = argv[i];
	}
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		linger();
	return status;
}
