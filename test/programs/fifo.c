/* fifo MODE DIRECTORY: named pipes, in an empty folder that the test gives. */
#include "actor.h"
#include <limits.h>

static const char *directory;
static struct tube fifo = {.label = "fifo"};
static char *path; /* in the arena: made when the actors are there already */

/* Opening one end waits for the other, so both actors open at once. */
static long open_to_write(long name)
{
	fifo.out = open((char *)name, O_WRONLY);
	return fifo.out;
}

static long open_to_read(long name)
{
	fifo.in = open((char *)name, O_RDONLY);
	return fifo.in;
}

static void open_both(struct actor *writer, struct actor *reader, const char *name)
{
	begin(writer, PLAY, P(open_to_write), P(name));
	fifo.in = play(reader, open_to_read, name);
	fifo.out = answer(writer);
	check(fifo.in >= 0 && fifo.out >= 0, name);
}

static void make(const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", directory, name);
	check(mkfifo(path, 0600) == 0, path);
}

static void say_fifo(const char *name)
{
	int fd = open(path, O_PATH);

	check(fd >= 0, path);
	say_pipe("fifo", fd, name);
	close(fd);
}

static void exchange(struct actor *writer, struct actor *reader)
{
	put(writer, &fifo, "through a FIFO");
	get_from(writer, reader, &fifo, 100);
}

static void plain(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	make("plain");
	say_fifo(path);
	open_both(writer, reader, path);
	exchange(writer, reader);
}

/* Opened by a relative name: the path is whole all the same. */
static void relative(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	make("relative");
	say_fifo(path);
	check(call(writer, SYS_chdir, P(directory)) == 0, "chdir");
	check(call(reader, SYS_chdir, P(directory)) == 0, "chdir");
	open_both(writer, reader, "./relative");
	exchange(writer, reader);
}

/* A name that must be escaped, in every format. */
static void odd(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");
	char json[2 * PATH_MAX];

	make("a \"b\"\n\x1b[31m\xc3\xa9");
	snprintf(json, sizeof(json), "%s/a \\\"b\\\"\\n\\u001b[31m\xc3\xa9", directory);
	say_fifo(json);
	open_both(writer, reader, path);
	exchange(writer, reader);
}

/* Both ends live in a chroot; the path is theirs. */
static void in_chroot(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	make("jailed");
	say_fifo("/jailed");
	check(call(writer, SYS_chroot, P(directory)) == 0, "chroot");
	check(call(reader, SYS_chroot, P(directory)) == 0, "chroot");
	open_both(writer, reader, "/jailed");
	exchange(writer, reader);
}

/* Open, and half full, before tracing begins. */
static void early(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	make("early");
	say_fifo(path);
	open_both(writer, reader, path);
	wait_for_test();
	exchange(writer, reader);
}

/* One process has both ends. */
static void read_write(void)
{
	struct actor *both = cast("both");

	make("both");
	say_fifo(path);
	fifo.in = fifo.out = call(both, SYS_openat, AT_FDCWD, P(path), O_RDWR, 0);
	check(fifo.in >= 0, path);
	exchange(both, both);
}

static const struct mode modes[] = {
	{"plain", plain},     {"relative", relative}, {"odd", odd},
	{"chroot", in_chroot}, {"early", early},	{"read_write", read_write},
};

int main(int argc, char **argv)
{
	int status;

	directory = argc > 2 ? argv[2] : ".";
	set_stage();
	path = (char *)stage->arena + ARENA - PATH_MAX;
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		exeunt();
	return status;
}
