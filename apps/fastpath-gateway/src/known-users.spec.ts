import { readFileSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status as Code } from '@grpc/grpc-js';
import { FastPathServiceClient, ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { TENANT } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { tokenCredentials } from '../../../test/support/gateway-credentials';
import { framed } from '../../../test/fuzz/grpc-wire';
import { call, GatewayScene } from './testing/gateway-scene';

/** Clients of one process share connections otherwise. */
const ALONE = { 'grpc.use_local_subchannel_pool': 1 };

describe('A gateway and those who have shown who they are', () => {
  let scene: GatewayScene;

  beforeAll(async () => {
    scene = await GatewayScene.start('users');
  }, 240_000);
  afterAll(() => scene.stop(), 120_000);

  const ca = (): Buffer => readFileSync(join(scene.api.folder, 'ca.crt'));
  const listOn = async (endpoint: string): Promise<string> => {
    const client = new FastPathServiceClient(endpoint, tokenCredentials(ca(), TENANT), ALONE);
    const { code, message } = await call(
      client.listSandboxes.bind(client),
      ListRequest.create({ namespace: 'default' }),
    );
    client.close();
    return code === 'OK' ? code : `${code} ${message}`;
  };

  it("has no limit for the connections of a proxy's address", async () => {
    const endpoint = `127.0.0.1:${await freePort()}`;
    const flags = { 'max-connections-per-address': '5', 'max-connections-per-user': '1' };
    const proxies = { 'trusted-proxy-cidrs': '10.0.0.0/8,127.0.0.0/8' };
    await scene.launch('fastpath-gateway', { 'grpc-bind-address': endpoint, ...flags, ...proxies }, 'proxied');
    const closed: Socket[] = [];
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connectTcp({ host: '127.0.0.1', port: Number(endpoint.split(':')[1]) });
      return socket.on('error', () => undefined).on('close', () => closed.push(socket));
    });
    await sleep(1_000);
    expect(closed).toEqual([]);
    expect(await Promise.all([listOn(endpoint), listOn(endpoint)])).toEqual(['OK', 'OK']);
    for (const socket of sockets) socket.destroy();
  }, 60_000);

  it('ends a call whose message is not whole after ten seconds', async () => {
    const session = connectHttp2(`https://${scene.endpoint}`, { ca: ca() });
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/fastpath.v1.FastPathService/ListSandboxes', te: 'trailers' },
      ...{ 'content-type': 'application/grpc', authorization: `Bearer ${TENANT}` },
    });
    const began = Date.now();
    const said: IncomingHttpHeaders = {};
    const note = (headers: IncomingHttpHeaders): void => void Object.assign(said, headers);
    stream.on('response', note).on('trailers', note);
    stream.resume().write(framed(Buffer.alloc(10), 0, 1_000));
    await eventually(() => said['grpc-status'] !== undefined, 30_000);
    session.destroy();
    expect(said['grpc-status']).toBe(String(Code.DEADLINE_EXCEEDED));
    const message = decodeURIComponent(String(said['grpc-message']));
    expect(message).toContain('the request was not whole 10 s after its headers');
    expect(Date.now() - began).toBeGreaterThan(9_000);
  }, 60_000);
});
