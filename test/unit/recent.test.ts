import { expect, test } from "bun:test";
import { Recent } from "../../src/name/recent.ts";

test("what is asked for stays however many come, what is not goes", () => {
  const recent = new Recent<string>(100);
  recent.set(-1, "asked for");
  recent.set(-2, "forgotten");
  for (let key = 0; key < 1000; key++) {
    recent.set(key, `${key}`);
    expect(recent.get(-1)).toBe("asked for");
  }
  expect(recent.get(-2)).toBeUndefined();
  for (let key = 901; key < 1000; key++) expect(recent.get(key)).toBe(`${key}`);
});

test("what is deleted is gone, from both generations", () => {
  const recent = new Recent<number>(2);
  for (const key of [1, 2, 3]) recent.set(key, key);
  for (const key of [1, 3]) recent.delete(key);
  expect([1, 2, 3].map((key) => recent.get(key))).toEqual([undefined, 2, undefined]);
});
