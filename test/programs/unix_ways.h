/* Every way to send something. */
#pragma once
#include "unix_scene.h"

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

static void via_uring(void)
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
static void via_urings(void)
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

	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	a = open_plug(ann, AF_UNIX, type);
	b = open_plug(bob, AF_UNIX, type);
	c = open_plug(cyd, AF_UNIX, type);
	to_bob = new_name();
	bind_plug(&b, to_bob.address, to_bob.length);
	to_cyd = bind_abstract(&c, 0);
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
