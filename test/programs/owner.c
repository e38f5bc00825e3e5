/*
 * owner MODE [early] [FOLDER]: who holds a socket that several processes know. The script itself makes most of
 * them, and is never the answer.
 */
#include "unix.h"
#include "ring.h"

static const char *folder = ".";
static int early;
static struct actor *ann, *bob, *cyd;
static struct plug a, b, c;

static void wait_if_early(void)
{
	if (early)
		wait_for_test();
}

static struct name new_name(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/owner-%d", folder, getpid());
	return path_name(path);
}

/* Forks an actor of that actor. */
static long breed(long name)
{
	return P(enter((char *)name));
}

static struct actor *fork_of(struct actor *parent, const char *name)
{
	struct actor *child = (void *)play(parent, breed, name);

	say_role(name, child->pid, name);
	return child;
}

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

static long request(long sqe)
{
	return complete_request((struct io_uring_sqe *)sqe);
}

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

	name = new_name();
	listener = open_plug(bob, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
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
	name = new_name();
	listener = open_plug(bob, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
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
	name = new_name();
	listener = open_plug(master, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
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
	struct plug listener;
	struct name name;

	ann = cast("client");
	bob = cast("server");
	name = new_name();
	listener = open_plug(bob, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
	wait_if_early();
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	/* a socket that no process has yet has no number */
	b = (struct plug){.who = bob};
	post(SOCK_STREAM, name.path, &a, &b, "too early", MUST_GUESS);
}

/* What hands an end from one process to another. */
static struct msghdr *rights(int fd)
{
	struct {
		struct cmsghdr header;
		int fd;
	} *control = lend(CMSG_SPACE(sizeof(int)));
	static const char *const byte[] = {"!"};
	struct msghdr *message = message_of(pieces_of(byte, 1), 1);

	control->header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	control->fd = fd;
	message->msg_control = control;
	message->msg_controllen = CMSG_LEN(sizeof(int));
	return message;
}

static int received(const struct msghdr *message)
{
	int fd;

	check(message->msg_controllen >= CMSG_LEN(sizeof(int)), "no descriptor came");
	memcpy(&fd, CMSG_DATA((struct cmsghdr *)message->msg_control), sizeof(fd));
	return fd;
}

/* bob hands his end to cyd; ann's bytes are cyd's from then on, though cyd never touched it. */
static void passed_on(int bob_used, int bob_closes)
{
	struct plug to_bob, to_cyd;
	struct msghdr *message;
	int ends[2], way[2];

	make_pair(ends, SOCK_STREAM);
	make_pair(way, SOCK_STREAM);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
	/* the same end, which cyd gets */
	c = (struct plug){.who = cyd, .inode = b.inode};
	to_cyd = keep(bob, way[0]);
	to_bob = keep(cyd, way[1]);
	wait_if_early();
	if (bob_used)
		pass(SOCK_STREAM, NULL, &b, &a, "from bob");
	/* when he does not take it, cyd will, some time */
	post(SOCK_STREAM, NULL, &a, bob_used ? &b : &c, "to bob", bob_used ? SURE : MAY_MISS);
	if (bob_used)
		take(&b);
	check(call(bob, SYS_sendmsg, to_cyd.fd, P(rights(b.fd)), 0) == 1, "sendmsg");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &to_cyd, .to = &to_bob, .bytes = "!", .count = 1});
	if (bob_closes) {
		close_plug(&b);
		/* now nobody has it, until cyd gets it */
		check(call(ann, SYS_sendto, a.fd, P("to nobody"), 9, 0, 0, 0) == 9, "send");
		say_letter((struct letter){.type = SOCK_STREAM, .from = &a, .to = &c, .bytes = "to nobody",
					   .count = 9, .guess = MAY_MISS});
	}
	message = rights(-1);
	check(call(cyd, SYS_recvmsg, to_bob.fd, P(message), 0) == 1, "recvmsg");
	c = plug(cyd, received(message));
	check(c.inode == b.inode, "another socket came");
	post(SOCK_STREAM, NULL, &a, &c, "to cyd", SURE);
	take(&c);
	pass(SOCK_STREAM, NULL, &a, &c, "to cyd again");
	pass(SOCK_STREAM, NULL, &c, &a, "from cyd");
}

static void rights_kept(void)
{
	passed_on(1, 0);
}

static void rights_given(void)
{
	passed_on(1, 1);
}

static void rights_forwarded(void)
{
	passed_on(0, 1);
}

static void rights_unused(void)
{
	passed_on(0, 0);
}

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

/* An actor that is another program: the stage is mapped by its number. */
static int stage_file;

static long become_activated(long listener)
{
	char place[32], role[16];
	struct actor *self = &stage->actors[stage->count - 1];

	/* as systemd does it: the listener is 3 */
	if (listener != 3)
		dup2(listener, 3);
	snprintf(place, sizeof(place), "%p", (void *)stage);
	snprintf(role, sizeof(role), "%d", (int)(self - stage->actors));
	fcntl(stage_file, F_SETFD, 0);
	execl("/proc/self/exe", "activated", "--activated", place, role, NULL);
	return -errno;
}

static long be_activated(char **argv)
{
	void *place = (void *)strtoul(argv[2], NULL, 16);
	struct actor *self;

	stage = mmap(place, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, 9, 0);
	check((void *)stage == place, "mmap of the stage");
	self = &stage->actors[atoi(argv[3])];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, self->name);
	self->result = 0;
	change(&self->state, DONE);
	act(self);
	return 0;
}

