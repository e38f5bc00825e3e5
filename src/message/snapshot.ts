import type { Event, Key, Meta, PassedFile } from "../event.ts";

interface Kept {
  readonly key: Key;
  readonly text: Uint8Array | null;
  readonly low: number;
  readonly high: number;
  readonly files?: readonly PassedFile[];
}

/** Keeps what a kind writes of its meta. */
class Recorder implements Meta {
  readonly members: Kept[] = [];

  text(key: Key, text: Uint8Array): void {
    this.members.push({ key, text, low: 0, high: 0 });
  }

  integer(key: Key, low: number, high: number): void {
    this.members.push({ key, text: null, low, high });
  }

  flag(key: Key): void {
    this.members.push({ key, text: null, low: 0, high: 0 });
  }

  passed(key: Key, files: readonly PassedFile[]): void {
    this.members.push({ key, text: null, low: 0, high: 0, files });
  }
}

/** An event of its own that stays what it is, when others are made of the one it was taken from. */
export function snapshot(event: Event): Event {
  const { kind, time, src, dst, countLow, countHigh, contents } = event;
  const recorder = new Recorder();
  event.meta(recorder);
  const { members } = recorder;
  return {
    kind,
    time: { ...time },
    src: { ...src },
    dst: { ...dst },
    meta: (out) => {
      for (const { key, text, low, high, files } of members) {
        if (files !== undefined) out.passed?.(key, files);
        else if (text !== null) out.text(key, text);
        else if (key.value === "flag") out.flag(key);
        else out.integer(key, low, high);
      }
    },
    countLow,
    countHigh,
    contents:
      contents === null
        ? null
        : {
            bytes: contents.bytes.slice(contents.start, contents.start + contents.length),
            start: 0,
            length: contents.length,
          },
  };
}
