/*
 * unix pair TYPE NAMING [early] [FOLDER]: one pair, used in both directions.
 * unix MODE TYPE [FOLDER]: ways to send. TYPE is stream, dgram or seqpacket.
 */
#include "unix.h"
#include "ring.h"
#include <pthread.h>
#include <sys/resource.h>

static int type;
static const char *naming = "", *folder = ".";
static int early;
static struct actor *ann, *bob;
static struct plug a, b; /* ann's and bob's */

static struct name new_name(void)
{
	char text[128];
	struct name name;
	size_t count;

	if (!strcmp(naming, "abstract") || !strcmp(naming, "padded")) {
		count = snprintf(text, sizeof(text), "ipcdump%ctest%c%d", 0, 0, getpid());
		if (!strcmp(naming, "abstract"))
			return abstract_name(text, count, 0);
		count = snprintf(text, sizeof(text), "i_shall_remain_nameless_%d", getpid());
		return abstract_name(text, count, 1);
	}
	if (!strcmp(naming, "relative")) {
		snprintf(text, sizeof(text), "./relative-%d", getpid());
		must(call(ann, SYS_chdir, P(folder)), "chdir");
		must(call(bob, SYS_chdir, P(folder)), "chdir");
		name = path_name(text);
		/* it is shown as the path it is */
		snprintf(name.path, sizeof(name.path), "%s%s", folder, text + 1);
		return name;
	} else {
		snprintf(text, sizeof(text), "%s/bound-%d", folder, getpid());
	}
	return path_name(text);
}

/* Both directions, twice. */
static void talk(const char *path)
{
	for (int round = 0; round < 2; round++) {
		pass(type, path, &a, &b, "IT IS TIME FOR YOU TO RECEIVE A MESSAGE");
		pass(type, path, &b, &a, "and one back");
	}
}

static void unnamed(void)
{
	int ends[2];

	make_pair(ends, type);
	ann = cast("ann");
	bob = cast("bob");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
}

static void pair(void)
{
	struct name name;
	struct plug listener;

	if (!strcmp(naming, "unnamed")) {
		unnamed();
		if (early)
			wait_for_test();
		talk(NULL);
		return;
	}
	ann = cast("ann");
	bob = cast("bob");
	name = new_name();
	a = open_plug(ann, AF_UNIX, type);
	if (type == SOCK_DGRAM) {
		b = open_plug(bob, AF_UNIX, type);
		bind_plug(&b, name.address, name.length);
		connect_plug(&a, name.address, name.length);
		if (early)
			wait_for_test();
		pass(type, name.path, &a, &b, "IT IS TIME FOR YOU TO RECEIVE A MESSAGE");
		pass(type, name.path, &a, &b, "and another");
		return;
	}
	listener = open_plug(bob, AF_UNIX, type);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
	connect_plug(&a, name.address, name.length);
	b = accept_plug(&listener);
	close_plug(&listener);
	if (early)
		wait_for_test();
	talk(name.path);
}

/* A pair of sockets of which one is bound: the path is that one's in both directions. */
static void half_named(void)
{
	struct name name;

	unnamed();
	name = new_name();
	bind_plug(&a, name.address, name.length);
	talk(name.path);
}

static struct name name_in(const char *subfolder, const char *file)
{
	char text[128];

	snprintf(text, sizeof(text), "%s/%s%s-%d", folder, subfolder, file, getpid());
	return path_name(text);
}

/* The connecting side is bound as well: the path is that of the one accepted, in both directions. */
static void bound_client(void)
{
	struct name server, client;
	struct plug listener;

	ann = cast("ann");
	bob = cast("bob");
	listener = open_plug(bob, AF_UNIX, type);
	client = name_in("", "client");
	server = name_in("", "server");
	bind_plug(&listener, server.address, server.length);
	listen_plug(&listener);
	a = open_plug(ann, AF_UNIX, type);
	bind_plug(&a, client.address, client.length);
	connect_plug(&a, server.address, server.length);
	b = accept_plug(&listener);
	talk(server.path);
}

static void pass_named(const struct plug *from, const char *src_path, const struct plug *to,
		       const char *path)
{
	const char *text = "to and fro";
	long count = strlen(text);

	check(call(from->who, SYS_sendto, from->fd, P(text), count, 0, 0, 0) == count, "send");
	say_letter((struct letter){.type = type,
				   .path = path,
				   .from = from,
				   .to = to,
				   .bytes = text,
				   .count = count,
				   .src_path = src_path});
	check(take(to) == count, "recv");
}

