import { type Sandbox } from '@fsb/api/sandbox';
import { eventually } from '../../../test/support/eventually';
import { type Replica } from './testing/replica';
import { Stage } from './testing/stage';

jest.setTimeout(90_000);
let stage: Stage;
let replica: Replica;

beforeAll(async () => {
  stage = await Stage.start('4s');
  await stage.addAgent('agent-1');
  await stage.addAgent('agent-2');
  replica = await stage.addReplica();
  await stage.leader();
}, 120_000);

afterAll(() => stage.stop(), 60_000);

const door = (name: string) => replica.agents.get(stage.agents.get(name)!.address)!;
const ready = ({ status }: Sandbox) => status?.conditions?.find(({ type }) => type === 'Ready');
const running = (name: string, attempt = 0) => stage.reaches(name, { phase: 'Running', attempt });
const idsOf = async (name: string) => (await stage.containers(name)).map(({ sandboxId }) => sandboxId);

describe('how a process ends, which the original never sees (5.1 #10)', () => {
  it.each<[string, string[], object]>([
    ['with 0', ['/bin/true'], { phase: 'Succeeded', exitCode: 0, reason: 'Completed' }],
    ['with 7', ['/bin/sh', '-c', 'exit 7'], { phase: 'Failed', exitCode: 7, reason: 'Error' }],
    [
      'out of memory',
      ['/bin/sh', '-c', 'x=0123456789; while true; do x=$x$x; done'],
      { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' },
    ],
  ])('%s is what its object says, and an Event', async (_how, command, status) => {
    await stage.create('ends', { command, resources: { memory: '16Mi' } });
    const sandbox = await stage.reaches('ends', status);
    expect(ready(sandbox)).toMatchObject({ status: 'False', reason: sandbox.status?.reason });
    await eventually(async () => {
      expect(await stage.events('ends')).toContain(sandbox.status?.reason);
    });
    await stage.end('ends');
  });
});

describe('an agent out of reach', () => {
  it('leaves a Ready that nobody knows, and is Ready when it is back', async () => {
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

  it('keeps a reset waiting, and then has the new container alone', async () => {
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

  it('for too long loses its sandbox to another, and the old container when it is back (the original, 5.1 #8)', async () => {
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

  it('does not hold up a deletion for ever: its orphan ends when it is back', async () => {
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
