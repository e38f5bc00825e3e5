import { expect, test } from "bun:test";
import { eachDescendant } from "../../src/proc/descendants.ts";

test("children and theirs, whatever they are called, parents first", async () => {
  // a shell, in it one named "a) S 1", in it a sleep
  const script = `exec 3>&1; sh -c 'printf "a) S 1" >/proc/$$/comm; sleep 60 & echo $$ $! >&3; wait' & wait`;
  const shell = Bun.spawn(["sh", "-c", script], { stdout: "pipe" });
  const { value } = await shell.stdout.getReader().read();
  const [middle = 0, sleep = 0] = new TextDecoder().decode(value).split(" ").map(Number);
  const found: [number, number][] = [];
  eachDescendant([shell.pid], (parent, child) => found.push([parent, child]));
  // the other way round the middle one could be gone by itself
  for (const pid of [middle, sleep]) process.kill(pid, "SIGKILL");
  await shell.exited;
  expect(found).toEqual([
    [shell.pid, middle],
    [middle, sleep],
  ]);
});

test("nobody descends from nobody", () => {
  const found: number[] = [];
  eachDescendant([], (_, child) => found.push(child));
  eachDescendant([4_194_303], (_, child) => found.push(child));
  expect(found).toEqual([]);
});
