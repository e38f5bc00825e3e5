/* sends MODE: what calls have sent whose answers, or whose caller's memory afterwards, do not tell. */
#include "net.h"
#include "unix.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>

static struct actor *ann, *bob, *cyd;

static void cast_all(void)
{
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
}

/* A pair of bob's and ann's, made by ann: bob gets his end by fork, before he is cast. */
struct pair {
	struct plug from, to;
};

static struct pair pair_of(int type)
{
	struct pair pair;
	int ends[2];

	make_pair(ends, type);
	ann = cast("ann");
	bob = cast("bob");
	pair.from = keep(ann, ends[0]);
	pair.to = keep(bob, ends[1]);
	return pair;
}

static void got(const struct pair *pair, int type, const void *bytes, long count)
{
	say_letter((struct letter){.type = type, .from = &pair->from, .to = &pair->to, .bytes = bytes, .count = count});
	check(take(&pair->to) == count, "recv");
}

/* Memory of the caller's own that it can't write to, with such bytes. */
static long protected_copy(long what)
{
	const struct mmsghdr *message = (void *)what;
	void *page = mmap((void *)0x600000000000, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	check(page != MAP_FAILED, "mmap");
	memcpy(page, message, sizeof(*message));
	return mprotect(page, 4096, PROT_READ);
}

static const char text[] = "it was sent all the same";
enum { TEXT = sizeof(text) - 1 };

static struct mmsghdr *message_to(const void *name, socklen_t length)
{
	const char *const texts[] = {text};
	struct mmsghdr message = {.msg_hdr = {.msg_name = (void *)name, .msg_namelen = length,
					      .msg_iov = pieces_of(texts, 1), .msg_iovlen = 1}};

	return lend_copy(&message, sizeof(message));
}

/* sendmmsg can't write down how much it has sent: EFAULT */
static void send_unwritable(const struct plug *plug)
{
	must(play(ann, protected_copy, P(message_to(NULL, 0))), "mprotect");
	check(call(ann, SYS_sendmmsg, plug->fd, 0x600000000000, 1, 0) == -EFAULT, "sendmmsg");
}

static void unwritable_stream(void)
{
	struct pair pair = pair_of(SOCK_STREAM);

	send_unwritable(&pair.from);
	got(&pair, SOCK_STREAM, text, TEXT);
}

static void unwritable_dgram(void)
{
	struct pair pair = pair_of(SOCK_DGRAM);

	send_unwritable(&pair.from);
	got(&pair, SOCK_DGRAM, text, TEXT);
}

/* ann and bob, connected; protocol 0 or IPPROTO_MPTCP */
static struct pair connection(int protocol, struct place *client, struct place *server)
{
	struct plug listener;
	struct pair pair;

	cast_all();
	*server = place_of("127.0.0.1", 0);
	/* a kernel without MPTCP has TCP for it */
	if (call(bob, SYS_socket, AF_INET, SOCK_STREAM, protocol) == -EPROTONOSUPPORT)
		protocol = 0;
	listener = plug(bob, call(bob, SYS_socket, AF_INET, SOCK_STREAM, protocol));
	bind_plug(&listener, server->address, server->length);
	set_port(server, port_of(&listener));
	listen_plug(&listener);
	pair.from = plug(ann, call(ann, SYS_socket, AF_INET, SOCK_STREAM, protocol));
	connect_plug(&pair.from, server->address, server->length);
	*client = place_at(&pair.from);
	pair.to = accept_plug(&listener);
	return pair;
}

static void unwritable_tcp(void)
{
	struct place client, server;
	struct pair pair = connection(0, &client, &server);

	send_unwritable(&pair.from);
	say_parcel((struct parcel){"loopback-tcp", &pair.from, &pair.to, client, server, text, TEXT, READ, SURE});
	check(take(&pair.to) == TEXT, "recv");
}

static void unwritable_udp(void)
{
	struct place client, server = place_of("127.0.0.1", 0);
	struct plug from, to;

	cast_all();
	to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&to, server.address, server.length);
	set_port(&server, port_of(&to));
	from = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&from, server.address, server.length);
	client = place_at(&from);
	send_unwritable(&from);
	say_parcel((struct parcel){"loopback-udp", &from, &to, client, server, text, TEXT, READ, SURE});
	check(take(&to) == TEXT, "recv");
}

