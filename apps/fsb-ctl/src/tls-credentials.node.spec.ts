import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo } from 'node:net';
import { type TLSSocket } from 'node:tls';
import { Client } from '@grpc/grpc-js';
import { type KeyPair, makeCa, makeServerCertificate } from '@fsb/pki/certificates';
import { tlsCredentials } from './tls-credentials';

describe('tlsCredentials', () => {
  let ca: KeyPair;
  const open: (Http2SecureServer | Client)[] = [];
  beforeAll(async () => {
    ca = await makeCa();
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  /** @returns the SNI names that the server received (false: none), once the client has verified the server */
  async function connect(host: string, certifiedFor: string): Promise<unknown[]> {
    const server = createSecureServer(await makeServerCertificate(ca, [certifiedFor]));
    const sent: unknown[] = [];
    server.on('secureConnection', ({ servername }: TLSSocket) => sent.push(servername));
    open.push(server.on('sessionError', () => undefined).listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new Client(`${host}:${port}`, tlsCredentials(Buffer.from(ca.cert)));
    open.push(client);
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 1_000, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    return sent;
  }

  it('sends a host name as SNI, and no SNI for an address', async () => {
    expect(await connect('localhost', 'localhost')).toEqual(['localhost']);
    expect(await connect('127.0.0.1', '127.0.0.1')).toEqual([false]);
  });

  it.each([
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.1', 'localhost'],
    ['localhost', '127.0.0.1'],
  ])('refuses the server %s with a certificate for %s', async (host, certifiedFor) => {
    await expect(connect(host, certifiedFor)).rejects.toThrow();
  });
});
