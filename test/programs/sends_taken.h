/* One end that two processes have: who takes what by unusual ways, and what is not taken though a call was for it. */
#pragma once
#include "ring.h"
#include "sends_scene.h"

/* An end of ann's, and its other, which both bob and cyd have */
struct shared {
	int type; /* of a unix socket; 0: TCP */
	struct plug a, b, c;
	struct place client, server;
};

#define SHARED 4
static const int shared_types[SHARED] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, 0};

static void share(struct shared *shared, int type, const int ends[2])
{
	shared->type = type;
	shared->a = plug(ann, ends[0]);
	shared->b = plug(bob, ends[1]);
	shared->c = plug(cyd, ends[1]);
	if (type)
		return;
	shared->client = place_at(&shared->a);
	shared->server = place_at(&shared->b);
}

/* An end and its other of each type; the script has both */
static void make_ends(int ends[SHARED][2])
{
	for (int i = 0; i < SHARED; i++) {
		if (shared_types[i])
			make_pair(ends[i], shared_types[i]);
		else
			make_connection(ends[i], SOCK_STREAM);
	}
}

static void say_sent_to(const struct shared *shared, const struct plug *to, enum how how)
{
	if (shared->type)
		say_letter((struct letter){.type = shared->type, .from = &shared->a, .to = to, .bytes = text,
					   .count = TEXT, .how = how});
	else
		say_inet_sent((struct inet_sent){"loopback-tcp", &shared->a, to, shared->client, shared->server, text,
						 TEXT, how, SURE});
}

static void send_to(const struct shared *shared, const struct plug *to)
{
	check(call(ann, SYS_sendto, shared->a.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	say_sent_to(shared, to, READ);
}

static void send_and_take(const struct shared *shared, const struct plug *to)
{
	send_to(shared, to);
	check(take(to) == TEXT, "recv");
}

/* Bob takes by io_submit(2), the second time after a request that has nothing to take, and cyd what comes next */
static void taken_by_aio(void)
{
	struct shared shared[SHARED];
	struct iocb *first = lend(sizeof(*first)), *second = lend(sizeof(*second)), **list = lend(2 * sizeof(*list));
	aio_context_t *context = lend(sizeof(*context));
	int ends[SHARED][2], idle[2];

	make_ends(ends);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, idle) == 0, "socketpair");
	cast_all();
	*context = 0;
	must(call(bob, SYS_io_setup, 8, P(context)), "io_setup");
	for (int i = 0; i < SHARED; i++) {
		share(&shared[i], shared_types[i], ends[i]);
		send_and_take(&shared[i], &shared[i].c);
		send_to(&shared[i], &shared[i].b);
		*first = (struct iocb){.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = shared[i].b.fd,
				       .aio_buf = P(stage->arena), .aio_nbytes = 100};
		list[0] = first;
		check(call(bob, SYS_io_submit, *context, 1, P(list)) == 1, "io_submit");
		send_and_take(&shared[i], &shared[i].c);
		send_to(&shared[i], &shared[i].b);
		*second = *first;
		second->aio_fildes = idle[0];
		list[0] = second;
		list[1] = first;
		check(call(bob, SYS_io_submit, *context, 2, P(list)) == 2, "io_submit");
		send_and_take(&shared[i], &shared[i].c);
	}
}

static long breed_with_table(long name)
{
	return P(enter_by((char *)name, CLONE_FILES));
}

/* Bob and cyd have one table of descriptors, so each descriptor is its file's only one */
static void one_table(void)
{
	struct shared shared[SHARED];
	int ends[SHARED][2];

	make_ends(ends);
	ann = cast("ann");
	bob = cast("bob");
	cyd = (void *)play(bob, breed_with_table, lend_copy("cyd", 4));
	say_role("cyd", cyd->pid, "cyd");
	for (int i = 0; i < SHARED; i++) {
		share(&shared[i], shared_types[i], ends[i]);
		close(ends[i][1]);
		for (int round = 0; round < 2; round++) {
			send_and_take(&shared[i], &shared[i].b);
			send_and_take(&shared[i], &shared[i].b);
			send_and_take(&shared[i], &shared[i].c);
		}
	}
}

