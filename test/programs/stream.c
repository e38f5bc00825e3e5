/*
 * stream N SIZE TOTAL [FILE]: N writers at once, each writing TOTAL bytes SIZE at a time, and one
 * reader to the end of file. Writer k's bytes are all 'A' + k, or FILE's where there is one.
 */
#include "actor.h"

static struct tube a;
static size_t size, total;
static const char *file;
static unsigned char *content;

static long produce(long who)
{
	close(a.in);
	if (!file)
		memset(content, 'A' + who, total);
	for (size_t at = 0; at < total; at += size)
		write_all(a.out, content + at, total - at < size ? total - at : size);
	close(a.out);
	return 0;
}

static long consume(long taken)
{
	unsigned char *buffer = malloc(1 << 20);
	ssize_t n;

	close(a.out);
	while ((n = read(a.in, buffer, 1 << 20)) > 0)
		taken += n;
	return taken;
}

int main(int argc, char **argv)
{
	struct actor *writers[64], *reader;
	char name[16];
	int count;

	check(argc >= 4, "usage: stream N SIZE TOTAL [FILE]");
	count = atoi(argv[1]);
	size = strtoul(argv[2], NULL, 10);
	total = strtoul(argv[3], NULL, 10);
	file = argc > 4 ? argv[4] : NULL;
	check(count > 0 && count <= 64, "1 to 64 writers");
	content = malloc(total);
	if (file) {
		int fd = open(file, O_RDONLY);
		size_t have = 0;

		check(fd >= 0, file);
		for (ssize_t n; have < total && (n = read(fd, content + have, total - have)) > 0;)
			have += n;
		check(have == total, "FILE is too short");
		close(fd);
	}
	a = lay("a", 0);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "writer%d", i);
		writers[i] = cast(name);
	}
	reader = cast("reader");
	close(a.in);
	close(a.out);
	begin(reader, PLAY, P(consume), 0);
	for (int i = 0; i < count; i++)
		begin(writers[i], PLAY, P(produce), i);
	for (int i = 0; i < count; i++)
		answer(writers[i]);
	check(answer(reader) == (long)(count * total), "bytes went missing");
	exeunt();
	return 0;
}