/* Socket activation: the parent binds and listens, the program it starts accepts, as number 3. */
static void activated(void)
{
	struct plug listener;
	struct name name;
	void *place;
	int fd;

	/* a stage that lives on over exec, out of the way of the other descriptors */
	fd = memfd_create("stage", 0);
	check(ftruncate(fd, sizeof(*stage)) == 0, "ftruncate");
	check(dup2(fd, 9) == 9, "dup2");
	stage_file = 9;
	place = mmap((void *)0x200000000000, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	check(place != MAP_FAILED, "mmap");
	memcpy(place, stage, sizeof(*stage));
	munmap(stage, sizeof(*stage));
	stage = place;

	ann = cast("client");
	bob = cast("init");
	name = new_name();
	listener = open_plug(bob, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
	cyd = (void *)play(bob, breed, "service");
	check(play(cyd, become_activated, listener.fd) == 0, "exec");
	say_role("service", cyd->pid, "service");
	wait_if_early();
	for (int i = 0; i < 2; i++) {
		a = open_plug(ann, AF_UNIX, SOCK_STREAM);
		connect_plug(&a, name.address, name.length);
		c = (struct plug){.who = cyd, .fd = 3};
		c = accept_plug(&c);
		pass(SOCK_STREAM, name.path, &a, &c, "to the service");
		pass(SOCK_STREAM, name.path, &c, &a, "from the service");
	}
}

/* inetd: the parent accepts, the program it starts gets the connection as its number 3. */
static void inetd(void)
{
	struct plug listener;
	struct name name;

	ann = cast("client");
	bob = cast("inetd");
	name = new_name();
	listener = open_plug(bob, AF_UNIX, SOCK_STREAM);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	b = accept_plug(&listener);
	cyd = fork_of(bob, "service");
	c = plug(cyd, call(cyd, SYS_dup, b.fd));
	call(cyd, SYS_close, b.fd);
	close_plug(&b);
	wait_if_early();
	pass(SOCK_STREAM, name.path, &c, &a, "welcome");
	pass(SOCK_STREAM, name.path, &a, &c, "thanks");
}

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
	{"prefork", prefork},		{"forking_server", forking_server}, {"not_accepted", not_accepted},
	{"rights_kept", rights_kept},	{"rights_given", rights_given}, {"rights_forwarded", rights_forwarded}, {"rights_unused", rights_unused},	    {"user_gone", user_gone},
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
