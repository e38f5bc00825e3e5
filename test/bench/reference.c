/*
 * What ipcdump is measured against: plain C with libbpf on the same BPF object, the same programs with
 * the same configuration, the ring drained in the same rhythm, and the same lines by fprintf. It knows
 * pipes, and unix and TCP sockets whose both ends the kernel side names; no filters, no guesses in
 * words, no order between CPUs, no hidden characters: all of that is left out in its favour.
 *
 * reference OBJECT FORM CONTENTS KINDS OUTPUT PROGRAM=TARGET,...
 * FORM text, json, count; CONTENTS is the most bytes an event, -1: none; KINDS a mask. Of the targets of
 * a program the first that the kernel has is taken. With OBJECT alone it prints the names of its programs.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
/* the BPF side's own headers for the records; its types are the C library's here */
#define __VMLINUX_H__
#include <linux/types.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
#include "config.h"
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The calls of libbpf's that are made here: the bundle has its library, and headers for BPF programs only */
struct bpf_object *bpf_object__open(const char *path);
int bpf_object__load(struct bpf_object *);
struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *, const char *name);
struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *, const char *name);
int bpf_object__find_map_fd_by_name(const struct bpf_object *, const char *name);
struct bpf_program *bpf_object__next_program(const struct bpf_object *, struct bpf_program *);
const char *bpf_program__name(const struct bpf_program *);
int bpf_program__set_autoload(struct bpf_program *, bool);
int bpf_program__set_attach_target(struct bpf_program *, int, const char *function);
struct bpf_link *bpf_program__attach(const struct bpf_program *);
struct bpf_link *bpf_program__attach_kprobe(const struct bpf_program *, bool, const char *function);
void *bpf_map__initial_value(const struct bpf_map *, size_t *size);
struct ring_buffer *ring_buffer__new(int fd, int (*take)(void *, void *, size_t), void *,
				     const void *);
int ring_buffer__consume(struct ring_buffer *);
int ring_buffer__epoll_fd(const struct ring_buffer *);
void *libbpf_set_print(int (*print)(int level, const char *format, va_list));

enum form { FORM_TEXT, FORM_JSON, FORM_COUNT };

#define NAMES 65536
#define PAIRS 65536
#define OPEN 1024

struct name {
	struct process who;
	char comm[COMM_LENGTH + 1];
};

struct pair {
	struct process src, dst;
	u32 kind;
	u32 used;
	u64 inode;
	u64 events, bytes;
};

/* An event whose contents are still to come */
struct pending {
	bool is;
	u8 event[sizeof(struct loopback_record)];
};

static struct name names[NAMES];
static struct pair pairs[PAIRS];
static enum form form;
static long contents = -1;
static FILE *out;
static u64 events;
static volatile sig_atomic_t stopping;
static s64 boot_to_real;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static u32 slot_of(struct process who)
{
	return ((who.tgid * 0x9e3779b1u) ^ who.tag) * 0x85ebca6bu >> 16;
}

static void add_name(const struct name_record *record)
{
	u32 at = slot_of(record->who);

	while (names[at].who.tgid && memcmp(&names[at].who, &record->who, sizeof(record->who)))
		at = (at + 1) % NAMES;
	names[at].who = record->who;
	memcpy(names[at].comm, record->comm, COMM_LENGTH);
}

static const char *name_of(struct process who)
{
	for (u32 at = slot_of(who); names[at].who.tgid; at = (at + 1) % NAMES)
		if (!memcmp(&names[at].who, &who, sizeof(who)))
			return names[at].comm;
	return "<unknown>";
}

static const char *const kind_names[KINDS] = {
	[KIND_PIPE] = "pipe",
	[KIND_UNIX_STREAM] = "unix-stream",
	[KIND_LOOPBACK_TCP] = "loopback-tcp",
};

/* The clock of the current second, made once a second */
static const char *clock_words(time_t second)
{
	static time_t last = -1;
	static char words[64];
	struct tm parts;

	if (second == last)
		return words;
	localtime_r(&second, &parts);
	strftime(words, sizeof(words), form == FORM_JSON ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S",
		 &parts);
	last = second;
	return words;
}

static const char *zone_words(void)
{
	static char words[8];

	if (!*words) {
		time_t second = time(NULL);
		struct tm parts;

		localtime_r(&second, &parts);
		strftime(words, sizeof(words), "%z", &parts);
		memmove(words + 4, words + 3, 3);
		words[3] = ':';
	}
	return words;
}

