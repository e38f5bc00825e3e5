/* Three processes and pairs of sockets, for all of sends.c. */
#pragma once
#include "net.h"
#include "unix.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>

static struct actor *ann, *bob, *cyd;

static void cast_all(void)
{
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
}

/* A pair of bob's and ann's, made by ann: bob gets his end by fork, before he is cast. */
struct pair {
	struct plug from, to;
};

static struct pair pair_of(int type)
{
	struct pair pair;
	int ends[2];

	make_pair(ends, type);
	ann = cast("ann");
	bob = cast("bob");
	pair.from = keep(ann, ends[0]);
	pair.to = keep(bob, ends[1]);
	return pair;
}

static void got(const struct pair *pair, int type, const void *bytes, long count)
{
	say_letter((struct letter){.type = type, .from = &pair->from, .to = &pair->to, .bytes = bytes, .count = count});
	check(take(&pair->to) == count, "recv");
}
