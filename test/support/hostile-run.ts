import { getEventListeners } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** A server that answers every request with the same chosen failure. */
export interface HostilePeer {
  readonly behaviours: readonly string[];
  /** Selects the failure for all later requests. */
  begin(behaviour: string): void | Promise<void>;
  /** Called by the peer once for each request, at the behaviour's critical moment. */
  broken: () => void;
  /** unfinished answers on connections that their callers keep open */
  readonly held: number;
}

/** One call of a client, with the caller's signal. */
export type Call = (signal: AbortSignal) => Promise<unknown>;

/** Leaks of a run. All lists are empty for a correct client. */
export interface Left {
  readonly calls: number;
  readonly unhandled: readonly string[];
  /** abort listeners left on the callers' signals */
  readonly listeners: readonly string[];
  /** answers kept open although no caller waits for them */
  readonly held: readonly string[];
}

/** Calls `leave` at a fixed delay after the behaviour's critical moment. */
type Leave = (leave: () => void) => void;

const PATIENCE_MS = 90;
const AT_ONCE = 2;
const LEAVES: readonly (readonly [string, Leave])[] = [
  ['never', () => undefined],
  ['at once', (leave) => leave()],
  ['in the next tick', (leave) => process.nextTick(leave)],
  ['in the next turn', (leave) => void setImmediate(leave)],
  ['a millisecond later', (leave) => void setTimeout(leave, 1)],
  ['five milliseconds later', (leave) => void setTimeout(leave, 5)],
];
/** Ticks between the end of a call and the caller's abort: grpc-js reports the end of a call within a few ticks. */
const AFTER = [1, 2, 3, 5];

/**
 * Combines every call with every behaviour of the server and every moment of the caller's abort. Needs its own process.
 */
export async function drive(server: HostilePeer, calls: Readonly<Record<string, Call>>): Promise<Left> {
  const left = { calls: 0, unhandled: [] as string[], listeners: [] as string[], held: [] as string[] };
  let where = 'start';
  const note = (error: unknown): void => {
    left.unhandled.push(`${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  process.on('uncaughtException', note).on('unhandledRejection', note);

  const one = async (call: Call, leave: Leave | 'before' | number): Promise<void> => {
    const caller = new AbortController();
    const abort = (): void => {
      caller.abort();
    };
    server.broken = () => {
      if (typeof leave === 'function') leave(abort);
    };
    if (leave === 'before') abort();
    left.calls++;
    const patience = setTimeout(abort, PATIENCE_MS); // the reader must abort an endless body
    await call(caller.signal).catch(() => undefined);
    clearTimeout(patience);
    if (typeof leave === 'number') await ticks(leave, abort);
    else for (let i = 0; i < 4; i++) await turn();
    abort(); // the caller gives up, whether it read the answer or not
    await turn();
    const listening = getEventListeners(caller.signal, 'abort').length;
    if (listening > 0) left.listeners.push(`${where}: ${listening}`);
  };

  const leaves: (readonly [string, Leave | 'before' | number])[] = [
    ['before', 'before'],
    ...AFTER.map((count) => [`${count} ticks after`, count] as const),
    ...LEAVES,
  ];
  for (const behaviourName of server.behaviours) {
    await server.begin(behaviourName);
    for (const [callName, call] of Object.entries(calls)) {
      for (const [when, leave] of leaves) {
        where = `${callName}; peer ${behaviourName}; caller leaves ${when}`;
        // concurrent calls, which share the connections that become free
        await Promise.all(Array.from({ length: AT_ONCE }, () => one(call, leave)));
      }
    }
    for (let i = 0; i < 100 && server.held > 0; i++) await sleep(10);
    if (server.held > 0) left.held.push(`peer ${behaviourName}: ${server.held}`);
  }
  return left;
}

/** Calls `last` in the tick that comes `count` ticks from now, whatever else runs in between. */
function ticks(count: number, last: () => void): Promise<void> {
  return new Promise((resolve) => {
    const next = (remaining: number): void => {
      if (remaining > 0) process.nextTick(next, remaining - 1);
      else {
        last();
        resolve();
      }
    };
    next(count);
  });
}
