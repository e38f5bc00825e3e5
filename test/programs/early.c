/* Pipes that were in use before tracing began, and such as nobody empties. */
#include "actor.h"

/* What was written before has no known writer, what came after has. */
static void bytes(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "before");
	wait_for_test();
	put(writer, &a, "after");
	check(get(reader, &a, 100) == 11, "read");
	say_moved("?", "a", "reader", "before", 6, READ);
	say_moved("writer", "a", "reader", "after", 5, READ);
	put(writer, &a, "again");
	get_from(writer, reader, &a, 100);
}

/* An idle pipe: both processes and the pipe are old, the bytes are not. */
static void idle(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	put(writer, &a, "unseen");
	get(reader, &a, 100);
	wait_for_test();
	put(writer, &a, "seen");
	get_from(writer, reader, &a, 100);
}

/* Like cat at a shell's pipe: its read began before tracing did. */
static void reader(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");

	begin(reader, SYS_read, a.in, P(stage->arena), 100);
	until_blocked(reader->pid, SYS_read);
	wait_for_test();
	put(writer, &a, "first");
	check(answer(reader) == 5, "read");
	say_moved("writer", "a", "reader", "first", 5, READ);
	put(writer, &a, "second");
	get_from(writer, reader, &a, 100);
}

/* Stays full until the test has stopped ipcdump. */
static void unread(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("producer"), *reader = cast("consumer");

	close(a.in);
	close(a.out);
	call(writer, SYS_close, a.in);
	call(reader, SYS_close, a.out);
	put(writer, &a, "taken");
	get_from(writer, reader, &a, 100);
	check(call(writer, SYS_write, a.out, P(stage->arena), 65536) == 65536, "write");
	wait_for_test();
}

static const struct mode modes[] = {
	{"bytes", bytes},
	{"idle", idle},
	{"reader", reader},
	{"unread", unread},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (status == 0)
		exeunt();
	return status;
}
