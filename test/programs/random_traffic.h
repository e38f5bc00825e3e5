/* Messages by channels that are there: several players send and take at the same time, or nobody takes yet. */
#pragma once
#include "random_model.h"

struct traffic {
	struct way *way;
	unsigned senders, takers;
};

static int may_send(const struct way *way)
{
	long pending = scene->pending[way->to];

	return is_stream(way->kind) ? pending < (way->kind == PTY ? 512 : 8192) : pending < 4;
}

static void begin_send(int place, const struct way *way, int count, int size)
{
	int first = new_ids(count);

	expect_at(way->to, first, count);
	begin_job(place, (struct job){.work = SEND,
				      .kind = way->kind,
				      .fd = held[place][way->from],
				      .count = count,
				      .id = first,
				      .size = size,
				      .how = roll(30),
				      .in_thread = roll(6) == 0,
				      .in_child = roll(6) ? 0 : roll(3),
				      .address = way->address,
				      .length = way->length,
				      .object = way->to});
}

static void begin_take(int place, const struct way *way)
{
	begin_job(place, (struct job){.work = TAKE,
				      .kind = way->kind,
				      .fd = held[place][way->to],
				      .size = roll(2) ? ROOM : UNIT * (2 + (int)roll(16)),
				      .how = roll(30),
				      .in_thread = roll(6) == 0,
				      .in_child = roll(6) ? 0 : roll(3),
				      .object = way->to});
}

static int random_size(enum kind kind)
{
	return UNIT * (2 + (int)roll(kind != PTY && roll(8) == 0 ? LARGEST / UNIT - 2 : 16));
}

/* Some of those who are free */
static unsigned some_of(unsigned places)
{
	unsigned some = 0;

	places &= ~busy;
	for (int left = 1 + roll(3); left > 0 && places; left--)
		some |= 1u << pick(&places);
	return some;
}

static void begin_traffic(struct traffic *traffic, int takes)
{
	const struct way *way = traffic->way;
	int takes_first = roll(2);

	traffic->senders = may_send(way) ? some_of(holders_of(way->from)) : 0;
	/* several who send to one end at once, or read one pipe or terminal at once, are not among it yet */
	if (traffic->senders)
		traffic->senders = 1u << one_of(traffic->senders);
	traffic->takers = takes ? some_of(holders_of(way->to) & ~traffic->senders) : 0;
	if ((way->kind == PIPE || way->kind == PTY) && traffic->takers)
		traffic->takers = 1u << one_of(traffic->takers);
	/* with nobody to send more nobody is to wait for it */
	if (!traffic->senders && scene->pending[way->to] <= 0)
		traffic->takers = 0;
	if (!traffic->senders && traffic->takers)
		traffic->takers = 1u << one_of(traffic->takers);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < LIVE; i++) {
			if (round != takes_first && traffic->takers >> i & 1)
				begin_take(i, way);
			if (round == takes_first && traffic->senders >> i & 1)
				begin_send(i, way, roll(4) ? 1 : 1 + roll(BATCH),
					   random_size(way->kind));
		}
}

/* Whoever waits for bytes when all that was sent is taken gets some. */
static void finish_traffic(const struct traffic *traffic)
{
	finish_all(traffic->senders);
	for (int i = 0; i < LIVE; i++) {
		if (!(traffic->takers >> i & 1))
			continue;
		while (!is_done(i)) {
			if (scene->pending[traffic->way->to] <= 0 && traffic->senders) {
				int place = __builtin_ctz(traffic->senders);

				begin_send(place, traffic->way, 1, 2 * UNIT);
				finish_job(place);
			}
			pause_briefly();
		}
		finish_job(i);
	}
}

/* By one way to three at the same time; what is not taken now will be later, or never. */
static void exchange(void)
{
	struct traffic traffics[3];
	int count = 0, takes = roll(6) != 0;

	for (int i = 1 + roll(3); i > 0; i--) {
		struct way *way = way_for();
		int is_new = way != NULL;

		for (int j = 0; j < count; j++)
			is_new = is_new && traffics[j].way->to != way->to;
		if (!is_new)
			continue;
		traffics[count].way = way;
		begin_traffic(&traffics[count++], takes);
	}
	for (int i = 0; i < count; i++)
		finish_traffic(&traffics[i]);
}

/* What somebody sends to himself, or what waited is taken by one. */
static void take_rest(void)
{
	struct way *way = way_for();
	int place;

	if (!way || scene->pending[way->to] <= 0)
		return;
	place = one_of(holders_of(way->to));
	if (place < 0)
		return;
	begin_take(place, way);
	finish_job(place);
}
