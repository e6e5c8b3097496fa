import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditEvent } from '@fsb/component-base/audit/audit-event';
import { ApiserverProcess, OTHER_TENANT } from '../../../../../test/support/apiserver-process';
import { eventually } from '../../../../../test/support/eventually';
import { type Json } from '../kube-object';

jest.setTimeout(60_000);
const SANDBOXES = '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes';
const SECRET = 's3cr3t-that-nobody-records';

function sandbox(name: string): Json {
  const envs = [{ name: 'TOKEN', value: SECRET }];
  const spec = { image: 'alpine', poolRef: 'pool', envs };
  return { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name }, spec };
}

describe('RequestAudit', () => {
  let server: ApiserverProcess;
  beforeAll(async () => {
    server = await ApiserverProcess.start();
  });
  afterAll(() => server.end());

  const text = (): string => readFileSync(join(server.folder, 'audit.log'), 'utf8');
  /** records about the object, once there are `count` of them */
  function of(name: string, count: number): Promise<AuditEvent[]> {
    return eventually(() => {
      const lines = text().split('\n').slice(0, -1);
      const events = lines.map((line) => JSON.parse(line) as AuditEvent);
      const found = events.filter(({ objectRef }) => objectRef?.name === name);
      expect(found).toHaveLength(count);
      return found;
    }, 5_000);
  }

  it('records who created, changed and deleted an object, and nothing of its content', async () => {
    const { body } = await server.ask('POST', SANDBOXES, sandbox('kept'));
    const { uid } = body.metadata as { uid: string };
    const merge = { 'content-type': 'application/merge-patch+json' };
    await server.ask('PATCH', `${SANDBOXES}/kept`, { metadata: { labels: { note: SECRET } } }, merge);
    await server.ask('GET', `${SANDBOXES}/kept`);
    await server.ask('DELETE', `${SANDBOXES}/kept`);
    const found = await of('kept', 3);
    expect(found.map(({ verb, responseStatus }) => `${verb} ${responseStatus?.code ?? 0}`)).toEqual([
      'create 201',
      'patch 200',
      'delete 200',
    ]);
    for (const { user, objectRef, sourceIPs, annotations } of found) {
      expect(user.username).toBe('admin');
      expect(sourceIPs).toEqual(['127.0.0.1']);
      expect(objectRef).toMatchObject({
        resource: 'sandboxes',
        namespace: 'default',
        uid,
        apiGroup: 'sandbox.fast.io',
      });
      expect(annotations['authorization.k8s.io/decision']).toBe('allow');
    }
    expect(text()).not.toContain(SECRET);
  });

  it('records reads of Secrets, and refused requests', async () => {
    await server.ask('GET', '/api/v1/namespaces/default/secrets/guarded');
    await server.ask('GET', `${SANDBOXES}/guarded`, undefined, { authorization: `Bearer ${OTHER_TENANT}` });
    await server.ask('GET', `${SANDBOXES}/guarded`, undefined, { authorization: 'Bearer of-nobody-here' });
    const [read, denied] = await of('guarded', 2);
    expect(read).toMatchObject({ verb: 'get', objectRef: { resource: 'secrets' }, responseStatus: { code: 404 } });
    expect(denied).toMatchObject({
      user: { username: 'other-tenant' },
      responseStatus: { status: 'Failure', code: 403 },
    });
    expect(denied?.annotations['authorization.k8s.io/decision']).toBe('forbid');
    await eventually(() => expect(text()).toMatch(/"system:anonymous".*"code":401/));
  });

  it('is written to the end on SIGTERM', async () => {
    await server.ask('POST', SANDBOXES, sandbox('last'));
    expect(await server.terminate()).toBe(0);
    expect(text()).toContain('"last"');
  });
});
