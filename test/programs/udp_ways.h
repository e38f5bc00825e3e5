/* Each way to send a datagram. */
#pragma once
#include "udp_scene.h"

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

static void via_uring(void)
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
static void via_urings(void)
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
