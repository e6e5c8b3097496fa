import { ApiserverProcess } from '../support/apiserver-process';
import { mainThreadMs } from '../support/main-thread';
import { fuzz } from './fuzz';
import { bodyOf, largeRequests, type LargeRequest, VICTIMS, WORST } from './large-bodies';

/** Of CPU: for no request may everybody else wait longer. */
const TURN_MS = 1_000;
/** Refused in the midst of the body: the server closes, and the client may learn of it by its broken pipe. */
const BROKEN_OFF = 0;

describe("standalone's API server: the time of a turn", () => {
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

  it('is short for all sorts of large bodies', async () => {
    await fuzz('API server, turns', 0.012, largeRequests, expectShort);
  }, 300_000);
});
