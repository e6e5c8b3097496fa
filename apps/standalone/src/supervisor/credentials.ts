import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { z } from 'zod';
import { files, type Layout } from '../layout';
import { command } from '../machine';
import { type Settings } from '../settings';
import { readJson, readText, writeFileWhole, writeJson } from '../state-file';
import { isCurrent, type KeyPair, makeCa, makeServerCertificate } from './certificates';

/** Who talks to the API server, and as what (apiserver/auth/authorization.ts). */
const ROLES: Readonly<Record<string, string>> = {
  admin: 'admin',
  'fastpath-gateway': 'gateway',
  'sandbox-controller': 'sandbox-controller',
  'pool-controller': 'pool-controller',
  janitor: 'janitor',
  node: 'node',
  viewer: 'viewer',
};
const tokenList = z.array(z.object({ token: z.string(), user: z.string(), role: z.string() }));

/**
 * Keys, certificates, tokens and kubeconfigs: made once and kept, renewed only where they no longer fit. Of an API server
 * that is not ours, the kubeconfig is all.
 */
export async function ensureCredentials(layout: Layout, settings: Settings, bridgeAddress: string): Promise<void> {
  ensureAgentToken(layout);
  if (settings.kubeconfig !== undefined) {
    writeFileWhole(files.kubeconfig(layout), await selfContained(settings.kubeconfig));
    return;
  }
  const { apiAddress, apiAdvertise = apiAddress } = settings;
  const ca = await ensurePair(layout, 'ca', () => makeCa());
  const host = apiAddress.slice(0, apiAddress.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const own = host === '' || host === '0.0.0.0' ? [] : [host];
  const names = [...new Set(['127.0.0.1', '::1', 'localhost', bridgeAddress, ...own])];
  const fits = ({ cert }: KeyPair): boolean => isCurrent(cert, ca.cert, names);
  await ensurePair(layout, 'apiserver', () => makeServerCertificate(ca, names), fits);
  for (const { token, user } of ensureTokens(layout)) {
    const text = kubeconfig(user, token, ca.cert, apiAdvertise.replace(/^(0\.0\.0\.0)?:/, '127.0.0.1:'));
    writeFileWhole(user === 'admin' ? files.kubeconfig(layout) : files.kubeconfigOf(layout, user), text);
  }
}

/** The current context alone, with files by value: it is read from elsewhere than where it was written. */
function selfContained(kubeconfigFile: string): Promise<string> {
  return command('kubectl', '--kubeconfig', kubeconfigFile, 'config', 'view', '--raw', '--flatten', '--minify');
}

async function ensurePair(
  layout: Layout,
  name: string,
  make: () => Promise<KeyPair>,
  fits: (pair: KeyPair) => boolean = () => true,
): Promise<KeyPair> {
  const cert = readText(files.pki(layout, `${name}.crt`));
  const key = readText(files.pki(layout, `${name}.key`));
  if (cert !== undefined && key !== undefined && fits({ cert, key })) return { cert, key };
  const pair = await make();
  writeFileWhole(files.pki(layout, `${name}.key`), pair.key);
  writeFileWhole(files.pki(layout, `${name}.crt`), pair.cert);
  return pair;
}

/** A token for each user that has none yet. */
function ensureTokens(layout: Layout): z.infer<typeof tokenList> {
  const before = readJson(files.tokens(layout), tokenList) ?? [];
  const tokens = Object.entries(ROLES).map(
    ([user, role]) => before.find((known) => known.user === user) ?? { token: newToken(), user, role },
  );
  writeJson(files.tokens(layout), tokens);
  return tokens;
}

function ensureAgentToken(layout: Layout): void {
  const file = files.agentToken(layout);
  if (readText(file) === undefined) writeFileWhole(file, newToken());
}

function newToken(): string {
  return randomBytes(32).toString('hex');
}

function kubeconfig(user: string, token: string, ca: string, apiAddress: string): string {
  const name = 'fast-sandbox';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: `https://${apiAddress}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user, namespace: 'default' } }],
    'current-context': name,
  });
}
