import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A real HTTPS server whose answers the test scripts, for faults that a good API server never shows. */
export class ScriptedServer {
  handshakes = 0;
  readonly requests: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly certificate: string,
  ) {}

  static async start(handler: Handler): Promise<ScriptedServer> {
    const { certificate, key } = await selfSigned();
    const server = createServer({ cert: certificate, key });
    const scripted = new ScriptedServer(server, certificate);
    server.on('secureConnection', () => scripted.handshakes++);
    server.on('request', (request, response) => {
      scripted.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.setHeader('content-type', 'application/json');
      handler(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return scripted;
  }

  kubeConfig(): KubeConfig {
    const { port } = this.server.address() as AddressInfo; // it listens on TCP
    const config = new KubeConfig();
    const caData = Buffer.from(this.certificate).toString('base64');
    config.loadFromClusterAndUser(
      { name: 'c', server: `https://127.0.0.1:${port}`, caData, skipTLSVerify: false },
      { name: 'u', token: 'secret' },
    );
    return config;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  response.end(JSON.stringify(body));
}

async function selfSigned(): Promise<{ certificate: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=scripted',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
    },
    webcrypto, // passed for its type: Node and the DOM name it differently
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  return { certificate: certificate.toString('pem'), key };
}
