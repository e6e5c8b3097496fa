import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { FastPathServiceClient, ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SandboxLogServiceClient, StreamLogsRequest } from '@fsb/api/gen/fastpath/v1/logs';
import { makeCa, makeClientCertificate } from '@fsb/pki/certificates';
import { ADMIN, OTHER_TENANT, TENANT, VIEWER } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { caCredentials, tokenCredentials } from '../../../test/support/gateway-credentials';
import { GatewayCalls } from './testing/gateway-calls';
import { call, GatewayScene, type CallOutcome } from './testing/gateway-scene';

/** The gateway as it is delivered, with TLS, in front of a real API server with authorization. */
describe('gateway access', () => {
  let scene: GatewayScene;
  let ca: Buffer;
  const clients: FastPathServiceClient[] = [];

  beforeAll(async () => {
    scene = await GatewayScene.start('access');
    ca = readFileSync(join(scene.api.folder, 'ca.crt'));
  }, 240_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    await scene.stop();
  }, 120_000);

  function as(credentialsOf: ChannelCredentials): GatewayCalls {
    const client = new FastPathServiceClient(scene.endpoint, credentialsOf);
    clients.push(client);
    return new GatewayCalls(client);
  }

  const withToken = (token: string): GatewayCalls => as(tokenCredentials(ca, token));

  function listed(calls: GatewayCalls, namespace = ''): Promise<CallOutcome<{ items: { sandboxName: string }[] }>> {
    return call(calls.client.listSandboxes.bind(calls.client), ListRequest.fromPartial({ namespace }));
  }

  it.each([
    ['no token', (): GatewayCalls => as(caCredentials(ca)), 'no bearer token'],
    ['an unknown token', (): GatewayCalls => withToken('nobody-knows-this'), 'not one that the cluster knows'],
    ['a token of 10,000 letters', (): GatewayCalls => withToken('x'.repeat(10_000)), 'not "Bearer <token>"'],
  ])('refuses %s as UNAUTHENTICATED, and creates nothing', async (_what, of, words) => {
    const { code, message } = await of().create('nobody');
    expect({ code, message }).toEqual({ code: 'UNAUTHENTICATED', message: expect.stringContaining(words) as string });
    expect(await scene.left()).toEqual([]);
  });

  it('refuses plaintext on its TLS port; a client with another CA refuses its certificate', async () => {
    expect((await as(credentials.createInsecure()).get('x')).code).toBe('UNAVAILABLE');
    const other = await makeCa();
    expect((await as(tokenCredentials(Buffer.from(other.cert), ADMIN)).get('x')).message).toContain('certificate');
  });

  it('allows a tenant everything in its namespace, and another tenant nothing there', async () => {
    const tenant = withToken(TENANT);
    const other = withToken(OTHER_TENANT);
    expect((await tenant.create('mine')).code).toBe('OK');
    const where = 'in the namespace "default"';
    const denied = async (outcome: Promise<CallOutcome<unknown>>, what: string): Promise<void> => {
      const { code, message } = await outcome;
      expect({ code, message }).toEqual({
        code: 'PERMISSION_DENIED',
        message: `User "other-tenant" cannot ${what} in API group "sandbox.fast.io" ${where}`,
      });
    };
    await denied(other.create('theirs'), 'create resource "sandboxes"');
    await denied(other.get('mine'), 'get resource "sandboxes"');
    await denied(other.label('mine'), 'update resource "sandboxes"');
    await denied(other.remove('mine'), 'delete resource "sandboxes"');
    await denied(listed(other, 'default'), 'list resource "sandboxes"');
    expect((await tenant.get('mine')).code).toBe('OK');
    expect((await tenant.label('mine')).answer?.success).toBe(true);
    await eventually(async () => {
      expect((await listed(tenant)).answer?.items.map(({ sandboxName }) => sandboxName)).toEqual(['mine']);
    }, 10_000);
    expect((await listed(other)).answer?.items).toEqual([]);
    expect((await tenant.remove('mine')).code).toBe('OK');
  });

  it('allows a viewer to read, and no change', async () => {
    const viewer = withToken(VIEWER);
    expect((await withToken(TENANT).create('seen')).code).toBe('OK');
    expect((await viewer.get('seen')).code).toBe('OK');
    expect((await viewer.create('unseen')).code).toBe('PERMISSION_DENIED');
    expect((await viewer.remove('seen')).code).toBe('PERMISSION_DENIED');
    expect((await withToken(TENANT).remove('seen')).code).toBe('OK');
  });

  it('requires get on sandboxes/log to read a log', async () => {
    expect((await withToken(TENANT).create('talks', { command: ['/bin/echo', 'secret'] })).code).toBe('OK');
    const read = (token: string): Promise<string> => {
      const client = new SandboxLogServiceClient(scene.endpoint, tokenCredentials(ca, token));
      const stream = client.streamLogs(StreamLogsRequest.fromPartial({ sandboxName: 'talks', follow: true }));
      return new Promise<string>((resolve) => {
        let text = '';
        stream.on('data', ({ data }: { data: Buffer }) => (text += data.toString()));
        stream.on('end', () => {
          resolve(text);
        });
        stream.on('error', (error: Error) => {
          resolve(error.message);
        });
      }).finally(() => {
        client.close();
      });
    };
    expect(await read(TENANT)).toBe('secret\n');
    expect(await read(OTHER_TENANT)).toContain('cannot get resource "sandboxes/log"');
    expect((await withToken(TENANT).remove('talks')).code).toBe('OK');
  });

  it('accepts client certificates of its CA only, with the rights of their subject', async () => {
    const own = { cert: ca.toString(), key: readFileSync(join(scene.api.folder, 'ca.key'), 'utf8') };
    const certified = async (issuer: typeof own, subject: string): Promise<string> => {
      const calls = as(caCredentials(ca, await makeClientCertificate(issuer, subject)));
      return (await calls.get('none')).code;
    };
    expect(await certified(own, 'O=system:masters,CN=root')).toBe('NOT_FOUND');
    expect(await certified(own, 'CN=tenant')).toBe('NOT_FOUND');
    expect(await certified(own, 'CN=other-tenant')).toBe('PERMISSION_DENIED');
    expect(await certified(own, 'CN=nobody')).toBe('PERMISSION_DENIED');
    expect(await certified(await makeCa('another'), 'O=system:masters,CN=root')).toBe('UNAUTHENTICATED');
  });

  it('serves known callers while the API server is away', async () => {
    const tenant = withToken(TENANT);
    expect((await tenant.get('none')).code).toBe('NOT_FOUND');
    await scene.api.kill();
    expect((await tenant.get('none')).code).toBe('NOT_FOUND');
    const unknown = await withToken('never-seen-before').get('none');
    expect({ code: unknown.code, message: unknown.message }).toEqual({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the access review failed') as string,
    });
    await scene.api.launch();
    await eventually(async () => {
      expect((await withToken(VIEWER).get('none')).code).toBe('NOT_FOUND');
    }, 30_000);
  }, 90_000);

  it("serves the Go predecessor's wire to anybody with --insecure-plaintext", async () => {
    const calls = new GatewayCalls(await scene.plaintext('plaintext'));
    expect((await calls.create('open')).code).toBe('OK');
    expect((await calls.get('open')).code).toBe('OK');
    expect((await calls.remove('open')).code).toBe('OK');
  }, 120_000);
});
