import { type Sandbox } from '@fsb/api/sandbox';
import { eventually } from '../../../test/support/eventually';
import { POD_KIND } from '@fsb/controller-runtime/kinds';
import { type Asked } from '../../../test/support/gate';
import { type Replica } from './testing/replica';
import { NAMESPACE, ControllerStage } from './testing/controller-stage';

jest.setTimeout(90_000);
let stage: ControllerStage;
let replica: Replica;

beforeAll(async () => {
  stage = await ControllerStage.start('4s');
  await stage.addAgent('agent-1');
  await stage.addAgent('agent-2');
  await stage.addAgent('agent-3');
  replica = await stage.addReplica();
  await stage.leader();
}, 120_000);

afterAll(() => stage.stop(), 60_000);

const door = (name: string) => replica.agents.get(stage.agents.get(name)!.address)!;
const ready = ({ status }: Sandbox) => status?.conditions?.find(({ type }) => type === 'Ready');
const running = (name: string, attempt = 0) => stage.reaches(name, { phase: 'Running', attempt });
const idsOf = async (name: string) => (await stage.containers(name)).map(({ sandboxId }) => sandboxId);

describe('Exit of a process, which the Go predecessor never sees (5.1 #10)', () => {
  it.each<[string, string[], object]>([
    ['code 0', ['/bin/true'], { phase: 'Succeeded', exitCode: 0, reason: 'Completed' }],
    ['code 7', ['/bin/sh', '-c', 'exit 7'], { phase: 'Failed', exitCode: 7, reason: 'Error' }],
    [
      'OOM kill',
      ['/bin/sh', '-c', 'x=0123456789; while true; do x=$x$x; done'],
      { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' },
    ],
  ])('%s is shown by the object and an Event', async (_how, command, status) => {
    await stage.create('ends', { command, resources: { memory: '16Mi' } });
    const sandbox = await stage.reaches('ends', status);
    expect(ready(sandbox)).toMatchObject({ status: 'False', reason: sandbox.status?.reason });
    await eventually(async () => {
      expect(await stage.events('ends')).toContain(sandbox.status?.reason);
    });
    await stage.end('ends');
  });
});

describe('Placement', () => {
  const isCreate = ({ path }: Asked): boolean => path.endsWith('/agent/create');
  const askedOf = (name: string) =>
    door(name).asked.filter((asked) => isCreate(asked) && asked.body.includes('"picky"'));
  const AGENTS = ['agent-1', 'agent-2', 'agent-3'];

  afterEach(async () => {
    for (const name of AGENTS) door(name).refuse(undefined);
    await stage.end('picky');
  });

  it.each(['slots_full', 'port_taken', 'other_agent', 'draining'])(
    'refused by two agents (%s): runs at the third; each was asked by its uid',
    async (code) => {
      const body = { success: false, sandboxId: '', createdAt: 0, code, message: code };
      for (const name of AGENTS.slice(0, 2)) door(name).refuse({ matches: isCreate, status: 409, body });
      const before = new Map(AGENTS.map((name) => [name, askedOf(name).length]));
      await stage.create('picky');
      const { status } = await running('picky');
      expect(status?.assignedPod).toBe('agent-3');
      expect(await idsOf('picky')).toEqual([status?.sandboxID]);
      for (const name of AGENTS) {
        const uid = (await stage.client.get(POD_KIND, { namespace: NAMESPACE, name })).metadata.uid ?? '';
        for (const asked of askedOf(name).slice(before.get(name)))
          expect(JSON.parse(asked.body)).toMatchObject({ agentUid: uid });
      }
    },
  );

  it('refused by all agents: shows the reason, and runs once one of them accepts', async () => {
    const body = { success: false, sandboxId: '', createdAt: 0, code: 'slots_full', message: 'full' };
    for (const name of AGENTS) door(name).refuse({ matches: isCreate, status: 409, body });
    await stage.create('picky');
    await stage.reaches('picky', { phase: 'Pending', reason: 'InsufficientCapacity' });
    await eventually(() => AGENTS.every((name) => askedOf(name).length > 0), 20_000);
    door('agent-2').refuse(undefined);
    expect((await running('picky')).status?.assignedPod).toBe('agent-2');
  });
});

describe('Agent out of reach', () => {
  it('makes Ready Unknown, and True again when it is back', async () => {
    await stage.create('unheard');
    const { status } = await running('unheard');
    const open = door(status?.assignedPod ?? '').shut();
    const away = await eventually(async () => {
      const sandbox = await stage.get('unheard');
      return ready(sandbox)?.status === 'Unknown' && sandbox;
    }, 20_000);
    expect(away.status).toMatchObject({ phase: 'Running', sandboxID: status?.sandboxID });
    expect(ready(away)?.reason).toBe('AgentUnreachable');
    open();
    await eventually(async () => ready(await stage.get('unheard'))?.status === 'True', 20_000);
    await stage.end('unheard');
  });

  it('delays a reset, and then has the new container alone', async () => {
    const { metadata } = await stage.create('patient');
    const pod = (await running('patient')).status?.assignedPod ?? '';
    const open = door(pod).shut();
    await stage.change('patient', { resetRevision: '2031-01-01T00:00:00Z' });
    await stage.reaches('patient', { phase: 'Terminating', reason: 'Reset' });
    expect(await idsOf('patient')).toEqual([metadata.uid]);
    open();
    await running('patient', 1);
    expect(await idsOf('patient')).toEqual([`${metadata.uid!}-1`]);
    await stage.end('patient');
  });

  it('loses its sandbox to another agent, and the old container when it is back (Go predecessor, 5.1 #8)', async () => {
    const { metadata } = await stage.create('moved', { failurePolicy: 'AutoRecreate', recoveryTimeoutSeconds: 2 });
    const pod = (await running('moved')).status?.assignedPod ?? '';
    const open = door(pod).shut();
    await stage.setPodReady(pod, 'False');
    expect((await running('moved', 1)).status?.assignedPod).not.toBe(pod);
    expect((await idsOf('moved')).sort()).toEqual([metadata.uid!, `${metadata.uid!}-1`]);
    open();
    await stage.setPodReady(pod, 'True');
    await eventually(async () => {
      expect(await idsOf('moved')).toEqual([`${metadata.uid!}-1`]);
    }, 20_000);
    expect((await stage.get('moved')).status).toMatchObject({ phase: 'Running', attempt: 1, recreations: 1 });
    await stage.end('moved');
  });

  it('does not block a deletion for ever: its orphan container ends when it is back', async () => {
    const { metadata } = await stage.create('forsaken', { recoveryTimeoutSeconds: 2 });
    const pod = (await running('forsaken')).status?.assignedPod ?? '';
    const open = door(pod).shut();
    await stage.setPodReady(pod, 'False');
    await stage.remove('forsaken');
    await eventually(() => stage.isGone('forsaken'), 20_000);
    expect(await idsOf('forsaken')).toEqual([metadata.uid]);
    open();
    await stage.setPodReady(pod, 'True');
    await eventually(async () => (await idsOf('forsaken')).length === 0, 20_000);
  });
});
