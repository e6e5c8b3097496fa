import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';

const HALF_AN_HOUR_AGO = -1 / 48;
const PATHS = ['status', 'logs?sandboxId=x', 'create', 'delete', 'bind', 'drain'];

describe('node-agent: mutual TLS', () => {
  let agent: AgentProcess;

  beforeAll(async () => {
    agent = await AgentProcess.start('tls');
  }, 120_000);
  afterAll(() => agent.stop(), 60_000);

  async function ask(identity: Partial<KeyPair>): Promise<number> {
    const connections = new Agent({ ca: agent.pki.ca.cert, ...identity });
    try {
      return (await agent.fetch('status', { connections })).status;
    } finally {
      connections.destroy();
    }
  }

  it('admits callers of its installation, and nobody else', async () => {
    const { ca } = agent.pki;
    expect(await ask(await makeClientCertificate(ca, 'CN=somebody'))).toBe(200);
    const refused: Record<string, Partial<KeyPair>> = {
      'no certificate': {},
      "another agent's": await makeServerCertificate(ca, [agentServerName('another')]),
      'one that has ended': await makeClientCertificate(ca, 'CN=somebody', HALF_AN_HOUR_AGO),
      "another installation's": await makeClientCertificate(await makeCa('another'), 'CN=somebody'),
      'one of a CA of the same name': await makeClientCertificate(await makeCa('fast-sandbox-agent-ca'), 'CN=somebody'),
    };
    for (const [what, identity] of Object.entries(refused)) {
      const outcome = await ask(identity).catch((error: unknown) =>
        String((error as NodeJS.ErrnoException).code ?? error),
      );
      expect(`${what}: ${outcome}`).toMatch(/ERR_SSL|ECONNRESET|EPIPE|socket hang up/);
    }
  });

  it('is not needed for probes and metrics, whose port serves nothing else', async () => {
    const at = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${agent.probePort}/${path}`);
    for (const path of ['healthz', 'livez', 'readyz', 'metrics']) expect((await at(path)).status).toBe(200);
    for (const path of PATHS) expect((await at(`api/v1/agent/${path}`)).status).toBe(404);
    expect((await at('metrics/../api/v1/agent/status')).status).toBe(404);
    expect((await at('healthzapi')).status).toBe(404);
  });

  it('uses a renewed certificate without a restart', async () => {
    const { pid } = agent;
    const before = await serialOf();
    const renewed = await makeServerCertificate(agent.pki.ca, [agentServerName(agent.podUid)]);
    const folder = join(agent.pki.folder, `agent-${agent.podUid}`);
    writeFileSync(join(folder, 'tls.crt'), renewed.cert); // the key follows a moment later
    writeFileSync(join(folder, 'tls.key'), renewed.key);
    await eventually(async () => expect(await serialOf()).not.toBe(before), 30_000, 500);
    expect(await ask(await makeClientCertificate(agent.pki.ca, 'CN=somebody'))).toBe(200);
    expect(agent.pid).toBe(pid);
  }, 60_000);

  async function serialOf(): Promise<string> {
    const { ca, cert, key } = agent.pki.client.current;
    const servername = agentServerName(agent.podUid);
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: agent.port, servername, ca, cert, key });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  }
});