/* Datagrams between two sockets that are bound: one by its address, then both connected. */
static void both_bound(void)
{
	const char *text = "before it was connected";
	long count = strlen(text);
	struct name server, client;

	ann = cast("ann");
	bob = cast("bob");
	client = name_in("", "client");
	naming = "abstract";
	server = new_name();
	a = open_plug(ann, AF_UNIX, type);
	b = open_plug(bob, AF_UNIX, type);
	bind_plug(&a, client.address, client.length);
	bind_plug(&b, server.address, server.length);
	check(call(ann, SYS_sendto, a.fd, P(text), count, 0, P(server.address), server.length) ==
		      count,
	      "sendto");
	say_letter((struct letter){.type = type,
				   .path = server.path,
				   .from = &a,
				   .to = &b,
				   .bytes = text,
				   .count = count,
				   .src_path = client.path});
	check(take(&b) == count, "recv");
	connect_plug(&a, server.address, server.length);
	connect_plug(&b, client.address, client.length);
	for (int round = 0; round < 2; round++) {
		pass_named(&a, client.path, &b, server.path);
		pass_named(&b, server.path, &a, client.path);
	}
}

/* Somebody connects to a socket by one name that was bound by another; `shown`: as it is printed, NULL: not asked for */
static void meet(struct name bound, struct name known, const char *shown)
{
	struct plug listener = open_plug(bob, AF_UNIX, type);

	bind_plug(&listener, bound.address, bound.length);
	listen_plug(&listener);
	if (strcmp(bound.path, known.path))
		rename(bound.path, known.path);
	a = open_plug(ann, AF_UNIX, type);
	connect_plug(&a, known.address, known.length);
	b = accept_plug(&listener);
	if (shown) {
		talk(shown);
	} else {
		check(call(ann, SYS_sendto, a.fd, P("unseen"), 6, 0, 0, 0) == 6, "send");
		take(&b);
	}
}

static struct name name_of(const char *file)
{
	char text[128];

	snprintf(text, sizeof(text), "%s/%s", folder, file);
	return path_name(text);
}

/* In a folder that has `run`, and `link` that is a symbolic link to that. */
static void file_names(void)
{
	struct name relative = path_name("relative"), temporary = name_of("run/temporary");
	const char *same[] = {"link/bound", "run/asked", "run/starred"};
	struct name run = name_of("run");

	ann = cast("ann");
	bob = cast("bob");
	must(call(ann, SYS_chdir, P(run.address->sun_path)), "chdir");
	must(call(bob, SYS_chdir, P(run.address->sun_path)), "chdir");
	meet(relative, relative, name_of("run/relative").path);
	for (int i = 0; i < 3; i++)
		meet(name_of(same[i]), name_of(same[i]), name_of(same[i]).path);
	meet(temporary, name_of("run/renamed"), temporary.path);
	meet(name_of("run/other"), name_of("run/other"), NULL);
}

/* Datagrams by sendto, and by connect to one after another. */
static void to_whom(void)
{
	struct actor *cyd;
	struct plug c;
	struct name bobs, cyds;
	char text[128];
	const char *message = "to whom it may concern";
	long count = strlen(message);

	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	naming = "bound";
	bobs = new_name();
	snprintf(text, sizeof(text), "%s/cyd-%d", folder, getpid());
	cyds = path_name(text);
	a = open_plug(ann, AF_UNIX, SOCK_DGRAM);
	b = open_plug(bob, AF_UNIX, SOCK_DGRAM);
	c = open_plug(cyd, AF_UNIX, SOCK_DGRAM);
	bind_plug(&b, bobs.address, bobs.length);
	bind_plug(&c, cyds.address, cyds.length);
	for (int round = 0; round < 4; round++) {
		struct plug *to = round % 2 ? &c : &b;
		struct name *name = round % 2 ? &cyds : &bobs;

		if (round < 2) {
			check(call(ann, SYS_sendto, a.fd, P(message), count, 0, P(name->address), name->length) == count,
			      "sendto");
			say_letter((struct letter){SOCK_DGRAM, name->path, &a, to, message, count, 0, 0, NULL, NULL});
			check(take(to) == count, "recv");
		} else {
			connect_plug(&a, name->address, name->length);
			pass(SOCK_DGRAM, name->path, &a, to, message);
		}
	}
	/* connected to cyd, and yet to bob */
	check(call(ann, SYS_sendto, a.fd, P(message), count, 0, P(bobs.address), bobs.length) == count, "sendto");
	say_letter((struct letter){SOCK_DGRAM, bobs.path, &a, &b, message, count, 0, 0, NULL, NULL});
	check(take(&b) == count, "recv");
}