static void print_hexdump(const u8 *data, u32 length)
{
	for (u32 row = 0; row < length; row += 16) {
		u32 n = length - row < 16 ? length - row : 16;

		fprintf(out, "\t%08x ", row);
		for (u32 i = 0; i < 16; i++) {
			if (i == 8)
				fputc(' ', out);
			if (i < n)
				fprintf(out, " %02x", data[row + i]);
			else
				fputs("   ", out);
		}
		fputs("  |", out);
		for (u32 i = 0; i < n; i++)
			fputc(data[row + i] >= 0x20 && data[row + i] < 0x7f ? data[row + i] : '.',
			      out);
		fputs("|\n", out);
	}
}

static void print_base64(const u8 *data, u32 length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (u32 i = 0; i < length; i += 3) {
		u32 n = length - i;
		u32 word =
			data[i] << 16 | (n > 1 ? data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
		char four[4] = {digits[word >> 18], digits[word >> 12 & 63],
				n > 1 ? digits[word >> 6 & 63] : '=',
				n > 2 ? digits[word & 63] : '='};

		fwrite(four, 1, 4, out);
	}
}

static const char *service(u32 port)
{
	static char found[16][64];
	static u32 known[16];
	char *words = found[port % 16];

	if (known[port % 16] != port) {
		struct servent *entry = getservbyport(htons(port), "tcp");

		if (entry)
			snprintf(words, 64, "%s/tcp", entry->s_name);
		else
			snprintf(words, 64, "%u/tcp", port);
		known[port % 16] = port;
	}
	return words;
}

/* Addresses of the loopback interface are v4-mapped or IPv6 */
static const char *address(const u8 *bytes, char *into)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!memcmp(bytes, mapped, sizeof(mapped)))
		return inet_ntop(AF_INET, bytes + 12, into, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, bytes, into, INET6_ADDRSTRLEN);
}

static void print_meta(const struct event_record *event)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const struct loopback_record *tcp = (const void *)event;
	const struct pipe_record *pipe = (const void *)event;
	const struct unix_record *local = (const void *)event;
	bool json = form == FORM_JSON;

	switch (event->kind) {
	case KIND_PIPE:
		fprintf(out,
			json ? "\"pipe_name\":\"%s\",\"pipe_inode\":%llu,\"count\":%u"
			     : ": pipe_name %s, pipe_inode %llu, count %u",
			"<anonymous>", (unsigned long long)pipe->inode, event->count);
		break;
	case KIND_UNIX_STREAM:
		fprintf(out,
			json ? "\"path\":\"%s\",\"count\":%u,\"src_inode\":%llu,\"dst_inode\":%llu"
			     : ": path %s, count %u, src_inode %llu, dst_inode %llu",
			"<anonymous>", event->count, (unsigned long long)local->src_inode,
			(unsigned long long)local->dst_inode);
		break;
	case KIND_LOOPBACK_TCP:
		fprintf(out,
			json ? "\"src_addr\":\"%s\",\"src_port\":%u,\"src_serv\":\"%s\",\"dst_"
			       "addr\":\"%s\","
			       "\"dst_port\":%u,\"dst_serv\":\"%s\",\"dst_inode\":%llu,\"count\":%u"
			     : ": src_addr %s, src_port %u, src_serv %s, dst_addr %s, dst_port %u, "
			       "dst_serv %s, dst_inode %llu, count %u",
			address(tcp->src_address, from), tcp->src_port, service(tcp->src_port),
			address(tcp->dst_address, to), tcp->dst_port, service(tcp->dst_port),
			(unsigned long long)tcp->dst_inode, event->count);
		break;
	}
}

static void count_pair(const struct event_record *event)
{
	u32 at = (slot_of(event->src) ^ slot_of(event->dst) ^ event->kind) % PAIRS;
	/* the first field behind the header tells the place in all kinds that are known here */
	u64 inode = *(const u64 *)(event + 1);
	struct pair *pair;

	for (;; at = (at + 1) % PAIRS) {
		pair = &pairs[at];
		if (!pair->used)
			break;
		if (pair->kind == event->kind && pair->inode == inode &&
		    !memcmp(&pair->src, &event->src, sizeof(event->src)) &&
		    !memcmp(&pair->dst, &event->dst, sizeof(event->dst)))
			break;
	}
	pair->used = 1;
	pair->kind = event->kind;
	pair->inode = inode;
	pair->src = event->src;
	pair->dst = event->dst;
	pair->events++;
	pair->bytes += event->count;
}

