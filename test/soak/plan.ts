import { type SeededRandom } from '../support/seeded-random';
import { crash, longOutput, outlivedParent, outOfMemory, type Program, runsOn, shortCommand } from './program';

/** The way a sandbox is created: CreateSandbox in either mode, RunSandbox, or an object by kubectl. */
export type Door = 'fast' | 'strong' | 'run' | 'kubectl';

/** A reader that follows the log. */
export interface Follower {
  /** `before` the create is sent, `at-once` after its answer, `later` after `afterMs` */
  readonly when: 'before' | 'at-once' | 'later';
  readonly afterMs: number;
  readonly gateway: number;
  /** leaves after this many bytes; undefined: never */
  readonly leavesAfter: number | undefined;
  /** milliseconds of pause after each of the first chunks */
  readonly pauseMs: number;
}

/** How a sandbox ends. */
export type Ending =
  /** waits for the end, compares it, then deletes the sandbox, or keeps it until the end of the run */
  | { readonly by: 'itself'; readonly keep: boolean }
  | { readonly by: 'delete'; readonly afterMs: number; readonly readsLog: boolean }
  | { readonly by: 'expiry' };

/** One sandbox from its create to its end. */
export interface Life {
  readonly door: Door;
  readonly gateway: number;
  /** has a request_id, so that the create can be repeated after an open answer */
  readonly repeatable: boolean;
  readonly program: Program;
  readonly followers: readonly Follower[];
  /** line counts of tails that are read after its end */
  readonly tails: readonly number[];
  readonly ending: Ending;
  readonly deleteAt: number;
  readonly deleteBy: 'grpc' | 'kubectl';
}

export type Story =
  /** consecutive lives of one name, each right after the previous one's delete */
  | { readonly type: 'lives'; readonly lives: readonly Life[] }
  /** concurrent lives of different names */
  | { readonly type: 'burst'; readonly lives: readonly Life[] }
  /** a create that its caller cancels */
  | {
      readonly type: 'cancelled';
      readonly life: Life;
      readonly afterMs: number;
      readonly named: boolean;
      /** repeats the create with the same request_id before the delete */
      readonly repeats: boolean;
    };

export interface Shape {
  readonly gateways: number;
  /** lines of the longest output */
  readonly longestLines: number;
}

export const LANES = { short: 8, cancel: 3, long: 2, kubectl: 1, burst: 1 } as const;
export type Lane = keyof typeof LANES;

const BURST = 50;
const AT_ONCE_MS = 60;

/** Operation `number` of lane `lane`. Pure: depends on the seed alone, not on the results of earlier operations. */
export function storyOf(seed: SeededRandom, lane: Lane, number: number, shape: Shape): Story {
  const random = seed.stream(`${lane}/${number}`);
  switch (lane) {
    case 'short':
      return { type: 'lives', lives: shortLives(random, shape) };
    case 'kubectl':
      return {
        type: 'lives',
        lives: kubectlLives(random, shape),
      };
    case 'cancel':
      return cancelled(random, shape);
    case 'long':
      return { type: 'lives', lives: [longLife(random, shape)] };
    case 'burst':
      return { type: 'burst', lives: Array.from({ length: BURST }, () => burstLife(random, shape)) };
  }
}

function shortLives(random: SeededRandom, shape: Shape): Life[] {
  const again = random.chance(0.25) ? random.between(1, 2) : 0;
  return Array.from({ length: 1 + again }, (_, index) => {
    const life = shortLife(random, shape, random.choose({ fast: 55, strong: 20, run: 25 }));
    const isKept = life.ending.by === 'itself' && life.ending.keep && index === again;
    return life.ending.by === 'itself' ? { ...life, ending: { by: 'itself', keep: isKept } } : life;
  });
}

/** Lives whose first is deleted by kubectl: afterwards the name is free for every door. */
function kubectlLives(random: SeededRandom, shape: Shape): Life[] {
  const first: Life = { ...shortLife(random, shape, 'kubectl'), deleteBy: random.pick(['kubectl', 'kubectl', 'grpc']) };
  if (!random.chance(0.35)) return [first];
  const door = random.choose({ kubectl: 40, fast: 30, strong: 15, run: 15 });
  const isKept = first.ending.by === 'itself' && first.ending.keep;
  const ending: Ending = isKept ? { by: 'itself', keep: false } : first.ending;
  return [{ ...first, ending, deleteBy: 'kubectl' }, shortLife(random, shape, door)];
}

