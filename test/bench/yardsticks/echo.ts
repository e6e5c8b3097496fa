import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo } from 'node:net';
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { type Yardstick } from './yardstick';

const PATH = '/echo.Echo/Echo';
const CALL_MS = 60_000;
/** Calls until the code is compiled. */
const FIRST_CALLS = 1_000;
/** About the size of a create and its answer. */
const MESSAGE = Buffer.alloc(200, 'x');
const same = (bytes: Buffer): Buffer => bytes;
const codec = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const SERVICE: ServiceDefinition = {
  echo: { path: PATH, requestStream: false, responseStream: false, ...codec },
};

/**
 * Time of the transport alone with the same libraries on this machine: gRPC to one process, HTTP from there to another,
 * and back. No TLS, no checks, no start. Its processes sleep between calls as ours do; on a virtual machine that
 * reclaims idle memory, waking up can be most of the time.
 */
export class Echo implements Yardstick {
  readonly name = 'gRPC and HTTP echo';

  private constructor(
    private readonly client: Client,
    private readonly door: ChildProcess,
  ) {}

  /** @param program file that runs `echoDoor` or `echoRoom` by its first argument */
  static async start(program: string): Promise<Echo> {
    const door = fork(program, ['echo-door'], { execArgv: ['--max-semi-space-size=32'] });
    const [port] = (await once(door, 'message')) as [number];
    const echo = new Echo(new Client(`127.0.0.1:${port}`, credentials.createInsecure()), door);
    for (let i = 0; i < FIRST_CALLS; i++) await echo.start();
    return echo;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + CALL_MS;
      this.client.makeUnaryRequest(PATH, same, same, MESSAGE, { deadline }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  async end(): Promise<void> {
    this.client.close();
    const exited = once(this.door, 'exit');
    this.door.kill();
    await exited;
  }
}

/** The gRPC process: answers a call after it has asked the HTTP process. */
export async function echoDoor(program: string): Promise<void> {
  const room = fork(program, ['echo-room'], { execArgv: ['--max-semi-space-size=32'] });
  const [port] = (await once(room, 'message')) as [number];
  const agent = new Agent({ keepAlive: true });
  const ask = (done: (error: Error | null, body?: Buffer) => void): void => {
    const request = httpRequest({ host: '127.0.0.1', port, agent, method: 'POST', path: '/' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (bytes: Buffer) => chunks.push(bytes));
      response.on('end', () => {
        done(null, Buffer.concat(chunks));
      });
    });
    request.on('error', done);
    request.end(MESSAGE);
  };
  const server = new Server();
  server.addService(SERVICE, {
    echo: (_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      ask(answer);
    },
  });
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
    if (error) throw error;
    process.send?.(bound);
  });
  endWithParent();
}

/** The HTTP process at the end of the path. */
export async function echoRoom(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(MESSAGE));
  });
  server.keepAliveTimeout = CALL_MS;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port); // it listens on TCP
  endWithParent();
}

function endWithParent(): void {
  process.once('disconnect', () => process.exit());
}
