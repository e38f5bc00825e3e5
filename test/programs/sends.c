/* sends MODE: what calls have sent whose answers, or whose caller's memory afterwards, do not tell. */
#include "sends_scene.h"
#include "sends_unwritable.h"

/* io_submit of two requests, to a pair and to a pipe */
static void by_aio(void)
{
	struct tube tube = lay("tube", 0);
	aio_context_t *context = lend(sizeof(*context));
	struct pair pair = pair_of(SOCK_STREAM);
	struct iocb to_pair = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = pair.from.fd, .aio_buf = P(text),
			       .aio_nbytes = TEXT};
	const char *const texts[] = {"in two ", "pieces"};
	struct iocb *one = lend_copy(&to_pair, sizeof(to_pair)), *two = lend_copy(&to_pair, sizeof(to_pair));
	struct iocb *to_pipe = lend_copy(&to_pair, sizeof(to_pair));
	struct iocb **list = lend(2 * sizeof(*list));

	*context = 0;
	must(call(ann, SYS_io_setup, 8, P(context)), "io_setup");
	two->aio_lio_opcode = IOCB_CMD_PWRITEV;
	two->aio_buf = P(pieces_of(texts, 2));
	two->aio_nbytes = 2;
	list[0] = one;
	list[1] = two;
	check(call(ann, SYS_io_submit, *context, 2, P(list)) == 2, "io_submit");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &pair.from, .to = &pair.to, .bytes = text, .count = TEXT});
	say_letter((struct letter){.type = SOCK_STREAM, .from = &pair.from, .to = &pair.to, .bytes = "in two pieces",
				   .count = 13});
	check(take(&pair.to) == TEXT + 13, "recv");
	to_pipe->aio_fildes = tube.out;
	list[0] = to_pipe;
	check(call(ann, SYS_io_submit, *context, 1, P(list)) == 1, "io_submit");
	get_from(ann, bob, &tube, 100);
}

/* The kernel writes how much it sent where the address was, and then the iovec */
static void overwritten(void)
{
	struct place client, server = place_of("127.0.0.1", 0);
	struct mmsghdr *message = message_to(NULL, 0);
	struct iovec *piece = (void *)&message->msg_len;
	struct plug from, to;
	struct pair pair;

	lend(sizeof(*piece));
	pair = pair_of(SOCK_STREAM);
	*piece = *message->msg_hdr.msg_iov;
	message->msg_hdr.msg_iov = piece;
	check(call(ann, SYS_sendmmsg, pair.from.fd, P(message), 1, 0) == 1, "sendmmsg");
	got(&pair, SOCK_STREAM, text, TEXT);

	to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&to, server.address, server.length);
	set_port(&server, port_of(&to));
	from = open_plug(ann, AF_INET, SOCK_DGRAM);
	message = message_to(NULL, server.length);
	lend(sizeof(struct sockaddr_in));
	message->msg_hdr.msg_name = &message->msg_len;
	memcpy(&message->msg_len, server.address, server.length);
	check(call(ann, SYS_sendmmsg, from.fd, P(message), 1, 0) == 1, "sendmmsg");
	client = place_of("127.0.0.1", port_of(&from));
	say_inet_sent((struct inet_sent){"loopback-udp", &from, &to, client, server, text, TEXT, READ, SURE});
	check(take(&to) == TEXT, "recv");
}

static void filter(const struct plug *plug, unsigned int kept)
{
	struct sock_filter *rule = lend_copy(&(struct sock_filter){BPF_RET | BPF_K, 0, 0, kept}, sizeof(*rule));
	struct sock_fprog program = {.len = 1, .filter = rule};

	must(call(plug->who, SYS_setsockopt, plug->fd, SOL_SOCKET, SO_ATTACH_FILTER,
		  P(lend_copy(&program, sizeof(program))), sizeof(program)), "SO_ATTACH_FILTER");
}

