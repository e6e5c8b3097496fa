import { setTimeout as sleep } from 'node:timers/promises';
import { RESOURCE_QUOTA_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { type Asked } from '../../../test/support/gate';
import { type Replica } from './testing/replica';
import { NAMESPACE, ControllerStage, unbound } from './testing/controller-stage';

jest.setTimeout(90_000);
const MEMORY = 'sandbox.fast.io/memory';
const QUOTA = { namespace: NAMESPACE, name: 'small' };
const WHOLE = { resources: { memory: '64Mi' } };

describe('Quota of a namespace', () => {
  let stage: ControllerStage;
  let replica: Replica;

  beforeAll(async () => {
    stage = await ControllerStage.start('4s');
    await stage.addAgent('agent-1');
    replica = await stage.addReplica();
    await stage.leader();
    await stage.client.create(RESOURCE_QUOTA_KIND, { metadata: QUOTA, spec: { hard: { [MEMORY]: '64Mi' } } });
  }, 120_000);

  afterAll(() => stage.stop(), 60_000);

  it.each([
    [403, 'Forbidden'],
    [422, 'Invalid'],
  ])('is free again after the API server refuses a container its object (%i)', async (status, reason) => {
    const agent = stage.agents.get('agent-1')!.process;
    const name = `refused-${status}`;
    const matches = ({ method, path }: Asked) => method === 'POST' && /\/sandboxes(\?|$)/.test(path);
    replica.api.refuse({ matches, status, body: { kind: 'Status', reason, message: 'a webhook says no' } });
    const { id, request } = unbound(name, agent.pki.client, WHOLE);
    expect(await agent.create(id, request)).toMatchObject({ status: 200 });
    await eventually(async () => expect(await stage.events(name)).toContain('ObjectRefused'), 30_000);
    await eventually(async () => expect(await stage.containers(name)).toEqual([]), 20_000);
    replica.api.refuse(undefined);
    await stage.create('next', WHOLE);
    await stage.reaches('next', { phase: 'Running' });
    await stage.end('next');
  });

  it('is not taken by an object that waits for its next try', async () => {
    const door = [...replica.agents.values()][0]!;
    const matches = ({ path, body }: Asked) => path.endsWith('/agent/create') && body.includes('"waits"');
    const body = { success: false, sandboxId: '', createdAt: 0, code: 'slots_full', message: 'full' };
    door.refuse({ matches, status: 409, body });
    await stage.create('waits', WHOLE);
    await eventually(() => door.asked.filter(matches).length >= 4, 30_000);
    await sleep(1_500); // of a pause that has grown to four seconds; the quota's status is written at most once a second
    expect((await stage.client.get(RESOURCE_QUOTA_KIND, QUOTA)).status?.used).toEqual({ [MEMORY]: '0' });
    await stage.create('next', WHOLE);
    await stage.reaches('next', { phase: 'Running' });
    await stage.reaches('waits', { phase: 'Pending', reason: 'QuotaExceeded' });
    door.refuse(undefined);
    await stage.end('next');
    await stage.reaches('waits', { phase: 'Running' }, 40_000);
    await stage.end('waits');
  });
});
