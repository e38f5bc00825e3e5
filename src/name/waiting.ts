/**
 * Which events wait for their receiver to be seen, and with each what else goes the same way. What /proc says is
 * younger than what was taken in: a descriptor may have been passed on in between. So the one that asks is asked again,
 * of the same answer, when all that came meanwhile is known.
 */
import { longestDelay } from "./deliveries.ts";
import type { Owners } from "./owners.ts";

/** no channel has it */
const none = 0;
/** how many seconds longer what nobody can be named for waits: an end that is in a message has nobody until that is received */
const extension = 0.5;
/** and how many what is on its way waits */
const delay = longestDelay / 1e9;
/** so many wait longer at once for somebody to be named; who sends to nobody all the time waits for nobody */
const most = 4096;

/** What is to be asked of a record. */
export interface Asked {
  /** false: what is to be known of the record at this word may still come; asked again, for a while */
  isReady?(at: number): boolean;
  /** whether isReady and read ask /proc for the record at this word */
  looksUp?(at: number): boolean;
  /**
   * Whether anybody can be named for the record at this word once its time is over. When nobody can, whoever was there
   * may have received it and gone: what he did is told soon.
   */
  isGuessable?(at: number): boolean;
  /** Whether what the record at this word tells of has not come yet, once its time is over, to somebody who is there. */
  isUnderWay?(at: number): boolean;
  /** by what one way from an end is told from others: what goes there stays in order; 0 is none */
  channel?(at: number): number;
}

/** Events in the order of the ring, of which those that wait are held back until the next drain. */
export interface Queue {
  readonly count: number;
  /** so many wait that none is to wait any longer */
  readonly isFull: boolean;
  /** index of an event's first word */
  at(i: number): number;
  /** where it is in the ring */
  position(i: number): number;
  /** CLOCK_BOOTTIME in seconds */
  time(i: number): number;
  reader(i: number): Asked;
  isHeld(i: number): boolean;
  /** this event stays */
  hold(i: number): void;
}

export class Waiting {
  /** up to here in the ring all was asked for once */
  #asked = -1;
  /** what /proc said then is what counts now: all that was in the ring by the time is known */
  #lookedUp = false;
  /** where events are in the ring that wait longer, and by how many seconds: that is asked once */
  readonly #longer = new Map<number, number>();
  /** of which something waits: what comes behind it there does, too */
  readonly #channels = new Set<number>();

  /** @param longest seconds that an event waits at most */
  constructor(
    private readonly owners: Owners,
    private readonly longest: number,
  ) {}

  /**
   * Holds back what waits. To be called once a drain.
   * @param now CLOCK_BOOTTIME in seconds; Infinity: nothing waits
   */
  hold(queue: Queue, now: number): void {
    const lookedUp = this.#lookedUp;
    this.#lookedUp = false;
    const isOver = queue.isFull || now === Number.POSITIVE_INFINITY;
    this.owners.refresh(lookedUp && !isOver);
    if (isOver) {
      this.#longer.clear();
      return;
    }
    this.#channels.clear();
    for (let i = 0; i < queue.count && !queue.isHeld(i); i++) {
      const isBehind = this.#channels.size > 0 && this.#channels.has(channelOf(queue, i));
      if (!isBehind && this.#mayGo(queue, i, now, lookedUp)) continue;
      queue.hold(i);
      const channel = channelOf(queue, i);
      if (channel !== none) this.#channels.add(channel);
    }
    this.owners.deliveries?.sweep(now * 1e9);
  }

  #mayGo(queue: Queue, i: number, now: number, lookedUp: boolean): boolean {
    const reader = queue.reader(i);
    if (reader.isReady === undefined) return true;
    const at = queue.at(i);
    const looksUp = reader.looksUp?.(at) ?? false;
    // an answer from before an event is none for it
    if (looksUp && lookedUp && queue.position(i) > this.#asked) return false;
    const isReady = reader.isReady(at);
    if (looksUp && !lookedUp) {
      this.#lookedUp = true;
      this.#asked = queue.position(queue.count - 1);
      return false;
    }
    const late = now - queue.time(i) - this.longest;
    if (!isReady && late < 0) return false;
    const position = queue.position(i);
    if (!isReady && late < this.#extension(reader, at, position)) return false;
    this.#longer.delete(position);
    return true;
  }

  #extension(reader: Asked, at: number, position: number): number {
    const known = this.#longer.get(position);
    if (known !== undefined) return known;
    let longer = 0;
    if (reader.isUnderWay?.(at)) longer = delay;
    // who is guessed is looked for among all open files
    else if (this.longest > 0 && this.#longer.size < most && reader.isGuessable?.(at) === false)
      longer = extension;
    this.#longer.set(position, longer);
    return longer;
  }
}

function channelOf(queue: Queue, i: number): number {
  return queue.reader(i).channel?.(queue.at(i)) ?? none;
}
