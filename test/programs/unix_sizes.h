/* Nothing, a lot, too much, and what is cut otherwise than it was sent. */
#pragma once
#include "unix_scene.h"

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
