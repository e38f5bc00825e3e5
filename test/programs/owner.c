/*
 * owner MODE [early] [FOLDER]: who holds a socket that several processes know. The script itself makes most of
 * them, and is never the answer.
 */
#include "owner_scene.h"

/* A pair made by a parent for two children, each of which keeps one end. */
static void two_children(void)
{
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	wait_if_early();
	pass(SOCK_STREAM, NULL, &a, &b, "to my sister");
	pass(SOCK_STREAM, NULL, &b, &a, "to my brother");
}

/* Nobody closes anything: it is for whoever takes it. */
static void nobody_closes(void)
{
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	a = plug(ann, ends[0]);
	b = plug(bob, ends[1]);
	wait_if_early();
	pass(SOCK_STREAM, NULL, &a, &b, "to bob");
	pass(SOCK_STREAM, NULL, &a, &b, "and again");
	pass(SOCK_STREAM, NULL, &b, &a, "and back");
	/* ann takes from bob's end, which she has as well */
	c = plug(ann, ends[1]);
	pass(SOCK_STREAM, NULL, &a, &c, "to myself");
	pass(SOCK_STREAM, NULL, &a, &b, "to bob once more");
}

/* Two processes take turns at one end. */
static void turns(void)
{
	int ends[2];

	make_pair(ends, SOCK_DGRAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = plug(ann, ends[0]);
	b = plug(bob, ends[1]);
	c = plug(cyd, ends[1]);
	wait_if_early();
	for (int round = 0; round < 3; round++) {
		pass(SOCK_DGRAM, NULL, &a, &b, "for bob");
		pass(SOCK_DGRAM, NULL, &a, &c, "for cyd");
	}
	/* to have sent by it is not to receive from it */
	pass(SOCK_DGRAM, NULL, &c, &a, "cyd was here");
	pass(SOCK_DGRAM, NULL, &a, &b, "bob it is");
}

/* What was there when they began to take turns at one end was sent before tracing, or by whom it was is known. */
static void left_before(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	struct plug ours[3], theirs[3];
	int ends[3][2];

	for (int i = 0; i < 3; i++)
		make_pair(ends[i], types[i]);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	for (int i = 0; i < 3; i++) {
		ours[i] = plug(ann, ends[i][0]);
		theirs[i] = plug(bob, ends[i][1]);
		check(call(ann, SYS_sendto, ours[i].fd, P("left"), 4, 0, 0, 0) == 4, "send");
		if (!early)
			say_letter((struct letter){.type = types[i], .from = &ours[i], .to = &theirs[i], .bytes = "left", .count = 4});
	}
	wait_if_early();
	for (int i = 0; i < 3; i++) {
		c = plug(cyd, ends[i][1]);
		check(take(&theirs[i]) == 4, "recv");
		for (int round = 0; round < 2; round++) {
			pass(types[i], NULL, &ours[i], &c, "for cyd");
			pass(types[i], NULL, &ours[i], &theirs[i], "for bob");
		}
	}
}

#include "owner_taken.h"

/* To receive or to accept by io_uring is use as well. */
static void ring_users(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));
	struct plug listener;
	struct name name;
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = keep(ann, ends[0]);
	b = plug(bob, ends[1]);
	c = plug(cyd, ends[1]);
	wait_if_early();
	pass(SOCK_STREAM, NULL, &b, &a, "from bob");
	post(SOCK_STREAM, NULL, &a, &c, "to cyd", SURE);
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = c.fd, .addr = P(stage->arena), .len = 100};
	check(play(cyd, request, sqe) == 6, "io_uring recv");
	pass(SOCK_STREAM, NULL, &a, &c, "to cyd");

	listener = listen_at_new(bob, &name);
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = listener.fd};
	b = plug(bob, play(bob, request, sqe));
	cyd = fork_of(bob, "heir");
	post(SOCK_STREAM, name.path, &a, &b, "to who accepted", MUST_GUESS);
}

