import { closeSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { $, type FileSink } from "bun";
import { programPath } from "../harness/programs.ts";
import type { Kernel } from "./kernels.ts";
import { Scratch } from "./scratch.ts";

/** How long a guest may take until /init answers; 3 s on an idle machine, more when all cores are taken. */
const READY_LIMIT_MS = 120_000;
const COUNTING_READY_LIMIT_MS = 400_000;
const CONSOLE_TAIL_LINES = 40;
/** How often the guest's results are looked for. */
const POLL_MS = 100;
/** Of these the guest's port is sent a byte at every tenth: see qemu(). */
const KICK_POLLS = 10;

/** Lockups of processors and of work queues are left out: they are what a host too busy for its guests looks like. */
const COMPLAINT = /\b(BUG|WARNING|Oops)\b(?!: (?:soft|workqueue) lockup)[: ]/;

const PARAMETERS = [
  "console=ttyS0",
  // Warnings too: a program that makes the kernel complain is found by reading its console.
  "loglevel=5",
  "panic=-1",
  "rdinit=/init",
  "mitigations=off",
  // TCG's counters do agree; without the word some kernels fall back to hpet, which is slow to read.
  "tsc=reliable",
  // 6.12 panics in its self-tests of elliptic curves on TCG's `-cpu max`.
  "cryptomgr.notests",
];

export interface StepResult {
  name: string;
  output: string;
  status: number;
}

export interface Boot {
  /** `uname -r`, null when the kernel never reached /init. */
  release: string | null;
  /** Steps that ended; one that the boot's end cut off is in `cut`. */
  steps: StepResult[];
  cut: { name: string; output: string } | null;
  /** Why the boot did not run to its end, with the console's tail; null when it did. */
  failure: string | null;
  /** QEMU was killed, and not by this program. */
  killed: boolean;
  /** Lines in which the kernel complained about itself (BUG, WARNING, Oops). */
  complaints: string[];
  milliseconds: number;
}

export interface BootOptions {
  initramfs: string;
  token: string;
  limitSeconds: number;
  /**
   * One processor, on which an instruction takes one nanosecond: CPU times count instructions, and repeat however busy
   * this machine is. Time spent waiting is left out.
   */
  countsInstructions?: boolean;
  /** More words for the kernel's command line. */
  parameters?: readonly string[];
  /** Called with every line of a step as it comes, without its line end. */
  onLine?: (step: string, line: string) => void;
}

/**
 * Boots; again if the kernel did not reach /init the first time, or QEMU was killed: that is this machine, not
 * a test.
 */
export async function boot(kernel: Kernel, options: BootOptions): Promise<Boot> {
  const first = await bootOnce(kernel, options);
  if (first.release !== null && !first.killed) return first;
  process.stderr.write(`${first.failure}\nbooting ${kernel.series} once more\n`);
  return bootOnce(kernel, options);
}

async function bootOnce(kernel: Kernel, options: BootOptions): Promise<Boot> {
  using scratch = new Scratch();
  const started = performance.now();
  const consoleFile = scratch.path("console");
  const resultsFile = scratch.path("results");
  for (const file of [consoleFile, resultsFile]) writeFileSync(file, "");
  const machine = Bun.spawn(await qemu(kernel, options, consoleFile, resultsFile), {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const kill = () => machine.kill("SIGKILL");
  process.on("exit", kill);

  const transcript = new Transcript(options.token, options.onLine);
  let failure: string | null = null;
  const readyLimit = options.countsInstructions ? COUNTING_READY_LIMIT_MS : READY_LIMIT_MS;
  const stop = (reason: string) => {
    failure = reason;
    kill();
  };
  const ready = setTimeout(() => {
    if (transcript.release === null) stop(`did not reach /init within ${readyLimit / 1000} s`);
  }, readyLimit);
  const limit = setTimeout(
    () => stop(`still running after ${options.limitSeconds} s`),
    options.limitSeconds * 1000,
  );

  const errors = machine.stderr.text();
  const results = openSync(resultsFile, "r");
  for (let ended = false, polls = 1; !ended; polls++) {
    ended = await Promise.race([machine.exited.then(() => true), Bun.sleep(POLL_MS).then(() => false)]);
    transcript.add(readOn(results));
    if (polls % KICK_POLLS === 0 && !ended) void kick(machine.stdin);
    if (transcript.done) kill();
  }
  closeSync(results);
  process.off("exit", kill);
  clearTimeout(ready);
  clearTimeout(limit);

  const killed = machine.signalCode !== null && failure === null && !transcript.done;
  failure ??= killed ? `was ended by ${machine.signalCode}` : "ended before its steps did";
  const log = readFileSync(consoleFile, "latin1").trimEnd().split(/\r?\n/);
  const report = [
    `${kernel.series} (${kernel.release}) ${failure}`,
    (await errors).trim(),
    "end of its console:",
    ...log.slice(-CONSOLE_TAIL_LINES),
  ];
  return {
    release: transcript.release,
    steps: transcript.steps,
    cut: transcript.done ? null : transcript.open,
    failure: transcript.done ? null : report.filter(Boolean).join("\n"),
    killed,
    complaints: log.filter((line) => COMPLAINT.test(line)),
    milliseconds: performance.now() - started,
  };
}

async function kick(port: FileSink): Promise<void> {
  try {
    port.write("\n");
    await port.flush();
  } catch {
    // A machine that ended meanwhile is no matter: the next poll sees it.
  }
}

/** What a file has beyond what was read of it before. */
function readOn(file: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = new Uint8Array(1 << 16);
    const length = readSync(file, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
  }
}

/**
 * How fast the machine's time stamp counter, which TCG hands on to its guests, runs: in kHz. A guest that has to find
 * it out by itself on a busy machine was seen to be wrong sixfold: its 25 minutes were over in four.
 */
async function counterSpeed(): Promise<string> {
  return (await $`${await programPath("ticks")}`.text()).trim();
}

async function qemu(
  kernel: Kernel,
  { initramfs, countsInstructions, parameters = [] }: BootOptions,
  consoleFile: string,
  resultsFile: string,
): Promise<string[]> {
  const program = "qemu-system-x86_64";
  if (!Bun.which(program)) {
    throw new Error(
      `no ${program}, which the VM tests boot their kernels in; ` +
        "try: apt-get install -y --no-install-recommends qemu-system-x86",
    );
  }
  // The root file system may fill half the memory, and for a moment the archive lies beside it.
  const megabytes = 2048 + 2 * Math.ceil(statSync(initramfs).size / 2 ** 20);
  // The counter of a machine that counts instructions counts those.
  const kilohertz = countsInstructions ? "1000000" : await counterSpeed();
  const words = [...PARAMETERS, `tsc_early_khz=${kilohertz}`, ...parameters].join(" ");
  return [
    program,
    ...["-nodefaults", "-no-reboot", "-display", "none"],
    // One thread for both processors: kernels patch their code while the other one runs it, as programs are attached,
    // and threads of QEMU's don't always notice in time (7.x then stumbles over an int3); and none waits for
    // a lock whose holder this machine has put aside.
    ...["-accel", "tcg,thread=single", "-smp", countsInstructions ? "1" : "2"],
    ...(countsInstructions ? ["-icount", "shift=0,sleep=off"] : []),
    ...["-cpu", processorOf(kernel), "-m", String(megabytes)],
    ...["-kernel", kernel.image, "-initrd", initramfs, "-append", words],
    // The kernel has the first port to itself, results come over the second. To files, which are always ready:
    // when a pipe is full, QEMU drops what does not fit. The emulated port now and then loses the interrupt that
    // says it can take more; the one of a byte received makes the kernel look at both directions.
    ...["-serial", `file:${consoleFile}`],
    ...["-chardev", `stdio,id=results,signal=off,logfile=${resultsFile}`, "-serial", "chardev:results"],
  ];
}

/** One kernel runs on the oldest processor that README promises, so that all its cases show that nothing needs more. */
function processorOf({ series }: Kernel): string {
  return series === "6.1" ? "Nehalem" : "max";
}

/** Takes the second serial port's text apart by the lines that carry the boot's token. */
class Transcript {
  release: string | null = null;
  done = false;
  open: { name: string; output: string } | null = null;
  readonly steps: StepResult[] = [];
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** The line before the current one: /init ends an unfinished line, so an empty last one is not the step's. */
  #held: string | null = null;

  constructor(
    private readonly token: string,
    private readonly onLine?: (step: string, line: string) => void,
  ) {}

  add(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (!line.startsWith(`${this.token} `)) {
      this.#release();
      this.#held = line;
      return;
    }
    if (this.#held !== "") this.#release();
    this.#held = null;
    const [, word, name = "", status = ""] = line.trimEnd().split(" ");
    if (word === "ready") this.release = name;
    else if (word === "begin") this.open = { name, output: "" };
    else if (word === "end" && this.open) {
      this.steps.push({ ...this.open, status: Number(status) });
      this.open = null;
    } else if (word === "done") this.done = true;
  }

  #release(): void {
    if (!this.open || this.#held === null) return;
    this.open.output += `${this.#held}\n`;
    this.onLine?.(this.open.name, this.#held);
  }
}