/* One sendmmsg to three receivers: the first one's filter drops everything, the second one's leaves four bytes */
static void filtered(void)
{
	struct name names[3];
	struct mmsghdr *messages = lend(3 * sizeof(*messages));
	struct plug to[3], from;

	cast_all();
	for (int i = 0; i < 3; i++) {
		to[i] = open_plug(i == 2 ? cyd : bob, AF_UNIX, SOCK_DGRAM);
		names[i] = bind_abstract(&to[i], i);
		messages[i] = *message_to(names[i].address, names[i].length);
	}
	filter(&to[0], 0);
	filter(&to[1], 4);
	from = open_plug(ann, AF_UNIX, SOCK_DGRAM);
	check(call(ann, SYS_sendmmsg, from.fd, P(messages), 3, 0) == 3, "sendmmsg");
	for (int i = 1; i < 3; i++) {
		int count = i == 1 ? 4 : TEXT;

		say_letter((struct letter){.type = SOCK_DGRAM, .path = names[i].path, .from = &from, .to = &to[i],
					   .bytes = text, .count = count});
		check(take(&to[i]) == count, "recv");
	}
	check(try_take(&to[0]) == -EAGAIN, "a filter");
	/* connected to who drops it */
	connect_plug(&from, names[0].address, names[0].length);
	check(call(ann, SYS_sendto, from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
}

/* A send waits for room while another process that shares the socket connects it to somebody else */
static void reconnected(void)
{
	struct name names[2];
	struct plug to[2], from;
	int fd, sent = 0;

	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	cast_all();
	from = plug(ann, fd);
	close(fd);
	call(bob, SYS_close, fd);
	for (int i = 0; i < 2; i++) {
		to[i] = open_plug(bob, AF_UNIX, SOCK_DGRAM);
		names[i] = bind_abstract(&to[i], i);
	}
	connect_plug(&from, names[0].address, names[0].length);
	while (call(ann, SYS_sendto, fd, P(text), TEXT, MSG_DONTWAIT, 0, 0) == TEXT)
		sent++;
	begin(ann, SYS_sendto, fd, P("the last one"), 12, 0, 0, 0);
	until_blocked(ann->pid, SYS_sendto);
	must(call(cyd, SYS_connect, fd, P(names[1].address), names[1].length), "connect");
	for (int i = 0; i <= sent; i++) {
		int last = i == sent;

		say_letter((struct letter){.type = SOCK_DGRAM, .path = names[0].path, .from = &from, .to = &to[0],
					   .bytes = last ? "the last one" : text, .count = last ? 12 : TEXT});
		check(take(&to[0]) == (last ? 12 : TEXT), "recv");
	}
	check(answer(ann) == 12, "send");
}

#include "sends_silent.h"
#include "sends_udp.h"

static void by_mptcp(void)
{
	struct place client, server;
	struct pair pair = connection(IPPROTO_MPTCP, &client, &server);

	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	say_inet_sent((struct inet_sent){"loopback-tcp", &pair.from, &pair.to, client, server, text, TEXT, READ, SURE});
	check(take(&pair.to) == TEXT, "recv");
	check(call(bob, SYS_write, pair.to.fd, P("back"), 4) == 4, "write");
	say_inet_sent((struct inet_sent){"loopback-tcp", &pair.to, &pair.from, server, client, "back", 4, READ, SURE});
	check(take(&pair.from) == 4, "recv");
}

static long take_and_go(long fd)
{
	char bytes[TEXT];

	_exit(recv(fd, bytes, TEXT, 0) != TEXT);
}

/* From before tracing; who receives is gone at once, and cyd has that end still. */
static void mptcp_early(void)
{
	struct place client, server;
	struct pair pair = connection(IPPROTO_MPTCP, &client, &server);
	siginfo_t end;

	must(call(cyd, SYS_pidfd_getfd, call(cyd, SYS_pidfd_open, bob->pid, 0), pair.to.fd, 0), "pidfd_getfd");
	wait_for_test();
	begin(bob, PLAY, P(take_and_go), pair.to.fd);
	until_blocked(bob->pid, SYS_recvfrom);
	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	check(waitid(P_PID, bob->pid, &end, WEXITED | WNOWAIT) == 0 && end.si_status == 0, "recv");
	say_inet_sent((struct inet_sent){"loopback-tcp", &pair.from, &pair.to, client, server, text, TEXT, READ, MAY_GUESS});
}

#ifdef __x86_64__
/* As a 32-bit program's libc makes its socket calls; number: SYS_SEND and so on of linux/net.h */
static long socketcall(long arguments)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(102L), "b"((long)*(unsigned int *)arguments), "c"(arguments + 4)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* 32-bit pointers reach no further */
static void *low_copy(const void *bytes, size_t count)
{
	static char *low;

	if (!low)
		low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(low != MAP_FAILED, "mmap");
	low += 256;
	return memcpy(low, bytes, count);
}

static void by_socketcall(void)
{
	/* there before they are cast, so that all have it */
	unsigned int *sending = low_copy("", 0), *receiving = low_copy("", 0);
	void *bytes = low_copy(text, TEXT), *room = low_copy("", 0);
	struct pair pair = pair_of(SOCK_DGRAM);

	/* behind a send's arguments there is no address */
	memcpy(sending, (unsigned int[]){9, pair.from.fd, P(bytes), TEXT, 0, 0xdead, 0xbeef}, 28);
	memcpy(receiving, (unsigned int[]){10, pair.to.fd, P(room), TEXT, 0}, 20);
	check(play(ann, socketcall, P(sending)) == TEXT, "socketcall");
	say_letter((struct letter){.type = SOCK_DGRAM, .from = &pair.from, .to = &pair.to, .bytes = text, .count = TEXT});
	check(play(bob, socketcall, P(receiving)) == TEXT, "socketcall");
}
#endif

static const struct mode modes[] = {
	{"unwritable_stream", unwritable_stream}, {"unwritable_dgram", unwritable_dgram},
	{"unwritable_tcp", unwritable_tcp},	  {"unwritable_udp", unwritable_udp},
	{"unwritable_offset", unwritable_offset}, {"unwritable_pipe", unwritable_pipe},
	{"aio", by_aio},			  {"overwritten", overwritten},
	{"filtered", filtered},			  {"reconnected", reconnected},
	{"mptcp", by_mptcp},			  {"uncorked", uncorked},
	{"mptcp_early", mptcp_early},
	{"answered", answered},			  {"to_group", to_group},
	{"redirected", redirected},		  {"taken_by_aio", taken_by_aio},
	{"not_taken", not_taken},		  {"taken_and_failed", taken_and_failed},
	{"packets", packets},			  {"one_table", one_table},
	{"sent_silently", sent_silently},
	{"peeked_by_ring", peeked_by_ring},	  {"taken_when_over", taken_when_over},
#ifdef __x86_64__
	{"socketcall", by_socketcall},
#endif
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (status == 0)
		linger();
	return status;
}
