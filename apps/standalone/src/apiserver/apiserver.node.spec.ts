import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../../../test/support/eventually';
import { type Json } from './kube-object';
import { ApiserverProcess, VIEWER } from '../../../../test/support/apiserver-process';
import { type Reply } from '../../../../test/support/kube-http';

jest.setTimeout(60_000);
const GROUP = '/apis/sandbox.fast.io/v1alpha1';
const SANDBOXES = `${GROUP}/namespaces/default/sandboxes`;
const MERGE = { 'content-type': 'application/merge-patch+json' };

function sandbox(name: string, metadata: object = {}, spec: object = {}): Json {
  const object = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name, ...metadata } };
  return { ...object, spec: { image: 'alpine', poolRef: 'pool', ...spec } };
}

interface Extra {
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

function names({ body }: Reply): unknown[] {
  return (body.items ?? []).map(({ metadata }) => (metadata as Json)['name']);
}

describe('apiserver', () => {
  let server: ApiserverProcess;
  beforeAll(async () => {
    server = await ApiserverProcess.start();
  });
  afterAll(() => server.end());

  const create = async (object: Json, path = SANDBOXES): Promise<Json> => {
    const { status, body } = await server.ask('POST', path, object);
    if (status !== 201) throw new Error(`${status}: ${body.message ?? ''}`);
    return body;
  };
  const versionOf = (object: Json): string => String((object['metadata'] as Json)['resourceVersion']);

  it('token file: a new token is accepted, and a broken file is ignored', async () => {
    const path = join(server.folder, 'tokens.json');
    const before = readFileSync(path, 'utf8');
    const token = 'a-token-that-came-later';
    const asked = (): Promise<number> =>
      server.ask('GET', SANDBOXES, undefined, { authorization: `Bearer ${token}` }).then(({ status }) => status);
    expect(await asked()).toBe(401);
    const added = { token, user: 'later', role: 'viewer', namespaces: ['default'] };
    writeFileSync(path, JSON.stringify([...(JSON.parse(before) as object[]), added]));
    await eventually(async () => expect(await asked()).toBe(200));
    writeFileSync(path, '{');
    await eventually(async () => {
      expect(await asked()).toBe(200);
      return server.log.includes('the token file was not read');
    });
    writeFileSync(path, before);
    await eventually(async () => expect(await asked()).toBe(401));
  });

  it('kill -9 amid writes: loses no acknowledged write', async () => {
    const answered: string[] = [];
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; ; n += 1) {
        const name = `burst-${writer}-${n}`;
        const reply = await server.ask('POST', SANDBOXES, sandbox(name)).catch(() => undefined);
        if (reply?.status !== 201) return;
        answered.push(name);
      }
    });
    await eventually(() => answered.length > 200);
    await server.kill();
    await Promise.all(writing);
    await server.launch();
    const list = await server.ask('GET', SANDBOXES);
    expect(names(list)).toEqual(expect.arrayContaining(answered));
    expect(Number(list.body.metadata!['resourceVersion'])).toBeGreaterThanOrEqual(answered.length);
    await server.ask('DELETE', SANDBOXES);
    expect(names(await server.ask('GET', SANDBOXES))).toEqual([]);
  });

  it('SIGTERM with open watches: exits with 0; afterwards a watch that has missed nothing resumes', async () => {
    const version = versionOf(await create(sandbox('before')));
    await create(sandbox('after'));
    const list = (await server.ask('GET', SANDBOXES)).body;
    const { response } = await server.watch(`${SANDBOXES}?watch=true`);
    expect(await server.terminate()).toBe(0);
    await eventually(() => response.closed);
    await server.launch();
    for (const unknown of [version, '999999999']) {
      const { events, response: ended } = await server.watch(`${SANDBOXES}?watch=true&resourceVersion=${unknown}`);
      await eventually(() => ended.closed);
      expect(events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    }
    const kept = await server.watch(
      `${SANDBOXES}?watch=true&resourceVersion=${list.metadata!['resourceVersion'] as string}`,
    );
    await create(sandbox('later'));
    await eventually(() =>
      expect(kept.events).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'later' } } }]),
    );
    kept.response.destroy();
  });

  it('watch: sends objects that are new, change, and start or stop to match the selector', async () => {
    const made = await create(sandbox('moving'));
    const query = `watch=true&resourceVersion=${versionOf(made)}&labelSelector=team%3Da`;
    const { events, response } = await server.watch(`${SANDBOXES}?${query}`);
    for (const team of ['a', 'a', 'b', 'a']) {
      const note = String(Math.random());
      await server.ask(
        'PATCH',
        `${SANDBOXES}/moving`,
        { metadata: { labels: { team }, annotations: { note } } },
        MERGE,
      );
    }
    await server.ask('DELETE', `${SANDBOXES}/moving`);
    await eventually(() => events.length === 5);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
    const versions = events.map(({ object }) => Number(versionOf(object as Json)));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    response.destroy();
  });

  it('watch: sends initial events, then a bookmark, and ends after timeoutSeconds', async () => {
    await create(sandbox('there', { labels: { set: 'initial' } }));
    const query = 'labelSelector=set%3Dinitial&watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const path = `${SANDBOXES}?${query}&allowWatchBookmarks=true&timeoutSeconds=1`;
    const { events, response } = await server.watch(path);
    await eventually(() => response.closed);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'BOOKMARK']);
    const { annotations } = (events[1]!['object'] as Json)['metadata'] as Json;
    expect(annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('list: pages show one consistent list', async () => {
    const labels = { set: 'pages' };
    for (const name of ['page-1', 'page-2', 'page-3', 'page-5']) await create(sandbox(name, { labels }));
    const query = 'labelSelector=set%3Dpages&limit=2';
    const first = await server.ask('GET', `${SANDBOXES}?${query}`);
    await create(sandbox('page-4', { labels }));
    const token = first.body.metadata?.['continue'] as string;
    const second = await server.ask('GET', `${SANDBOXES}?${query}&continue=${token}`);
    expect([...names(first), ...names(second)]).toEqual(['page-1', 'page-2', 'page-3', 'page-5']);
    expect(second.body.metadata).toEqual({ resourceVersion: first.body.metadata?.['resourceVersion'] });
    expect((await server.ask('GET', `${SANDBOXES}?${query}&continue=${token}`)).status).toBe(410);
    expect((await server.ask('GET', `${SANDBOXES}?continue=nonsense`)).status).toBe(400);
  });

  it('update: the first of two writers wins', async () => {
    const made = await create(sandbox('contested'));
    const path = `${SANDBOXES}/contested`;
    const changed = { ...made, spec: { ...(made['spec'] as Json), failurePolicy: 'AutoRecreate' } };
    expect((await server.ask('PUT', path, changed)).status).toBe(200);
    const late = await server.ask('PUT', path, changed);
    expect([late.status, late.body.reason]).toEqual([409, 'Conflict']);
    const { status, body } = await server.ask('PUT', path, sandbox('contested'));
    expect([status, body.message]).toEqual([422, expect.stringContaining('must be specified for an update')]);
    const uid = { preconditions: { uid: 'another' } };
    expect((await server.ask('DELETE', path, uid)).status).toBe(409);
    expect((await server.ask('POST', SANDBOXES, sandbox('contested'))).body.reason).toBe('AlreadyExists');
  });

  it('status and spec: change apart; generation counts spec changes; writes without change keep the version', async () => {
    const made = await create({ ...sandbox('parts'), status: { phase: 'Running' } });
    expect(made['status']).toBeUndefined();
    const patch = { spec: { failurePolicy: 'AutoRecreate' }, status: { phase: 'Failed' } };
    const whole = (await server.ask('PATCH', `${SANDBOXES}/parts`, patch, MERGE)).body;
    expect(whole).toMatchObject({ spec: { failurePolicy: 'AutoRecreate' }, metadata: { generation: 2 } });
    expect(whole['status']).toBeUndefined();
    const status = (await server.ask('PATCH', `${SANDBOXES}/parts/status`, { ...patch, spec: {} }, MERGE)).body;
    expect(status).toMatchObject({
      status: { phase: 'Failed' },
      spec: { failurePolicy: 'AutoRecreate' },
      metadata: { generation: 2 },
    });
    const again = (await server.ask('PATCH', `${SANDBOXES}/parts/status`, patch, MERGE)).body;
    expect(versionOf(again)).toBe(versionOf(status));
    const wrong = await server.ask('PATCH', `${SANDBOXES}/parts/status`, { status: { phase: 'Odd' } }, MERGE);
    expect(wrong.body.message).toContain('status.phase: Unsupported value: "Odd"');
  });

  it('update: refuses changes of immutable fields by name, and accepts those of others', async () => {
    const made = await create(sandbox('immutable', {}, { resources: { cpu: '1', memory: '128Mi' } }));
    const path = `${SANDBOXES}/immutable`;
    const changes = { image: 'nginx', command: ['a'], resources: { cpu: '1m', memory: '6Mi' } };
    for (const [field, value] of Object.entries(changes)) {
      const { status, body } = await server.ask('PATCH', path, { spec: { [field]: value } }, MERGE);
      expect([status, body['details']]).toMatchObject([422, { causes: [{ field: `spec.${field}` }] }]);
    }
    const put = await server.ask('PUT', path, {
      ...made,
      spec: { ...(made['spec'] as Json), image: 'nginx', poolRef: 'b' },
    });
    expect([put.status, put.body.message]).toEqual([
      422,
      expect.stringMatching(/spec\.image: .*spec\.poolRef: /) as string,
    ]);
    expect((await server.ask('GET', path)).body).toEqual(made);
    const allowed = { expireTime: '2096-01-01T00:00:00Z', failurePolicy: 'AutoRecreate', recoveryTimeoutSeconds: 5 };
    const spec = { ...allowed, resetRevision: '2026-01-01T00:00:00Z', ttlSecondsAfterFinished: 3 };
    const metadata = { labels: { a: 'b' }, annotations: { c: 'd' } };
    expect((await server.ask('PATCH', path, { spec, metadata }, MERGE)).body).toMatchObject({ spec, metadata });
  });

  it('create, patch: refuse a pool with poolMin above poolMax', async () => {
    const pool = (name: string, capacity: object): Json => ({
      ...{ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', metadata: { name }, spec: { capacity } },
    });
    const pools = `${GROUP}/namespaces/default/sandboxpools`;
    const { status, body } = await server.ask('POST', pools, pool('wrong', { poolMin: 3, poolMax: 2 }));
    expect([status, body.message]).toEqual([422, expect.stringContaining('spec.capacity.poolMin') as string]);
    await create(pool('unlimited', { poolMin: 3, poolMax: 0 }), pools);
    const patch = { spec: { capacity: { poolMax: 2 } } };
    expect((await server.ask('PATCH', `${pools}/unlimited`, patch, MERGE)).status).toBe(422);
  });

  it('create: drops unknown fields with a warning, and keeps those of an agent template', async () => {
    const pool = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', metadata: { name: 'pool' } };
    const agentTemplate = { spec: { containers: [{ name: 'agent', anything: { goes: true } }] } };
    const reply = await server.ask('POST', `${GROUP}/namespaces/default/sandboxpools`, {
      ...pool,
      spec: { agentTemplate, typo: 1 },
    });
    expect(reply.headers.warning).toBe('299 - "unknown field \\"spec.typo\\""');
    expect(reply.body['spec']).toEqual({ agentTemplate, maxSandboxesPerPod: 5 });
    const strict = await server.ask('POST', `${SANDBOXES}?fieldValidation=Strict`, sandbox('x', {}, { typo: 1 }));
    expect([strict.status, strict.body.message]).toEqual([400, expect.stringContaining('unknown field "spec.typo"')]);
  });

  it('delete: removes the dependents of an owner, and nothing else', async () => {
    const owner = (await create(sandbox('owner')))['metadata'] as { uid: string };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Sandbox', name: 'owner', uid: owner.uid }];
    await create(sandbox('owned', { ownerReferences }));
    await create(sandbox('free'));
    const config = { metadata: { name: 'owned', ownerReferences } };
    await create(config, '/api/v1/namespaces/default/configmaps');
    await server.ask('DELETE', `${SANDBOXES}/owner`);
    await eventually(async () => (await server.ask('GET', `${SANDBOXES}/owned`)).status === 404);
    await eventually(
      async () => (await server.ask('GET', '/api/v1/namespaces/default/configmaps/owned')).status === 404,
    );
    expect((await server.ask('GET', `${SANDBOXES}/free`)).status).toBe(200);
  });

  it('scheduler: binds a Pod to the Ready node; a delete leaves it its grace period', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const containers = [{ name: 'a', image: 'a', resources: { limits: { cpu: 1 } } }];
    await create({ metadata: { name: 'waiting' }, spec: { containers, terminationGracePeriodSeconds: 7 } }, pods);
    await create(
      { metadata: { name: 'here' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      '/api/v1/nodes',
    );
    const pod = (): Promise<Reply> => server.ask('GET', `${pods}/waiting`);
    await eventually(async () => ((await pod()).body['spec'] as Json)['nodeName'] === 'here');
    expect(names(await server.ask('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3Dhere`))).toEqual(['waiting']);
    const binding = { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'other' } };
    expect((await server.ask('POST', `${pods}/waiting/binding`, binding)).status).toBe(409);
    const { body } = await server.ask('DELETE', `${pods}/waiting`);
    expect(body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 7,
      deletionTimestamp: expect.any(String) as string,
    });
    await server.ask('DELETE', `${pods}/waiting?gracePeriodSeconds=0`);
    expect((await pod()).status).toBe(404);
  });

  it.each<[string, string, string, number, Extra?]>([
    ['no token', 'GET', SANDBOXES, 401, { headers: { authorization: '' } }],
    ['an unknown token', 'GET', SANDBOXES, 401, { headers: { authorization: 'Bearer nobody-knows-this-one' } }],
    ['a role without the verb', 'DELETE', SANDBOXES, 403, { headers: { authorization: `Bearer ${VIEWER}` } }],
    ['a role without the kind', 'GET', '/api/v1/secrets', 403, { headers: { authorization: `Bearer ${VIEWER}` } }],
    ['impersonation', 'GET', SANDBOXES, 403, { headers: { 'impersonate-user': 'somebody' } }],
    ['an unknown kind', 'GET', '/apis/apps/v1/deployments', 404],
    ['an unknown path', 'GET', '/api/v1/namespaces/default/pods/a/log/b', 404],
    ['an unknown namespace', 'POST', `${GROUP}/namespaces/none/sandboxes`, 404, { body: sandbox('x') }],
    ['an unknown verb', 'POST', `${SANDBOXES}/x`, 405, { body: sandbox('x') }],
    ['protobuf alone', 'GET', SANDBOXES, 406, { headers: { accept: 'application/vnd.kubernetes.protobuf' } }],
    [
      'server-side apply',
      'PATCH',
      `${SANDBOXES}/x`,
      415,
      { body: {}, headers: { 'content-type': 'application/apply-patch+yaml' } },
    ],
    ['a body of another kind', 'POST', SANDBOXES, 400, { body: { apiVersion: 'v1', kind: 'Pod' } }],
    ['a body in another namespace', 'POST', SANDBOXES, 400, { body: sandbox('x', { namespace: 'kube-system' }) }],
    ['a body that is too large', 'POST', SANDBOXES, 413, { body: sandbox('x', {}, { args: ['a'.repeat(4_000_000)] }) }],
    ['an invalid name', 'POST', SANDBOXES, 422, { body: sandbox('Not_A_Name') }],
    ['an invalid selector', 'GET', `${SANDBOXES}?labelSelector=%3D%3D`, 400],
    ['a field that cannot be selected', 'GET', `${SANDBOXES}?fieldSelector=spec.image%3Da`, 400],
  ])('refuses %s', async (_, method, path, status, { body, headers } = {}) => {
    const reply = await server.ask(method, path, body, headers);
    expect(reply.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status });
    expect(reply.status).toBe(status);
  });

  it('answers probes and /version without authentication', async () => {
    for (const path of ['/livez', '/readyz', '/healthz', '/version']) {
      expect((await server.ask('GET', path, undefined, { authorization: '' })).status).toBe(200);
    }
  });
});
