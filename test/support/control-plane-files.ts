import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

export interface ControlPlane {
  readonly folder: string;
  readonly host: string;
  /** subject alternative names of the API server's certificate */
  readonly names: readonly string[];
  readonly port: number;
  /** admin token */
  readonly token: string;
}

/**
 * Writes keys, certificates, tokens and a kubeconfig into `folder`, which is created when absent. @returns the CA as
 * PEM
 */
export async function writeControlPlaneFiles({ folder, host, names, port, token }: ControlPlane): Promise<string> {
  const at = (name: string): string => join(folder, name);
  const ca = await makeCa();
  const server = await makeServerCertificate(ca, names);
  const kubelets = await makeClientCertificate(ca, 'O=system:masters,CN=kube-apiserver');
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const cluster = { server: `https://${host}:${port}`, 'certificate-authority': at('ca.crt') };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'real', cluster }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'admin', namespace: 'default' } }],
    'current-context': 'real',
  };
  const files = {
    'ca.crt': ca.cert,
    'tls.crt': server.cert,
    'tls.key': server.key,
    'kubelet-client.crt': kubelets.cert,
    'kubelet-client.key': kubelets.key,
    'sa.pub': publicKey,
    'sa.key': privateKey,
    'tokens.csv': `${token},admin,admin,"system:masters"\n`,
    kubeconfig: stringify(kubeconfig),
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content, { mode: 0o600 });
  return ca.cert;
}
