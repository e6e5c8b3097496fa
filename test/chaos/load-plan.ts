import { type Behaviour, type Mode } from './ledger';
import { type SeededRandom } from '../support/seeded-random';

/** State of a worker: sandboxes that it believes alive, and names that it may reuse. */
export interface Holdings {
  readonly live: number;
  readonly free: number;
}

export interface CreateStep {
  readonly type: 'create';
  readonly mode: Mode;
  readonly behaviour: Behaviour;
  readonly gateway: number;
  /** sends the create to both gateways at the same time */
  readonly twice: boolean;
  /** repeats the create at the other gateway, with the same request_id */
  readonly repeat: boolean;
  readonly withRequestId: boolean;
  readonly reuseName: boolean;
  readonly port: number | undefined;
  readonly expireSeconds: number | undefined;
  readonly autoRecreate: boolean;
  readonly deadlineMs: number;
}

export type Step =
  | CreateStep
  /** `which` in [0, 1): picks among the live sandboxes, ordered by age */
  | { readonly type: 'delete'; readonly gateway: number; readonly which: number; readonly withId: boolean }
  | { readonly type: 'reset'; readonly gateway: number; readonly which: number }
  | { readonly type: 'expire'; readonly gateway: number; readonly which: number; readonly inSeconds: number };

export interface LoadShape {
  readonly gateways: number;
  /** a worker with at least this many prefers to delete */
  readonly enough: number;
}

const BEHAVIOURS: Readonly<Record<Behaviour, number>> = { sleeper: 70, stubborn: 6, succeeds: 14, fails: 10 };
const TYPES: Readonly<Record<Step['type'], number>> = { create: 52, delete: 30, reset: 9, expire: 9 };
const FIRST_PORT = 8000;
const PORTS = 6;

/**
 * The next step of a worker. Pure except for the random stream: the same seed gives the same decisions from the same
 * numbers, whatever the earlier steps led to. Which sandbox `which` hits depends on the machine.
 */
export function nextStep(random: SeededRandom, { live, free }: Holdings, shape: LoadShape, filling: boolean): Step {
  const type = random.choose(TYPES);
  const gateway = random.between(0, shape.gateways - 1);
  const which = random.next();
  const create = createStep(random, gateway);
  const inSeconds = random.between(1, 6);
  const withId = random.chance(0.3);
  if (filling || live === 0) return { ...create, reuseName: create.reuseName && free > 0 };
  switch (live >= shape.enough && type === 'create' ? 'delete' : type) {
    case 'create':
      return { ...create, reuseName: create.reuseName && free > 0 };
    case 'delete':
      return { type: 'delete', gateway, which, withId };
    case 'reset':
      return { type: 'reset', gateway, which };
    case 'expire':
      return { type: 'expire', gateway, which, inSeconds };
  }
}

function createStep(random: SeededRandom, gateway: number): CreateStep {
  const withPort = random.chance(0.3);
  const port = FIRST_PORT + random.between(0, PORTS - 1);
  const expires = random.chance(0.08);
  const expireSeconds = random.between(2, 15);
  const mode: Mode = random.chance(0.7) ? 'fast' : 'strong';
  return {
    type: 'create',
    mode,
    gateway,
    behaviour: random.choose(BEHAVIOURS),
    twice: random.chance(0.06),
    repeat: random.chance(0.1),
    withRequestId: random.chance(0.3),
    reuseName: random.chance(0.25),
    port: withPort ? port : undefined,
    expireSeconds: expires ? expireSeconds : undefined,
    autoRecreate: random.chance(0.1),
    deadlineMs: random.chance(0.1) ? 400 : mode === 'fast' ? 5_000 : 12_000,
  };
}
