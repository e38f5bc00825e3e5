/* Bytes of several writers in one pipe, which are told apart by runs. */
#pragma once
#include "actor.h"

/* One read takes several writers' bytes: an event for each run, in order. */
static void runs(void)
{
	struct tube a = lay("a", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");

	put(ann, &a, "aaa");
	put(bob, &a, "bb");
	put(bob, &a, "b");
	put(ann, &a, "A");
	check(get(reader, &a, 100) == 7, "read");
	say_moved("ann", "a", "reader", "aaa", 3, READ);
	say_moved("bob", "a", "reader", "bbb", 3, READ);
	say_moved("ann", "a", "reader", "A", 1, READ);
}

/* A run that is cut by one read goes on in the next. */
static void cut(void)
{
	struct tube a = lay("a", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");

	put(ann, &a, "aaaa");
	put(bob, &a, "bbbb");
	check(get(reader, &a, 6) == 6, "read");
	say_moved("ann", "a", "reader", "aaaa", 4, READ);
	say_moved("bob", "a", "reader", "bb", 2, READ);
	get_from(bob, reader, &a, 100);
}

static void alternate(int count)
{
	struct tube a = lay("a", 0);
	struct actor *writers[2] = {cast("ann"), cast("bob")}, *reader = cast("reader");
	char byte[2] = "";

	for (int i = 0; i < count; i++) {
		byte[0] = '0' + i % 64;
		stage->arena[0] = byte[0];
		check(call(writers[i % 2], SYS_write, a.out, P(stage->arena), 1) == 1, "write");
	}
	check(get(reader, &a, 4096) == (size_t)count, "read");
	for (int i = 0; i < count; i++) {
		byte[0] = '0' + i % 64;
		say_moved(writers[i % 2]->name, "a", "reader", byte, 1, READ);
	}
}

static void runs64(void)
{
	alternate(64);
}

static void runs300(void)
{
	alternate(300);
}

/* Two readers stay far behind three writers, whose bytes are their own letter, and say who had which. */
static void behind(void)
{
	enum { PART = 1000 };
	struct tube a = lay("a", 0);
	struct actor *writers[3] = {cast("ann"), cast("bob"), cast("cid")},
		     *readers[2] = {cast("dan"), cast("eve")};
	size_t written = 0, taken = 0;

	for (int round = 0; taken < written || round == 0; round++) {
		for (int i = 0; i < (round == 0 ? 900 : round < 8 ? 100 : 0); i++) {
			size_t size = 1 + i % 7;

			memset(stage->arena, 'a' + i % 3, size);
			check(call(writers[i % 3], SYS_write, a.out, P(stage->arena), size) == (long)size,
			      "write");
			written += size;
		}
		size_t count = get(readers[round % 2], &a, PART);

		say_moved("?", "a", readers[round % 2]->name, stage->arena, count, READ);
		taken += count;
	}
}
