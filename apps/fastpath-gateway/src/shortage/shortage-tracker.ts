import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type ValidatedCreate } from '../create/validated-create';
import { type PoolGrowth } from './pool-growth';
import { type UnmetCreates } from './unmet-creates';

export interface CapacityDemandParts {
  readonly unmet: UnmetCreates;
  readonly growth: Pick<PoolGrowth, 'mayGrow'>;
  readonly sandboxes: Informer<Sandbox>;
  /** queues the pool's number of unmet creates to be written */
  readonly wake: (pool: string) => void;
}

type Identified = Pick<ValidatedCreate, 'namespace' | 'pool' | 'requestId'> & {
  /** empty: the caller chose none */
  readonly givenName: string;
};

/**
 * Asks pools for agents on behalf of refused FAST creates, which leave no object to do so. It works in memory; the
 * answer to the caller does not wait for it.
 */
export class ShortageTracker {
  constructor(private readonly parts: CapacityDemandParts) {
    // creates that succeeded through another replica or in STRONG mode
    parts.sandboxes.onChange((_key, sandbox) => {
      if (sandbox) this.seen(sandbox);
    });
  }

  /** Counts a create that no agent had room for, unless its pool cannot grow. */
  refused(create: Identified & Pick<ValidatedCreate, 'spec'>): void {
    const key = keyOf(create);
    if (!this.parts.growth.mayGrow(create)) return;
    this.parts.unmet.refused(key, whoOf(create), create.spec.exposedPorts ?? [], Date.now());
    this.parts.wake(key);
  }

  /** Stops counting a create that succeeded. */
  met(create: Identified): void {
    const key = keyOf(create);
    const who = whoOf(create);
    const { unmet } = this.parts;
    const changed = who === undefined ? unmet.metNameless(key, Date.now()) : unmet.met(key, who);
    if (changed) this.parts.wake(key);
  }

  private seen({ metadata, spec }: Sandbox): void {
    const { namespace = '', name = '', annotations = {} } = metadata;
    const key = keyOf({ namespace, pool: spec.poolRef });
    const requestId = annotations[REQUEST_ID_ANNOTATION] ?? '';
    const who = whoOf({ requestId, givenName: name }) ?? '';
    if (this.parts.unmet.met(key, who)) this.parts.wake(key);
  }
}

function keyOf({ namespace, pool }: Pick<Identified, 'namespace' | 'pool'>): string {
  return `${namespace}/${pool}`;
}

/** The identity of a create that its repetitions share; undefined when the caller chose neither name nor request id. */
function whoOf({ requestId, givenName }: Pick<Identified, 'requestId' | 'givenName'>): string | undefined {
  if (requestId !== '') return `request ${requestId}`;
  return givenName === '' ? undefined : givenName;
}
