import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { answeredInterceptor, onCallerLeft } from './on-caller-left';

const text = { serialize: (value: string) => Buffer.from(value), deserialize: (bytes: Buffer) => bytes.toString() };
const PATH = '/test.Test/ask';
const SERVICE = {
  ask: {
    ...{ path: PATH, requestStream: false, responseStream: false },
    ...{ requestSerialize: text.serialize, requestDeserialize: text.deserialize },
    ...{ responseSerialize: text.serialize, responseDeserialize: text.deserialize },
  },
} as ServiceDefinition;

type Call = ServerUnaryCall<string, string>;

describe('onCallerLeft', () => {
  let server: Server;
  let client: Client;
  let left: string[];
  let handled: Promise<void>;
  let begun: () => void;

  /** @param before awaited by the handler before it answers */
  const serve = async (before: (call: Call) => Promise<unknown>): Promise<void> => {
    left = [];
    server = new Server({ interceptors: [answeredInterceptor] });
    handled = new Promise((done) => {
      server.addService(SERVICE, {
        ask: (call: Call, answer: (error: null, value: string) => void) => {
          onCallerLeft(call, call.metadata, () => left.push(call.request));
          begun();
          void before(call).then(() => {
            answer(null, 'made');
            done();
          });
        },
      });
    });
    const port = await new Promise<number>((done, failed) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) failed(error);
        else done(bound);
      });
    });
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  };
  /** @param leaves whether the caller cancels once its handler has begun */
  const ask = (leaves = false): Promise<string> =>
    new Promise((done) => {
      const call = client.makeUnaryRequest(
        ...[PATH, text.serialize, text.deserialize, 'x', new Metadata()],
        (error: unknown, value?: string) => done(error ? 'left' : (value ?? '')),
      );
      begun = () => {
        if (leaves) call.cancel();
      };
    });

  afterEach(() => {
    client.close();
    server.forceShutdown();
  });

  it('acts when the caller leaves before the answer', async () => {
    await serve((call) => once(call, 'cancelled'));
    expect(await ask(true)).toBe('left');
    await handled;
    expect(left).toEqual(['x']);
  });

  it('acts at once when the caller has left already', async () => {
    await serve(async (call) => {
      await once(call, 'cancelled');
      left = [];
      onCallerLeft(call, call.metadata, () => left.push('late'));
    });
    expect(await ask(true)).toBe('left');
    await handled;
    expect(left).toEqual(['late']);
  });

  it('does not act for a caller that was answered', async () => {
    await serve(() => sleep(10));
    expect(await ask()).toBe('made');
    await sleep(50);
    expect(left).toEqual([]);
  });
});
