/* Each way to send; one event a call. */
#pragma once
#include "tcp_scene.h"

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

static void via_uring(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));

	meet();
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = a.fd, .addr = P("ring send"), .len = 9};
	check(play(ann, request, sqe) == 9, "io_uring send");
	forth("ring send", 9, URING, SURE);
	take_all(&b, 9);
}

/* By a worker, and without copying where the kernel can do that. */
static void via_urings(void)
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
