import { readFileSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type ClientReadableStream, type ServiceError, status as Code } from '@grpc/grpc-js';
import { FastPathServiceClient, ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SandboxLogServiceClient, StreamLogsRequest, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { ADMIN, OTHER_TENANT, TENANT } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { tokenCredentials } from '../../../test/support/gateway-credentials';
import { framed } from '../../../test/fuzz/grpc-wire';
import { GatewayCalls } from './testing/gateway-calls';
import { call, GatewayScene } from './testing/gateway-scene';

/** Gives each client its own connection; by default clients of one process share them. */
const ALONE = { 'grpc.use_local_subchannel_pool': 1 };
const TALKS = ['/bin/sh', '-c', 'trap "exit 0" TERM; echo hello; sleep 1000 & wait'];

describe('gateway limits of authenticated users', () => {
  let scene: GatewayScene;
  const clients: Client[] = [];

  beforeAll(async () => {
    scene = await GatewayScene.start('users');
    const { code } = await new GatewayCalls(scene.sandboxes).create('talker', { command: TALKS }, 60_000);
    expect(code).toBe('OK');
  }, 240_000);
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => scene.stop(), 120_000);

  const gateway = async (name: string, flags: Readonly<Record<string, string>>): Promise<string> => {
    const endpoint = `127.0.0.1:${await freePort()}`;
    await scene.launch('fastpath-gateway', { 'grpc-bind-address': endpoint, ...flags }, name);
    return endpoint;
  };
  const ca = (): Buffer => readFileSync(join(scene.api.folder, 'ca.crt'));
  const client = (endpoint: string, token: string): FastPathServiceClient => {
    const made = new FastPathServiceClient(endpoint, tokenCredentials(ca(), token), ALONE);
    clients.push(made);
    return made;
  };
  const list = async (from: FastPathServiceClient): Promise<string> => {
    const { code, message } = await call(from.listSandboxes.bind(from), ListRequest.create({ namespace: 'default' }));
    return code === 'OK' ? code : `${code} ${message}`;
  };

  /** Followers of one log. */
  class Followers {
    private readonly streams: ClientReadableStream<StreamLogsResponse>[] = [];
    private readonly logs: SandboxLogServiceClient;

    constructor(
      endpoint: string,
      token: string,
      private readonly namespace = 'default',
    ) {
      this.logs = new SandboxLogServiceClient(endpoint, tokenCredentials(ca(), token), ALONE);
      clients.push(this.logs);
    }

    /** @returns `follows` once data has arrived, else code and message of the refusal */
    add(): Promise<string> {
      const request = StreamLogsRequest.fromPartial({
        sandboxName: 'talker',
        namespace: this.namespace,
        follow: true,
      });
      const stream = this.logs.streamLogs(request);
      return new Promise((done) => {
        stream.once('data', () => {
          this.streams.push(stream);
          done('follows');
        });
        stream.on('error', ({ code, details }: ServiceError) => {
          done(`${Code[code]} ${details}`);
        });
      });
    }

    async addAll(count: number): Promise<void> {
      for (let i = 0; i < count; i += 1) expect(await this.add()).toBe('follows');
    }

    leave(): void {
      this.streams.pop()?.cancel();
    }
  }

  it('bound the calls of a user, streams included, without affecting others at its address', async () => {
    const endpoint = await gateway('calls', { 'max-calls-per-user': '3' });
    const [tenant, admin] = [client(endpoint, TENANT), client(endpoint, ADMIN)];
    const followers = new Followers(endpoint, TENANT);
    await followers.addAll(3);
    const refusal =
      'RESOURCE_EXHAUSTED user "tenant" has 3 calls under way, the most that one may have (--max-calls-per-user); try again when one has ended';
    expect([await list(tenant), await followers.add(), await list(tenant)]).toEqual([refusal, refusal, refusal]);
    expect(await list(admin)).toBe('OK');
    followers.leave();
    await eventually(async () => (await list(tenant)) === 'OK');
  }, 120_000);

  it('bound the connections of a user, without affecting others at its address', async () => {
    const endpoint = await gateway('connections', { 'max-connections-per-user': '2' });
    const [first, second, third] = [client(endpoint, TENANT), client(endpoint, TENANT), client(endpoint, TENANT)];
    expect([await list(first), await list(second)]).toEqual(['OK', 'OK']);
    expect(await list(third)).toBe(
      'RESOURCE_EXHAUSTED user "tenant" has 2 connections, the most that one may have (--max-connections-per-user); use one for many calls',
    );
    const others = [client(endpoint, ADMIN), client(endpoint, OTHER_TENANT)];
    expect(await list(others[0]!)).toBe('OK');
    expect(await list(others[1]!)).toMatch(/^PERMISSION_DENIED User "other-tenant"/); // authenticated, but not allowed
    expect([await list(first), await list(second)]).toEqual(['OK', 'OK']);
    first.close();
    await eventually(async () => (await list(third)) === 'OK', 20_000);
  }, 120_000);

  it('bound the log streams of a namespace, leave some for others, and free a seat when a reader leaves', async () => {
    const endpoint = await gateway('streams', { 'max-log-streams': '6' });
    const followers = new Followers(endpoint, TENANT);
    await followers.addAll(3);
    const refusal =
      'RESOURCE_EXHAUSTED namespace "default" has 3 of 3 open log streams; it may have as many as are free of 6 (--max-log-streams); try again when one has ended';
    expect([await followers.add(), await new Followers(endpoint, ADMIN).add()]).toEqual([refusal, refusal]);
    const elsewhere = new Followers(endpoint, OTHER_TENANT, 'elsewhere');
    expect(await elsewhere.add()).toMatch(/^NOT_FOUND/); // it got a seat
    expect(await list(client(endpoint, TENANT))).toBe('OK');
    followers.leave();
    await eventually(async () => (await followers.add()) === 'follows');
    expect(await followers.add()).toBe(refusal);
  }, 120_000);

  it('do not apply to connections of a trusted proxy', async () => {
    const flags = { 'max-connections-per-address': '5', 'max-connections-per-user': '1' };
    const endpoint = await gateway('proxied', { ...flags, 'trusted-proxy-cidrs': '10.0.0.0/8,127.0.0.0/8' });
    const closed: Socket[] = [];
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connectTcp({ host: '127.0.0.1', port: Number(endpoint.split(':')[1]) });
      return socket.on('error', () => undefined).on('close', () => closed.push(socket));
    });
    await sleep(1_000);
    expect(closed).toEqual([]);
    const both = [client(endpoint, TENANT), client(endpoint, TENANT)];
    expect(await Promise.all(both.map(list))).toEqual(['OK', 'OK']);
    for (const socket of sockets) socket.destroy();
  }, 60_000);

  it('end a call whose message has not arrived whole after ten seconds', async () => {
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