static const char *const words[] = {"one ", "two ", "three"};

static void one_event(const char *bytes, long count, enum how how)
{
	say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = bytes, .count = count, .how = how});
	check(take(&b) == count, "recv");
}

static void by_send(void)
{
	unnamed();
	check(call(ann, SYS_sendto, a.fd, P("by send"), 7, MSG_NOSIGNAL, 0, 0) == 7, "send");
	one_event("by send", 7, READ);
}

static void by_write(void)
{
	unnamed();
	check(call(ann, SYS_write, a.fd, P("by write"), 8) == 8, "write");
	one_event("by write", 8, READ);
}

static void by_writev(void)
{
	unnamed();
	check(call(ann, SYS_writev, a.fd, P(pieces_of(words, 3)), 3) == 13, "writev");
	one_event("one two three", 13, READ);
}

static void by_sendmsg(void)
{
	unnamed();
	check(call(ann, SYS_sendmsg, a.fd, P(message_of(pieces_of(words, 3), 3)), 0) == 13, "sendmsg");
	one_event("one two three", 13, READ);
}

/* One event a message, of a stream as well. */
static void by_sendmmsg(void)
{
	struct mmsghdr *messages = lend(3 * sizeof(*messages));

	unnamed();
	for (int i = 0; i < 3; i++)
		messages[i].msg_hdr = *message_of(pieces_of(words + i, i ? 1 : 2), i ? 1 : 2);
	check(call(ann, SYS_sendmmsg, a.fd, P(messages), 3, 0) == 3, "sendmmsg");
	if (type == SOCK_STREAM)
		check(take(&b) == 8 + 4 + 5, "recv");
	for (int i = 0; i < 3; i++) {
		const char *text = i == 0 ? "one two " : words[i];

		say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = text, .count = strlen(text)});
		if (type != SOCK_STREAM)
			check(take(&b) == (long)strlen(text), "recv");
	}
}

/* 700 pieces with gaps between them. */
static void by_many(void)
{
	enum { PIECES = 700 };
	struct iovec *pieces = lend(PIECES * sizeof(*pieces));
	char *source, *whole;
	size_t total = 0;

	unnamed();
	source = lend(PIECES * 100);
	whole = lend(PIECES * 100);
	for (int i = 0; i < PIECES * 100; i++)
		source[i] = i * 31 + i / 251;
	for (int i = 0; i < PIECES; i++) {
		pieces[i] = (struct iovec){source + i * 100, (i * 37) % 97};
		memcpy(whole + total, source + i * 100, (i * 37) % 97);
		total += (i * 37) % 97;
	}
	check(call(ann, SYS_writev, a.fd, P(pieces), PIECES) == (long)total, "writev");
	one_event(whole, total, READ);
}

/* From a pipe, filled in two writes: one event a call. */
static void by_splice(void)
{
	int ends[2];

	check(pipe(ends) == 0, "pipe");
	unnamed();
	write_all(ends[1], "out of ", 7);
	write_all(ends[1], "a pipe", 6);
	check(call(ann, SYS_splice, ends[0], 0, a.fd, 0, 100, 0) == 13, "splice");
	one_event("out of a pipe", 13, SPLICED);
}

static void by_sendfile(void)
{
	enum { SIZE = 20000 }; /* several pages, so more than one piece within the kernel */
	char *text = malloc(SIZE);
	int file = memfd_create("text", 0);

	for (int i = 0; i < SIZE; i++)
		text[i] = 'a' + i % 26;
	write_all(file, text, SIZE);
	lseek(file, 0, SEEK_SET);
	unnamed();
	check(call(ann, SYS_sendfile, a.fd, file, 0, SIZE) == SIZE, "sendfile");
	one_event(text, SIZE, SPLICED);
}

static long request(long sqe)
{
	return complete_request((struct io_uring_sqe *)sqe);
}

