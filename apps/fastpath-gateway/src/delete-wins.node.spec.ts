import { setTimeout as sleep } from 'node:timers/promises';
import { ConsistencyMode } from '@fsb/api/gen/fastpath/v1/fastpath';
import { eventually } from '../../../test/support/eventually';
import { type Asked, type Gate, type Held } from '../../../test/support/gate';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

jest.setTimeout(240_000);
const SOON = 60_000;
const ORPHAN_MS = 4_000;
const { FAST, STRONG } = ConsistencyMode;

/** A call that the gateway of a create makes, and the point at which the test holds it. */
interface Step {
  readonly to: 'agent' | 'api';
  readonly where: 'question' | 'answer';
  readonly matches: (asked: Asked) => boolean;
}

const posts =
  (end: string) =>
  ({ method, path }: Asked): boolean =>
    method === 'POST' && path.endsWith(end);
const puts =
  (end: string) =>
  ({ method, path }: Asked): boolean =>
    method === 'PUT' && path.endsWith(end);
const both = (to: Step['to'], matches: Step['matches']): Step[] => [
  { to, where: 'question', matches },
  { to, where: 'answer', matches },
];
const CREATE = posts('/agent/create');
const OBJECT = posts('/sandboxes');
const ASKING: [string, Step][] = both('agent', CREATE).map((step) => [`the agent's ${step.where}`, step]);
const WRITING: [string, Step][] = both('api', OBJECT).map((step) => [`the object's ${step.where}`, step]);
const RECORDING: [string, Step][] = [
  ...WRITING,
  ...both('api', puts('/status')).map((step): [string, Step] => [`the status's ${step.where}`, step]),
  ...both('agent', posts('/agent/bind')).map((step): [string, Step] => [`the binding's ${step.where}`, step]),
];
const DELETERS = ['the same', 'the other'] as const;

