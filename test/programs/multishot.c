/*
 * multishot: one of two processes that have an end receives from it by a request of io_uring that completes once
 * for each receive, then the other one, each in its turn; and by read(2) in between. Where the kernel has no such
 * requests each receives once.
 *   early  the first are under way before the test has seen them begin
 */
#include "multishot.h"
#include "pty.h"

enum { THE_TCP = 3, THE_PIPE = KINDS, THE_PTY };

static struct tube tube;
static struct terminal terminal;
static struct shot *shot;

static const char *kind_of(int end)
{
	return end == THE_PIPE ? "pipe" : end == THE_PTY ? "pty" : channels[end].kind;
}

static int sender_of(int end)
{
	return end == THE_PIPE ? tube.out : end == THE_PTY ? terminal.slave : channels[end].from.fd;
}

static int receiver_of(int end)
{
	return end == THE_PIPE ? tube.in : end == THE_PTY ? terminal.master : channels[end].to[0].fd;
}

static void say_sent_to(int end, struct actor *who)
{
	const struct job *job = &shot->job;

	if (end == THE_PIPE)
		say_moved("ann", "tube", who->name, job->text, job->count, URING);
	else if (end == THE_PTY)
		say_stroke((struct stroke){&terminal, ann, who->name, job->text, job->count, URING, SURE});
	else
		say_transfer(&channels[end], who == cyd, job, READ);
}

static void send_to(int end, struct actor *who, const char *how, int number)
{
	struct job *job = &shot->job;

	shot->end = end;
	job->count = snprintf(job->text, LONGEST, "%s to %s by %s, %d", kind_of(end), who->name, how, number);
	job->fd = sender_of(end);
	check(play(ann, by_write, job) == job->count, "write");
	say_sent_to(end, who);
	job->fd = receiver_of(end);
	memset(job->got, 0, LONGEST);
}

static void expect_caught(struct actor *who, long (*act)(long), void *argument)
{
	long result = play(who, act, argument);

	errno = result < 0 ? -result : 0;
	check(result == shot->job.count, "a receive");
	check(memcmp(shot->job.got, shot->job.text, result) == 0, "what came");
}

static void begin_with(int end, struct actor *who, enum by by)
{
	shot->end = end;
	shot->by = by;
	shot->job.fd = receiver_of(end);
	check(play(who, arm, shot) == 0, "a request");
}

static void turn(int end, struct actor *who, struct actor *other, enum by by, int is_armed)
{
	if (!is_armed)
		begin_with(end, who, by);
	shot->by = by;
	for (int i = 0; i < 3; i++) {
		send_to(end, who, by_names[by], i);
		expect_caught(who, catch_next, shot);
	}
	check(play(who, disarm, shot) == 0, "disarm");
	send_to(end, other, "a call", by);
	expect_caught(other, take_by_read, &shot->job);
}

/* Connections that bob accepts, of a listener that both have */
static void accept_some(int listener)
{
	struct sockaddr_in *address = lend(sizeof(*address));
	socklen_t length = sizeof(*address);

	check(getsockname(listener, (void *)address, &length) == 0, "getsockname");
	*shot = (struct shot){.end = LISTENER, .by = BY_ACCEPT, .job.fd = listener};
	check(play(bob, arm, shot) == 0, "a request");
	for (int i = 0; i < 2; i++) {
		struct channel *channel = &channels[THE_TCP];

		channel->from = open_plug(ann, AF_INET, SOCK_STREAM);
		connect_plug(&channel->from, address, length);
		channel->to[0] = plug(bob, play(bob, catch_next, shot));
		channel->src = place_at(&channel->from);
		channel->dst = place_at(&channel->to[0]);
		send_to(THE_TCP, bob, "accept", i);
		expect_caught(bob, take_by_read, &shot->job);
		shot->end = LISTENER;
		shot->job.fd = listener;
	}
	check(play(bob, disarm, shot) == 0, "disarm");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int is_early = argc > 1 && !strcmp(argv[1], "early"), listener;

	tube = lay("tube", 0);
	terminal.master = open_master(0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (void *)&address, sizeof(address)) == 0 && listen(listener, 4) == 0, "listen");
	open_channels();
	call(ann, SYS_close, terminal.master);
	call(ann, SYS_close, tube.in);
	snprintf(terminal.name, sizeof(terminal.name), "%s", strrchr(ptsname(terminal.master), '/') - 3);
	say("{\"terminal\":\"%s\"}", terminal.name);
	enter_session(&terminal, ann);
	close(terminal.master);
	close(tube.in);
	shot = lend(sizeof(*shot));

	if (is_early) {
		for (int end = 0; end < LISTENER; end++)
			begin_with(end, bob, end < KINDS ? BY_RECV : BY_READ);
		wait_for_test();
	}
	for (int end = 0; end < LISTENER; end++)
		for (int by = end < KINDS ? BY_RECV : BY_READ, first = by; by < HOW_MANY; by++) {
			turn(end, bob, cyd, by, is_early && by == first);
			turn(end, cyd, bob, by, 0);
		}
	accept_some(listener);
	linger();
	return 0;
}