static void print_event(const struct event_record *event, const u8 *data, u32 length)
{
	u64 time = event->time + boot_to_real;
	const char *words;

	events++;
	if (form == FORM_COUNT) {
		count_pair(event);
		return;
	}
	words = clock_words(time / 1000000000);
	if (form == FORM_TEXT) {
		fprintf(out, "%s.%09llu %s %d(%s) > %d(%s)", words,
			(unsigned long long)(time % 1000000000), kind_names[event->kind],
			event->src.tgid, name_of(event->src), event->dst.tgid, name_of(event->dst));
		print_meta(event);
		fputc('\n', out);
		if (contents >= 0)
			print_hexdump(data, length);
		return;
	}
	fprintf(out,
		"{\"src_pid\":%d,\"src_comm\":\"%s\",\"dst_pid\":%d,\"dst_comm\":\"%s\","
		"\"type\":\"%s\",\"time\":\"%s.%09llu%s\",\"meta\":{",
		event->src.tgid, name_of(event->src), event->dst.tgid, name_of(event->dst),
		kind_names[event->kind], words, (unsigned long long)(time % 1000000000),
		zone_words());
	print_meta(event);
	fputc('}', out);
	if (contents >= 0) {
		fputs(",\"bytes\":\"", out);
		print_base64(data, length);
		fputc('"', out);
	}
	fputs("}\n", out);
}

/*
 * The one event whose contents are behind it in the ring, which may be overwritten by then: a copy. It
 * ends with them or with the next event.
 */
static struct pending pending;

static void finish(const u8 *data, u32 length)
{
	if (pending.is)
		print_event((void *)pending.event, data, length);
	pending.is = false;
}

static int take(void *context, void *data, size_t size)
{
	const struct event_record *event = data;
	const struct chunk_record *chunk = data;

	(void)context;
	switch (size >= 4 ? event->type : 0) {
	case RECORD_NAME:
		add_name(data);
		break;
	case RECORD_EVENT:
		finish(NULL, 0);
		if (event->kind >= KINDS || !kind_names[event->kind])
			break;
		pending.is = event->captured > 0;
		if (pending.is)
			memcpy(pending.event, event,
			       size < sizeof(pending.event) ? size : sizeof(pending.event));
		else
			print_event(event, NULL, 0);
		break;
	case RECORD_CHUNK:
		if (((struct event_record *)pending.event)->thread == chunk->thread)
			finish(chunk->data, chunk->length);
		break;
	}
	return 0;
}

static int quiet(int level, const char *format, va_list list)
{
	return level == 0 ? vfprintf(stderr, format, list) : 0;
}

static bool is_aimed(const char *name)
{
	return !strstr(name, "__kprobe") && !strstr(name, "__perf");
}

/* One of the words PROGRAM=TARGET,...; false: this kernel has none of the targets */
static bool enable(struct bpf_object *object, char *word)
{
	char *targets = strchr(word, '=');
	struct bpf_program *program;

	if (!targets)
		errx(2, "%s: not PROGRAM=TARGET", word);
	*targets++ = 0;
	program = bpf_object__find_program_by_name(object, word);
	if (!program)
		errx(1, "no program %s", word);
	for (char *target = strtok(targets, ","); target; target = strtok(NULL, ",")) {
		if (is_aimed(word) && bpf_program__set_attach_target(program, 0, target))
			continue;
		bpf_program__set_autoload(program, true);
		return true;
	}
	return false;
}

static void attach(struct bpf_object *object, char *word, char *end)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, word);
	struct bpf_link *link = NULL;

	if (strstr(word, "__kprobe"))
		for (char *target = word + strlen(word) + 1; !link && target < end;
		     target += strlen(target) + 1)
			link = bpf_program__attach_kprobe(program, false, target);
	else
		link = bpf_program__attach(program);
	if (!link)
		err(1, "cannot attach %s", word);
}

static int list_programs(struct bpf_object *object)
{
	struct bpf_program *program = NULL;

	while ((program = bpf_object__next_program(object, program)))
		puts(bpf_program__name(program));
	return 0;
}

