import { Registry } from '@fsb/registry/registry';
import { type Measured } from '../result';

const SLOTS = 10;
const CHOICES = 20_000;
/** Choices per measurement: performance.now() resolves about one microsecond. */
const BATCH = 20;
const FEW = 100;
const WISH = { namespace: 'default', pool: 'pool', image: 'image-1', ports: [8080], exclude: new Set<string>() };

/** Time of one choice among `agents` agents; the yardstick is the same choice among 100. */
export function allocateCase(agents: number): Measured {
  const [few, many] = [registryOf(FEW), registryOf(agents)];
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let batch = 0; batch < CHOICES / BATCH; batch++) {
    theirs.push(choose(few));
    ours.push(choose(many));
  }
  const yardstick = { name: `${FEW} agents`, values: theirs };
  return { name: `allocate-${agents}`, unit: 'µs', ours, yardstick, target: { p50: 3, ratio: 2 } };
}

function registryOf(agents: number): Registry {
  const registry = new Registry();
  for (let i = 0; i < agents; i++) {
    const id = `agent-${i}`;
    const images = [`image-${i % 3}`];
    registry.upsertAgent({ id, namespace: 'default', pool: 'pool', capacity: SLOTS, images, schedulable: true });
    for (let n = 0; n < i % SLOTS; n++)
      registry.setSandbox(id, { ...{ sandboxId: `s-${i}-${n}`, namespace: 'default', name: `s-${i}-${n}` }, ports: [9000 + n], phase: 'running' }); // prettier-ignore
  }
  return registry;
}

/** @returns µs per choice */
function choose(registry: Registry): number {
  const started = performance.now();
  const chosen = Array.from({ length: BATCH }, () => registry.choose(WISH));
  const took = performance.now() - started;
  if (chosen.includes(undefined)) throw new Error('no agent was chosen although one has room');
  // changes the registry for the next batch
  const taken = new Set(chosen.flatMap((agent) => agent ?? []));
  for (const agent of taken) registry.reserve(agent, { ...WISH, sandboxId: 'new', name: 'new' });
  for (const agent of taken) registry.release(agent, 'new');
  return (took * 1000) / BATCH;
}