static void by_ring(void)
{
	struct io_uring_sqe *sqes = lend(3 * sizeof(*sqes));

	unnamed();
	sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_SEND, .fd = a.fd, .addr = P("ring send"), .len = 9};
	sqes[1] = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .fd = a.fd, .addr = P("ring write"), .len = 10};
	sqes[2] = (struct io_uring_sqe){
		.opcode = IORING_OP_SENDMSG, .fd = a.fd, .addr = P(message_of(pieces_of(words, 3), 3)), .len = 1};
	check(play(ann, request, &sqes[0]) == 9, "io_uring send");
	one_event("ring send", 9, URING);
	check(play(ann, request, &sqes[1]) == 10, "io_uring write");
	one_event("ring write", 10, URING);
	check(play(ann, request, &sqes[2]) == 13, "io_uring sendmsg");
	one_event("one two three", 13, URING);
}

static long poll_request(long sqe)
{
	return complete_requests((struct io_uring_sqe *)sqe, 1, IORING_SETUP_SQPOLL);
}

static long two_requests(long sqes)
{
	return complete_requests((struct io_uring_sqe *)sqes, 2, 0);
}

static long three_requests(long sqes)
{
	return complete_requests((struct io_uring_sqe *)sqes, 3, 0);
}

/* By whatever thread the kernel has for it, and several in one go that nothing but their place tells apart. */
static void by_rings(void)
{
	struct io_uring_sqe *sqes = lend(3 * sizeof(*sqes));

	unnamed();
	sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_SEND, .flags = IOSQE_ASYNC, .fd = a.fd, .addr = P("by a worker"), .len = 11};
	check(play(ann, request, &sqes[0]) == 11, "io_uring send by a worker");
	one_event("by a worker", 11, URING);
	sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITEV, .fd = a.fd, .addr = P(pieces_of(words, 3)), .len = 3, .off = -1};
	check(play(ann, poll_request, &sqes[0]) == 13, "io_uring writev by the thread that polls");
	one_event("one two three", 13, URING);
	for (int i = 0; i < 3; i++)
		sqes[i] = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .flags = IOSQE_IO_LINK * (i < 2), .fd = a.fd,
						.addr = P(pieces_of(&words[i], 1)->iov_base), .len = strlen(words[i])};
	check(play(ann, three_requests, sqes) == 13, "three io_uring sends");
	for (int i = 0; i < 3; i++) {
		say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = words[i],
					   .count = strlen(words[i]), .how = URING});
		if (type != SOCK_STREAM)
			check(take(&b) == (long)strlen(words[i]), "recv");
	}
	if (type == SOCK_STREAM)
		check(take(&b) == 13, "recv");
}

/* To whom the request says, which it says by an address; two in one go are not mistaken for each other. */
static void ring_to_whom(void)
{
	struct io_uring_sqe *sqes = lend(2 * sizeof(*sqes));
	struct actor *cyd;
	struct plug c;
	struct name to_bob, to_cyd;
	struct msghdr *message;
	const struct plug *to[2];
	char text[128];

	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = open_plug(ann, AF_UNIX, type);
	b = open_plug(bob, AF_UNIX, type);
	c = open_plug(cyd, AF_UNIX, type);
	to_bob = new_name();
	bind_plug(&b, to_bob.address, to_bob.length);
	snprintf(text, sizeof(text), "ring-%d", getpid());
	to_cyd = abstract_name(text, strlen(text), 0);
	bind_plug(&c, to_cyd.address, to_cyd.length);
	to[0] = &c;
	to[1] = &b;
	for (int i = 0; i < 2; i++) {
		const struct name *name = i ? &to_bob : &to_cyd;

		message = message_of(pieces_of(&words[i], 1), 1);
		message->msg_name = name->address;
		message->msg_namelen = name->length;
		sqes[i] = (struct io_uring_sqe){
			.opcode = IORING_OP_SENDMSG, .fd = a.fd, .addr = P(message), .len = 1};
	}
	check(play(ann, two_requests, sqes) == 8, "two io_uring sendmsg");
	for (int i = 0; i < 2; i++) {
		say_letter((struct letter){.type = type, .path = i ? to_bob.path : to_cyd.path, .from = &a, .to = to[i],
					   .bytes = words[i], .count = strlen(words[i]), .how = URING});
		check(take(to[i]) == (long)strlen(words[i]), "recv");
	}
}

/* Messages of nothing are messages; a stream has none. */
static void empty(void)
{
	unnamed();
	check(call(ann, SYS_sendto, a.fd, P(""), 0, 0, 0, 0) == 0, "send");
	if (type != SOCK_STREAM)
		one_event("", 0, READ);
	pass(type, NULL, &a, &b, "not empty");
}

enum { LARGE = 200000 };

static long take_large(long fd)
{
	long total = 0;

	while (total < LARGE) {
		long n = recv(fd, stage->arena, TAKEN, 0);

		check(n > 0, "recv");
		total += n;
	}
	return total;
}

