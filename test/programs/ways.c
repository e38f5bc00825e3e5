/*
 * ways: every way to send over a socket or a terminal, and every way to receive by an end that two processes have, each
 * in its turn. Each message is another one, and says by which ways it is sent and taken. Over each channel it goes by
 * system calls that move bytes first, which every back end sees, then by requests of io_submit and io_uring as well.
 */
#include "channels.h"

enum by { BY_CALL, BY_REQUEST };

/* On what */
enum { STREAM = 1, MESSAGES = 2, TERMINAL = 4, SOCKET = STREAM | MESSAGES, BYTES = STREAM | TERMINAL, ANY = 7 };

struct way {
	const char *name;
	long (*act)(long job);
	enum by by;
	int on;
	enum how how;
};

static const struct way sends[] = {
	{"write", by_write, BY_CALL, ANY, READ},
	{"writev", by_writev, BY_CALL, ANY, READ},
	{"pwritev2", by_pwritev2, BY_CALL, ANY, READ},
	{"send", by_send, BY_CALL, SOCKET, READ},
	{"sendto", by_sendto, BY_CALL, SOCKET, READ},
	{"sendmsg", by_sendmsg, BY_CALL, SOCKET, READ},
	{"sendmmsg", by_sendmmsg, BY_CALL, SOCKET, READ},
	{"splice", by_splice, BY_CALL, ANY, SPLICED},
	{"tee and splice", by_tee, BY_CALL, ANY, SPLICED},
	{"vmsplice and splice", by_vmsplice, BY_CALL, ANY, SPLICED},
	{"sendfile", by_sendfile, BY_CALL, ANY, SPLICED},
	{"io_submit", by_aio, BY_REQUEST, ANY, READ},
	{"io_submit of pieces", by_aio_pieces, BY_REQUEST, ANY, READ},
	{"io_uring send", ring_send, BY_REQUEST, SOCKET, READ},
	{"io_uring sendmsg", ring_sendmsg, BY_REQUEST, SOCKET, READ},
	{"io_uring send_zc", ring_send_zc, BY_REQUEST, SOCKET, READ},
	{"io_uring sendmsg_zc", ring_sendmsg_zc, BY_REQUEST, SOCKET, READ},
	{"io_uring write", ring_write, BY_REQUEST, ANY, READ},
	{"io_uring writev", ring_writev, BY_REQUEST, ANY, READ},
	{"io_uring write, by a worker", ring_worker_write, BY_REQUEST, ANY, READ},
	{"io_uring splice", ring_splice, BY_REQUEST, ANY, SPLICED},
};

static const struct way takes[] = {
	{"read", take_by_read, BY_CALL, ANY, READ},
	{"readv", take_by_readv, BY_CALL, ANY, READ},
	{"preadv2", take_by_preadv2, BY_CALL, ANY, READ},
	{"recv", take_by_recv, BY_CALL, SOCKET, READ},
	{"recvfrom", take_by_recvfrom, BY_CALL, SOCKET, READ},
	{"recvmsg", take_by_recvmsg, BY_CALL, SOCKET, READ},
	{"recvmmsg", take_by_recvmmsg, BY_CALL, SOCKET, READ},
	{"splice", take_by_splice, BY_CALL, BYTES, READ},
	{"sendfile", take_by_sendfile, BY_CALL, BYTES, READ},
	{"io_submit", take_by_aio, BY_REQUEST, ANY, READ},
	{"io_submit of pieces", take_by_aio_pieces, BY_REQUEST, ANY, READ},
	{"io_uring recv", take_ring_recv, BY_REQUEST, SOCKET, READ},
	{"io_uring recvmsg", take_ring_recvmsg, BY_REQUEST, SOCKET, READ},
	{"io_uring read", take_ring_read, BY_REQUEST, ANY, READ},
	{"io_uring readv", take_ring_readv, BY_REQUEST, ANY, READ},
	{"io_uring read, by a worker", take_ring_worker, BY_REQUEST, ANY, READ},
	{"io_uring splice", take_ring_splice, BY_REQUEST, BYTES, READ},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A channel, and what can be done with it */
struct line {
	struct channel *channel;
	int is; /* one of ANY */
	struct terminal terminal;
	/* by this kernel, of sends and takes: a bit each */
	unsigned long refused_sends, refused_takes;
};

enum { LINES = KINDS + 1 };
static struct channel side = {.kind = "pty"};
static struct line lines[LINES] = {
	{.channel = &channels[0], .is = STREAM},   {.channel = &channels[1], .is = MESSAGES},
	{.channel = &channels[2], .is = MESSAGES}, {.channel = &channels[3], .is = STREAM},
	{.channel = &channels[4], .is = MESSAGES}, {.channel = &side, .is = TERMINAL},
};

static void check_result(long result, long wanted, const char *what)
{
	errno = result < 0 ? -result : 0;
	check(result == wanted, what);
}

/* The slave of a terminal that nobody is in a session on */
static long open_slave(long number)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/pts/%ld", number);
	fd = open(path, O_RDWR | O_NOCTTY);
	if (fd >= 0)
		make_raw(fd);
	return answered(fd);
}

