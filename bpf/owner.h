/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who uses a socket, and how much of what was sent there he has received. Use is send, receive, accept,
 * connect and receipt by SCM_RIGHTS, each seen at the return of its system call. Nothing of that says
 * that he has it still: his table of descriptors is asked, when it matters.
 */
#ifndef OWNER_H
#define OWNER_H
#include "count.h"
#include "family.h"
#include "lock.h"
#include "tcp_number.h"

#define OWNERS 65536
#define BEGINNINGS 256
#define BEGIN_TRIES 128
#define INET_PEER 1 /* as the inode of who a TCP or UDP socket is connected to */
#define HELD_AS_BEFORE (-3) /* he has one, or had it let go while he sent */

/* Positions are counts of bytes or messages, and wrap; those of TCP are its own numbers */
struct owner {
	struct process who;
	u64 inode; /* of the socket: another one at the same address is another socket; 0: not accepted yet */
	u64 peer;   /* inode of what it was connected to when it was used last */
	u64 leader; /* of `who`: when he has ended it is somebody else's by now */
	u64 born;
	struct process reader; /* who received last */
	u32 made;	       /* by `who`, and not used since */
	s32 fd;		       /* by which he used it; HELD; -1: not known */
	u32 sent;	       /* behind the last that was sent here */
	u32 received;	       /* behind the last that was copied to a receiver; unused for TCP */
	u32 since;	       /* from here on nobody but `reader` has received */
	u32 watched;	       /* receives that begin before this are told */
	u32 waits;	       /* how often a send was not decided */
	u32 let_go;	       /* how often a descriptor of it was let go, as functions tell */
	u32 noted;	       /* behind the last that `reader` is known to have taken */
	u32 notes;	       /* who notes that now: an addition each, as pipe_calls.h has its lock */
	u32 piece_thread;      /* that copied the last piece of a stream, as position.h has it; 0: it is settled */
	u32 piece_left;	       /* how much was in its buffer before */
	u64 piece_place;       /* the buffer, or for TCP the piece's number */
	u32 piece_count;
	u32 failed_thread; /* who copied a piece that is still there */
	u32 counted;	   /* what was in a socket at first sight is in `sent` */
	u32 uncounted;	   /* something passed that is in no count: positions of unix sockets are not known */
	u32 receiver;	   /* who alone has received from it, or SEVERAL */
	u32 sender;	   /* who alone has sent to a bound unix socket, while several could receive, or SEVERAL */
	u32 requested;	   /* requests received that were counted when they had completed */
	u32 copied;	   /* messages that requests took and that have not completed */
	u64 taker;	   /* task of the call under way that has counted the message it takes */
	u32 crowd_start;   /* what several sent at once, as crowd.h has it, and behind it */
	u32 crowd_end;
	u32 crowd_time;	 /* when that began, as crowd.h counts */
	u32 crowd_least; /* what was missing in it all the time */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OWNERS);
	__type(key, u64);
	__type(value, struct owner);
} owners __weak SEC(".maps");

/* Whether what is known is of this socket, connected to one of inode `peer`, and not of another in its memory */
static __always_inline bool is_of(struct owner *owner, u64 inode, u64 peer)
{
	if (inode && owner->inode)
		return owner->inode == inode;
	return peer && owner->peer == peer;
}

/* Too large for the stack */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct owner);
} new_owners __weak SEC(".maps");

static __always_inline void set_beginning(struct owner *fresh, u64 socket, u64 inode, u64 peer)
{
	struct tcp_sock *tcp = (void *)socket;
	bool is_tcp = is_inet((void *)socket, IPPROTO_TCP);
	u32 start, come = is_tcp ? come_over_tcp(tcp) : 0;

	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->inode = inode;
	fresh->peer = peer;
	fresh->fd = -1;
	/* not 0: receives of the socket that was here before are not to be taken for its own */
	start = is_tcp ? BPF_CORE_READ(tcp, copied_seq) : (u32)bpf_ktime_get_ns();
	fresh->received = start;
	fresh->noted = start;
	fresh->since = start;
	fresh->watched = start;
	/* who has sent what is there already may be about to count it */
	fresh->crowd_start = start;
	fresh->crowd_end = is_tcp ? come : start;
	fresh->sent = fresh->crowd_end;
	/* it is 0 before there is a connection */
	fresh->counted = come != 0;
}

/*
 * Who begins what is known of a socket has one of these: what a slower processor begins as well would be in place of
 * what a faster one has counted there by then.
 */
u32 beginnings[BEGINNINGS] __weak SEC(".bss.beginnings") = {};

/* Begins what is known of a socket. A function of its own, for its frame to lie beside others */
__weak __noinline int begin_owner(u64 socket, u64 inode, u64 peer)
{
	u32 zero = 0;
	struct owner *fresh = bpf_map_lookup_elem(&new_owners, &zero), *known;
	u64 place = socket >> 6;
	u32 *lock;
	bool held = false;

	if (!fresh)
		return -1;
	barrier_var(place);
	lock = &beginnings[place & (BEGINNINGS - 1)];
	repeat_while(i, BEGIN_TRIES, !(held = grab(lock)));
	known = bpf_map_lookup_elem(&owners, &socket);
	if (!known || !is_of(known, inode, peer)) {
		set_beginning(fresh, socket, inode, peer);
		bpf_map_update_elem(&owners, &socket, fresh, BPF_ANY);
	}
	if (held)
		release(lock);
	return 0;
}

