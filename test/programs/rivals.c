/*
 * rivals: two processes receive from one end at the same time, as fast as messages come, of each kind of socket.
 *   requests N  by requests of io_uring, some of which its workers do
 *   calls N     by recv(2)
 *   whole N     by recv(2) with MSG_WAITALL
 *   mixed N     one of them by such requests, the other by recv(2)
 *   shots N     by requests that complete once for each receive, where the kernel has them
 *   alone N     by such requests of one of them; the other one has the end and leaves it alone
 *   looks       one looks by a request of io_uring, then the other one takes it
 */
#include "multishot.h"

enum { MOST = 1000, SIZE = 8, UNDER_WAY = 4, LOOSE = KINDS, RIVALRIES };

/* What actors are told; and of each message in turn who took it, by his place among both */
static struct rivalry {
	_Atomic int taken;
	int count, fd, from;
	const struct sockaddr_un *address;
	socklen_t length;
	unsigned char taker[MOST];
} *rivalry;

/* A socket that is bound and that nobody is connected to */
static struct channel loose = {.kind = "unix-dgram", .type = SOCK_DGRAM};
static struct name loose_name;

static void note_taken(const char *bytes, long count, int who)
{
	must(count, "a receive");
	for (long at = 0; at < count; at += SIZE) {
		char text[SIZE + 1] = "";

		memcpy(text, bytes + at, SIZE);
		rivalry->taker[atoi(text)] = who;
		rivalry->taken++;
	}
}

static long take_by_requests(long who)
{
	static char got[UNDER_WAY][LONGEST];
	struct ring ring = open_ring(UNDER_WAY, 0);
	int under_way = 0, free[UNDER_WAY];

	for (int i = 0; i < UNDER_WAY; i++)
		free[i] = i;
	while (rivalry->taken < rivalry->count) {
		while (under_way < UNDER_WAY) {
			int i = free[under_way++];

			submit_requests(&ring, &(struct io_uring_sqe){
				.opcode = IORING_OP_RECV, .fd = rivalry->fd, .addr = P(got[i]), .len = LONGEST / SIZE * SIZE,
				.user_data = i + 1, .flags = i % 2 ? IOSQE_ASYNC : 0}, 1, 0);
		}
		if (!has_completion(&ring)) {
			sched_yield();
			continue;
		}
		struct completion completion = next_completion(&ring);

		free[--under_way] = completion.user_data - 1;
		note_taken(got[completion.user_data - 1], completion.res, who);
	}
	close(ring.fd);
	return 0;
}

static void take_some(long who, long length, int flags)
{
	char got[LONGEST];

	while (rivalry->taken < rivalry->count) {
		long count = recv(rivalry->fd, got, length, MSG_DONTWAIT | flags);

		if (count >= 0)
			note_taken(got, count, who);
		else
			sched_yield();
	}
}

static long take_by_calls(long who)
{
	take_some(who, LONGEST / SIZE * SIZE, 0);
	return 0;
}

/* Of a stream one message at a time, which is counted before it is copied: the call goes on if it can't be */
static long take_whole(long who)
{
	take_some(who, SIZE, MSG_WAITALL);
	return 0;
}

static struct shot mine;

static long begin_shots(long end)
{
	mine = (struct shot){.end = end, .by = BY_RECV, .job.fd = rivalry->fd};
	return arm(P(&mine));
}

static long take_by_shots(long who)
{
	struct armed *at = &armed[mine.end];

	while (rivalry->taken < rivalry->count) {
		if (!at->is_under_way)
			put_request(at, &mine);
		if (has_completion(&at->ring)) {
			long count = catch_next(P(&mine));

			note_taken(mine.job.got, count, who);
		} else {
			sched_yield();
		}
	}
	close(at->ring.fd);
	return 0;
}

static long send_one(long number)
{
	char text[16];

	sprintf(text, "%0*d", SIZE, (int)number);
	return answered(sendto(rivalry->from, text, SIZE, 0, (void *)rivalry->address, rivalry->length));
}

static long send_all(long count)
{
	for (int i = 0; i < count; i++) {
		check(send_one(i) == SIZE, "send");
		if (i % 8 == 7)
			pause_briefly();
	}
	return 0;
}

