/* splice, tee, vmsplice and sendfile: bytes that move without passing through user memory. */
#include "actor.h"
#include <sys/socket.h>
#include <sys/uio.h>

/* For memory that vmsplice hands over: a page of its own. */
static unsigned char *page(void)
{
	return (unsigned char *)(((uintptr_t)stage->arena + ARENA / 2 + 4095) & ~4095UL);
}

static int file_with(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	check(fd >= 0, "memfd_create");
	write_all(fd, text, strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void pipe_to_pipe(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *writer = cast("writer"), *splicer = cast("splicer"), *reader = cast("reader");

	put(writer, &a, "spliced on");
	check(call(splicer, SYS_splice, a.in, 0, b.out, 0, 100, 0) == 10, "splice");
	say_moved("writer", "a", "splicer", "spliced on", 10, SPLICED);
	get_from(splicer, reader, &b, 100);
}

/* Two writers' bytes leave pipe A in one splice: two events there, one run in pipe B. */
static void pipe_to_pipe_runs(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *splicer = cast("splicer"), *reader = cast("reader");

	put(ann, &a, "from ann,");
	put(bob, &a, "from bob");
	check(call(splicer, SYS_splice, a.in, 0, b.out, 0, 100, 0) == 17, "splice");
	say_moved("ann", "a", "splicer", "from ann,", 9, SPLICED);
	say_moved("bob", "a", "splicer", "from bob", 8, SPLICED);
	get_from(splicer, reader, &b, 100);
}

static void file_to_pipe(void)
{
	int file = file_with("out of a file");
	struct tube a = lay("a", 0);
	struct actor *splicer = cast("splicer"), *reader = cast("reader");

	check(call(splicer, SYS_splice, file, 0, a.out, 0, 100, 0) == 13, "splice");
	get_from(splicer, reader, &a, 100);
}

static void pipe_to_file(void)
{
	int file = file_with("");
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *splicer = cast("splicer");

	put(writer, &a, "into a file");
	check(call(splicer, SYS_splice, a.in, 0, file, 0, 100, 0) == 11, "splice");
	say_moved("writer", "a", "splicer", "into a file", 11, SPLICED);
}

static void through_socket(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *writer, *splicer, *reader;
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
	writer = cast("writer");
	splicer = cast("splicer");
	reader = cast("reader");
	put(writer, &a, "by socket");
	check(call(splicer, SYS_splice, a.in, 0, ends[0], 0, 100, 0) == 9, "splice to socket");
	say_moved("writer", "a", "splicer", "by socket", 9, SPLICED);
	check(call(splicer, SYS_splice, ends[1], 0, b.out, 0, 100, 0) == 9, "splice from socket");
	get_from(splicer, reader, &b, 100);
}

/* tee takes nothing out of A, so its bytes are read there again. */
static void tee_pipe(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *writer = cast("writer"), *copier = cast("copier"), *reader = cast("reader");

	put(writer, &a, "twice");
	check(call(copier, SYS_tee, a.in, b.out, 100, 0) == 5, "tee");
	get_from(copier, reader, &b, 100);
	get_from(writer, reader, &a, 100);
}

static void vmsplice_in(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	struct iovec *pieces = (void *)stage->arena;

	memcpy(page(), "gift of pages", 13);
	pieces[0] = (struct iovec){page(), 5};
	pieces[1] = (struct iovec){page() + 5, 8};
	check(call(writer, SYS_vmsplice, a.out, P(pieces), 2, 0) == 13, "vmsplice");
	get_from(writer, reader, &a, 100);
}

static void vmsplice_out(void)
{
	struct tube a = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader");
	struct iovec *pieces = (void *)stage->arena;

	put(writer, &a, "to memory");
	pieces[0] = (struct iovec){page(), 3};
	pieces[1] = (struct iovec){page() + 4096, 100};
	check(call(reader, SYS_vmsplice, a.in, P(pieces), 2, 0) == 9, "vmsplice");
	say_moved("writer", "a", "reader", "to memory", 9, SPLICED);
}

static void sendfile_in(void)
{
	int file = file_with("a file, sent");
	struct tube a = lay("a", 0);
	struct actor *sender = cast("sender"), *reader = cast("reader");

	check(call(sender, SYS_sendfile, a.out, file, 0, 100) == 12, "sendfile");
	get_from(sender, reader, &a, 100);
}

/* Writer by write, then splice, then write: the read tells them apart. */
static void mixed(void)
{
	int file = file_with("[file]");
	struct tube a = lay("a", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");

	put(ann, &a, "before");
	check(call(bob, SYS_splice, file, 0, a.out, 0, 6, 0) == 6, "splice");
	put(ann, &a, "after");
	check(get(reader, &a, 100) == 17, "read");
	say_moved("ann", "a", "reader", "before", 6, READ);
	say_moved("bob", "a", "reader", "[file]", 6, READ);
	say_moved("ann", "a", "reader", "after", 5, READ);
}

static void failed(void)
{
	struct tube a = lay("a", 0), b = lay("b", 0);
	struct actor *writer = cast("writer"), *splicer = cast("splicer"), *reader = cast("reader");

	check(call(splicer, SYS_splice, a.in, 0, b.out, 0, 100, 2 /* SPLICE_F_NONBLOCK */) == -EAGAIN, "EAGAIN");
	check(call(splicer, SYS_tee, a.in, b.out, 100, 2) == -EAGAIN, "EAGAIN of tee");
	check(call(splicer, SYS_splice, a.in, 0, a.out, 0, 100, 0) == -EINVAL, "splice to itself");
	put(writer, &a, "still here");
	check(call(splicer, SYS_splice, a.in, P(stage->arena), b.out, 0, 100, 0) == -ESPIPE, "ESPIPE");
	get_from(writer, reader, &a, 100);
}

static const struct mode modes[] = {
	{"pipe_to_pipe", pipe_to_pipe},
	{"pipe_to_pipe_runs", pipe_to_pipe_runs},
	{"file_to_pipe", file_to_pipe},
	{"pipe_to_file", pipe_to_file},
	{"through_socket", through_socket},
	{"tee", tee_pipe},
	{"vmsplice_in", vmsplice_in},
	{"vmsplice_out", vmsplice_out},
	{"sendfile_in", sendfile_in},
	{"mixed", mixed},
	{"failed", failed},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (status == 0)
		exeunt();
	return status;
}