/* Bob only looks at it, by io_uring */
static void peeked_by_ring(void)
{
	struct shared shared[SHARED];
	struct io_uring_sqe *peek = lend(sizeof(*peek));
	int ends[SHARED][2];

	make_ends(ends);
	cast_all();
	for (int i = 0; i < SHARED; i++) {
		share(&shared[i], shared_types[i], ends[i]);
		*peek = (struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = shared[i].b.fd, .addr = P(stage->arena),
					      .len = 100, .msg_flags = MSG_PEEK};
		for (int round = 0; round < 2; round++) {
			send_to(&shared[i], &shared[i].c);
			check(play(bob, request, peek) == TEXT, "peek");
			check(take(&shared[i].c) == TEXT, "recv");
			send_and_take(&shared[i], &shared[i].b);
			send_and_take(&shared[i], &shared[i].c);
		}
	}
}

/* Bob's memory can't have it: of a stream it is still there for cyd, a message is gone */
static void not_taken(void)
{
	struct shared shared[SHARED];
	int ends[SHARED][2];

	make_ends(ends);
	cast_all();
	for (int i = 0; i < SHARED; i++) {
		struct shared *one = &shared[i];
		int is_stream = shared_types[i] == 0 || shared_types[i] == SOCK_STREAM;

		share(one, shared_types[i], ends[i]);
		send_and_take(one, &one->b);
		send_to(one, is_stream ? &one->c : &one->b);
		check(call(bob, SYS_recvfrom, one->b.fd, 8, 100, 0, 0, 0) == -EFAULT, "EFAULT");
		if (is_stream)
			check(take(&one->c) == TEXT, "recv");
		send_and_take(one, &one->b);
		send_and_take(one, &one->c);
		/* waiting already when it comes */
		begin(bob, SYS_recvfrom, one->b.fd, 8, 100, 0, 0, 0);
		until_blocked(bob->pid, SYS_recvfrom);
		send_to(one, is_stream ? &one->c : &one->b);
		check(answer(bob) == -EFAULT, "EFAULT");
		if (is_stream)
			check(take(&one->c) == TEXT, "recv");
		send_and_take(one, &one->b);
	}
}

static int is_over(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
	return info.tcpi_state == TCP_CLOSE;
}

/* Both ends have said that they send no more, and the kernel has given the port back, before it is taken */
static void taken_when_over(void)
{
	struct shared shared;
	int ends[2];

	make_connection(ends, SOCK_STREAM);
	cast_all();
	share(&shared, 0, ends);
	send_and_take(&shared, &shared.b);
	check(call(bob, SYS_shutdown, shared.b.fd, SHUT_WR) == 0, "shutdown");
	send_to(&shared, &shared.c);
	check(call(ann, SYS_shutdown, shared.a.fd, SHUT_WR) == 0, "shutdown");
	while (!is_over(ends[1]))
		pause_briefly();
	check(take(&shared.c) == TEXT, "recv");
}

/* It is taken, and then the call fails, for it can't write down from whom that is */
static void taken_and_failed(void)
{
	struct shared shared[SHARED];
	int ends[SHARED][2];

	make_ends(ends);
	cast_all();
	for (int i = 0; i < SHARED; i++) {
		if (shared_types[i] == SOCK_SEQPACKET)
			continue; /* taken the way of a datagram */
		share(&shared[i], shared_types[i], ends[i]);
		send_and_take(&shared[i], &shared[i].c);
		send_to(&shared[i], &shared[i].b);
		check(call(bob, SYS_recvfrom, shared[i].b.fd, P(stage->arena), 100, 0, P(stage->arena), 8) == -EFAULT,
		      "EFAULT");
		send_and_take(&shared[i], &shared[i].c);
	}
}

/* Packets to filters that drop and that cut */
static void packets(void)
{
	struct pair pair = pair_of(SOCK_SEQPACKET);

	filter(&pair.to, 0);
	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	check(try_take(&pair.to) == -EAGAIN, "a filter");
	filter(&pair.to, 4);
	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	got(&pair, SOCK_SEQPACKET, text, 4);
	filter(&pair.to, TEXT);
	check(call(ann, SYS_write, pair.from.fd, P(text), TEXT) == TEXT, "write");
	got(&pair, SOCK_SEQPACKET, text, TEXT);
}
