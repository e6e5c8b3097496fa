import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CreateRequest, FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SandboxLogServiceClient, StreamLogsRequest } from '@fsb/api/gen/fastpath/v1/logs';
import { type AuditEvent } from '@fsb/component-base/audit/audit-event';
import { ADMIN, OTHER_TENANT, TENANT } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { freePort } from '../../../../test/support/free-port';
import { caCredentials, tokenCredentials } from '../../../../test/support/gateway-credentials';
import { GatewayCalls } from '../testing/gateway-calls';
import { GatewayScene } from '../testing/gateway-scene';

const AUDITED = 'gateway-audited';
/** A value put into every field of a create that may hold a secret. */
const SECRET = 's3cr3t-that-nobody-records';

/** A gateway with an audit log, in front of a real API server with authorization. */
describe('The audit log of a gateway', () => {
  let scene: GatewayScene;
  let ca: Buffer;
  let endpoint: string;
  let path: string;
  const clients: { close(): void }[] = [];

  beforeAll(async () => {
    scene = await GatewayScene.start('audit', { LOG_VERBOSITY: '4' });
    ca = readFileSync(join(scene.api.folder, 'ca.crt'));
    endpoint = `127.0.0.1:${await freePort()}`;
    path = scene.agent.path('audit.log');
    await scene.launch('fastpath-gateway', { 'grpc-bind-address': endpoint, 'audit-log-path': path }, AUDITED);
  }, 240_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    await scene.stop();
  }, 120_000);

  function as(token: string | undefined): GatewayCalls {
    const client = new FastPathServiceClient(
      endpoint,
      token === undefined ? caCredentials(ca) : tokenCredentials(ca, token),
    );
    clients.push(client);
    return new GatewayCalls(client);
  }

  const events = (): AuditEvent[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditEvent);

  /** The events of a sandbox; waits until there are exactly `count`. */
  function of(name: string, count: number): Promise<AuditEvent[]> {
    return eventually(() => {
      const found = events().filter(({ objectRef }) => objectRef?.name === name);
      expect(found).toHaveLength(count);
      return found;
    }, 5_000);
  }

  const secrets = { envs: { TOKEN: SECRET }, args: [SECRET], labels: { note: SECRET } };

  function readLog(token: string, sandboxName: string): Promise<string> {
    const client = new SandboxLogServiceClient(endpoint, tokenCredentials(ca, token));
    clients.push(client);
    const stream = client.streamLogs(StreamLogsRequest.fromPartial({ sandboxName }));
    return new Promise((resolve, reject) => {
      let text = '';
      stream.on('data', ({ data }: { data: Buffer }) => (text += data.toString()));
      stream.on('end', () => {
        resolve(text);
      });
      stream.on('error', reject);
    });
  }

  it('records who created, updated, read and deleted a sandbox, and from where, without its secrets', async () => {
    const tenant = as(TENANT);
    const created = await tenant.create('kept', {
      ...secrets,
      requestId: 'order-7',
      command: ['/bin/sh', '-c', 'echo hello; exec sleep 100'],
    });
    const sandboxId = created.answer?.sandboxId;
    await eventually(async () => {
      expect((await scene.object('kept')).metadata.uid).toBeDefined();
      expect((await tenant.label('kept')).answer?.success).toBe(true);
    }, 10_000);
    const { uid } = (await scene.object('kept')).metadata;
    expect((await tenant.get('kept')).code).toBe('OK'); // reads of what is in memory are not recorded
    await eventually(async () => {
      expect(await readLog(TENANT, 'kept')).toBe('hello\n');
    }, 5_000);
    expect((await tenant.remove('kept')).code).toBe('OK');
    const found = await eventually(() => {
      const all = events().filter(({ objectRef }) => objectRef?.name === 'kept');
      expect(all.at(-1)?.verb).toBe('delete');
      return all;
    }, 5_000);
    const [create] = found;
    expect(create).toEqual({
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', stage: 'ResponseComplete', verb: 'create' },
      auditID: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      requestURI: '/fastpath.v1.FastPathService/CreateSandbox',
      user: { username: 'tenant', groups: expect.any(Array) as string[] },
      sourceIPs: ['127.0.0.1'],
      userAgent: expect.stringMatching(/^grpc-node-js/) as string,
      objectRef: {
        ...{ resource: 'sandboxes', namespace: 'default', name: 'kept' },
        ...{ apiGroup: 'sandbox.fast.io', apiVersion: 'v1alpha1' },
      },
      responseStatus: { metadata: {}, code: 200 },
      requestReceivedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) as string,
      stageTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) as string,
      annotations: {
        'authorization.k8s.io/decision': 'allow',
        'sandbox.fast.io/authentication': 'token',
        'sandbox.fast.io/grpc-status': 'OK',
        'sandbox.fast.io/latency-ms': expect.stringMatching(/^\d+$/) as string,
        'sandbox.fast.io/sandbox-id': sandboxId,
        'sandbox.fast.io/image': 'busybox',
        'sandbox.fast.io/request-id': 'order-7',
      },
    });
    const read = found.filter(({ objectRef }) => objectRef?.subresource === 'log');
    expect(read.slice(-2).map(({ stage, verb }) => `${verb} ${stage}`)).toEqual([
      'get ResponseStarted',
      'get ResponseComplete',
    ]);
    expect(read.at(-2)?.auditID).toBe(read.at(-1)?.auditID);
    for (const event of [...read, found.at(-1)]) {
      expect(event?.objectRef?.uid).toBe(uid);
      expect(event?.annotations['sandbox.fast.io/sandbox-id']).toBe(sandboxId);
    }
    expect(found.filter(({ verb, objectRef }) => verb === 'get' && objectRef?.subresource === undefined)).toEqual([]);
    expect(readFileSync(path, 'utf8')).not.toContain(SECRET);
  }, 60_000);

  it('records refused callers, also of methods that are otherwise not recorded', async () => {
    const [stranger, other] = [as(undefined), as(OTHER_TENANT)];
    expect((await stranger.get('guarded')).code).toBe('UNAUTHENTICATED');
    expect((await other.get('guarded')).code).toBe('PERMISSION_DENIED');
    expect((await other.create('guarded', secrets)).code).toBe('PERMISSION_DENIED');
    const [get, create] = await of('guarded', 2);
    // the request of an unauthenticated caller is not read
    const unknown = events().find(({ user }) => user.username === 'system:anonymous');
    expect(unknown?.objectRef?.name).toBeUndefined();
    expect(unknown).toMatchObject({
      user: { username: 'system:anonymous', groups: ['system:unauthenticated'] },
      verb: 'get',
      responseStatus: { status: 'Failure', reason: 'Unauthorized', code: 401 },
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'sandbox.fast.io/authentication': 'none' },
    });
    expect([get?.verb, create?.verb]).toEqual(['get', 'create']);
    expect(create).toMatchObject({
      user: { username: 'other-tenant' },
      sourceIPs: ['127.0.0.1'],
      responseStatus: {
        reason: 'Forbidden',
        code: 403,
        message: expect.stringMatching(/^User "other-tenant" cannot create/) as string,
      },
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'sandbox.fast.io/grpc-status': 'PERMISSION_DENIED' },
    });
  });

  it('records requests refused for their fields or their size, without quoting them', async () => {
    const tenant = as(TENANT);
    expect((await tenant.create('wrong', { ...secrets, envs: { [SECRET + '=']: '' } })).code).toBe('INVALID_ARGUMENT');
    expect((await tenant.create('wrong', { ...secrets, image: 'absent/image' })).code).toBe('NOT_FOUND');
    expect((await tenant.create('wrong', { command: [`/bin/${SECRET}`] })).message).toContain(SECRET); // known to its caller
    const found = await of('wrong', 3);
    expect(found.map(({ responseStatus }) => responseStatus)).toEqual([
      { metadata: {}, status: 'Failure', reason: 'BadRequest', code: 400 },
      { metadata: {}, status: 'Failure', reason: 'NotFound', code: 404 },
      { metadata: {}, status: 'Failure', reason: 'NotFound', code: 404 },
    ]);
    const before = events().length;
    expect((await tenant.create('large', { args: Array.from({ length: 12 }, () => 'x'.repeat(100_000)) })).code).toBe(
      'RESOURCE_EXHAUSTED',
    );
    await eventually(() => {
      expect(events().slice(before)).toMatchObject([{ verb: 'create', responseStatus: { code: 499 } }]);
    }, 5_000);
    expect(readFileSync(path, 'utf8')).not.toContain(SECRET);
  });

  it('records the outcome of a create whose caller cancelled', async () => {
    const tenant = as(TENANT);
    /** Creates a sandbox and cancels the call as soon as the agent reports it. */
    const leave = (name: string): Promise<unknown> =>
      new Promise((done) => {
        const request = { name, image: 'busybox', poolRef: 'pool', command: ['/bin/sleep', '100'] };
        const running = tenant.client.createSandbox(CreateRequest.fromPartial(request), done);
        const look = setInterval(() => {
          void scene.agent.status().then(({ sandboxStatuses }) => {
            if (!sandboxStatuses.some(({ claimName }) => claimName === name)) return;
            clearInterval(look);
            running.cancel();
          });
        }, 2);
      });
    // the answer may be sent before the cancellation arrives: such an event has no caller-left, so try again
    let callerLeft: string | undefined;
    for (let attempt = 0; attempt < 10 && callerLeft === undefined; attempt++) {
      await leave(`left-${attempt}`);
      const [event] = await of(`left-${attempt}`, 1);
      expect(event?.annotations['sandbox.fast.io/grpc-status']).toBeDefined();
      callerLeft = event?.annotations['sandbox.fast.io/caller-left'];
      await tenant.remove(`left-${attempt}`);
    }
    expect(callerLeft).toBe('true');
  }, 60_000);

  it('has no secrets, and neither have the logs of the processes at full verbosity', () => {
    const logs = ['fastpath-gateway', 'sandbox-controller', AUDITED].map((name) => scene.logOf(name));
    for (const log of [...logs, readFileSync(scene.agent.logText, 'utf8')]) {
      expect(log.length).toBeGreaterThan(0);
      expect(log.split('\n').filter((line) => line.includes(SECRET))).toEqual([]);
    }
  });

  it('is readable by its owner alone, and complete after SIGTERM', async () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await as(ADMIN).remove('last')).code).toBe('OK');
    expect(await scene.end(AUDITED)).toBe(0);
    expect(events().at(-1)).toMatchObject({ objectRef: { name: 'last' }, user: { username: 'admin' } });
  });
});
