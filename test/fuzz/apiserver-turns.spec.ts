import { ApiserverProcess } from '../support/apiserver-process';
import { mainThreadMs } from '../support/main-thread';
import { fuzz } from './fuzz';
import { bodyOf, largeRequests, type LargeRequest, VICTIMS, WORST } from './large-bodies';

/** Limit of CPU time per request: everybody else waits for one turn of the event loop. */
const TURN_MS = 1_000;
/** Status of a request that was refused before its body was complete: the client may see only the closed connection. */
const BROKEN_OFF = 0;

describe("standalone's API server: CPU time of a turn", () => {
  let server: ApiserverProcess;

  beforeAll(async () => {
    server = await ApiserverProcess.start();
    for (const [path, object] of VICTIMS) expect((await server.ask('POST', path, object)).status).toBe(201);
  }, 60_000);
  afterAll(() => server.end());

  async function expectShort(request: LargeRequest): Promise<void> {
    const { method, path, type } = request;
    const before = mainThreadMs(server.pid);
    const status = await server.ask(method, path, bodyOf(request), { 'content-type': type }).then(
      (reply) => reply.status,
      () => BROKEN_OFF,
    );
    const ms = mainThreadMs(server.pid) - before;
    if (ms > TURN_MS || status >= 500)
      throw new Error(`${JSON.stringify(request)}: ${status} after ${ms.toFixed(0)} ms`);
  }

  it.each(WORST.map((request): [string, LargeRequest] => [`${request.type}: ${request.shape}`, request]))(
    'is short for %s',
    (_, request) => expectShort(request),
    120_000,
  );

  it('is short for generated large bodies', async () => {
    await fuzz('API server, turns', 0.012, largeRequests, expectShort);
  }, 300_000);
});
