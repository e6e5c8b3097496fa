import { writeFileSync } from 'node:fs';
import {
  type ClientDuplexStream,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import {
  ConsistencyMode,
  CreateRequest,
  type CreateResponse,
  DeleteRequest,
  GetRequest,
  ListRequest,
  type SandboxInfo,
  UpdateRequest,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import {
  LogStream,
  type RunSandboxResponse,
  StreamLogsRequest,
  type StreamLogsResponse,
} from '@fsb/api/gen/fastpath/v1/logs';
import { eventually } from '../../../test/support/eventually';
import { call, GatewayScene, methodOf, type CallOutcome, SLOTS } from './testing/gateway-scene';

jest.setTimeout(60_000);
/** PID 1 ignores signals that it does not handle: without the trap each delete takes the grace period of 10 s. */
const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];
/** The wire as a client of the Go predecessor knows it, without the fields from 20 on. */
const ORIGINAL = `
syntax = "proto3";
package fastpath.v1;
service FastPathService {
  rpc CreateSandbox(Create) returns (Created);
  rpc DeleteSandbox(Named) returns (Deleted);
  rpc UpdateSandbox(Update) returns (Updated);
  rpc ListSandboxes(List) returns (Listed);
  rpc GetSandbox(Named) returns (Info);
}
message Create {
  string image = 1; string pool_ref = 2; repeated int32 exposed_ports = 3; repeated string command = 4;
  repeated string args = 5; string namespace = 6; int32 consistency_mode = 7; string name = 8;
  map<string, string> envs = 9; string working_dir = 10;
}
message Created { string sandbox_id = 1; string agent_pod = 2; repeated string endpoints = 3; string sandbox_name = 4; }
message Named { string sandbox_name = 1; string namespace = 2; }
message Deleted { bool success = 1; }
message Update {
  string sandbox_name = 1; string namespace = 2;
  oneof update { int64 expire_time_seconds = 3; string reset_revision = 4; int32 policy = 5; int32 timeout = 6; }
  map<string, string> labels = 7;
}
message Updated { bool success = 1; string message = 2; Info sandbox = 3; }
message List { string namespace = 1; }
message Listed { repeated Info items = 1; }
message Info {
  string sandbox_id = 1; string phase = 2; string agent_pod = 3; repeated string endpoints = 4; int64 created_at = 5;
  string image = 6; string pool_ref = 7; string sandbox_name = 8;
}`;

describe('fastpath-gateway', () => {
  let scene: GatewayScene;

  beforeAll(async () => {
    scene = await GatewayScene.start('gateway');
  }, 120_000);

  afterAll(() => scene.stop(), 60_000);

  type Fields<T extends { fromPartial: (fields: never) => unknown }> = Parameters<T['fromPartial']>[0];

  function create(
    name: string,
    more: Fields<typeof CreateRequest> = {},
    deadlineMs?: number,
  ): Promise<CallOutcome<CreateResponse>> {
    const request = CreateRequest.fromPartial({ name, image: 'busybox', poolRef: 'pool', command: SLEEP, ...more });
    return call(scene.sandboxes.createSandbox.bind(scene.sandboxes), request, deadlineMs);
  }
  const get = (sandboxName: string, sandboxId = ''): Promise<CallOutcome<SandboxInfo>> =>
    call(scene.sandboxes.getSandbox.bind(scene.sandboxes), GetRequest.fromPartial({ sandboxName, sandboxId }));
  const remove = (sandboxName: string, sandboxId = '') =>
    call(scene.sandboxes.deleteSandbox.bind(scene.sandboxes), DeleteRequest.fromPartial({ sandboxName, sandboxId }));
  const update = (fields: Fields<typeof UpdateRequest>) =>
    call(scene.sandboxes.updateSandbox.bind(scene.sandboxes), UpdateRequest.fromPartial(fields));
  const list = (fields: Fields<typeof ListRequest> = {}) =>
    call(scene.sandboxes.listSandboxes.bind(scene.sandboxes), ListRequest.fromPartial(fields));

  /** Runs a sandbox and reads its stream to the end. */
  async function run(
    name: string,
    command: string[],
    onCreated = (): void => undefined,
  ): Promise<RunSandboxResponse[]> {
    const sandbox = CreateRequest.fromPartial({ name, image: 'busybox', poolRef: 'pool', command });
    const parts: RunSandboxResponse[] = [];
    for await (const part of scene.logs.runSandbox({ sandbox }) as AsyncIterable<RunSandboxResponse>) {
      if (parts.length === 0) onCreated();
      parts.push(part);
    }
    return parts;
  }

  async function end(...names: string[]): Promise<void> {
    for (const name of names) expect((await remove(name)).code).toBe('OK');
    await eventually(async () => expect(await scene.left()).toEqual([]), 30_000);
  }

  function client(proto: string, service: string): InstanceType<ServiceClientConstructor> {
    const file = scene.agent.path(`${service}.proto`);
    writeFileSync(file, proto);
    const loaded = loadPackageDefinition(loadSync(file, { longs: Number, keepCase: true, defaults: true }));
    const names = service.split('.');
    const found = names.reduce<unknown>((level, name) => (level as GrpcObject)[name], loaded);
    return new (found as ServiceClientConstructor)(scene.endpoint, scene.credentials);
  }

  it('serves a client of the Go predecessor', async () => {
    const original = client(ORIGINAL, 'fastpath.v1.FastPathService');
    const ask = <A>(method: string, request: object) => call<object, A>(methodOf(original, method), request);
    const wanted = { image: 'busybox', pool_ref: 'pool', exposed_ports: [8080], command: SLEEP, name: 'old' };
    const created = await ask('CreateSandbox', { ...wanted, envs: { A: 'b' }, working_dir: '/tmp' });
    const { sandbox_id: id } = created.answer as { sandbox_id: string };
    expect(created).toMatchObject({
      code: 'OK',
      answer: { agent_pod: 'agent-1', endpoints: ['127.0.0.1:8080'], sandbox_name: 'old' },
    });
    expect(id).toMatch(/^[0-9a-f]{32}$/);

    const info = { sandbox_id: id, phase: 'Running', sandbox_name: 'old', image: 'busybox', pool_ref: 'pool' };
    expect((await ask('GetSandbox', { sandbox_name: 'old' })).answer).toMatchObject(info);
    expect((await ask('ListSandboxes', {})).answer).toMatchObject({ items: [info] });
    const labelled = { sandbox_name: 'old', labels: { team: 'blue' } };
    expect((await ask('UpdateSandbox', labelled)).answer).toMatchObject({ success: true, sandbox: info });
    expect((await ask('UpdateSandbox', { ...labelled, sandbox_name: 'no' })).answer).toMatchObject({ success: false });
    expect(await ask('DeleteSandbox', { sandbox_name: 'old' })).toMatchObject({ answer: { success: true } });
    original.close();
    await end();
  });

  it('GetSandbox: returns the whole object of a sandbox that was created a moment ago', async () => {
    const { answer } = await create('whole', { envs: { MODE: 'demo' }, labels: { team: 'red' } });
    const request = GetRequest.fromPartial({ sandboxName: 'whole', includeObject: true });
    const found = await call(scene.sandboxes.getSandbox.bind(scene.sandboxes), request);
    expect(JSON.parse(found.answer!.objectJson)).toMatchObject({
      apiVersion: 'sandbox.fast.io/v1alpha1',
      kind: 'Sandbox',
      metadata: { name: 'whole', namespace: 'default', labels: { team: 'red' } },
      spec: { image: 'busybox', command: SLEEP, envs: [{ name: 'MODE', value: 'demo' }] },
    });
    expect(found.answer?.sandboxId).toBe(answer?.sandboxId);
    expect((await get('whole')).answer?.objectJson).toBe('');
    await end('whole');
  });

  it('UpdateSandbox: names the sandbox that it did not find, and not its own API request', async () => {
    expect((await update({ sandboxName: 'nope', labels: { a: 'b' } })).answer).toMatchObject({
      success: false,
      message: 'failed to get sandbox: sandbox "nope" not found in namespace "default"',
    });
  });

  it('CreateSandbox: shows the sandbox at once, and writes object and status after the answer', async () => {
    const { answer, trailers } = await create('one', { exposedPorts: [80], labels: { team: 'red' }, requestId: 'r' });
    const stages = JSON.parse(trailers['fastpath-stages'] ?? '[]') as { name: string; ms: number }[];
    expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(['validate', 'choose', 'agent']));
    expect((await get('one')).answer).toMatchObject({ phase: 'Running', sandboxId: answer?.sandboxId });

    const object = await eventually(async () => {
      const found = await scene.object('one');
      return found.status?.phase === 'Running' && found;
    });
    expect(object).toMatchObject({
      metadata: { labels: { team: 'red', 'sandbox.fast.io/created-by': 'fastpath-fast' } },
      status: { sandboxID: answer?.sandboxId, assignedPod: 'agent-1', endpoints: answer?.endpoints },
    });
    await eventually(async () => expect((await scene.agent.of(answer!.sandboxId))?.claimUid).toBe(object.metadata.uid));
    const kept = JSON.parse(object.metadata.annotations?.['sandbox.fast.io/timings'] ?? '[]') as typeof stages;
    expect(kept.map(({ name }) => name)).toEqual(stages.map(({ name }) => name).filter((name) => name !== 'validate'));
    await eventually(async () => {
      const later = JSON.parse((await get('one')).trailers['fastpath-stages'] ?? '[]') as typeof stages;
      expect(later).toEqual(kept);
    });
    expect((await create('other', { requestId: 'r' })).answer).toEqual(answer);
    await end('one');
  });

  it('CreateSandbox: gives a name to one of several concurrent creates', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => create('same')));
    expect(outcomes.map(({ code }) => code).sort()).toEqual([...Array<string>(5).fill('ALREADY_EXISTS'), 'OK']);
    expect((await create('same')).message).toMatch(/"same" already exists/);
    const { sandboxStatuses } = await scene.agent.status();
    expect(sandboxStatuses).toHaveLength(1);
    expect((await get('same', 'another')).code).toBe('FAILED_PRECONDITION');
    expect((await remove('same', 'another')).code).toBe('FAILED_PRECONDITION');
    await end('same');
  });

  it('CreateSandbox: names what is full, a port, or the slots with the limits of the pool', async () => {
    expect((await create('web', { exposedPorts: [80] })).code).toBe('OK');
    const port = await create('web-2', { exposedPorts: [80] });
    expect(port).toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: expect.stringMatching(/port 80/) as string });
    const outcomes = await Promise.all(Array.from({ length: SLOTS + 2 }, (_, index) => create(`more-${index}`)));
    const refused = outcomes.filter(({ code }) => code !== 'OK');
    expect(refused).toHaveLength(3);
    for (const { code, message, trailers } of refused) {
      expect(code).toBe('RESOURCE_EXHAUSTED');
      expect(message).toMatch(/without a free slot.* 3 sandboxes an agent and at most 1 agents/);
      expect(Number(trailers['retry-delay-ms'])).toBeGreaterThan(0);
    }
    const page = (await list({ limit: 2 })).answer;
    const rest = (await list({ limit: 2, continue: page?.continue ?? '' })).answer;
    const names = [...(page?.items ?? []), ...(rest?.items ?? [])].map(({ sandboxName }) => sandboxName);
    expect(names).toHaveLength(SLOTS);
    expect(rest?.continue).toBe('');
    await end(...names);
  });

  it('CreateSandbox: answers by the deadline of its caller, and the sandbox can be found by name', async () => {
    process.kill(scene.agent.pid, 'SIGSTOP');
    const started = Date.now();
    const outcome = await create('late', {}, 700).finally(() => process.kill(scene.agent.pid, 'SIGCONT'));
    expect(outcome.code).toBe('DEADLINE_EXCEEDED');
    expect(Date.now() - started).toBeLessThan(3_000);
    await eventually(async () => expect((await get('late')).answer?.phase).toBe('Running'));
    await end('late');
  });

  it('StreamLogs: streams the tail, following output, and the log of a process that has ended', async () => {
    const script = 'i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); done; sleep 1; echo bye; exit 3';
    await create('talker', { command: ['/bin/sh', '-c', script] });
    const read = async (fields: Fields<typeof StreamLogsRequest>): Promise<string> => {
      const stream = scene.logs.streamLogs(StreamLogsRequest.fromPartial({ sandboxName: 'talker', ...fields }));
      const parts: Buffer[] = [];
      for await (const { data } of stream as AsyncIterable<{ data: Buffer }>) parts.push(data);
      return Buffer.concat(parts).toString();
    };
    await eventually(async () => expect(await read({ tailLines: 2 })).toBe('line 3\nline 4\n'));
    expect(await read({ follow: true, tailLines: 1 })).toMatch(/bye\n$/);
    await eventually(async () => {
      expect((await get('talker')).answer).toMatchObject({ phase: 'Failed', exitCode: 3, reason: 'Error' });
    });
    const whole = 'line 0\nline 1\nline 2\nline 3\nline 4\nbye\n';
    expect(await read({})).toBe(whole);
    // an agent without CPU for longer than the timeout of its other calls
    process.kill(scene.agent.pid, 'SIGSTOP');
    setTimeout(() => process.kill(scene.agent.pid, 'SIGCONT'), 7_000);
    expect(await read({})).toBe(whole);
    await end('talker');
  });

  it('StreamLogs: marks the bytes of each stream, or sends one stream alone', async () => {
    const script = 'echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three';
    const parts = await run('streams', ['/bin/sh', '-c', script]);
    const text = Buffer.concat(parts.map(({ data }) => data)).toString();
    expect(text).toBe('one\ntwo\nthree\n');
    expect(parts.flatMap(({ data, turns }) => (data.length > 0 ? [turns] : []))).toEqual([[4], [0, 4], [6]]);
    const read = async (stream: LogStream): Promise<Pick<StreamLogsResponse, 'data' | 'turns'>[]> => {
      const call = scene.logs.streamLogs(StreamLogsRequest.fromPartial({ sandboxName: 'streams', stream }));
      const messages: StreamLogsResponse[] = [];
      for await (const message of call as AsyncIterable<StreamLogsResponse>) messages.push(message);
      return messages;
    };
    expect(await read(LogStream.LOG_STREAM_UNSPECIFIED)).toEqual([{ data: Buffer.from(text), turns: [4, 4, 6] }]);
    expect(await read(LogStream.LOG_STREAM_STDOUT)).toEqual([{ data: Buffer.from('one\nthree\n'), turns: [10] }]);
    expect(await read(LogStream.LOG_STREAM_STDERR)).toEqual([{ data: Buffer.from('two\n'), turns: [0, 4] }]);
    await expect(read(LogStream.UNRECOGNIZED)).rejects.toThrow(/stream: -1 must be 0/);
    await end('streams');
  });

  it.each([
    ['a code', 'echo out; exit 7', { exitCode: 7, reason: 'Error' }],
    ['success', 'echo out', { exitCode: 0, reason: 'Completed' }],
    ['last words on stderr', 'exec >/dev/null; echo out >&2; exit 255', { exitCode: 255, reason: 'Error' }],
  ])('RunSandbox: ends its stream with the exit: %s', async (_what, script, expected) => {
    const parts = await run('runs', ['/bin/sh', '-c', script]);
    expect(Buffer.concat(parts.map(({ data }) => data)).toString()).toBe('out\n');
    expect(parts.at(-1)).toMatchObject({ exited: { ...expected, message: '' } });
    expect(parts.slice(0, -1).map(({ exited }) => exited)).toEqual(parts.slice(1).map(() => undefined));
    await end('runs');
  });

  it('RunSandbox: ends its stream without an exit when the sandbox is deleted', async () => {
    const parts = await run('deleted', SLEEP, () => void remove('deleted'));
    expect(parts.map(({ exited }) => exited)).toEqual(parts.map(() => undefined));
    await end('deleted');
  });

  it('UpdateSandbox: patches the object, also one still to be written, and refuses another sandbox id', async () => {
    const { answer } = await create('changing');
    const soon = Math.floor(Date.now() / 1000) + 3_600;
    const expiring = { sandboxName: 'changing', update: { $case: 'expireTimeSeconds', value: soon } } as const;
    expect((await update(expiring)).answer).toMatchObject({ success: true });
    expect(Date.parse((await scene.object('changing')).spec.expireTime ?? '')).toBe(soon * 1000);
    const never = {
      ...expiring,
      sandboxId: answer!.sandboxId,
      update: { $case: 'expireTimeSeconds', value: 0 },
    } as const;
    await eventually(async () => expect((await update(never)).answer).toMatchObject({ success: true }));
    expect((await scene.object('changing')).spec.expireTime).toBeUndefined();
    expect((await update({ ...expiring, sandboxId: 'another' })).code).toBe('FAILED_PRECONDITION');
    await end('changing');
  });

  it('UpdateSandbox: does not extend a sandbox whose time is over', async () => {
    await create('over');
    const until = (value: number) =>
      update({ sandboxName: 'over', update: { $case: 'expireTimeSeconds', value } } as const);
    const now = Math.floor(Date.now() / 1000);
    expect((await until(now - 10)).answer).toMatchObject({ success: true });
    expect((await until(now + 1_000)).answer).toMatchObject({
      success: false,
      message: 'failed to update sandbox: its time is over; create another one',
    });
    expect(Date.parse((await scene.object('over')).spec.expireTime ?? '')).toBe((now - 10) * 1000);
    await end('over');
  });

  it('DeleteSandbox: deletes a new sandbox and an absent one; UNAVAILABLE while an agent is out of reach', async () => {
    await create('brief');
    await end('brief');
    expect((await remove('brief')).answer).toEqual({ success: true });
    process.kill(scene.agent.pid, 'SIGSTOP');
    await scene.setPodIp('127.0.0.2'); // the same agent, which does not answer there
    await eventually(async () => expect((await remove('unseen')).code).toBe('UNAVAILABLE')).finally(() =>
      process.kill(scene.agent.pid, 'SIGCONT'),
    );
    await scene.setPodIp('127.0.0.1');
    await eventually(async () => expect((await remove('unseen')).code).toBe('OK'));
  });

  it('CreateSandbox: works while the API server is away; the object is written when it is back', async () => {
    await scene.api.kill();
    const { code, answer } = await create('owed');
    expect(code).toBe('OK');
    expect((await get('owed')).answer).toMatchObject({ phase: 'Running', sandboxId: answer?.sandboxId });
    await scene.api.launch();
    await eventually(
      async () => expect((await scene.object('owed')).status?.sandboxID).toBe(answer?.sandboxId),
      30_000,
    );
    await end('owed');
  });

  it('CreateSandbox: writes the object first in STRONG mode', async () => {
    const { code, answer } = await create('strong', { consistencyMode: ConsistencyMode.STRONG });
    expect(code).toBe('OK');
    expect((await scene.object('strong')).metadata.uid).toBe(answer?.sandboxId);
    expect(await create('weak', { command: ['/no-such'], consistencyMode: ConsistencyMode.STRONG })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/no-such/) as string,
    });
    await end('strong', 'weak');
  });

  it('serves health and reflection', async () => {
    const health = client(
      `syntax = "proto3"; package grpc.health.v1; message Q { string service = 1; } message A { int32 status = 1; }
      service Health { rpc Check(Q) returns (A); }`,
      'grpc.health.v1.Health',
    );
    for (const service of ['', 'fastpath.v1.FastPathService', 'fastpath.v1.SandboxLogService']) {
      const { answer } = await call<object, object>(methodOf(health, 'Check'), { service });
      expect(answer).toEqual({ status: 1 });
    }
    health.close();
    const reflection = client(
      `syntax = "proto3"; package grpc.reflection.v1;
      message Q { string list_services = 7; } message S { string name = 1; } message L { repeated S service = 1; }
      message A { L list_services_response = 6; }
      service ServerReflection { rpc ServerReflectionInfo(stream Q) returns (stream A); }`,
      'grpc.reflection.v1.ServerReflection',
    );
    const open = reflection['ServerReflectionInfo'] as () => ClientDuplexStream<object, object>;
    const stream = open.call(reflection);
    const answer = new Promise<object>((resolve) => stream.once('data', resolve));
    stream.write({ list_services: '*' });
    expect(JSON.stringify(await answer)).toMatch(/fastpath\.v1\.FastPathService.*fastpath\.v1\.SandboxLogService/);
    stream.end();
    reflection.close();
  });

  it('finishes the call in flight on SIGTERM and exits with 0', async () => {
    const slow = create('last', { command: ['/bin/sh', '-c', 'exit 0'] });
    await eventually(async () => expect((await scene.agent.status()).sandboxStatuses).toHaveLength(1), 5_000, 1);
    expect(await scene.end('fastpath-gateway')).toBe(0);
    expect((await slow).code).toBe('OK');
    expect(scene.logOf('fastpath-gateway')).not.toMatch(/"level":50/);
  });
});
