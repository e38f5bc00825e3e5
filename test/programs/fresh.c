/* fresh N: N new pipes, one after another; at each its writer and its reader, on two processors, begin at once. */
#include "actor.h"
#include <sched.h>

enum { BATCH = 400 }; /* within the usual 1024 descriptors */

static struct tube tubes[BATCH];
static long count;

/* Both have come to the n-th pipe. */
static void meet_at(long n)
{
	_Atomic uint32_t *arrived = (void *)stage->arena;

	atomic_fetch_add(arrived, 1);
	while (atomic_load(arrived) < 2 * (n + 1))
		sched_yield();
}

static long produce(long unused)
{
	for (long i = 0; i < count; i++) {
		meet_at(i);
		check(write(tubes[i].out, "fresh", 5) == 5, "write");
	}
	return unused;
}

static long consume(long unused)
{
	char text[5];

	for (long i = 0; i < count; i++) {
		meet_at(i);
		check(read(tubes[i].in, text, 5) == 5, "read");
	}
	return unused;
}

static void play_batch(void)
{
	struct actor *writer, *reader;

	for (long i = 0; i < count; i++) {
		int ends[2];

		check(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
		tubes[i] = (struct tube){.label = "fresh", .in = ends[0], .out = ends[1]};
	}
	set_stage();
	memset(stage->arena, 0, sizeof(uint32_t));
	writer = enter("freshwriter");
	reader = enter("freshreader");
	begin(reader, PLAY, P(consume), 0);
	begin(writer, PLAY, P(produce), 0);
	answer(writer);
	answer(reader);
	for (long i = 0; i < count; i++) {
		close(tubes[i].in);
		close(tubes[i].out);
	}
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? atol(argv[1]) : BATCH;

	for (; left > 0; left -= count) {
		count = left < BATCH ? left : BATCH;
		play_batch();
	}
	exeunt();
	return 0;
}