/* What is known of a socket; begun when that is nothing */
static __always_inline struct owner *owner_begun(struct sock *sk, u64 inode, u64 peer)
{
	u64 key = (u64)sk;
	struct owner *known = bpf_map_lookup_elem(&owners, &key);

	if (known && is_of(known, inode, peer))
		return known;
	begin_owner(key, inode, peer);
	return bpf_map_lookup_elem(&owners, &key);
}

static __always_inline struct file *sock_file(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	return socket ? BPF_CORE_READ(socket, file) : NULL;
}

/* Whether the process that used a socket last lives, and has the descriptor still by which he did, as far as is known */
static __always_inline bool holds(struct owner *owner, struct file *file)
{
	if (!file || has_ended(owner->who.tgid, owner->leader, owner->born))
		return false;
	return owner->fd == HELD || has_open(owner->leader, owner->fd, file);
}

/* The same of a socket. A function of its own, for its frame to lie beside others */
__weak __noinline int is_held_still(u64 socket)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	return owner && holds(owner, sock_file((void *)socket));
}

/* The current process uses a socket; true when it was another's, or nobody's, before */
static __always_inline bool sock_used(struct sock *sk, u64 inode, u64 peer, struct identity *id,
				      s32 fd, bool received)
{
	struct owner *owner = owner_begun(sk, inode, peer);
	struct use_record *record;

	if (!owner)
		return true;
	owner->peer = peer;
	/* who was passed it again has it since now, and who uses another descriptor has told of the one before only */
	if (owner->inode == inode && !owner->made && same(&owner->who, &id->who) && !received &&
	    (owner->fd == fd || fd == -1 || fd == HELD_AS_BEFORE || is_held_still((u64)sk))) {
		if (fd != -1 && fd != HELD_AS_BEFORE)
			owner->fd = fd;
		return false;
	}
	owner->who.tgid = 0;
	barrier();
	owner->inode = inode;
	owner->leader = id->leader;
	owner->born = id->born;
	owner->made = 0;
	owner->fd = fd == HELD_AS_BEFORE ? HELD : fd;
	barrier();
	owner->who = id->who;
	announce(id);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return true;
	record->type = RECORD_USE;
	record->received = received;
	record->time = bpf_ktime_get_boot_ns();
	record->inode = inode;
	record->channel = (u64)sk;
	record->who = id->who;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

/* As sock_used has it: the descriptor of a receive that functions tell of, none where one was let go meanwhile */
static __always_inline s32 held_since(const struct ongoing *ongoing, u64 socket)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

	return !owner || owner->let_go == (u32)ongoing->argument[1] ? HELD : -1;
}

/* The current process made a socket */
static __always_inline void sock_created(struct sock *sk, s32 fd)
{
	struct owner *owner = owner_begun(sk, sock_inode(sk), 0);
	struct identity self = {};

	if (!owner)
		return;
	identify((void *)bpf_get_current_task(), &self);
	introduce(&self);
	/* nothing was sent there yet; TCP's numbers begin with a connection */
	owner->counted = !is_inet(sk, IPPROTO_TCP);
	owner->leader = self.leader;
	owner->born = self.born;
	owner->fd = fd;
	owner->made = 1;
	barrier();
	owner->who = self.who;
}

/* The current process lets go a descriptor of a socket, which is in this table; of others that he has nothing is known */
static __always_inline void sock_released(struct sock *sk, u64 table)
{
	struct task_struct *current = (void *)bpf_get_current_task(), *leader;
	u64 key = (u64)sk;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);

	if (!owner)
		return;
	__sync_fetch_and_add(&owner->let_go, 1);
	leader = (void *)owner->leader;
	if (leader == BPF_CORE_READ(current, group_leader) ||
	    (u64)BPF_CORE_READ(leader, files) == table)
		owner->fd = -1;
}

/* Who used a socket last and has it still; tgid 0: nobody that is known */
static __always_inline struct process holder_of(struct sock *sk, u64 inode, u64 peer)
{
	u64 key = (u64)sk;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);
	struct process who = {};

	if (owner && is_of(owner, inode, peer) && holds(owner, sock_file(sk)))
		who = owner->who;
	return who;
}

/* Whether others than who holds a socket, if that is known, have it open, too */
static __always_inline bool has_others(struct sock *sk, bool is_known)
{
	u64 key = (u64)sk;
	struct owner *owner = is_known ? bpf_map_lookup_elem(&owners, &key) : NULL;
	struct file *file = sock_file(sk);

	return file && !(owner ? is_held_by_one(file, owner->leader) : is_held_once(file));
}

/* Who holds a socket, as he is called by now */
static __always_inline struct process holder_named(struct sock *sk, u64 inode, u64 peer)
{
	struct process who = holder_of(sk, inode, peer);
	struct identity id = {};
	u64 key = (u64)sk;
	struct owner *owner = who.tgid ? bpf_map_lookup_elem(&owners, &key) : NULL;

	if (!owner)
		return who;
	name_by_now(owner->leader, &who, &id);
	return id.who;
}

#endif