static void *value_of(struct bpf_object *object, const char *name, size_t *size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		errx(1, "no map %s", name);
	return bpf_map__initial_value(map, size);
}

static s64 offset_of_boot(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return (real.tv_sec - boot.tv_sec) * 1000000000LL + real.tv_nsec - boot.tv_nsec;
}

/* The same rhythm as src/loop.ts: four milliseconds between drains while data flows, epoll when not */
static void drain_until_stopped(struct ring_buffer *ring, struct shared *words)
{
	int idle = 0;

	for (;;) {
		bool last = stopping;
		int n = ring_buffer__consume(ring);

		/* what an event waits for is in the same batch or lost; the ring is given back now */
		finish(NULL, 0);
		fflush(out);
		if (last)
			return;
		boot_to_real = offset_of_boot();
		if (n > 0) {
			idle = 0;
			words->awake = 1;
			usleep(4000);
		} else if (++idle < 3) {
			usleep(4000);
		} else if (words->awake) {
			words->awake = 0;
		} else {
			struct pollfd poller = {.fd = ring_buffer__epoll_fd(ring),
						.events = POLLIN};

			poll(&poller, 1, 500);
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};
	struct bpf_object *object;
	struct ring_buffer *ring;
	struct config *settings;
	struct shared *words;
	bool enabled[64] = {};
	char *ends[64];
	size_t size;
	u64 lost = 0;
	u32 deliveries = 0, calls = 0;

	libbpf_set_print(quiet);
	object = bpf_object__open(argc > 1 ? argv[1] : "");
	if (!object)
		err(1, "opening the object");
	if (argc == 2)
		return list_programs(object);
	if (argc < 7 || argc > 64)
		errx(2, "usage: reference OBJECT FORM CONTENTS KINDS OUTPUT PROGRAM=TARGET,...");
	form = !strcmp(argv[2], "json")	   ? FORM_JSON
	       : !strcmp(argv[2], "count") ? FORM_COUNT
					   : FORM_TEXT;
	contents = atol(argv[3]);
	out = fopen(argv[5], "w");
	if (!out)
		err(1, "%s", argv[5]);
	setvbuf(out, NULL, _IOFBF, 1 << 18);
	sigaction(SIGINT, &action, NULL);
	boot_to_real = offset_of_boot();

	for (int i = 6; i < argc; i++) {
		ends[i] = argv[i] + strlen(argv[i]) + 1;
		enabled[i] = enable(object, argv[i]);
		if (enabled[i] && !strncmp(argv[i], "loopback_ready", 14))
			deliveries = 1;
		if (enabled[i] && !strncmp(argv[i], "calls_exit", 10))
			calls = atoi(argv[4]);
	}
	settings = value_of(object, ".rodata.config", &size);
	/* linking leaves one for every file, of which the first is used */
	if (size < sizeof(*settings))
		errx(1, "config has %zu bytes, the headers say %zu", size, sizeof(*settings));
	settings->kinds = atoi(argv[4]);
	settings->calls = calls;
	settings->deliveries = deliveries;
	settings->contents = contents >= 0;
	settings->max_bytes = contents > 0 ? contents : 0;
	settings->own_tgid = getpid();
	if (bpf_object__load(object))
		err(1, "load");
	words = value_of(object, ".bss.shared", &size);
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), take, NULL, NULL);
	if (!ring)
		err(1, "ring");
	for (int i = 6; i < argc; i++)
		if (enabled[i])
			attach(object, argv[i], ends[i]);
	fprintf(stderr, "tracing\n");
	drain_until_stopped(ring, words);
	for (int kind = 0; kind < KINDS; kind++)
		for (int reason = 0; reason < LOST_REASONS; reason++)
			lost += words->lost[kind][reason];
	for (u32 i = 0; i < PAIRS; i++)
		if (pairs[i].used)
			fprintf(out, "%s %d(%s) > %d(%s) %llu events %llu bytes\n",
				kind_names[pairs[i].kind], pairs[i].src.tgid, name_of(pairs[i].src),
				pairs[i].dst.tgid, name_of(pairs[i].dst),
				(unsigned long long)pairs[i].events,
				(unsigned long long)pairs[i].bytes);
	fflush(out);
	fprintf(stderr, "%llu events, %llu lost\n", (unsigned long long)events,
		(unsigned long long)lost);
	return 0;
}
