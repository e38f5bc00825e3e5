/* iovec N: N pieces gathered by writev, scattered by readv; pwritev2 and preadv2 as well. */
#include "actor.h"
#include <sys/uio.h>

static void fill(struct iovec *pieces, int count, unsigned char *base)
{
	/* 0 to 96 bytes a piece, with a gap after each, so nothing is contiguous */
	for (int i = 0; i < count; i++) {
		pieces[i].iov_base = base;
		pieces[i].iov_len = count == 1 ? 50 : (i * 37) % 97;
		base += pieces[i].iov_len + 3;
	}
}

static size_t gather(const struct iovec *pieces, int count, size_t limit, unsigned char *to)
{
	size_t total = 0;

	for (int i = 0; i < count && total < limit; i++) {
		size_t n = pieces[i].iov_len < limit - total ? pieces[i].iov_len : limit - total;

		memcpy(to + total, pieces[i].iov_base, n);
		total += n;
	}
	return total;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 3;
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	struct iovec *from = (void *)stage->arena, *to = from + 1024;
	unsigned char *source = stage->arena + ARENA / 8, *sink = stage->arena + ARENA / 4;
	unsigned char *whole = stage->arena + ARENA / 2;
	size_t total;

	for (int i = 0; i < ARENA / 8; i++)
		source[i] = i * 31 + i / 251;
	fill(from, count, source);
	fill(to, count, sink);
	total = gather(from, count, SIZE_MAX, whole);
	check(total <= 65536, "too much for a pipe");

	check(call(writer, SYS_writev, a.out, P(from), count) == (long)total, "writev");
	check(call(reader, SYS_readv, a.in, P(to), count) == (long)total, "readv");
	check(gather(to, count, total, whole) == total, "gather");
	say_moved("writer", "a", "reader", whole, total, READ);

	/* offset -1: where the file stands, which pipes accept; and a read that is not filled */
	put(writer, &a, "tail");
	check(call(reader, SYS_preadv2, a.in, P(to), count, -1, -1, 0) == 4, "preadv2");
	say_moved("writer", "a", "reader", "tail", 4, READ);
	check(call(writer, SYS_pwritev2, a.out, P(from), count, -1, -1, 0) == (long)total, "pwritev2");
	get_from(writer, reader, &a, 65536);
	exeunt();
	return 0;
}
