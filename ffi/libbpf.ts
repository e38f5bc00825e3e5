/**
 * The libbpf calls that ipcdump makes, and how the library gets here. The bundled one travels inside the executable
 * and is opened from memory. So no copy is left in /tmp, and a read-only root works.
 */
import { dlopen, FFIType, JSCallback, type Pointer } from "bun:ffi";
import { fstatSync, lstatSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { NativeError } from "./error.ts";
import { close, formatVaList, memfdCreate, O, open, write } from "./libc.ts";

const { bool, cstring, i32, pointer, u32, u64_fast: size, void: nothing } = FFIType;

const prototypes = {
  libbpf_set_print: { args: [pointer], returns: pointer }, // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t)
  libbpf_version_string: { args: [], returns: cstring }, // const char *libbpf_version_string(void)
  bpf_object__open_mem: { args: [pointer, size, pointer], returns: pointer }, // struct bpf_object *bpf_object__open_mem(const void *, size_t, const struct bpf_object_open_opts *)
  bpf_object__load: { args: [pointer], returns: i32 }, // int bpf_object__load(struct bpf_object *)
  bpf_object__close: { args: [pointer], returns: nothing }, // void bpf_object__close(struct bpf_object *)
  bpf_object__find_map_by_name: { args: [pointer, cstring], returns: pointer }, // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *, const char *)
  bpf_object__next_program: { args: [pointer, pointer], returns: pointer }, // struct bpf_program *bpf_object__next_program(const struct bpf_object *, struct bpf_program *)
  bpf_map__fd: { args: [pointer], returns: i32 }, // int bpf_map__fd(const struct bpf_map *)
  bpf_map__max_entries: { args: [pointer], returns: u32 }, // __u32 bpf_map__max_entries(const struct bpf_map *)
  bpf_map__set_max_entries: { args: [pointer, u32], returns: i32 }, // int bpf_map__set_max_entries(struct bpf_map *, __u32)
  bpf_map__initial_value: { args: [pointer, pointer], returns: pointer }, // void *bpf_map__initial_value(const struct bpf_map *, size_t *)
  bpf_map_lookup_elem: { args: [i32, pointer, pointer], returns: i32 }, // int bpf_map_lookup_elem(int, const void *, void *)
  bpf_map_update_elem: { args: [i32, pointer, pointer, size], returns: i32 }, // int bpf_map_update_elem(int, const void *, const void *, __u64)
  bpf_map_delete_elem: { args: [i32, pointer], returns: i32 }, // int bpf_map_delete_elem(int, const void *)
  bpf_map_get_next_key: { args: [i32, pointer, pointer], returns: i32 }, // int bpf_map_get_next_key(int, const void *, void *)
  bpf_program__name: { args: [pointer], returns: cstring }, // const char *bpf_program__name(const struct bpf_program *)
  bpf_program__section_name: { args: [pointer], returns: cstring }, // const char *bpf_program__section_name(const struct bpf_program *)
  bpf_program__fd: { args: [pointer], returns: i32 }, // int bpf_program__fd(const struct bpf_program *)
  bpf_program__set_autoload: { args: [pointer, bool], returns: i32 }, // int bpf_program__set_autoload(struct bpf_program *, bool)
  bpf_program__set_attach_target: { args: [pointer, i32, cstring], returns: i32 }, // int bpf_program__set_attach_target(struct bpf_program *, int, const char *)
  bpf_program__attach: { args: [pointer], returns: pointer }, // struct bpf_link *bpf_program__attach(const struct bpf_program *)
  bpf_program__attach_kprobe: { args: [pointer, bool, cstring], returns: pointer }, // struct bpf_link *bpf_program__attach_kprobe(const struct bpf_program *, bool retprobe, const char *)
  bpf_program__attach_kprobe_multi_opts: { args: [pointer, cstring, pointer], returns: pointer }, // struct bpf_link *bpf_program__attach_kprobe_multi_opts(const struct bpf_program *, const char *pattern, const struct bpf_kprobe_multi_opts *)
  bpf_program__attach_tracepoint: { args: [pointer, cstring, cstring], returns: pointer }, // struct bpf_link *bpf_program__attach_tracepoint(const struct bpf_program *, const char *category, const char *name)
  bpf_prog_get_info_by_fd: { args: [i32, pointer, pointer], returns: i32 }, // int bpf_prog_get_info_by_fd(int, struct bpf_prog_info *, __u32 *)
  bpf_prog_load: { args: [i32, pointer, pointer, pointer, size, pointer], returns: i32 }, // int bpf_prog_load(enum bpf_prog_type, const char *name, const char *license, const struct bpf_insn *, size_t, struct bpf_prog_load_opts *)
  bpf_prog_test_run_opts: { args: [i32, pointer], returns: i32 }, // int bpf_prog_test_run_opts(int, struct bpf_test_run_opts *)
  bpf_link__fd: { args: [pointer], returns: i32 }, // int bpf_link__fd(const struct bpf_link *)
  bpf_iter_create: { args: [i32], returns: i32 }, // int bpf_iter_create(int link_fd)
  bpf_link__destroy: { args: [pointer], returns: i32 }, // int bpf_link__destroy(struct bpf_link *)
  bpf_linker__new: { args: [cstring, pointer], returns: pointer }, // struct bpf_linker *bpf_linker__new(const char *, struct bpf_linker_opts *)
  bpf_linker__add_file: { args: [pointer, cstring, pointer], returns: i32 }, // int bpf_linker__add_file(struct bpf_linker *, const char *, const struct bpf_linker_file_opts *)
  bpf_linker__finalize: { args: [pointer], returns: i32 }, // int bpf_linker__finalize(struct bpf_linker *)
  bpf_linker__free: { args: [pointer], returns: nothing }, // void bpf_linker__free(struct bpf_linker *)
} as const;

export type Libbpf = ReturnType<typeof dlopen<typeof prototypes>>["symbols"];

/** The result of a function that returns a pointer; Bun's types allow for a bigint that never comes. */
export function pointerOf(value: Pointer | bigint | null): Pointer | null {
  return value as Pointer | null;
}

let loaded: Libbpf | null = null;

/** Opens libbpf from a file. @throws Error, which is a NativeError when it takes a descriptor and there is none */
export function openLibbpf(path: string): Libbpf {
  try {
    loaded ??= dlopen(path, prototypes).symbols;
  } catch (error) {
    const spare = open("/", O.RDONLY);
    if (spare < 0) throw new NativeError("open", "libbpf", spare);
    close(spare);
    throw error;
  }
  return loaded;
}

/** Opens libbpf from its bytes. @throws NativeError */
export function openLibbpfFromMemory(bytes: Uint8Array): Libbpf {
  if (loaded !== null) return loaded;
  const fd = memfdCreate("libbpf.so", false);
  if (fd < 0) throw new NativeError("create", "a memory file for libbpf", fd);
  try {
    for (let at = 0; at < bytes.length; ) {
      const n = write(fd, bytes, at);
      if (n < 0) throw new NativeError("write", "libbpf to memory", n);
      at += n;
    }
    return openLibbpf(`/proc/self/fd/${fd}`);
  } finally {
    close(fd);
  }
}

/**
 * Why an open library of the user's choice must not be loaded. Someone else could have put it there, or might
 * change it. null when it may.
 */
export function distrust(fd: number, uid: number): string | null {
  const real = readlinkSync(`/proc/self/fd/${fd}`);
  for (const [part, stats] of [
    [real, fstatSync(fd)],
    [dirname(real), lstatSync(dirname(real))],
  ] as const) {
    if (stats.uid !== 0 && stats.uid !== uid) return `${part} belongs to uid ${stats.uid}`;
    if ((stats.mode & 0o022) !== 0) return `${part} can be written by others`;
  }
  return null;
}

const levelDebug = 2;

/** libbpf's own words, kept; and printed as they come when someone listens. */
export class LibbpfLog implements Disposable {
  readonly lines: string[] = [];
  readonly #libbpf: Libbpf;
  readonly #callback: JSCallback;
  readonly #text = new Uint8Array(1 << 16);

  constructor(libbpf: Libbpf, listener: ((line: string) => void) | null) {
    this.#libbpf = libbpf;
    this.#callback = new JSCallback(
      (level: number, format: Pointer, list: Pointer) => {
        if (level >= levelDebug && listener === null) return 0;
        const lines = formatVaList(this.#text, format, list).trimEnd().split("\n");
        if (level < levelDebug) this.lines.push(...lines);
        for (const line of lines) listener?.(line);
        return 0;
      },
      { args: ["i32", "ptr", "ptr"], returns: "i32" },
    );
    libbpf.libbpf_set_print(this.#callback.ptr as never);
  }

  [Symbol.dispose](): void {
    this.#libbpf.libbpf_set_print(null as never);
    this.#callback.close();
  }
}

/** Links BPF object files into one. @throws NativeError */
export function linkObjects(libbpf: Libbpf, into: string, files: readonly string[]): void {
  const linker = libbpf.bpf_linker__new(into as never, null);
  if (linker === null) throw new NativeError("create", into, 5);
  try {
    for (const file of files) {
      const result = libbpf.bpf_linker__add_file(linker, file as never, null);
      if (result < 0) throw new NativeError("link", file, result);
    }
    const result = libbpf.bpf_linker__finalize(linker);
    if (result < 0) throw new NativeError("link", into, result);
  } finally {
    libbpf.bpf_linker__free(linker);
  }
}