/* Both ends of another channel like that */
static void try_ends(const struct line *line, int ends[2])
{
	unsigned number;

	if (line->is != TERMINAL) {
		make_ends(line->channel, ends);
		return;
	}
	ends[0] = open_master(0);
	check(ioctl(ends[0], TIOCGPTN, &number) == 0, "TIOCGPTN");
	ends[1] = open_slave(number);
}

/* Whether this kernel has no such request or none for such a file, or can't splice with terminals: it says so when tried */
static int is_refused(const struct line *line, const struct way *way, long result)
{
	if ((way->by == BY_CALL && line->is != TERMINAL) || (result != -EINVAL && result != -EOPNOTSUPP))
		return 0;
	say("{\"refused\":\"%s: %s\"}", line->channel->kind, way->name);
	return 1;
}

/* Tries each way over a channel that nobody else has. */
static void try_all(struct line *line)
{
	struct job job = {.text = "tried", .count = 6}, rest = job;
	int ends[2];
	long result;

	try_ends(line, ends);
	rest.fd = ends[1];
	for (size_t i = 0; i < COUNT(sends); i++) {
		if (!(sends[i].on & line->is))
			continue;
		job.fd = ends[0];
		result = sends[i].act(P(&job));
		if (is_refused(line, &sends[i], result)) {
			line->refused_sends |= 1UL << i;
			continue;
		}
		check_result(result, job.count, sends[i].name);
		check_result(take_by_read(P(&rest)), job.count, "what was tried");
	}
	for (size_t i = 0; i < COUNT(takes); i++) {
		if (!(takes[i].on & line->is))
			continue;
		job.fd = ends[0];
		check_result(by_write(P(&job)), job.count, "write");
		job.fd = ends[1];
		result = takes[i].act(P(&job));
		if (is_refused(line, &takes[i], result)) {
			line->refused_takes |= 1UL << i;
			result = take_by_read(P(&rest));
		}
		check_result(result, job.count, takes[i].name);
	}
	close(ends[0]);
	close(ends[1]);
}

static void say_received(const struct line *line, int reader, const struct job *job, enum how how)
{
	if (line->is == TERMINAL)
		say_stroke((struct stroke){&line->terminal, ann, line->channel->to[reader].who->name, job->text, job->count,
					   how, SURE});
	else
		say_transfer(line->channel, reader, job, how);
}

/* Those of a list that a channel's messages go by in their turns */
struct turns {
	const struct way *list[64];
	size_t count;
};

static struct turns turns_of(const struct line *line, const struct way *list, size_t count, unsigned long refused,
			     enum by by)
{
	struct turns turns = {0};

	for (size_t i = 0; i < count; i++)
		if (list[i].by <= by && list[i].on & line->is && !(refused >> i & 1))
			turns.list[turns.count++] = &list[i];
	return turns;
}

/* Readers by turns, and ways: a quarter of all pairs. */
static void use(const struct line *line, enum by by)
{
	struct turns senders = turns_of(line, sends, COUNT(sends), line->refused_sends, by);
	struct turns takers = turns_of(line, takes, COUNT(takes), line->refused_takes, by);
	const struct channel *channel = line->channel;
	struct job *job = lend(sizeof(*job));

	for (size_t i = 0; i < senders.count * takers.count / 4; i++) {
		const struct way *send = senders.list[i % senders.count];
		const struct way *take = takers.list[(i + i / senders.count) % takers.count];
		int reader = i / 3 % 2;

		*job = (struct job){.fd = channel->from.fd};
		job->count = snprintf(job->text, sizeof(job->text), "%s %s %zu: %s; %s", channel->kind,
				      by == BY_CALL ? "call" : "any", i, send->name, take->name);
		check_result(play(ann, send->act, job), job->count, send->name);
		say_received(line, reader, job, send->how);
		job->fd = channel->to[reader].fd;
		memset(job->got, 0, sizeof(job->got));
		check_result(play(channel->to[reader].who, take->act, job), job->count, take->name);
		check(memcmp(job->got, job->text, job->count) == 0, "what came");
	}
}

static void open_terminals(struct line *line)
{
	struct actor *const readers[] = {bob, cyd};
	struct channel *channel = line->channel;

	line->terminal = open_terminal(ann);
	channel->from = (struct plug){.who = ann, .fd = line->terminal.master};
	for (int i = 0; i < 2; i++) {
		channel->to[i] = (struct plug){.who = readers[i], .fd = play(readers[i], open_slave,
									     atoi(line->terminal.name + 4))};
		must(channel->to[i].fd, "the slave");
	}
}

int main(void)
{
	open_channels();
	open_terminals(&lines[KINDS]);
	for (int i = 0; i < LINES; i++) {
		try_all(&lines[i]);
		use(&lines[i], BY_CALL);
		use(&lines[i], BY_REQUEST);
	}
	linger();
	return 0;
}
