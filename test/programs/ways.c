/*
 * ways: every way to send over a socket, and every way to receive by an end that two processes have, each in its
 * turn. Each message is another one.
 */
#include "ways_calls.h"

struct way {
	const char *name;
	long (*act)(long job);
	enum how how;
	int streams_only;
};

static const struct way sends[] = {
	{"write", by_write, READ, 0},
	{"writev", by_writev, READ, 0},
	{"send", by_send, READ, 0},
	{"sendto", by_sendto, READ, 0},
	{"sendmsg", by_sendmsg, READ, 0},
	{"sendmmsg", by_sendmmsg, READ, 0},
	{"splice", by_splice, SPLICED, 0},
	{"tee and splice", by_tee, SPLICED, 0},
	{"vmsplice and splice", by_vmsplice, SPLICED, 0},
	{"sendfile", by_sendfile, SPLICED, 0},
	{"io_submit", by_aio, READ, 0},
	{"io_submit of pieces", by_aio_pieces, READ, 0},
	{"io_uring send", ring_send, READ, 0},
	{"io_uring sendmsg", ring_sendmsg, READ, 0},
	{"io_uring write", ring_write, READ, 0},
	{"io_uring writev", ring_writev, READ, 0},
	{"io_uring write, by a worker", ring_worker_write, READ, 0},
};

static const struct way takes[] = {
	{"read", take_by_read, READ, 0},
	{"readv", take_by_readv, READ, 0},
	{"recv", take_by_recv, READ, 0},
	{"recvfrom", take_by_recvfrom, READ, 0},
	{"recvmsg", take_by_recvmsg, READ, 0},
	{"recvmmsg", take_by_recvmmsg, READ, 0},
	{"splice", take_by_splice, READ, 1},
	{"sendfile", take_by_sendfile, READ, 1},
	{"io_submit", take_by_aio, READ, 0},
	{"io_submit of pieces", take_by_aio_pieces, READ, 0},
	{"io_uring recv", take_ring_recv, READ, 0},
	{"io_uring recvmsg", take_ring_recvmsg, READ, 0},
	{"io_uring read", take_ring_read, READ, 0},
	{"io_uring readv", take_ring_readv, READ, 0},
	{"io_uring read, by a worker", take_ring_worker, READ, 0},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { KINDS = 5 };

/* An end of ann's, and its other, which bob and cyd have */
struct channel {
	const char *kind;
	int type; /* of a unix socket, or 0 */
	int ends[2];
	struct plug from, to[2];
	struct place src, dst;
};

/* Of a datagram over UDP nobody can say which of the two takes it. */
static void say_transfer(const struct channel *channel, int reader, const struct job *job, enum how how)
{
	enum guess guess = strcmp(channel->kind, "loopback-udp") ? SURE : MAY_GUESS;

	if (channel->type)
		say_letter((struct letter){.type = channel->type, .from = &channel->from,
					   .to = &channel->to[reader], .bytes = job->text, .count = job->count, .how = how});
	else
		say_inet_sent((struct inet_sent){channel->kind, &channel->from, &channel->to[reader], channel->src,
						 channel->dst, job->text, job->count, how, guess});
}

/* Readers by turns; which way is used with which comes from how many there are of each. */
static void use(const struct channel *channel)
{
	struct job *job = lend(sizeof(*job));
	size_t rounds = 2 * COUNT(sends) * COUNT(takes) / 7;

	for (size_t i = 0, taken = 0; i < rounds; i++) {
		const struct way *send = &sends[i % COUNT(sends)], *take;
		int reader = i / 3 % 2;
		long result;

		do
			take = &takes[taken++ % COUNT(takes)];
		while (take->streams_only && strcmp(channel->kind, "unix-stream") && strcmp(channel->kind, "loopback-tcp"));
		*job = (struct job){.fd = channel->from.fd};
		job->count = snprintf(job->text, sizeof(job->text), "%s %zu: %s, %s", channel->kind, i, send->name, take->name);
		result = play(ann, send->act, job);
		errno = result < 0 ? -result : 0;
		check(result == job->count, send->name);
		say_transfer(channel, reader, job, send->how);
		job->fd = channel->to[reader].fd;
		memset(job->got, 0, sizeof(job->got));
		result = play(channel->to[reader].who, take->act, job);
		errno = result < 0 ? -result : 0;
		check(result == job->count, take->name);
		check(memcmp(job->got, job->text, job->count) == 0, "what came");
	}
}

int main(void)
{
	static struct channel channels[KINDS] = {
		{.kind = "unix-stream", .type = SOCK_STREAM},
		{.kind = "unix-dgram", .type = SOCK_DGRAM},
		{.kind = "unix-seqpacket", .type = SOCK_SEQPACKET},
		{.kind = "loopback-tcp"},
		{.kind = "loopback-udp"},
	};

	for (int i = 0; i < KINDS; i++) {
		if (channels[i].type)
			make_pair(channels[i].ends, channels[i].type);
		else
			make_connection(channels[i].ends, i == 3 ? SOCK_STREAM : SOCK_DGRAM);
	}
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	for (int i = 0; i < KINDS; i++) {
		struct channel *channel = &channels[i];

		channel->from = plug(ann, channel->ends[0]);
		channel->to[0] = plug(bob, channel->ends[1]);
		channel->to[1] = plug(cyd, channel->ends[1]);
		for (int end = 0; end < 2; end++) {
			call(end ? ann : bob, SYS_close, channel->ends[end]);
			if (!end)
				call(cyd, SYS_close, channel->ends[end]);
			close(channel->ends[end]);
		}
		if (!channel->type) {
			channel->src = place_at(&channel->from);
			channel->dst = place_at(&channel->to[0]);
		}
	}
	for (int i = 0; i < KINDS; i++)
		use(&channels[i]);
	linger();
	return 0;
}