static void large(void)
{
	unsigned char *bytes = lend(LARGE);

	for (int i = 0; i < LARGE; i++)
		bytes[i] = i * 7 + i / 253;
	unnamed();
	begin(bob, PLAY, P(take_large), b.fd);
	check(call(ann, SYS_sendto, a.fd, P(bytes), LARGE, 0, 0, 0) == LARGE, "send");
	check(answer(bob) == LARGE, "recv");
	say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = bytes, .count = LARGE});
}

/* Until there is no room: what was taken is shown, what would block is not. */
static void full(void)
{
	unsigned char *bytes = lend(3000);
	long n;

	memset(bytes, 'f', 3000);
	unnamed();
	/* and nobody ever takes it */
	set_option(&a, SOL_SOCKET, SO_SNDBUF, 16384);
	while ((n = call(ann, SYS_sendto, a.fd, P(bytes), 3000, MSG_DONTWAIT, 0, 0)) > 0)
		say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = bytes, .count = n, .guess = MUST_GUESS});
	check(n == -EAGAIN, "EAGAIN");
}

static void failed(void)
{
	struct name nowhere;
	struct plug c;

	unnamed();
	check(call(ann, SYS_sendto, a.fd, 8, 10, 0, 0, 0) == -EFAULT, "EFAULT");
	c = open_plug(ann, AF_UNIX, type);
	check(call(ann, SYS_sendto, c.fd, P("x"), 1, MSG_NOSIGNAL, 0, 0) < 0, "ENOTCONN");
	naming = "bound";
	nowhere = new_name();
	if (type == SOCK_DGRAM) {
		check(call(ann, SYS_sendto, c.fd, P("x"), 1, 0, P(nowhere.address), nowhere.length) == -ENOENT, "ENOENT");
		check(call(ann, SYS_sendto, a.fd, P(stage->arena), ARENA, 0, 0, 0) == -EMSGSIZE, "EMSGSIZE");
	}
	pass(type, NULL, &a, &b, "this works");
	close_plug(&b);
	check(call(ann, SYS_sendto, a.fd, P("x"), 1, MSG_NOSIGNAL, 0, 0) < 0, "EPIPE");
}

/* The last byte is out of band: one call, one event, where the kernel has it at all. */
static void out_of_band(void)
{
	long n;

	unnamed();
	n = call(ann, SYS_sendto, a.fd, P("urgent"), 6, MSG_OOB, 0, 0);
	if (n >= 0) {
		check(n == 6, "send");
		say_letter((struct letter){.type = type, .from = &a, .to = &b, .bytes = "urgent", .count = n, .guess = MUST_GUESS});
	}
	pass(type, NULL, &b, &a, "calm");
}

static void peek(void)
{
	unnamed();
	check(call(ann, SYS_sendto, a.fd, P("look twice"), 10, 0, 0, 0) == 10, "send");
	check(call(bob, SYS_recvfrom, b.fd, P(stage->arena), 100, MSG_PEEK, 0, 0) == 10, "peek");
	check(call(bob, SYS_recvfrom, b.fd, P(stage->arena), 100, MSG_PEEK, 0, 0) == 10, "peek");
	one_event("look twice", 10, READ);
}

/* One read takes what two calls sent: two events all the same; and the other way round. */
static void cuts(void)
{
	unnamed();
	post(type, NULL, &a, &b, "first,", SURE);
	post(type, NULL, &a, &b, "second", SURE);
	check(take(&b) == (type == SOCK_STREAM ? 12 : 6), "recv");
	try_take(&b);
	post(type, NULL, &a, &b, "in parts", SURE);
	for (int i = 0; i < 8; i++)
		if (i == 0 || type == SOCK_STREAM)
			must(call(bob, SYS_recvfrom, b.fd, P(stage->arena), 1, 0, 0, 0), "recv");
	pass(type, NULL, &a, &b, "whole");
}

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
	{"io_uring", by_ring},	{"rings", by_rings},	    {"ring_to_whom", ring_to_whom},
	{"empty", empty},	    {"large", large},
	{"full", full},		{"failed", failed},	    {"out_of_band", out_of_band},
	{"peek", peek},		{"cuts", cuts},		    {"self", self},
	{"threads", threads},	{"half_shut", half_shut},   {"many", many},
	{"storm", storm},	{"crowd", crowd},	    {"both_bound", both_bound},
	{"file_names", file_names},
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
