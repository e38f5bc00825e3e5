/** Redis' commands: which there are, and what is known of one by its first word. */
import { latin1 } from "../../bytes/latin1.ts";
import { text } from "./words.ts";

/** commands whose words are not shown: they are passwords */
const secret = ["AUTH", "HELLO", "ACL", "MIGRATE"];
/** commands whose next word says what is meant */
const families = [
  "CLIENT",
  "CONFIG",
  "CLUSTER",
  "COMMAND",
  "OBJECT",
  "SCRIPT",
  "XGROUP",
  "XINFO",
  "PUBSUB",
  "MEMORY",
];
export const subscriptions = /^[ps]?(?:un)?subscribe$/i;
/** What a connection begins with, or goes on with when it was there before. */
export const common = new Set(
  (
    "AUTH HELLO PING ECHO SELECT CLIENT CONFIG COMMAND INFO QUIT RESET GET SET SETEX PSETEX SETNX GETSET GETDEL MGET " +
    "MSET DEL UNLINK EXISTS EXPIRE PEXPIRE TTL PTTL TYPE KEYS SCAN INCR INCRBY DECR DECRBY APPEND STRLEN HGET HSET " +
    "HMGET HMSET HGETALL HDEL HINCRBY HEXISTS HLEN LPUSH RPUSH LPOP RPOP BLPOP BRPOP LRANGE LLEN LTRIM LREM SADD SREM " +
    "SMEMBERS SISMEMBER SCARD SPOP ZADD ZREM ZRANGE ZSCORE ZCARD ZINCRBY PUBLISH SUBSCRIBE PSUBSCRIBE UNSUBSCRIBE " +
    "PUNSUBSCRIBE SSUBSCRIBE SPUBLISH MULTI EXEC DISCARD WATCH UNWATCH EVAL EVALSHA SCRIPT XADD XREAD XREADGROUP XACK " +
    "XLEN XRANGE MONITOR DBSIZE FLUSHDB FLUSHALL TIME ROLE REPLCONF PSYNC SYNC CLUSTER ASKING READONLY PFADD PFCOUNT " +
    "GEOADD BITCOUNT SETBIT GETBIT SORT RENAME PERSIST OBJECT MEMORY LATENCY SLOWLOG LOLWUT WAIT DEBUG SHUTDOWN"
  ).split(" "),
);

/** What is known of a command, by its first word in capitals. */
export interface Command {
  readonly name: Uint8Array;
  readonly isFamily: boolean;
  readonly isSecret: boolean;
  readonly isSubscription: boolean;
  readonly isMonitor: boolean;
}

/** of commands that were met; those beyond are looked at anew each time */
const mostCommands = 1000;
const commands = new Map<string, Command>();
/** the same by the words as they came, which short ones that are alike share */
let recent = new Map<Uint8Array, Command>();

export function commandOf(word: Uint8Array): Command {
  const known = recent.get(word);
  if (known !== undefined) return known;
  if (recent.size >= mostCommands) recent = new Map();
  const found = commandNamed(latin1(word));
  recent.set(word, found);
  return found;
}

function commandNamed(word: string): Command {
  const known = commands.get(word);
  if (known !== undefined) return known;
  const first = word.toUpperCase();
  const made = {
    name: text(first),
    isFamily: families.includes(first),
    isSecret: secret.includes(first),
    isSubscription: subscriptions.test(first),
    isMonitor: first === "MONITOR",
  };
  if (commands.size < mostCommands) commands.set(word, made);
  return made;
}
