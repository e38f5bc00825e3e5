/* Sockets of each kind between ann and who shares their other end, bob and cyd. */
#pragma once
#include "ways_calls.h"

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
static inline void say_transfer(const struct channel *channel, int reader, const struct job *job, enum how how)
{
	enum guess guess = strcmp(channel->kind, "loopback-udp") ? SURE : MAY_GUESS;

	if (channel->type)
		say_letter((struct letter){.type = channel->type, .from = &channel->from,
					   .to = &channel->to[reader], .bytes = job->text, .count = job->count, .how = how});
	else
		say_inet_sent((struct inet_sent){channel->kind, &channel->from, &channel->to[reader], channel->src,
						 channel->dst, job->text, job->count, how, guess});
}

/* Both ends of such a one */
static inline void make_ends(const struct channel *channel, int ends[2])
{
	if (channel->type)
		make_pair(ends, channel->type);
	else
		make_connection(ends, strcmp(channel->kind, "loopback-tcp") ? SOCK_DGRAM : SOCK_STREAM);
}

static struct channel channels[KINDS] = {
	{.kind = "unix-stream", .type = SOCK_STREAM},
	{.kind = "unix-dgram", .type = SOCK_DGRAM},
	{.kind = "unix-seqpacket", .type = SOCK_SEQPACKET},
	{.kind = "loopback-tcp"},
	{.kind = "loopback-udp"},
};

/* Casts who has them. */
static inline void open_channels(void)
{
	for (int i = 0; i < KINDS; i++)
		make_ends(&channels[i], channels[i].ends);
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
}
