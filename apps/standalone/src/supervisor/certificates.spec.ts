import { once } from 'node:events';
import { createServer } from 'node:https';
import { get } from '../probe';
import { isCurrent, makeCa, makeServerCertificate } from './certificates';

describe('the keys of a stack', () => {
  it('serve TLS to whoever trusts the CA, and nobody else', async () => {
    const ca = await makeCa();
    const { cert, key } = await makeServerCertificate(ca, ['127.0.0.1', 'localhost']);
    const server = createServer({ cert, key }, (_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    try {
      expect(await get(url, { ca: ca.cert })).toEqual({ status: 200, body: 'ok' });
      await expect(get(url, { ca: (await makeCa()).cert })).rejects.toThrow();
      await expect(get(url)).rejects.toThrow();
    } finally {
      server.close();
    }
  });

  it('are renewed for another address or another CA only', async () => {
    const ca = await makeCa();
    const { cert } = await makeServerCertificate(ca, ['127.0.0.1', '::1', 'localhost']);
    expect(isCurrent(cert, ca.cert, ['127.0.0.1', '::1', 'localhost'])).toBe(true);
    expect(isCurrent(cert, ca.cert, ['127.0.0.1', '10.88.1.1'])).toBe(false);
    expect(isCurrent(cert, (await makeCa()).cert, ['127.0.0.1'])).toBe(false);
  });
});
