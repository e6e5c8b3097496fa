import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { isCurrent, type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from './certificates';

describe('certificates', () => {
  const open: (Server | TLSSocket)[] = [];
  afterEach(() => {
    for (const one of open.splice(0))
      if ('destroy' in one) one.destroy();
      else one.close();
  });

  async function serve(options: object): Promise<number> {
    const server = createServer(options, (socket) => {
      socket.on('error', () => undefined).end('ok');
    });
    open.push(server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** @returns the server's greeting, which it sends once it has accepted the client */
  function ask(port: number, ca: KeyPair, own: Partial<KeyPair> = {}): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: ca.cert, ...own });
    open.push(socket);
    return new Promise((resolve, reject) => {
      socket.on('data', (greeting: Buffer) => {
        resolve(greeting.toString());
      });
      socket.on('error', reject);
      socket.on('close', () => {
        reject(new Error('closed without a word'));
      });
    });
  }

  it('authenticate a server only to clients that trust its CA', async () => {
    const ca = await makeCa();
    const port = await serve(await makeServerCertificate(ca, ['127.0.0.1', 'localhost']));
    expect(await ask(port, ca)).toBe('ok');
    await expect(ask(port, await makeCa())).rejects.toThrow();
  });

  it('authenticate clients of the CA, but neither its servers nor clients of another CA', async () => {
    const ca = await makeCa();
    const server = await makeServerCertificate(ca, ['localhost']);
    const port = await serve({ ...server, ca: ca.cert, requestCert: true });
    expect(await ask(port, ca, await makeClientCertificate(ca, 'CN=somebody'))).toBe('ok');
    await expect(ask(port, ca, server)).rejects.toThrow();
    await expect(ask(port, ca, await makeClientCertificate(await makeCa(), 'CN=somebody'))).rejects.toThrow();
    await expect(ask(port, ca)).rejects.toThrow();
  });

  it('isCurrent: is false only for another address or another CA', async () => {
    const ca = await makeCa();
    const { cert } = await makeServerCertificate(ca, ['127.0.0.1', '::1', 'localhost']);
    expect(isCurrent(cert, ca.cert, ['127.0.0.1', '::1', 'localhost'])).toBe(true);
    expect(isCurrent(cert, ca.cert, ['127.0.0.1', '10.88.1.1'])).toBe(false);
    expect(isCurrent(cert, (await makeCa()).cert, ['127.0.0.1'])).toBe(false);
  });
});
