import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { ConsistencyMode, CreateRequest, type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { TRACEPARENT_ANNOTATION } from '@fsb/api/labels';
import { eventually } from '../../../test/support/eventually';
import { OtlpReceiver, type ReceivedSpan } from '../../../test/support/otlp-receiver';
import { GatewayScene } from './testing/gateway-scene';

const ROOT = resolve(__dirname, '../../..');
const CALL = 'fastpath.v1.FastPathService/CreateSandbox';

describe('a traced create', () => {
  let collector: OtlpReceiver;
  let scene: GatewayScene;

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, LOG_VERBOSITY: '1' };
    scene = await GatewayScene.start('traces', env);
  }, 150_000);

  afterAll(async () => {
    await scene.stop();
    await collector.close();
  }, 60_000);

  const create = (traceparent: string | undefined, more: object): Promise<CreateResponse> => {
    const request = CreateRequest.fromPartial({
      image: 'busybox',
      poolRef: 'pool',
      command: ['/bin/sleep', '100'],
      ...more,
    });
    const metadata = new Metadata();
    if (traceparent !== undefined) metadata.set('traceparent', traceparent);
    return new Promise((done, refused) => {
      scene.sandboxes.createSandbox(request, metadata, { deadline: Date.now() + 20_000 }, (error, answer) => {
        if (error) refused(error);
        else done(answer);
      });
    });
  };

  const parentOf = (span: ReceivedSpan | undefined): ReceivedSpan | undefined =>
    collector.spans.find(({ spanId }) => spanId === span?.parentSpanId);

  it('is one trace over gateway, agent and sandbox-controller, below the span of the caller', async () => {
    const traceId = 'a'.repeat(32);
    await create(`00-${traceId}-${'b'.repeat(16)}-01`, { name: 'fast' });
    const spans = await eventually(() => {
      const found = collector.of(traceId);
      const names = found.map(({ service, name }) => `${service}: ${name}`);
      expect(names).toEqual(
        expect.arrayContaining([
          `fastpath-gateway: ${CALL}`,
          'fastpath-gateway: choose',
          'fastpath-gateway: agent /api/v1/agent/create',
          'node-agent: POST /api/v1/agent/create',
          ...['image', 'plan', 'snapshot', 'task', 'start'].map((stage) => `node-agent: ${stage}`),
          'fastpath-gateway: reconcile record-sandbox',
          'fastpath-gateway: create sandboxes',
          'fastpath-gateway: agent /api/v1/agent/bind',
          'node-agent: POST /api/v1/agent/bind',
          'sandbox-controller: reconcile sandbox',
        ]),
      );
      return found;
    }, 20_000);
    const call = spans.find(({ name }) => name === CALL);
    expect(call?.parentSpanId).toBe('b'.repeat(16));
    expect(spans.filter((span) => span !== call && !parentOf(span))).toEqual([]);
    const onAgent = spans.find(({ name }) => name === 'POST /api/v1/agent/create');
    expect(parentOf(onAgent)).toMatchObject({
      name: 'agent /api/v1/agent/create',
      service: 'fastpath-gateway',
      kind: 3,
    });
    expect(parentOf(spans.find(({ name }) => name === 'task'))).toBe(onAgent);
    expect(spans.filter(({ name }) => name === 'reconcile sandbox').map(parentOf)).toContain(call);
    expect(call?.duration).toBeGreaterThan(onAgent?.duration ?? Infinity);
    const { annotations } = (await scene.object('fast')).metadata;
    expect(annotations?.[TRACEPARENT_ANNOTATION]).toBe(`00-${traceId}-${call?.spanId ?? ''}-01`);
  }, 60_000);

  it('has the agent’s spans below the reconcile that called it, in STRONG mode', async () => {
    await create(undefined, { name: 'strong', consistencyMode: ConsistencyMode.STRONG });
    await eventually(async () => {
      const [, traceId = ''] =
        (await scene.object('strong')).metadata.annotations?.[TRACEPARENT_ANNOTATION]?.split('-') ?? [];
      const spans = collector.of(traceId);
      expect(spans.find(({ name }) => name === CALL)).toMatchObject({ parentSpanId: '', failed: false });
      const onAgent = spans.find(({ name }) => name === 'POST /api/v1/agent/create');
      const asked = parentOf(onAgent);
      expect(asked).toMatchObject({ service: 'sandbox-controller', name: 'agent /api/v1/agent/create' });
      expect(parentOf(asked)).toMatchObject({ service: 'sandbox-controller', name: 'reconcile sandbox' });
    }, 20_000);
  }, 60_000);

  it('has the error type of its failure, and none of its variables', async () => {
    const traceId = 'c'.repeat(32);
    const refused = create(`00-${traceId}-${'d'.repeat(16)}-01`, {
      name: 'none',
      image: 'absent:1',
      envs: { KEY: 'hush-hush' },
    });
    await expect(refused).rejects.toThrow('absent');
    const call = await eventually(() => collector.of(traceId).find(({ name }) => name === CALL) ?? false, 20_000);
    expect(call).toMatchObject({ failed: true, attributes: { 'error.type': 'not_found' } });
    expect(JSON.stringify(collector.spans)).not.toContain('hush-hush');
  }, 60_000);

  it('has no spans when its caller’s traceparent is not sampled', async () => {
    const traceId = 'e'.repeat(32);
    await create(`00-${traceId}-${'f'.repeat(16)}-00`, { name: 'unwanted' });
    await eventually(async () => expect((await scene.object('unwanted')).status?.phase).toBe('Running'));
    await expect(create(`00-${'9'.repeat(32)}-${'f'.repeat(16)}-01`, { name: 'unwanted' })).rejects.toThrow('exists');
    await eventually(() => collector.of('9'.repeat(32)).length > 0, 20_000); // sent after any spans of the first
    expect(collector.of(traceId)).toEqual([]);
    expect(collector.of('1'.repeat(32))).toEqual([]); // the trace id of the rehearsal
  }, 60_000);

  it('has its trace id in the log lines of gateway and agent', async () => {
    const line = new RegExp(`"trace_id":"${'a'.repeat(32)}"`);
    await eventually(() => expect(scene.logOf('fastpath-gateway')).toMatch(line));
    await eventually(() => expect(readFileSync(scene.agent.logText, 'utf8')).toMatch(line));
  });
});

describe('a process without tracing', () => {
  it('loads no OpenTelemetry except the API that prom-client loads, and has no trace context', () => {
    const script = `
      const { inSpan, tracePosition } = require('./dist/libs/component-base/src/tracing/tracing.js');
      require('./dist/libs/component-base/src/bootstrap.js');
      require('./dist/libs/agent-api/src/agent-client.js');
      inSpan({ name: 'x' }, async () => tracePosition()).then((position) => {
        const loaded = Object.keys(require.cache).filter((path) => /@opentelemetry.(?!api.)/.test(path));
        console.log(JSON.stringify({ position: position ?? null, loaded }));
      });`;
    const answer = execFileSync('node', ['-e', script], { cwd: ROOT, encoding: 'utf8' });
    expect(JSON.parse(answer)).toEqual({ position: null, loaded: [] });
  });
});
