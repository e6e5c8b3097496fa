import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { files, type Layout } from '../layout';
import { command } from '../machine';
import { type Settings } from '../settings';
import { readJson, readText, writeFileWhole, writeJson } from '../state-file';
import { isCurrent, type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

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
const AGENT_CALLERS = ['fastpath-gateway', 'sandbox-controller'];
const LOCAL_NAMES = ['127.0.0.1', '::1', 'localhost'];
const contextUser = z.object({ users: z.array(z.object({ user: z.object({ token: z.string().optional() }) })) });
const tokenList = z.array(z.object({ token: z.string(), user: z.string(), role: z.string() }));

/**
 * Keys, certificates, tokens and kubeconfigs: made once and kept, renewed only where they no longer fit. Of an API server
 * that is not ours, the kubeconfig is all.
 */
export async function ensureCredentials(layout: Layout, settings: Settings, bridgeAddress: string): Promise<void> {
  await ensureAgentClients(layout);
  const ca = await ensurePair(layout, 'ca', () => makeCa());
  await ensureServerPair(layout, 'gateway', ca, [...LOCAL_NAMES, bridgeAddress, ...namesIn(settings.grpcAddress)]);
  if (settings.kubeconfig !== undefined) {
    const text = await selfContained(settings.kubeconfig);
    writeFileWhole(files.kubeconfig(layout), text);
    writeClientConfig(layout, settings, tokenIn(text));
    return;
  }
  const { apiAddress, apiAdvertise = apiAddress } = settings;
  await ensureServerPair(layout, 'apiserver', ca, [...LOCAL_NAMES, bridgeAddress, ...namesIn(apiAddress)]);
  for (const { token, user } of ensureTokens(layout)) {
    const text = kubeconfig(user, token, ca.cert, apiAdvertise.replace(/^(0\.0\.0\.0)?:/, '127.0.0.1:'));
    writeFileWhole(user === 'admin' ? files.kubeconfig(layout) : files.kubeconfigOf(layout, user), text);
    if (user === 'admin') writeClientConfig(layout, settings, token);
  }
}

/** What fsb-ctl needs to find the gateway, to believe it, and to be believed; of a kubeconfig without a token, that is not there. */
function writeClientConfig(layout: Layout, settings: Settings, token: string | undefined): void {
  // by name: of a server's certificate, TLS checks names first, and Node warns of addresses
  const endpoint = settings.grpcAddress.replace(/^(0\.0\.0\.0|127\.0\.0\.1)?:/, 'localhost:');
  if (token !== undefined) writeFileWhole(files.fsbCtlToken(layout), token);
  const tokenFile = token === undefined ? {} : { tokenFile: files.fsbCtlToken(layout) };
  const tls = { caFile: files.pki(layout, 'ca.crt'), ...tokenFile };
  writeJson(files.fsbCtl(layout), { endpoint, ...(settings.insecurePlaintext ? { insecurePlaintext: true } : tls) });
}

function tokenIn(kubeconfigText: string): string | undefined {
  return contextUser.parse(parse(kubeconfigText)).users[0]?.user.token;
}

/** The host of an address that servers listen on, where it is a name that clients can use. */
function namesIn(hostAndPort: string): string[] {
  const host = hostAndPort.slice(0, hostAndPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host === '' || host === '0.0.0.0' ? [] : [host];
}

async function ensureServerPair(layout: Layout, name: string, ca: KeyPair, names: readonly string[]): Promise<void> {
  const all = [...new Set(names)];
  const fits = ({ cert }: KeyPair): boolean => isCurrent(cert, ca.cert, all);
  await ensurePair(layout, name, () => makeServerCertificate(ca, all), fits);
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

/** The agents' own CA, and for each of their callers what it shows; the pool-controller signs its own. */
async function ensureAgentClients(layout: Layout): Promise<void> {
  const ca = await ensurePair(layout, 'agent-ca', () => makeCa('fast-sandbox-agent-ca'));
  for (const service of AGENT_CALLERS) {
    const folder = files.agentClient(layout, service);
    const [before, key] = [readText(join(folder, 'tls.crt')), readText(join(folder, 'tls.key'))];
    if (before !== undefined && key !== undefined && isCurrent(before, ca.cert, [])) continue;
    const pair = await makeClientCertificate(ca, `CN=${service}`);
    const texts = { 'ca.crt': ca.cert, 'tls.crt': pair.cert, 'tls.key': pair.key };
    for (const [name, text] of Object.entries(texts)) writeFileWhole(join(folder, name), text);
  }
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
