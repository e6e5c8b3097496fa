import { ApiserverProcess } from '../../../../../test/support/apiserver-process';
import { eventually } from '../../../../../test/support/eventually';
import { type Reply } from '../../../../../test/support/kube-http';
import { type Json, type StoredMeta } from '../kube-object';

jest.setTimeout(60_000);
const SANDBOXES = '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const HOLD = ['example.com/hold'];

describe('propagationPolicy', () => {
  let server: ApiserverProcess;
  beforeAll(async () => {
    server = await ApiserverProcess.start();
  });
  afterAll(() => server.end());

  const create = async (name: string, metadata: object = {}): Promise<StoredMeta> => {
    const body: Json = {
      apiVersion: 'sandbox.fast.io/v1alpha1',
      kind: 'Sandbox',
      metadata: { name, ...metadata },
      spec: { image: 'alpine', poolRef: 'pool' },
    };
    const reply = await server.ask('POST', SANDBOXES, body);
    expect(reply.status).toBe(201);
    return meta(reply);
  };
  const meta = ({ body }: Reply): StoredMeta => body.metadata as unknown as StoredMeta;
  const get = (name: string): Promise<Reply> => server.ask('GET', `${SANDBOXES}/${name}`);
  const remove = (name: string, query: string, body?: object): Promise<Reply> =>
    server.ask('DELETE', `${SANDBOXES}/${name}${query}`, body);
  const isGone = (name: string): Promise<unknown> => eventually(async () => (await get(name)).status === 404);
  const letGo = (name: string): Promise<Reply> =>
    server.ask('PATCH', `${SANDBOXES}/${name}`, { metadata: { finalizers: null } }, MERGE);
  const owner = ({ name, uid }: StoredMeta, blocks: boolean): object => ({
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    ...{ name, uid, blockOwnerDeletion: blocks },
  });

  it('Foreground: an owner without dependents ends at once', async () => {
    await create('alone');
    const reply = await remove('alone', '?propagationPolicy=Foreground');
    expect(reply.status).toBe(200);
    expect(meta(reply)).toMatchObject({ finalizers: ['foregroundDeletion'], deletionGracePeriodSeconds: 0 });
    await isGone('alone');
  });

  it('Foreground: an owner ends after its blocking dependents; the others are deleted too', async () => {
    const front = await create('front');
    await create('blocks', { ownerReferences: [owner(front, true)], finalizers: HOLD });
    await create('along', { ownerReferences: [owner(front, false)], finalizers: HOLD });
    await remove('front', '', { propagationPolicy: 'Foreground' });
    for (const name of ['blocks', 'along']) {
      await eventually(async () => meta(await get(name)).deletionTimestamp !== undefined);
    }
    expect(meta(await get('front')).finalizers).toEqual(['foregroundDeletion']);
    await letGo('blocks');
    await isGone('front');
    expect((await get('along')).status).toBe(200);
    await letGo('along');
  });

  it('Foreground: applies to dependents of dependents', async () => {
    const top = await create('top');
    const middle = await create('middle', { ownerReferences: [owner(top, true)] });
    await create('bottom', { ownerReferences: [owner(middle, true)], finalizers: HOLD });
    await remove('top', '?propagationPolicy=Foreground');
    await eventually(async () => meta(await get('bottom')).deletionTimestamp !== undefined);
    expect(meta(await get('middle')).finalizers).toEqual(['foregroundDeletion']);
    expect((await get('top')).status).toBe(200);
    await letGo('bottom');
    for (const name of ['middle', 'top']) await isGone(name);
  });

  it('Foreground: a dependent with another owner stays, without this one', async () => {
    const [one, other] = [await create('one'), await create('other')];
    await create('shared', { ownerReferences: [owner(one, true), owner(other, true)] });
    await remove('one', '?propagationPolicy=Foreground');
    await isGone('one');
    const shared = meta(await get('shared'));
    expect(shared.ownerReferences).toMatchObject([{ uid: other.uid }]);
    expect(shared.deletionTimestamp).toBeUndefined();
  });

  it.each([
    ['by its policy', '?propagationPolicy=Orphan', undefined],
    ['by the older field', '', { orphanDependents: true }],
  ])('Orphan: dependents stay without an owner, %s', async (_what, query, body) => {
    const leaving = await create('leaving');
    await create('left', { ownerReferences: [owner(leaving, true)] });
    expect(meta(await remove('leaving', query, body)).finalizers).toEqual(['orphan']);
    await isGone('leaving');
    const left = meta(await get('left'));
    expect(left.ownerReferences).toBeUndefined();
    expect(left.deletionTimestamp).toBeUndefined();
    await remove('left', '');
  });

  it('Background after Foreground: the later policy replaces the earlier one', async () => {
    const slow = await create('slow');
    await create('holds', { ownerReferences: [owner(slow, true)], finalizers: HOLD });
    await remove('slow', '?propagationPolicy=Foreground');
    expect((await remove('slow', '?propagationPolicy=Background')).status).toBe(200);
    await isGone('slow');
    await letGo('holds');
  });

  it.each<[string, object, string]>([
    ['an unknown policy', { propagationPolicy: 'Odd' }, 'FieldValueNotSupported'],
    ['policy and older field', { propagationPolicy: 'Orphan', orphanDependents: true }, 'FieldValueInvalid'],
  ])('refuses %s', async (_what, body, reason) => {
    await create('kept-so-far');
    const reply = await remove('kept-so-far', '', body);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ details: { causes: [{ reason, field: 'propagationPolicy' }] } });
    await remove('kept-so-far', '');
  });
});

it('status: two conditions of one type are refused', async () => {
  const server = await ApiserverProcess.start();
  const path = `${SANDBOXES}/listed`;
  const metadata = { name: 'listed' };
  const spec = { image: 'alpine', poolRef: 'pool' };
  await server.ask('POST', SANDBOXES, { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata, spec });
  const conditions = (...types: string[]): Promise<Reply> =>
    server.ask(
      'PATCH',
      `${path}/status`,
      { status: { conditions: types.map((type) => ({ type, status: 'True' })) } },
      MERGE,
    );
  expect((await conditions('Ready', 'Bound')).status).toBe(200);
  const refused = await conditions('Ready', 'Bound', 'Ready');
  expect(refused.status).toBe(422);
  expect(refused.body).toMatchObject({
    details: { causes: [{ reason: 'FieldValueDuplicate', field: 'status.conditions[2]' }] },
  });
  await server.end();
});
