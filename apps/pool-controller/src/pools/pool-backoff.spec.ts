import { agentPodView, type AgentPodView } from './agent-pod-view';
import { PoolBackoff } from './pool-backoff';

const pod = (createdAt: number, more: Partial<AgentPodView> = {}): AgentPodView => ({
  ...agentPodView({ metadata: { name: `p${createdAt}`, uid: `u${createdAt}` } }),
  ...{ createdAt, ready: false, finished: true },
  ...more,
});
const START = 1_000_000;
let backoff: PoolBackoff;
beforeEach(() => {
  backoff = new PoolBackoff();
});
const after = (now: number, ...pods: AgentPodView[]): number => backoff.replaceAfterMs('n/p', pods, START + now);

it('PoolBackoff: doubles the delay after each round that failed at once, up to five minutes', () => {
  const delays: number[] = [];
  let now = 0;
  for (let round = 0; round < 9; round++) {
    const failed = pod(START + now);
    delays.push(after(now + 1_000, failed));
    expect(after(now + 2_000, failed)).toBe(delays[round]); // the same one seen again
    now += delays[round]!;
  }
  expect(delays.map((ms) => ms / 1_000)).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
});

it('PoolBackoff: counts Pods that were created together as one round', () => {
  const batch = [pod(START), pod(START + 1_000), pod(START + 2_000, { finished: false })];
  expect(after(3_000, ...batch)).toBe(5_000);
  expect(after(4_000, ...batch.map((made) => ({ ...made, finished: true })))).toBe(5_000);
});

it('PoolBackoff: resets once a later Pod has outlived the delay while ready', () => {
  after(1_000, pod(START));
  after(6_000, pod(START + 5_000));
  const later = pod(START + 15_000, { finished: false, ready: true });
  expect(after(16_000, later)).toBe(10_000);
  expect(after(25_001, later)).toBe(5_000);
  expect(after(41_000, pod(START + 40_000))).toBe(5_000);
});

it('PoolBackoff: does not reset for an older healthy agent', () => {
  const healthy = pod(START - 600_000, { finished: false, ready: true });
  expect(after(1_000, healthy, pod(START))).toBe(5_000);
  expect(after(6_000, healthy, pod(START + 5_000))).toBe(10_000);
});

it('PoolBackoff: does not count a Pod that ran for a minute, nor Pods of another pool', () => {
  expect(after(61_000, pod(START))).toBe(5_000);
  after(1_000, pod(START));
  after(6_000, pod(START + 5_000));
  expect(backoff.replaceAfterMs('n/q', [], START)).toBe(5_000);
  backoff.forget('n/p');
  expect(after(6_000)).toBe(5_000);
});
