/* Channels that have an address: connections that are made, kept, served by several and handed over. */
#pragma once
#include "random_traffic.h"

static int is_listener(int thing)
{
	return things[thing].listens && things[thing].kind != UDP &&
	       things[thing].kind != UNIX_DGRAM;
}

static int has_address(int thing)
{
	return things[thing].length != 0;
}

/* A connection that stays, or a socket that sends to one that receives from everybody and answers */
static void link_one(void)
{
	int server = thing_for(has_address), client, end, place = one_of(everybody()), at;
	enum kind kind = things[server].kind;
	struct way *there, *back;

	if (!server)
		return;
	client = new_thing(kind);
	held[place][client] = do_at(place, (struct job){.work = CONNECT,
							.kind = kind,
							.address = things[server].address,
							.length = things[server].length});
	end = is_listener(server) ? new_thing(kind) : server;
	there = new_way(kind, client, end);
	back = new_way(kind, end, client);
	if (!is_listener(server)) {
		back->address = player_at(place)->address;
		back->length = player_at(place)->length;
		return;
	}
	if (roll(2))
		begin_send(place, there, 1 + roll(2), random_size(kind));
	at = one_of(holders_of(server) & ~busy);
	if (at < 0) {
		finish_all(1u << place);
		at = place;
	}
	held[at][end] = do_at(at, (struct job){.work = ACCEPT, .fd = held[at][server]});
	if (busy)
		finish_job(place);
}

/* As many who ask as who serve, all at the same time */
static void serve_some(void)
{
	int server = thing_for(is_listener), size = random_size(TCP), clients_first = roll(2),
	    count = 0, size_of;
	enum kind kind = things[server].kind;
	unsigned workers, others, asking = 0;

	if (!server)
		return;
	workers = some_of(holders_of(server));
	others = everybody() & ~workers;
	size_of = kind == UNIX_SEQPACKET ? 1 : 1 + roll(BATCH);
	while (__builtin_popcount(workers) > __builtin_popcount(others))
		pick(&workers);
	for (count = __builtin_popcount(workers); count > 0; count--)
		asking |= 1u << pick(&others);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < LIVE; i++) {
			struct job job = {.kind = kind,
					  .how = roll(30),
					  .in_thread = roll(6) == 0,
					  .in_child = roll(3) ? 0 : roll(3)};

			if (round == clients_first && workers >> i & 1) {
				job.work = SERVE;
				job.id = new_ids(1);
				job.fd = held[i][server];
				job.other = roll(4) == 0;
				job.size = size * size_of;
				expect_at(0, job.id, 1);
			} else if (round != clients_first && asking >> i & 1) {
				job.work = ASK;
				job.count = size_of;
				job.id = new_ids(size_of);
				job.size = size;
				job.address = things[server].address;
				job.length = things[server].length;
				expect_at(0, job.id, size_of);
			} else {
				continue;
			}
			begin_job(i, job);
		}
	finish_all(workers | asking);
}

/* One accepts, another has the connection passed to him and serves. */
static void hand_over(void)
{
	int server = thing_for(is_listener), size = random_size(TCP), from, to, client;
	unsigned places = everybody();
	struct job job = {.work = ASK,
			  .kind = things[server].kind,
			  .how = roll(30),
			  .count = 1,
			  .size = size};
	struct job hand = {.work = HAND, .kind = UNIX_DGRAM},
		   adopt = {.work = ADOPT, .kind = job.kind, .size = size};

	if (!server || __builtin_popcount(places) < 3)
		return;
	from = one_of(holders_of(server));
	places &= ~(1u << from);
	to = pick(&places);
	client = pick(&places);
	job.id = new_ids(3);
	job.address = things[server].address;
	job.length = things[server].length;
	job.in_child = roll(3);
	hand.fd = held[from][server];
	hand.id = job.id + 1;
	hand.length = mailbox_of(cast_at[to], &hand.address);
	adopt.id = job.id + 2;
	adopt.how = roll(30);
	adopt.count = 1;
	expect_at(0, job.id, 3);
	scene->message[job.id].holders = -1;
	begin_job(client, job);
	begin_job(from, hand);
	begin_job(to, adopt);
	finish_all(1u << client | 1u << from | 1u << to);
}