/* A server that forks: its child serves the connection, it goes on to listen. */
static void forking_server(void)
{
	struct name name;
	struct plug listener;

	ann = cast("client");
	bob = cast("server");
	listener = listen_at_new(bob, &name);
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	b = accept_plug(&listener);
	cyd = fork_of(bob, "child");
	c = plug(cyd, b.fd);
	close_plug(&b);
	wait_if_early();
	/* the child has not used it yet; its parent has, but holds it no longer */
	pass(SOCK_STREAM, name.path, &a, &c, "to the child");
	pass(SOCK_STREAM, name.path, &a, &c, "to the child");
	pass(SOCK_STREAM, name.path, &c, &a, "from the child");
}

/* Workers forked before share the listener: whoever accepts is the one. */
static void prefork(void)
{
	struct actor *master, *workers[3];
	struct plug listener, client, served;
	struct name name;
	char text[16];

	ann = cast("client");
	master = cast("master");
	listener = listen_at_new(master, &name);
	for (int i = 0; i < 3; i++) {
		char *role = lend(16);

		snprintf(role, 16, "worker%d", i);
		workers[i] = fork_of(master, role);
	}
	wait_if_early();
	for (int i = 0; i < 6; i++) {
		listener.who = workers[i * 2 % 3];
		client = open_plug(ann, AF_UNIX, SOCK_STREAM);
		connect_plug(&client, name.address, name.length);
		served = accept_plug(&listener);
		snprintf(text, sizeof(text), "request %d", i);
		pass(SOCK_STREAM, name.path, &client, &served, lend_copy(text, sizeof(text)));
		pass(SOCK_STREAM, name.path, &served, &client, "response");
		close_plug(&served);
		close_plug(&client);
	}
}

/* Connected and written to, and nobody accepts: the listener's holder, as a guess. */
static void not_accepted(void)
{
	struct name name;

	ann = cast("client");
	bob = cast("server");
	listen_at_new(bob, &name);
	wait_if_early();
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	/* a socket that no process has yet has no number */
	b = (struct plug){.who = bob};
	post(SOCK_STREAM, name.path, &a, &b, "too early", MUST_GUESS);
}

#include "owner_rights.h"

/* The one who used it is gone, another has it still. */
static void user_gone(void)
{
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = keep(ann, ends[0]);
	call(ann, SYS_close, ends[1]);
	close(ends[1]);
	b = plug(bob, ends[1]);
	c = plug(cyd, ends[1]);
	wait_if_early();
	pass(SOCK_STREAM, NULL, &b, &a, "from bob");
	pass(SOCK_STREAM, NULL, &a, &b, "to bob");
	begin(bob, QUIT);
	check(waitpid(bob->pid, NULL, 0) == bob->pid, "waitpid");
	pass(SOCK_STREAM, NULL, &a, &c, "to who is left");
	pass(SOCK_STREAM, NULL, &a, &c, "to cyd");
}

#include "owner_activation.h"

/* A socket is gone, another takes its place and maybe its memory; nothing of the old one sticks. */
static void reused(void)
{
	int *ends = lend(2 * sizeof(int));

	ann = cast("ann");
	bob = cast("bob");
	for (int i = 0; i < 20; i++) {
		struct actor *who = i % 2 ? ann : bob;

		must(call(who, SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, P(ends)), "socketpair");
		a = plug(who, ends[0]);
		b = plug(who, ends[1]);
		post(SOCK_DGRAM, NULL, &a, &b, "unread", MAY_MISS);
		close_plug(&a);
		close_plug(&b);
	}
}

static const struct mode modes[] = {
	{"two_children", two_children}, {"nobody_closes", nobody_closes},   {"turns", turns},
	{"left_before", left_before},	{"taken_meanwhile", taken_meanwhile},
	{"prefork", prefork},		{"forking_server", forking_server}, {"not_accepted", not_accepted},
	{"rights_kept", rights_kept},	{"rights_given", rights_given}, {"rights_forwarded", rights_forwarded}, {"rights_unused", rights_unused}, {"rights_shelved", rights_shelved},	    {"user_gone", user_gone},
	{"ring_users", ring_users},	{"activated", activated},	{"inetd", inetd},		    {"reused", reused},
};

int main(int argc, char **argv)
{
	int status;

	if (argc > 3 && !strcmp(argv[1], "--activated"))
		return be_activated(argv);
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '/')
			folder = argv[i];
		else
			early = 1;
	}
	set_stage();
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		linger();
	return status;
}