function shortLife(random: SeededRandom, shape: Shape, door: Door): Life {
  const ending = random.choose({ itself: 70, delete: 20, expiry: 10 });
  const kinds = { short: 70, crash: 10, memory: 8, outlived: 12 };
  const program = ending === 'itself' ? ownEnd(random, random.choose(kinds)) : runsOn(random);
  const deletes: Ending = {
    by: 'delete',
    afterMs: random.chance(0.6) ? 0 : random.between(0, AT_ONCE_MS),
    readsLog: random.chance(0.8),
  };
  const itself: Ending = { by: 'itself', keep: random.chance(0.06) };
  return {
    ...lifeOf(random, shape, door, program),
    // right after a FAST create kubectl does not find the object yet
    deleteBy: ending !== 'delete' && random.chance(0.15) ? 'kubectl' : 'grpc',
    ending: ending === 'itself' ? itself : ending === 'delete' ? deletes : { by: 'expiry' },
  };
}

function ownEnd(random: SeededRandom, kind: 'short' | 'crash' | 'memory' | 'outlived'): Program {
  const make = { short: shortCommand, crash, memory: outOfMemory, outlived: outlivedParent };
  return make[kind](random);
}

function longLife(random: SeededRandom, shape: Shape): Life {
  const program = longOutput(random, shape.longestLines);
  const life = lifeOf(random, shape, random.choose({ fast: 50, strong: 20, run: 30 }), program);
  const early = followerOf(random, shape, 'at-once');
  const second = random.chance(0.5) ? [followerOf(random, shape, random.pick(['at-once', 'later']))] : [];
  const quick = { ...early, leavesAfter: undefined };
  return { ...life, followers: [quick, ...second], ending: { by: 'itself', keep: false } };
}

function burstLife(random: SeededRandom, shape: Shape): Life {
  const life = lifeOf(random, shape, random.choose({ fast: 80, strong: 20 }), shortCommand(random));
  const followers = random.chance(0.3) ? life.followers.slice(0, 1) : [];
  return { ...life, followers, tails: [], ending: { by: 'itself', keep: false } };
}

function cancelled(random: SeededRandom, shape: Shape): Story {
  const door = random.choose({ fast: 45, strong: 40, run: 15 });
  const life = lifeOf(random, shape, door, runsOn(random));
  // whose caller leaves a stream may have had its name: a gateway cannot tell, and lets it run
  const named = door === 'run' || random.chance(0.65);
  return {
    type: 'cancelled',
    life: { ...life, deleteAt: random.chance(0.4) ? life.gateway : life.deleteAt },
    afterMs: random.between(0, AT_ONCE_MS),
    named,
    repeats: random.chance(named ? 0.2 : 0.3),
  };
}

function lifeOf(random: SeededRandom, shape: Shape, door: Door, program: Program): Life {
  const gateway = random.between(0, shape.gateways - 1);
  const followers = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () =>
    followerOf(random, shape, random.pick(['before', 'at-once', 'at-once', 'later'])),
  );
  const tails = random.chance(0.4) ? [random.pick([0, 1, 2, 5, 10, 100, 5_000])] : [];
  const deleteAt = random.between(0, shape.gateways - 1);
  return {
    door,
    gateway,
    repeatable: random.chance(0.5),
    program,
    followers,
    tails,
    deleteAt,
    deleteBy: 'grpc',
    ending: { by: 'itself', keep: false },
  };
}

function followerOf(random: SeededRandom, { gateways }: Shape, when: Follower['when']): Follower {
  const afterMs = random.between(0, 400);
  const gateway = random.between(0, gateways - 1);
  const leavesAfter = random.chance(0.2) ? random.between(0, 2_000) : undefined;
  const pauseMs = random.chance(0.25) ? random.between(1, 40) : 0;
  return { when, afterMs, gateway, leavesAfter, pauseMs };
}
