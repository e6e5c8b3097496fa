import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { files, type Layout } from '../layout';
import { runProgram } from '../machine';
import { type Settings } from '../settings';
import { readJson, readText, writeFileAtomic, writeJson } from '../state-file';
import { isCurrent, type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';

/** Users of the API server, with their roles (apiserver/auth/authorization.ts). */
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
const tokenList = z.array(
  z.object({ token: z.string(), user: z.string(), role: z.string(), namespaces: z.array(z.string()).optional() }),
);
type Token = z.infer<typeof tokenList>[number];

/** Roles of callers made by `token`; each is limited to one namespace. */
export const CALLER_ROLES = ['tenant', 'viewer'] as const;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Makes keys, certificates, tokens and kubeconfigs, and keeps those that still fit. For another API server
 * (`settings.kubeconfig`) no tokens and no API server certificate are made; its kubeconfig is copied.
 */
export async function ensureCredentials(layout: Layout, settings: Settings, bridgeAddress: string): Promise<void> {
  await ensureAgentClients(layout);
  const ca = await ensurePair(layout, 'ca', () => makeCa());
  await ensureServerPair(layout, 'gateway', ca, [...LOCAL_NAMES, bridgeAddress, ...namesIn(settings.grpcAddress)]);
  if (settings.kubeconfig !== undefined) {
    const text = await selfContained(settings.kubeconfig);
    writeFileAtomic(files.kubeconfig(layout), text);
    writeClientConfig(layout, settings, tokenIn(text));
    return;
  }
  const { apiAddress, apiAdvertise = apiAddress } = settings;
  await ensureServerPair(layout, 'apiserver', ca, [...LOCAL_NAMES, bridgeAddress, ...namesIn(apiAddress)]);
  for (const known of ensureTokens(layout)) {
    const text = kubeconfig(known, ca.cert, apiAdvertise.replace(/^(0\.0\.0\.0)?:/, '127.0.0.1:'));
    writeFileAtomic(known.user === 'admin' ? files.kubeconfig(layout) : files.kubeconfigOf(layout, known.user), text);
    if (known.user === 'admin') writeClientConfig(layout, settings, known.token);
  }
}

export interface NewCaller {
  readonly namespace: string;
  readonly role: (typeof CALLER_ROLES)[number];
}

/**
 * Makes a caller for one namespace: token, kubeconfig, and a configuration of fsb-ctl. `up` keeps it; the API server
 * accepts it within a second. Idempotent: a repetition gives the same token.
 * @returns paths of the kubeconfig and of fsb-ctl's configuration
 * @throws Error when no stack was started yet, or the namespace is no valid name
 */
export function addCaller(layout: Layout, { namespace, role }: NewCaller): { kubeconfig: string; client: string } {
  if (!NAMESPACE.test(namespace)) {
    throw new Error(`--namespace: "${namespace}" must have up to 63 of a-z, 0-9 and -, as in team-a`);
  }
  const tokens = readJson(files.tokens(layout), tokenList);
  const admin = readText(files.kubeconfig(layout));
  const client = readJson(files.fsbCtl(layout), z.looseObject({}));
  if (!tokens || admin === undefined || !client) throw new Error('no stack was started yet: run `standalone up` first');
  const user = `${role}-${namespace}`;
  const known = tokens.find((each) => each.user === user) ?? { token: newToken(), user, role, namespaces: [namespace] };
  if (!tokens.includes(known)) writeJson(files.tokens(layout), [...tokens, known]);
  const cluster = z
    .object({ clusters: z.array(z.object({ cluster: z.object({ server: z.string() }) })) })
    .parse(parse(admin));
  const ca = readText(files.pki(layout, 'ca.crt')) ?? '';
  const address = (cluster.clusters[0]?.cluster.server ?? '').replace('https://', '');
  writeFileAtomic(files.kubeconfigOf(layout, user), kubeconfig(known, ca, address));
  writeFileAtomic(files.callerToken(layout, user), known.token);
  writeJson(files.caller(layout, user), { ...client, namespace, tokenFile: files.callerToken(layout, user) });
  return { kubeconfig: files.kubeconfigOf(layout, user), client: files.caller(layout, user) };
}

/** Writes fsb-ctl's configuration: endpoint, CA, and a token unless the kubeconfig has none. */
function writeClientConfig(layout: Layout, settings: Settings, token: string | undefined): void {
  // by name: a certificate's names are checked first, and Node warns of an address as the server name
  const endpoint = settings.grpcAddress.replace(/^(0\.0\.0\.0|127\.0\.0\.1)?:/, 'localhost:');
  if (token !== undefined) writeFileAtomic(files.fsbCtlToken(layout), token);
  const tokenFile = token === undefined ? {} : { tokenFile: files.fsbCtlToken(layout) };
  const tls = { caFile: files.pki(layout, 'ca.crt'), ...tokenFile };
  writeJson(files.fsbCtl(layout), { endpoint, ...(settings.insecurePlaintext ? { insecurePlaintext: true } : tls) });
}

function tokenIn(kubeconfigText: string): string | undefined {
  return contextUser.parse(parse(kubeconfigText)).users[0]?.user.token;
}

/** Host of a listen address; none when it is a wildcard, which clients cannot use. */
function namesIn(hostAndPort: string): string[] {
  const host = hostAndPort.slice(0, hostAndPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host === '' || host === '0.0.0.0' ? [] : [host];
}

async function ensureServerPair(layout: Layout, name: string, ca: KeyPair, names: readonly string[]): Promise<void> {
  const all = [...new Set(names)];
  const fits = ({ cert }: KeyPair): boolean => isCurrent(cert, ca.cert, all);
  await ensurePair(layout, name, () => makeServerCertificate(ca, all), fits);
}

/** The current context alone, with its files inlined, so that it can be read from another folder. */
function selfContained(kubeconfigFile: string): Promise<string> {
  return runProgram('kubectl', '--kubeconfig', kubeconfigFile, 'config', 'view', '--raw', '--flatten', '--minify');
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
  writeFileAtomic(files.pki(layout, `${name}.key`), pair.key);
  writeFileAtomic(files.pki(layout, `${name}.crt`), pair.cert);
  return pair;
}

/** Adds a token for each user of ROLES that has none; tokens of other callers are kept. */
function ensureTokens(layout: Layout): Token[] {
  const before = readJson(files.tokens(layout), tokenList) ?? [];
  const ours = Object.entries(ROLES).map(
    ([user, role]) => before.find((known) => known.user === user) ?? { token: newToken(), user, role },
  );
  const tokens = [...ours, ...before.filter(({ user }) => !(user in ROLES))];
  writeJson(files.tokens(layout), tokens);
  return tokens;
}

/** The agents' CA, and a client certificate for each of their callers; the pool-controller signs its own. */
async function ensureAgentClients(layout: Layout): Promise<void> {
  const ca = await ensurePair(layout, 'agent-ca', () => makeCa('fast-sandbox-agent-ca'));
  for (const service of AGENT_CALLERS) {
    const folder = files.agentClient(layout, service);
    const [before, key] = [readText(join(folder, 'tls.crt')), readText(join(folder, 'tls.key'))];
    if (before !== undefined && key !== undefined && isCurrent(before, ca.cert, [])) continue;
    const pair = await makeClientCertificate(ca, `CN=${service}`);
    const texts = { 'ca.crt': ca.cert, 'tls.crt': pair.cert, 'tls.key': pair.key };
    for (const [name, text] of Object.entries(texts)) writeFileAtomic(join(folder, name), text);
  }
}

function newToken(): string {
  return randomBytes(32).toString('hex');
}

function kubeconfig({ user, token, namespaces }: Token, ca: string, apiAddress: string): string {
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
    contexts: [{ name, context: { cluster: name, user, namespace: namespaces?.[0] ?? 'default' } }],
    'current-context': name,
  });
}
