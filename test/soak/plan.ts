import { type SeededRandom } from '../support/seeded-random';
import { crash, longOutput, outlivedParent, outOfMemory, type Program, runsOn, shortCommand } from './program';

/** How a sandbox is asked for: CreateSandbox in either mode, RunSandbox, or an object by kubectl. */
export type Door = 'fast' | 'strong' | 'run' | 'kubectl';

/** Someone who reads the log. */
export interface Follower {
  /** `before` its create is sent, `at-once` after the answer, `later` by `afterMs` */
  readonly when: 'before' | 'at-once' | 'later';
  readonly afterMs: number;
  readonly gateway: number;
  /** Leaves after so many bytes. */
  readonly leavesAfter: number | undefined;
  /** Waits so long after each chunk, for the first ones. */
  readonly pauseMs: number;
}

/** What happens to a sandbox besides its own end. */
export type Ending =
  /** Its end is waited for, compared, and it is deleted; or kept until the end of the run. */
  | { readonly by: 'itself'; readonly keep: boolean }
  | { readonly by: 'delete'; readonly afterMs: number; readonly readsLog: boolean }
  | { readonly by: 'expiry' };

/** One sandbox from its create to its end. */
export interface Life {
  readonly door: Door;
  readonly gateway: number;
  /** With a request_id a create may be asked again after an answer that leaves it open. */
  readonly repeatable: boolean;
  readonly program: Program;
  readonly followers: readonly Follower[];
  /** number of lines that are asked for once it has ended */
  readonly tails: readonly number[];
  readonly ending: Ending;
  readonly deleteAt: number;
  readonly deleteBy: 'grpc' | 'kubectl';
}

export type Story =
  /** lives of one name, one right after the other's delete */
  | { readonly type: 'lives'; readonly lives: readonly Life[] }
  /** lives of different names, asked for at once */
  | { readonly type: 'burst'; readonly lives: readonly Life[] }
  /** a create that its caller gives up */
  | {
      readonly type: 'cancelled';
      readonly life: Life;
      readonly afterMs: number;
      readonly named: boolean;
      /** asks once more with the same request_id, in place of a delete */
      readonly repeats: boolean;
    };

export interface Shape {
  readonly gateways: number;
  /** of the longest output */
  readonly longestLines: number;
}

export const LANES = { short: 8, cancel: 3, long: 2, kubectl: 1, burst: 1 } as const;
export type Lane = keyof typeof LANES;

const BURST = 50;
const AT_ONCE_MS = 60;

/** What caller `lane` does as its `number`th. Pure: it follows from the seed alone, whatever became of those before. */
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

/** One that kubectl has deleted is gone: its name may be used again by whatever door. */
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
    // at once after a FAST create kubectl does not find its object yet
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
