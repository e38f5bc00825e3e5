import { describe, expect, test } from "bun:test";
import { config, dlts, interfaces } from "../../src/extcap/answers.ts";
import { callOf } from "../../src/extcap/call.ts";
import { words } from "../../src/extcap/words.ts";
import { kinds } from "../../src/kinds/index.ts";
import { extcap } from "../../src/subcommand/extcap.ts";
import { runSubcommand } from "../../src/subcommand/index.ts";

const own = ["--extcap-interface", "ipcdump"];

describe("calls of Wireshark", () => {
  test("as 4.0 makes them, and with equals signs", () => {
    expect(callOf(["--extcap-interfaces", "--extcap-version=4.0"])).toEqual({ ask: "interfaces" });
    expect(callOf(["--extcap-dlts", ...own])).toEqual({ ask: "dlts" });
    expect(callOf(["--extcap-config", "--extcap-interface=ipcdump"])).toEqual({ ask: "config" });
    expect(callOf([...own, "--extcap-capture-filter", "-p 5 --path '/a b'"])).toEqual({
      ask: "filter",
      filter: ["-p", "5", "--path", "/a b"],
    });
    expect(
      callOf(["--capture", ...own, "--extcap-capture-filter=", "--fifo", "/f", "--size=9", "--follow"]),
    ).toMatchObject({ ask: "capture", fifo: "/f", filter: [], settings: { size: "9", follow: "true" } });
  });

  test("come without a word in front of them, or with ours", async () => {
    const all = ["--extcap-interfaces", "--extcap-version=4.0"];
    expect(extcap.isMeant?.(all)).toBe(true);
    expect(extcap.isMeant?.(["--capture", ...own, "--fifo", "/f"])).toBe(true);
    for (const words of [all, ["extcap", ...all]])
      expect(await runSubcommand(words)).toEqual({ text: interfaces() });
    // what stands behind -- is a command's
    for (const flag of [[], ["--bytes"]])
      expect(runSubcommand([...flag, "--", "dumpcap", "--extcap-interfaces"])).toBeNull();
  });

  test.each([
    [[], /^extcap takes --install/],
    [["--extcap-dlts"], /^extcap takes --install/],
    [["--extcap-dlts", "--extcap-interface", "eth0"], /^there is no interface eth0$/],
    [["--capture", ...own], /^--capture needs a place to write to: --fifo FILE$/],
    [["--capture", ...own, "--fifo"], /^--fifo needs a value$/],
    [["--frobnicate"], /: --frobnicate$/],
    [["--install", "/a", "/b"], /^--install takes one folder: \/b$/],
    [[...own, "--extcap-capture-filter", "-S 'a"], /^the capture filter has a ' without an end: -S 'a$/],
  ])("that make no sense are refused: %p", (all, reason) => {
    expect(() => callOf(all)).toThrow(reason);
  });
});

test("words of a filter are those of a shell", () => {
  expect(words("")).toEqual([]);
  expect(words("  ")).toEqual([]);
  expect(words(" -S nginx  --path='/a b' ")).toEqual(["-S", "nginx", "--path=/a b"]);
  expect(words(String.raw`a\ b "c \"d\" $e" '' 'f\'g`)).toEqual(["a b", 'c "d" $e', "", "f\\g"]);
  for (const open of ["'a", '"a', "a\\"]) expect(() => words(open)).toThrow("without an end");
});

describe("answers", () => {
  const sentence = /^(extcap|interface|dlt|arg|value) (\{[a-z]+=[^{}\n]*\})+$/;

  test("are sentences of the protocol", () => {
    const lines = [interfaces(), dlts(), config()].flatMap((text) => text.split("\n").slice(0, -1));
    for (const line of lines) expect(line).toMatch(sentence);
    expect(interfaces()).toContain("{value=ipcdump}");
    expect(dlts()).toStartWith("dlt {number=101}");
  });

  test("have a box for every kind", () => {
    for (const { name } of kinds) expect(config()).toContain(`value {arg=0}{value=${name}}`);
  });

  test("have settings that a capture takes back", () => {
    for (const [, name = ""] of config().matchAll(/\{call=--([a-z]+)\}/g)) {
      const call = callOf(["--capture", ...own, "--fifo", "/f", `--${name}=7`]);
      expect([name, call]).toMatchObject([name, { settings: { [name]: "7" } }]);
    }
  });
});
