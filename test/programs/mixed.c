/* A little of everything in lock-step, for runs on different kernels to be compared event by event. */
#include "disposition.h"
#include "net.h"
#include "pty.h"
#include "unix.h"

static struct tube a, b;
static struct actor *ann, *bob, *cyd;

static void hit(struct actor *sender, struct actor *target, int number, const char *name, const char *more)
{
	check(call(sender, SYS_kill, target->pid, number) == 0, "kill");
	call(target, SYS_getpid);
	say_sent(sender->name, target->name, number, name, more);
}

static void gather_and_scatter(void)
{
	struct iovec *pieces = (void *)stage->arena;
	char *text = (char *)(stage->arena + 4096);

	strcpy(text, "one two three");
	pieces[0] = (struct iovec){text, 4};
	pieces[1] = (struct iovec){text + 4, 0};
	pieces[2] = (struct iovec){text + 4, 9};
	check(call(bob, SYS_writev, a.out, P(pieces), 3) == 13, "writev");
	pieces[0] = (struct iovec){text + 100, 7};
	pieces[1] = (struct iovec){text + 200, 100};
	check(call(cyd, SYS_readv, a.in, P(pieces), 2) == 13, "readv");
	say_moved("bob", "a", "cyd", "one two three", 13, READ);
}

/* Two plugs each: the first process's, the second's. */
static struct plug stream[2], datagram[2], packet[2], tcp[2], udp[2];
static struct place tcp_place[2], udp_place[2];
static struct terminal terminal;

static void make_sockets(void)
{
	int ends[3][2];
	struct plug listener;

	make_pair(ends[0], SOCK_STREAM);
	make_pair(ends[1], SOCK_DGRAM);
	make_pair(ends[2], SOCK_SEQPACKET);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	stream[0] = keep(ann, ends[0][0]);
	stream[1] = keep(bob, ends[0][1]);
	datagram[0] = keep(bob, ends[1][0]);
	datagram[1] = keep(cyd, ends[1][1]);
	packet[0] = keep(cyd, ends[2][0]);
	packet[1] = keep(ann, ends[2][1]);

	tcp_place[1] = place_of("::1", 0);
	listener = open_plug(bob, AF_INET6, SOCK_STREAM);
	bind_plug(&listener, tcp_place[1].address, tcp_place[1].length);
	listen_plug(&listener);
	tcp_place[1] = place_at(&listener);
	tcp[0] = open_plug(ann, AF_INET6, SOCK_STREAM);
	connect_plug(&tcp[0], tcp_place[1].address, tcp_place[1].length);
	tcp_place[0] = place_at(&tcp[0]);
	tcp[1] = accept_plug(&listener);

	udp_place[1] = place_of("127.0.0.1", 0);
	udp[1] = open_plug(cyd, AF_INET, SOCK_DGRAM);
	bind_plug(&udp[1], udp_place[1].address, udp_place[1].length);
	udp_place[1] = place_at(&udp[1]);
	udp[0] = open_plug(bob, AF_INET, SOCK_DGRAM);
	connect_plug(&udp[0], udp_place[1].address, udp_place[1].length);
	udp_place[0] = place_at(&udp[0]);

	terminal = open_terminal(cyd);
	enter_session(&terminal, ann);
}

static const char *const words[] = {"one ", "two ", "three"};
static struct iovec *pieces;

static void gather(int type, const struct plug *from, const struct plug *to)
{
	check(call(from->who, SYS_writev, from->fd, P(pieces), 3) == 13, "writev");
	say_letter((struct letter){.type = type, .from = from, .to = to, .bytes = "one two three", .count = 13});
	check(take(to) == 13, "recv");
}

static void send_bytes(const char *type, const struct plug *plugs, const struct place *places, int back,
		       const char *text)
{
	const struct plug *from = &plugs[back], *to = &plugs[!back];
	long count = strlen(text);

	check(call(from->who, SYS_sendto, from->fd, P(text), count, 0, 0, 0) == count, "send");
	say_inet_sent((struct inet_sent){type, from, to, places[back], places[!back], text, count, READ, SURE});
	check(take(to) == count, "recv");
}

static void use_sockets(void)
{
	pass(SOCK_STREAM, NULL, &stream[0], &stream[1], "a question");
	pass(SOCK_STREAM, NULL, &stream[1], &stream[0], "an answer");
	gather(SOCK_STREAM, &stream[0], &stream[1]);
	post(SOCK_DGRAM, NULL, &datagram[0], &datagram[1], "", SURE);
	check(take(&datagram[1]) == 0, "recv");
	gather(SOCK_DGRAM, &datagram[0], &datagram[1]);
	pass(SOCK_SEQPACKET, NULL, &packet[0], &packet[1], "a packet");
	pass(SOCK_SEQPACKET, NULL, &packet[1], &packet[0], "another");
	send_bytes("loopback-tcp", tcp, tcp_place, 0, "GET / HTTP/1.0");
	send_bytes("loopback-tcp", tcp, tcp_place, 1, "200 OK");
	send_bytes("loopback-udp", udp, udp_place, 0, "ping");
	print_to(&terminal, ann, "$ ", SURE);
	type_to(&terminal, ann, "exit\n", "ann", SURE);
}

int main(void)
{
	a = lay("a", 0);
	b = lay("b", 0);
	make_sockets();
	pieces = pieces_of(words, 3);
	for (int i = 0; i < stage->count; i++)
		play(&stage->actors[i], handle, SIGUSR1);
	play(cyd, ignore, SIGUSR2);

	for (int round = 0; round < 5; round++) {
		put(ann, &a, "hello");
		get_from(ann, bob, &a, 100);
		hit(bob, ann, SIGUSR1, "SIGUSR1", "");

		put(ann, &a, "from ann ");
		put(bob, &a, "and bob");
		check(get(cyd, &a, 100) == 16, "read");
		say_moved("ann", "a", "cyd", "from ann ", 9, READ);
		say_moved("bob", "a", "cyd", "and bob", 7, READ);
		hit(cyd, cyd, SIGUSR1, "SIGUSR1", "");
		hit(ann, cyd, SIGUSR2, "SIGUSR2", ",\"result\":\"ignored\"");

		put(ann, &a, "spliced");
		check(call(bob, SYS_splice, a.in, 0, b.out, 0, 100, 0) == 7, "splice");
		say_moved("ann", "a", "bob", "spliced", 7, SPLICED);
		check(call(cyd, SYS_tee, b.in, a.out, 100, 0) == 7, "tee");
		get_from(bob, ann, &b, 100);
		get_from(cyd, ann, &a, 100);

		gather_and_scatter();
		put(cyd, &b, "0123456789");
		get_from(cyd, ann, &b, 4);
		get_from(cyd, bob, &b, 100);
		use_sockets();
	}
	linger();
	return 0;
}
