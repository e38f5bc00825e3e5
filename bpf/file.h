/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Files: what a descriptor stands for, and the path it was opened by. */
#ifndef FILE_H
#define FILE_H
#include "emit.h"
#include "repeat.h"

#define S_IFMT 0170000
#define S_IFIFO 0010000
#define PIPEFS_MAGIC 0x50495045
#define O_DIRECT 040000
#define FMODE_WRITE 2
#define PATH_COMPONENTS 64
#define COMPONENT_LENGTH 256

/* A walk from a dentry to the root; in a map for the reason that payload.h gives */
struct path_walk {
	struct dentry *dentry;
	struct mount *mount;
	struct path root;
	struct kernfs_node *node;
	u64 length;
	u64 at_root;
	u64 busy; /* a preempted walk on this CPU: the next use of the file tries again */
	struct path_record out;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct path_walk);
} path_walks __weak SEC(".maps");

/* false: there is no room for another component */
static __always_inline bool add_component(struct path_walk *walk, const void *name)
{
	u64 at = walk->length;
	long n;

	if (at >= PATH_DATA - COMPONENT_LENGTH)
		return false;
	barrier_var(at); /* or clang leaves out the mask, which older verifiers need */
	n = bpf_probe_read_kernel_str(walk->out.data + (at & 0xfff), COMPONENT_LENGTH, name);
	if (n <= 0)
		return false;
	walk->length = at + n;
	return true;
}

/* One component or one mount up; 0: at the root. Global for the reason that payload.h gives */
__weak __noinline int path_walk_step(void)
{
	u32 zero = 0;
	struct path_walk *walk = bpf_map_lookup_elem(&path_walks, &zero);
	struct vfsmount *vfsmount;
	struct dentry *dentry, *parent, *root;
	struct mount *mount;

	if (!walk)
		return false;
	dentry = walk->dentry;
	mount = walk->mount;
	vfsmount = (void *)mount + bpf_core_field_offset(struct mount, mnt);
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == walk->root.dentry && vfsmount == walk->root.mnt) {
		walk->at_root = true;
		return false;
	}
	root = BPF_CORE_READ(vfsmount, mnt_root);
	/* in no folder: a file in memory, which has a name only */
	if (dentry == parent && dentry != root) {
		add_component(walk, BPF_CORE_READ(dentry, d_name.name));
		walk->at_root = true;
		return false;
	}
	if (dentry == root) {
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);

		if (up == mount) {
			walk->at_root = true;
			return false;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = up;
		return true;
	}
	if (!add_component(walk, BPF_CORE_READ(dentry, d_name.name)))
		return false;
	walk->dentry = parent;
	return true;
}

/* Sends what the walk found; 0: it is in the ring */
static __always_inline long send_walked(struct path_walk *walk, u64 inode, u32 device, u32 type)
{
	u64 length = walk->length;
	long failed;

	if (length > PATH_DATA)
		length = PATH_DATA;
	walk->out.type = type;
	walk->out.length = length;
	walk->out.inode = inode;
	walk->out.device = device;
	walk->out.is_cut = !walk->at_root;
	failed = bpf_ringbuf_output(&ring, &walk->out, offsetof(struct path_record, data) + length,
				    BPF_RB_NO_WAKEUP);
	walk->busy = 0;
	return failed;
}

/* Sends a struct path as seen from the root of a task; 0: it is in the ring */
__weak __noinline int send_path_of(u64 of, u64 address, u64 inode, u32 device, u32 type)
{
	struct task_struct *task = (void *)of;
	struct path *path = (void *)address;
	u32 zero = 0;
	struct path_walk *walk = bpf_map_lookup_elem(&path_walks, &zero);

	if (!walk || walk->busy)
		return -1;
	walk->busy = 1;
	walk->root.mnt = BPF_CORE_READ(task, fs, root.mnt);
	walk->root.dentry = BPF_CORE_READ(task, fs, root.dentry);
	walk->dentry = BPF_CORE_READ(path, dentry);
	walk->mount = (void *)BPF_CORE_READ(path, mnt) - bpf_core_field_offset(struct mount, mnt);
	walk->length = 0;
	walk->at_root = false;
	repeat_while(i, PATH_COMPONENTS, path_walk_step());
	return send_walked(walk, inode, device, type);
}

/* The same of the path of a file, for the current process */
static __always_inline int send_path(u64 address, u64 inode, u32 device)
{
	return send_path_of(bpf_get_current_task(), address, inode, device, RECORD_PATH);
}

/* What a descriptor of a task stands for */
static __always_inline struct file *file_of_task(struct task_struct *task, int fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if ((u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	load(&file, sizeof(file), files + (u32)fd);
	return file;
}

#define UNSURE (-1) /* as the descriptor of a use: it is not known */
/* The same where functions tell of uses and not calls: he has one until he lets one go */
#define HELD (-2)

/* Whether a living task has a file by this descriptor */
static __always_inline bool has_open(u64 task, s32 fd, struct file *file)
{
	return fd >= 0 && file_of_task((struct task_struct *)task, fd) == file;
}

static __always_inline struct file *file_of(int fd)
{
	return file_of_task((void *)bpf_get_current_task(), fd);
}

/* Descriptors of a file, and uses of it that are under way */
static __always_inline u64 references(struct file *file)
{
	struct file___count *old = (void *)file;

	/* f_ref, which came in place of f_count, counts from 0 */
	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter) + 1;
	return BPF_CORE_READ(old, f_count.counter);
}

/* Whether a file has one descriptor only, and nobody is using or passing it right now */
static __always_inline bool is_held_once(struct file *file)
{
	return references(file) == 1;
}

/*
 * Whether nobody but one process, by its leader, can use a file that it has: it is its only descriptor, and that is in no
 * table that is another process's as well (CLONE_FILES without CLONE_THREAD).
 */
static __always_inline bool is_held_by_one(struct file *file, u64 leader)
{
	struct task_struct *task = (void *)leader;
	struct files_struct *files = BPF_CORE_READ(task, files);
	s32 tables = BPF_CORE_READ(files, count.counter);
	s32 threads = BPF_CORE_READ(task, signal, nr_threads);

	return is_held_once(file) && tables <= threads;
}

static __always_inline bool is_pipe(struct file *file)
{
	return (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFIFO;
}

#endif
