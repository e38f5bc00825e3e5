/* What the director of random.c knows: who is there, and who has which ends of which channels open. */
#pragma once
#include "random_scene.h"

enum { LIVE = 10, THINGS = SOCKETS, WAYS = 1 << 14 };

/* An end, or what listens; 0 is none. */
struct thing {
	enum kind kind;
	int listens;
	/* its number, if it is an end of one */
	int fifo;
	/* where it is reached by who is not connected to it */
	struct sockaddr_storage address;
	socklen_t length;
};

/* From one end to another; the address is empty where the one is connected */
struct way {
	int from, to;
	enum kind kind;
	struct sockaddr_storage address;
	socklen_t length;
};

static struct thing things[THINGS];
static int thing_count = 1;
static struct way ways[WAYS];
static int way_count;
/* by place on the stage: the player there, 0 for none, and the descriptors he has of things, 0 for none */
static int cast_at[LIVE];
static short held[LIVE][THINGS];
static int player_count = 1;
static unsigned busy;
static int next_id;

static uint64_t dice;

static unsigned roll(unsigned sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (dice >> 20) % sides;
}

static struct player *player_at(int place)
{
	return &scene->players[cast_at[place]];
}

/* The places of those who have it */
static unsigned holders_of(int thing)
{
	unsigned places = 0;

	for (int i = 0; i < LIVE; i++)
		places |= (cast_at[i] && held[i][thing]) << i;
	return places;
}

static unsigned everybody(void)
{
	unsigned places = 0;

	for (int i = 0; i < LIVE; i++)
		places |= (cast_at[i] != 0) << i;
	return places;
}

/* One of a set, -1 when it is empty */
static int one_of(unsigned places)
{
	int left = places ? (int)roll(__builtin_popcount(places)) : -1;

	for (int i = 0; i < LIVE; i++)
		if (places >> i & 1 && left-- == 0)
			return i;
	return -1;
}

/* Takes one out of a set */
static int pick(unsigned *places)
{
	int place = one_of(*places);

	if (place >= 0)
		*places &= ~(1u << place);
	return place;
}

static int new_thing(enum kind kind)
{
	check(thing_count < THINGS, "too many things");
	things[thing_count].kind = kind;
	return thing_count++;
}

static struct way *new_way(enum kind kind, int from, int to)
{
	check(way_count < WAYS, "too many ways");
	ways[way_count] = (struct way){.from = from, .to = to, .kind = kind};
	return &ways[way_count++];
}

/* A thing that somebody has, of those that fit; 0 when there is none */
static int thing_for(int (*fits)(int thing))
{
	int start = roll(thing_count);

	for (int i = 0; i < thing_count; i++) {
		int thing = (start + i) % thing_count;

		if (thing && fits(thing) && holders_of(thing))
			return thing;
	}
	return 0;
}

/* A way by which somebody who is free can send; those by which nobody will any more are forgotten */
static struct way *way_for(void)
{
	while (way_count) {
		struct way *way = &ways[roll(way_count)];

		if (holders_of(way->from) && (holders_of(way->to) || roll(3) == 0))
			return holders_of(way->from) & ~busy ? way : NULL;
		*way = ways[--way_count];
	}
	return NULL;
}

static int thing_held_by(int place)
{
	int start = roll(thing_count);

	for (int i = 0; i < thing_count; i++)
		if (held[place][(start + i) % thing_count])
			return (start + i) % thing_count;
	return 0;
}

static int new_ids(int count)
{
	int first = next_id;

	next_id += count;
	check(next_id <= MESSAGES, "too many messages");
	return first;
}

/* Says before messages are sent who can receive them. */
static void expect_at(int thing, int first, int count)
{
	unsigned places = holders_of(thing);
	int holders = __builtin_popcount(places);

	for (int i = first; i < first + count; i++) {
		struct message *message = &scene->message[i];

		message->operation = scene->operation;
		message->fifo = things[thing].fifo;
		message->holders = holders;
		message->alone = holders == 1 ? player_at(__builtin_ctz(places))->pid : 0;
	}
}

static void begin_job(int place, struct job job)
{
	struct player *player = player_at(place);

	check(!(busy >> place & 1), "a player is busy");
	busy |= 1u << place;
	player->job = job;
	change(&player->state, ASKED);
}

static int is_done(int place)
{
	return atomic_load(&player_at(place)->state) == DONE;
}

static long finish_job(int place)
{
	await_value(&player_at(place)->state, DONE);
	busy &= ~(1u << place);
	return player_at(place)->result;
}

static long do_at(int place, struct job job)
{
	begin_job(place, job);
	return finish_job(place);
}

static void finish_all(unsigned places)
{
	for (int i = 0; i < LIVE; i++)
		if (places >> i & 1)
			finish_job(i);
}