/* sendfile and splice can't write down how far they came in a file */
static long protected_zero(long unused)
{
	void *page = mmap((void *)0x600000001000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	check(page != MAP_FAILED, "mmap");
	return unused;
}

static int file_of_text(void)
{
	char path[] = "/tmp/ipcdump-sends-XXXXXX";
	int fd = mkstemp(path);

	check(fd >= 0 && unlink(path) == 0, path);
	write_all(fd, text, TEXT);
	return fd;
}

static void unwritable_offset(void)
{
	int file = file_of_text();
	struct pair pair = pair_of(SOCK_STREAM);
	struct letter letter = {.type = SOCK_STREAM, .from = &pair.from, .to = &pair.to, .bytes = text, .count = TEXT,
				.how = SPLICED};

	must(play(ann, protected_zero, 0), "mmap");
	check(call(ann, SYS_sendfile, pair.from.fd, file, 0x600000001000, TEXT) == -EFAULT, "sendfile");
	say_letter(letter);
	check(take(&pair.to) == TEXT, "recv");
}

static void unwritable_pipe(void)
{
	int file = file_of_text();
	struct tube tube = lay("tube", 0);

	cast_all();
	must(play(ann, protected_zero, 0), "mmap");
	check(call(ann, SYS_splice, file, 0x600000001000, tube.out, 0, TEXT, 0) == -EFAULT, "splice");
	get_from(ann, bob, &tube, 100);
}

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
	say_parcel((struct parcel){"loopback-udp", &from, &to, client, server, text, TEXT, READ, SURE});
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
		char address[64];
		int length = snprintf(address, sizeof(address), "filtered-%d-%d", getpid(), i);

		names[i] = abstract_name(address, length, 0);
		to[i] = open_plug(i == 2 ? cyd : bob, AF_UNIX, SOCK_DGRAM);
		bind_plug(&to[i], names[i].address, names[i].length);
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
		char address[64];
		int length = snprintf(address, sizeof(address), "reconnected-%d-%d", getpid(), i);

		names[i] = abstract_name(address, length, 0);
		to[i] = open_plug(bob, AF_UNIX, SOCK_DGRAM);
		bind_plug(&to[i], names[i].address, names[i].length);
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

/* UDP, from a socket of ann's that is bound to nothing to one of bob's */
static struct pair parcels(const char *address, int port, struct place *client, struct place *server)
{
	struct pair pair;

	cast_all();
	*server = place_of(address, port);
	pair.to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&pair.to, server->address, server->length);
	set_port(server, port_of(&pair.to));
	pair.from = open_plug(ann, AF_INET, SOCK_DGRAM);
	*client = place_of("127.0.0.1", 0);
	return pair;
}

static void say_udp(const struct plug *from, const struct plug *to, struct place src, struct place dst, const char *bytes,
		    long count, enum how how)
{
	say_parcel((struct parcel){"loopback-udp", from, to, src, dst, bytes, count, how, SURE});
	check(take(to) == count, "recv");
}

/* What was held back is sent as UDP_CORK is taken off; and what a filter leaves of the next ones */
static void uncorked(void)
{
	struct place client, server;
	struct pair pair = parcels("127.0.0.1", 0, &client, &server);

	connect_plug(&pair.from, server.address, server.length);
	client = place_at(&pair.from);
	set_option(&pair.from, IPPROTO_UDP, UDP_CORK, 1);
	check(call(ann, SYS_sendto, pair.from.fd, P("held "), 5, 0, 0, 0) == 5, "send");
	check(call(ann, SYS_sendto, pair.from.fd, P("back"), 4, 0, 0, 0) == 4, "send");
	set_option(&pair.from, IPPROTO_UDP, UDP_CORK, 0);
	say_udp(&pair.from, &pair.to, client, server, "held back", 9, SPLICED);
	check(call(ann, SYS_sendto, pair.from.fd, P("free"), 4, 0, 0, 0) == 4, "send");
	say_udp(&pair.from, &pair.to, client, server, "free", 4, READ);
	/* eight more, for a filter is shown the header, too */
	filter(&pair.to, 8 + 6);
	check(call(ann, SYS_write, pair.from.fd, P(text), TEXT) == TEXT, "write");
	say_udp(&pair.from, &pair.to, client, server, text, 6, READ);
	filter(&pair.to, 0);
	check(call(ann, SYS_write, pair.from.fd, P(text), TEXT) == TEXT, "write");
}

/* A server that is bound to every address answers from the one that was asked */
static void answered(void)
{
	struct place client, server, anywhere = place_of("0.0.0.0", 0);
	struct pair pair = parcels("0.0.0.0", 0, &client, &anywhere);
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000035)};
	struct msghdr *message = lend(sizeof(*message));
	struct cmsghdr *control = lend(64);

	server = place_of("127.0.0.53", anywhere.port);
	check(call(ann, SYS_sendto, pair.from.fd, P("query"), 5, 0, P(server.address), server.length) == 5, "sendto");
	set_port(&client, port_of(&pair.from));
	say_udp(&pair.from, &pair.to, client, server, "query", 5, READ);
	*message = *message_of(lend_copy(&(struct iovec){lend_copy("answer", 6), 6}, sizeof(struct iovec)), 1);
	message->msg_name = client.address;
	message->msg_namelen = client.length;
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(sizeof(info));
	*control = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
	memcpy(CMSG_DATA(control), &info, sizeof(info));
	check(call(bob, SYS_sendmsg, pair.to.fd, P(message), 0) == 6, "sendmsg");
	say_udp(&pair.to, &pair.from, server, client, "answer", 6, READ);
}

