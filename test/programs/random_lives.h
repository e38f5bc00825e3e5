/* Players come and go, and ends of channels with them: opened, inherited, passed on, moved and closed. */
#pragma once
#include "random_model.h"

/* Those that have a path still */
struct fifo {
	int number, in, out;
};

static struct fifo fifos[THINGS];
static int fifo_count;

static void note_fifo(int number, int in, int out)
{
	things[in].fifo = number;
	things[out].fifo = number;
	fifos[fifo_count++] = (struct fifo){number, in, out};
}

static void remove_fifo(int number)
{
	char path[64];

	path_of(number, path);
	check(unlink(path) == 0, path);
}

static void open_something(void)
{
	static const enum kind kinds[] = {
		PIPE, PIPE, UNIX_STREAM, UNIX_STREAM, UNIX_DGRAM, UNIX_SEQPACKET, TCP, TCP, UDP, PTY, PTY};
	enum kind kind = kinds[roll(sizeof(kinds) / sizeof(*kinds))];
	int place = one_of(everybody()), first = new_thing(kind);
	unsigned how = kind == TCP || kind == UDP ? 1 + roll(2) : kind == PTY ? 0 : roll(2);
	struct player *player = player_at(place);

	do_at(place, (struct job){.work = OPEN, .kind = kind, .how = how, .id = first});
	held[place][first] = player->fds[0];
	if (kind == PIPE || how == 0) {
		int second = new_thing(kind);

		held[place][second] = player->fds[1];
		new_way(kind, second, first);
		if (kind != PIPE)
			new_way(kind, first, second);
		else if (how)
			note_fifo(first, first, second);
		return;
	}
	things[first].listens = 1;
	things[first].address = player->address;
	things[first].length = player->length;
}

static int is_reached(int thing)
{
	for (int i = 0; i < way_count; i++)
		if (ways[i].to == thing)
			return 1;
	return 0;
}

/*
 * An end of a FIFO that somebody has open. What nobody has open any more begins another life, without what was left in
 * it, or goes, and its inode's number may be the next one's.
 */
static void open_by_path(void)
{
	int place = one_of(everybody()), index = fifo_count ? (int)roll(fifo_count) : -1, end;
	struct fifo fifo;

	if (index < 0)
		return;
	fifo = fifos[index];
	if (!holders_of(fifo.in) && !holders_of(fifo.out)) {
		fifos[index] = fifos[--fifo_count];
		if (roll(3) == 0) {
			remove_fifo(fifo.number);
			return;
		}
		do_at(place, (struct job){.work = OPEN, .kind = PIPE, .how = 1, .id = fifo.number});
		fifo.in = new_thing(PIPE);
		fifo.out = new_thing(PIPE);
		held[place][fifo.in] = player_at(place)->fds[0];
		held[place][fifo.out] = player_at(place)->fds[1];
		note_fifo(fifo.number, fifo.in, fifo.out);
	} else {
		end = holders_of(fifo.in) && roll(2) ? fifo.out : fifo.in;
		if (held[place][end])
			return;
		held[place][end] = do_at(place, (struct job){.work = OPEN_END,
							     .id = fifo.number,
							     .other = end == fifo.out});
	}
	if (!is_reached(fifo.in))
		new_way(PIPE, fifo.out, fifo.in);
}

static int free_place(void)
{
	for (int i = 0; i < LIVE; i++)
		if (!cast_at[i])
			return i;
	return -1;
}

static void close_at(int place, int thing)
{
	do_at(place, (struct job){.work = CLOSE, .fd = held[place][thing]});
	held[place][thing] = 0;
}

/* A child has all that its parent has, and closes some of it. */
static void fork_one(void)
{
	int place = free_place(), parent = one_of(everybody());

	if (place < 0)
		return;
	check(player_count < PLAYERS, "too many players");
	do_at(parent, (struct job){.work = FORK, .other = player_count});
	cast_at[place] = player_count++;
	finish_job(place);
	memcpy(held[place], held[parent], sizeof(*held));
	for (int i = 1; i < thing_count; i++)
		if (held[place][i] && roll(3) == 0)
			close_at(roll(2) ? place : parent, i);
}

static _Atomic pid_t leaving;

/* Players end when they are told to; one that does not has said why. */
static void on_end(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_pid != leaving)
		_exit(1);
}

static void leave_one(void)
{
	int place = one_of(everybody());

	if (__builtin_popcount(everybody()) < 4)
		return;
	leaving = player_at(place)->pid;
	begin_job(place, (struct job){.work = LEAVE});
	check(waitpid(leaving, NULL, 0) == leaving, "waitpid");
	busy &= ~(1u << place);
	cast_at[place] = 0;
	memset(held[place], 0, sizeof(*held));
}

static void exec_one(void)
{
	int place = one_of(everybody());

	for (int i = 1; i < thing_count; i++)
		if (held[place][i] && roll(4) == 0) {
			do_at(place, (struct job){.work = CLOEXEC, .fd = held[place][i]});
			held[place][i] = 0;
		}
	do_at(place, (struct job){.work = EXEC});
}

static void move_one(void)
{
	int place = one_of(everybody()), thing = thing_held_by(place), to = 100 + roll(50);

	if (!thing || held[place][thing] == to)
		return;
	for (int i = 1; i < thing_count; i++)
		if (held[place][i] == to)
			held[place][i] = 0;
	do_at(place, (struct job){.work = MOVE, .fd = held[place][thing], .other = to});
	held[place][thing] = to;
}

static void close_some(void)
{
	int place = one_of(everybody()), from = 3 + roll(20), to = from + roll(6);

	do_at(place, (struct job){.work = CLOSE_RANGE, .fd = from, .other = to});
	for (int i = 1; i < thing_count; i++)
		if (held[place][i] >= from && held[place][i] <= to)
			held[place][i] = 0;
}

static void close_one(void)
{
	int place = one_of(everybody()), thing = thing_held_by(place);

	if (thing)
		close_at(place, thing);
}

/* Descriptors go from one to another, who has no use for those he has already. */
static void pass_some(void)
{
	unsigned places = everybody();
	int from = pick(&places), to = pick(&places), passed[PASSED], count = 1 + roll(PASSED - 1),
	    n = 0;
	struct job job = {.work = PASS, .count = 0, .id = new_ids(1)};

	for (int i = 0; i < count; i++) {
		int thing = thing_held_by(from), is_new = thing != 0;

		for (int j = 0; j < n; j++)
			is_new = is_new && passed[j] != thing;
		if (!is_new)
			continue;
		job.fds[n] = held[from][thing];
		passed[n++] = thing;
	}
	if (n == 0)
		return;
	job.count = n;
	job.length = mailbox_of(cast_at[to], &job.address);
	expect_at(0, job.id, 1);
	if (roll(2)) {
		begin_job(to, (struct job){.work = RECEIVE, .how = roll(2)});
		do_at(from, job);
		finish_job(to);
	} else {
		do_at(from, job);
		do_at(to, (struct job){.work = RECEIVE, .how = roll(2)});
	}
	for (int i = 0; i < n; i++) {
		if (held[to][passed[i]])
			do_at(to, (struct job){.work = CLOSE, .fd = player_at(to)->fds[i]});
		else
			held[to][passed[i]] = player_at(to)->fds[i];
		if (held[from][passed[i]] && roll(2))
			close_at(from, passed[i]);
	}
}
