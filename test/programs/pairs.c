/* pairs N: a 10-byte write by one process, its read by another, N times, as fast as it goes. */
#include "actor.h"

static struct tube a, b;
static long pairs;

/* The answer pipe keeps the two in step, so every read takes exactly one write. */
static long produce(long unused)
{
	char text[24];
	char byte;

	for (long i = 0; i < pairs; i++) {
		snprintf(text, sizeof(text), "%010ld", i);
		check(write(a.out, text, 10) == 10, "write");
		if (i % 1024 == 1023)
			check(read(b.in, &byte, 1) == 1, "read");
	}
	return unused;
}

static long consume(long unused)
{
	char text[10];

	for (long i = 0; i < pairs; i++) {
		check(read(a.in, text, 10) == 10, "read");
		if (i % 1024 == 1023)
			check(write(b.out, ".", 1) == 1, "write");
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct actor *writer, *reader;

	pairs = argc > 1 ? atol(argv[1]) : 1000;
	a = lay("a", 0);
	b = lay("b", 0);
	writer = cast("writer");
	reader = cast("reader");
	begin(reader, PLAY, P(consume), 0);
	begin(writer, PLAY, P(produce), 0);
	answer(writer);
	answer(reader);
	exeunt();
	return 0;
}