/* To a group, by a socket that was given no address and no device: its source is none, as recvfrom says */
static void to_group(void)
{
	struct place client, server, anywhere;
	struct pair pair;
	struct ip_mreqn member = {{htonl(0xe00000fb)}, {htonl(0x7f000001)}, 0};

	leave_network(0);
	check(system("ip route add 224.0.0.0/4 dev lo") == 0, "ip route");
	pair = parcels("0.0.0.0", 5353, &client, &anywhere);
	must(call(bob, SYS_setsockopt, pair.to.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, P(lend_copy(&member, sizeof(member))),
		  sizeof(member)), "IP_ADD_MEMBERSHIP");
	server = place_of("224.0.0.251", 5353);
	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, P(server.address), server.length) == TEXT, "sendto");
	client = place_of("0.0.0.0", port_of(&pair.from));
	say_udp(&pair.from, &pair.to, client, server, text, TEXT, READ);
}

static void say_translated(const char *type, const struct plug *from, const struct plug *to, struct place src,
			   struct place dst, struct place nat, const char *bytes)
{
	char meta[320];
	long count = strlen(bytes);

	snprintf(meta, sizeof(meta),
		 "\"src_addr\":\"%s\",\"src_port\":%d,\"dst_addr\":\"%s\",\"dst_port\":%d,\"dst_inode\":%lu,"
		 "\"nat_addr\":\"%s\",\"nat_port\":%d",
		 src.text, src.port, dst.text, dst.port, to->inode, nat.text, nat.port);
	say_carried(type, from->who->name, to->who->name, meta, bytes, count, READ, SURE);
	check(take(to) == count, "recv");
}

/* A proxy gets what was meant for others: of this host, or of none */
static void redirected(void)
{
	const char *const meant[] = {"127.0.0.1", "10.99.99.99"};
	struct place client, server, proxy;
	struct plug listener, from, to;

	leave_network(0);
	check(system("ip link add v0 type veth peer name v1 && ip link set v1 up && ip addr add 10.77.0.2/24 dev v0 && ip link set v0 up &&"
		     "ip route add default via 10.77.0.1 && nft 'add table ip t' &&"
		     "nft 'add chain ip t o { type nat hook output priority -100; }' &&"
		     "nft 'add rule ip t o tcp dport 80 redirect to :8080' &&"
		     "nft 'add rule ip t o udp dport 53 redirect to :5353'") == 0, "ip, nft");
	cast_all();
	proxy = place_of("127.0.0.1", 8080);
	listener = open_plug(bob, AF_INET, SOCK_STREAM);
	bind_plug(&listener, proxy.address, proxy.length);
	listen_plug(&listener);
	for (int i = 0; i < 2; i++) {
		server = place_of(meant[i], 80);
		from = open_plug(ann, AF_INET, SOCK_STREAM);
		connect_plug(&from, server.address, server.length);
		client = place_at(&from);
		to = accept_plug(&listener);
		check(call(ann, SYS_write, from.fd, P("GET"), 3) == 3, "write");
		say_translated("loopback-tcp", &from, &to, client, server, proxy, "GET");
		check(call(bob, SYS_write, to.fd, P("200"), 3) == 3, "write");
		say_translated("loopback-tcp", &to, &from, proxy, client, server, "200");
	}
	proxy = place_of("127.0.0.1", 5353);
	server = place_of("127.0.0.1", 53);
	to = open_plug(bob, AF_INET, SOCK_DGRAM);
	bind_plug(&to, proxy.address, proxy.length);
	from = open_plug(ann, AF_INET, SOCK_DGRAM);
	connect_plug(&from, server.address, server.length);
	client = place_at(&from);
	check(call(ann, SYS_write, from.fd, P("who"), 3) == 3, "write");
	say_translated("loopback-udp", &from, &to, client, server, proxy, "who");
	check(call(bob, SYS_sendto, to.fd, P("you"), 3, 0, P(client.address), client.length) == 3, "sendto");
	say_translated("loopback-udp", &to, &from, proxy, client, server, "you");
}

static void by_mptcp(void)
{
	struct place client, server;
	struct pair pair = connection(IPPROTO_MPTCP, &client, &server);

	check(call(ann, SYS_sendto, pair.from.fd, P(text), TEXT, 0, 0, 0) == TEXT, "send");
	say_parcel((struct parcel){"loopback-tcp", &pair.from, &pair.to, client, server, text, TEXT, READ, SURE});
	check(take(&pair.to) == TEXT, "recv");
	check(call(bob, SYS_write, pair.to.fd, P("back"), 4) == 4, "write");
	say_parcel((struct parcel){"loopback-tcp", &pair.to, &pair.from, server, client, "back", 4, READ, SURE});
	check(take(&pair.from) == 4, "recv");
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
	{"answered", answered},			  {"to_group", to_group},
	{"redirected", redirected},
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