describe('a delete', () => {
  let scene: GatewayScene;
  let one: GatewayCalls;
  let two: GatewayCalls;
  let gates: { readonly api: Gate; readonly agent: Gate };
  const deleted: string[] = [];
  let count = 0;

  beforeAll(async () => {
    scene = await GatewayScene.start('delete-wins');
    await scene.end('sandbox-controller');
    const flags = { 'leader-elect': 'false', 'fastpath-orphan-timeout': `${ORPHAN_MS / 1000}s` };
    await scene.launch('sandbox-controller', flags);
    const { client, ...doors } = await scene.between('one');
    one = new GatewayCalls(client);
    gates = doors;
    two = new GatewayCalls(scene.sandboxes);
  }, 300_000);

  afterAll(() => scene.stop(), 120_000);

  const nothingLeft = () => eventually(async () => expect(await scene.left()).toEqual([]), SOON);
  const hold = ({ to, where, matches }: Step): Held => gates[to].hold(where, matches);
  const deleter = (which: (typeof DELETERS)[number]): GatewayCalls => (which === 'the same' ? one : two);

  /** Deletes until the answer is OK: a gateway that cannot know answers UNAVAILABLE. */
  async function remove(calls: GatewayCalls, name: string): Promise<void> {
    await eventually(async () => expect((await calls.remove(name)).code).toBe('OK'), SOON);
  }

  async function ended(name: string): Promise<void> {
    deleted.push(name);
    await nothingLeft();
    for (const calls of [one, two]) await notFound(calls, name);
  }

  /** Waits for NOT_FOUND: the catalog of a gateway is a moment old. */
  const notFound = (calls: GatewayCalls, name: string, id = '') =>
    eventually(async () => expect((await calls.get(name, id)).code).toBe('NOT_FOUND'));

  for (const [mode, consistencyMode, steps] of [
    ['FAST', FAST, ASKING],
    ['STRONG', STRONG, WRITING],
  ] as const) {
    describe.each(DELETERS)(`of a ${mode} create at %s gateway`, (which) => {
      it.each(steps)('ends it at %s; its caller gets ABORTED, or the id of an ended sandbox', async (_what, step) => {
        const name = `told-${count++}`;
        const held = hold(step);
        const creating = one.create(name, { consistencyMode }, SOON);
        await held.reached;
        const removing = remove(deleter(which), name);
        // the delete at the create's own gateway waits for the object that is being written
        if (which === 'the same' && mode === 'STRONG') held.release();
        await removing;
        held.release();
        const { code, message, answer } = await creating;
        // a create that had its agent's answer before the delete is answered OK, with its id
        if (code === 'OK') await notFound(one, name, answer?.sandboxId);
        else expect(`${code} ${message}`).toMatch(new RegExp(`^ABORTED .*${name}`));
        expect(code === 'OK').toBe(mode === 'FAST' && which === 'the other' && step.where === 'answer');
        await ended(name);
      });

      it.each(steps)('ends it at %s, though its caller has left', async (_what, step) => {
        const name = `left-${count++}`;
        const held = hold(step);
        await one.createAndLeave(name, { consistencyMode }, held.reached);
        const removing = remove(deleter(which), name);
        if (which === 'the same' && mode === 'STRONG') held.release();
        await removing;
        held.release();
        await ended(name);
      });
    });
  }

  describe.each(DELETERS)('of an answered FAST create at %s gateway', (which) => {
    it.each(RECORDING)('ends it at %s', async (_what, step) => {
      const name = `answered-${count++}`;
      const held = hold(step);
      const { answer } = await one.create(name, { consistencyMode: FAST }, SOON);
      await held.reached;
      await remove(deleter(which), name);
      held.release();
      await ended(name);
      await notFound(one, name, answer?.sandboxId);
    });
  });

  it.each([
    ['FAST', FAST],
    ['STRONG', STRONG],
  ])('leaves nothing of a %s create that was cancelled a moment before', async (_mode, consistencyMode) => {
    for (const ms of [0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 90]) {
      await one.createAndLeave(`cancelled-${ms}`, { consistencyMode }, sleep(ms));
      expect((await one.remove(`cancelled-${ms}`)).code).toBe('OK');
    }
    await ended('cancelled-5');
  });

  it.each([
    ['FAST', FAST],
    ['STRONG', STRONG],
  ])(
    'at the other gateway leaves nothing of a cancelled %s create that its own gateway reads later',
    async (_mode, mode) => {
      for (let round = 0; round < 8; round++) {
        const name = `late-${mode}-${round}`;
        process.kill(scene.pidOf('one'), 'SIGSTOP');
        try {
          await one.createAndLeave(name, { consistencyMode: mode }, sleep(10));
          await sleep(10);
          await remove(two, name);
        } finally {
          process.kill(scene.pidOf('one'), 'SIGCONT');
        }
        await notFound(one, name); // it answers, so it has read the create
        deleted.push(name);
      }
      await sleep(1_000);
      await nothingLeft();
    },
  );

  it.each([
    ['FAST', FAST],
    ['STRONG', STRONG],
  ])('is not needed for a cancelled %s create without name and request_id', async (_mode, mode) => {
    for (const ms of [0, 5, 10, 20, 30, 45, 60]) await one.createAndLeave('', { consistencyMode: mode }, sleep(ms));
    await nothingLeft();
  });

  it('is not needed for a nameless create past its deadline, which leaves nothing; a named one goes on', async () => {
    for (const name of ['', 'patient']) {
      const held = gates.agent.hold('answer', CREATE);
      const creating = one.create(name, {}, 700);
      await held.reached;
      expect((await creating).code).toBe('DEADLINE_EXCEEDED');
      held.release();
      if (name === '') await nothingLeft();
    }
    await eventually(async () => expect((await two.get('patient')).answer?.phase).toBe('Running'), SOON);
    await remove(two, 'patient');
    await nothingLeft();
  });

  it('does not touch the next sandbox of the name, created at once through the other gateway', async () => {
    for (let round = 0; round < 12; round++) {
      const [deletes, creates] = round % 2 === 0 ? [one, two] : [two, one];
      expect((await deletes.remove('again')).code).toBe('OK'); // of the round before; nothing in the first round
      await nothingLeft();
      expect((await deletes.remove('again')).code).toBe('OK'); // of nothing
      const consistencyMode = round % 4 < 2 ? FAST : STRONG;
      const { code, answer, message } = await creates.create('again', { consistencyMode }, SOON);
      expect(`${code} ${message}`).toMatch(/^OK/);
      await sleep(500);
      expect((await creates.get('again', answer?.sandboxId)).answer?.phase).toBe('Running');
    }
    await remove(one, 'again');
    await nothingLeft();
  });

  it('is final: no sandbox has come back through an adoption or a late object', async () => {
    await sleep(2_000 + ORPHAN_MS); // longer than either may take
    expect(await scene.left()).toEqual([]);
    expect(deleted.length).toBeGreaterThan(25);
    for (const name of deleted) for (const calls of [one, two]) expect((await calls.get(name)).code).toBe('NOT_FOUND');
  });
});