static void say_taken(const struct channel *channel, int number, int taker)
{
	char text[16];

	sprintf(text, "%0*d", SIZE, number);
	if (channel->type)
		say_letter((struct letter){.type = channel->type, .path = channel == &loose ? loose_name.path : NULL,
					   .from = &channel->from, .to = &channel->to[taker], .bytes = text, .count = SIZE,
					   .guess = MAY_GUESS});
	else
		say_inet_sent((struct inet_sent){channel->kind, &channel->from, &channel->to[taker], channel->src,
						 channel->dst, text, SIZE, READ, MAY_GUESS});
}

static void prepare(const struct channel *channel)
{
	rivalry->taken = 0;
	rivalry->from = channel->from.fd;
	rivalry->fd = channel->to[0].fd;
	rivalry->address = channel == &loose ? loose_name.address : NULL;
	rivalry->length = channel == &loose ? loose_name.length : 0;
}

static void compete(const struct channel *channel, long (*first)(long), long (*second)(long))
{
	prepare(channel);
	if (first == take_by_shots)
		check(play(bob, begin_shots, 0) == 0 && play(cyd, begin_shots, 0) == 0, "requests");
	begin(bob, PLAY, P(first), 0);
	if (second)
		begin(cyd, PLAY, P(second), 1);
	check(play(ann, send_all, rivalry->count) == 0, "a sender");
	check(answer(bob) == 0 && (!second || answer(cyd) == 0), "receivers");
	for (int i = 0; i < rivalry->count; i++)
		say_taken(channel, i, rivalry->taker[i]);
}

static const struct {
	const char *name;
	long (*first)(long), (*second)(long);
} ways[] = {
	{"calls", take_by_calls, take_by_calls},
	{"whole", take_whole, take_whole},
	{"requests", take_by_requests, take_by_requests},
	{"mixed", take_by_requests, take_by_calls},
	{"shots", take_by_shots, take_by_shots},
	{"alone", take_by_requests, NULL},
};

static long look(long count)
{
	static char got[LONGEST];

	return complete_request(&(struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = rivalry->fd, .addr = P(got),
						       .len = count, .msg_flags = MSG_PEEK});
}

/* bob looks at the first message, or at both of a stream's */
static void look_and_take(const struct channel *channel)
{
	int is_stream = channel->type == SOCK_STREAM || !strcmp(channel->kind, "loopback-tcp");
	int seen = is_stream ? 2 * SIZE : SIZE;

	prepare(channel);
	for (int i = 0; i < 6; i++) {
		check(play(ann, send_one, i) == SIZE, "send");
		say_taken(channel, i, 1);
		if (i % 2 == 0)
			continue;
		check(play(bob, look, 2 * SIZE) == seen, "a look");
		for (int taken = 0; taken < 2; taken++)
			check(call(cyd, SYS_recvfrom, rivalry->fd, P(stage->arena), SIZE, 0, 0, 0) == SIZE, "recv");
	}
}

/* Another end of ann's sends to it, which is bound */
static void open_loose(int fd)
{
	loose.from = open_plug(ann, AF_UNIX, SOCK_DGRAM);
	loose.to[0] = plug(bob, fd);
	loose.to[1] = plug(cyd, fd);
	call(ann, SYS_close, fd);
	loose_name = bind_abstract(&loose.to[0], 0);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	rivalry = lend(sizeof(*rivalry));
	rivalry->count = argc > 2 ? atoi(argv[2]) : 0;
	check(rivalry->count <= MOST && fd >= 0, "as many");
	open_channels();
	open_loose(fd);
	for (int i = 0; i < RIVALRIES; i++) {
		const struct channel *channel = i == LOOSE ? &loose : &channels[i];

		if (!strcmp(channel->kind, "loopback-udp"))
			continue;
		if (!strcmp(way, "looks"))
			look_and_take(channel);
		else
			for (unsigned n = 0; n < sizeof(ways) / sizeof(*ways); n++)
				if (!strcmp(way, ways[n].name))
					compete(channel, ways[n].first, ways[n].second);
	}
	linger();
	return 0;
}
