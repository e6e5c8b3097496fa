import { agentClientFlags } from '@fsb/agent-api/agent-client-flags';
import { auditFlags, auditProblems } from '@fsb/component-base/audit/audit-flags';
import { address, boolean, type ConfigOf, duration, flag, wholeNumber } from '@fsb/component-base/config';
import { allowedRegistriesFlag } from '@fsb/component-base/registry-flag';
import { accessSync, constants } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const gatewayFlags = {
  ...kubeFlags,
  ...auditFlags,
  grpcBindAddress: flag(
    address().default({ host: '127.0.0.1', port: 9090 }),
    'Address of the gRPC server: fastpath.v1, health and reflection',
  ),
  tlsCertFile: flag(z.string().optional(), 'Certificate of the gRPC server, PEM; reloaded when it changes'),
  tlsKeyFile: flag(z.string().optional(), 'Private key of the gRPC server, PEM; reloaded when it changes'),
  clientCaFile: flag(
    z.string().optional(),
    'CA of client certificates, PEM. CN is the user, each O a group. Absent: callers need a token',
  ),
  tokenIssuers: flag(
    z
      .string()
      .default('')
      .transform((text) => text.split(',').filter((issuer) => issuer !== '')),
    "Issuers of the cluster's tokens, separated by commas (`--service-account-issuer` of its API server). Tokens of other issuers are refused without a TokenReview; none: every token is reviewed",
  ),
  insecurePlaintext: flag(
    boolean().default(false),
    "Serves the Go predecessor's wire: no TLS, no authentication, no authorization",
  ),
  maxConnectionsPerAddress: flag(
    wholeNumber(1, 100_000).default(100),
    'Unauthenticated connections of one address; further ones are closed at once',
  ),
  trustedProxyCidrs: flag(
    addressRanges().optional(),
    'Addresses that many callers share, such as a load balancer, as in 10.0.0.0/8,fd00::/8. Their connections have no limits, neither per address nor per user',
  ),
  maxConnectionsPerUser: flag(
    wholeNumber(1, 1_000_000).default(1_000),
    'Connections of one user. The first call of a further one is refused and its connection closed',
  ),
  maxCallsPerUser: flag(
    wholeNumber(1, 1_000_000).default(1_000),
    'Concurrent calls of one user, streams included; further ones fail with RESOURCE_EXHAUSTED',
  ),
  maxLogStreams: flag(
    wholeNumber(2, 1_000_000).default(1_024),
    'Concurrent log streams. A namespace may hold as many as it leaves free (alone: half); further ones fail with RESOURCE_EXHAUSTED',
  ),
  ...agentClientFlags,
  allowedRegistries: allowedRegistriesFlag,
  maxCreatesInFlight: flag(
    wholeNumber(2, 10_000).default(512),
    'Concurrent creates. A namespace may hold as many as it leaves free (alone: half); its further creates wait',
  ),
  namespaceCreatesPerSecond: flag(
    wholeNumber(0, 1_000_000).default(0),
    'Creates per second of a namespace whose ResourceQuotas set no rate; 0: unlimited',
  ),
  fastpathConsistencyMode: flag(
    z.enum(['fast', 'strong'], 'must be fast or strong').default('fast'),
    'Mode of creates that name none: fast starts the container first, strong writes the object first',
  ),
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'How long this gateway alone tries to write the object of a sandbox; then others may adopt it, as in 10s',
  ),
};
export type GatewayConfig = ConfigOf<typeof gatewayFlags>;

/** Problems that only several flags together have: TLS and audit. */
export function gatewayProblems(config: GatewayConfig): string[] {
  return [...tlsProblems(config), ...auditProblems(config)];
}

/** Schema of addresses and CIDR ranges, separated by commas. */
function addressRanges(): z.ZodType<BlockList, string> {
  return z.string().transform((text, context) => {
    const list = new BlockList();
    for (const part of text.split(',').filter((each) => each !== '')) {
      const [address = '', prefix = isIPv6(address) ? '128' : '32'] = part.trim().split('/');
      try {
        list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
      } catch {
        context.addIssue({ code: 'custom', message: 'must be addresses or ranges such as 10.0.0.0/8,fd00::1' });
      }
    }
    return list;
  });
}

function tlsProblems(config: GatewayConfig): string[] {
  const { tlsCertFile, tlsKeyFile, clientCaFile, insecurePlaintext } = config;
  const files = { 'tls-cert-file': tlsCertFile, 'tls-key-file': tlsKeyFile, 'client-ca-file': clientCaFile };
  const given = Object.entries(files).flatMap(([flagName, file]) => (file === undefined ? [] : [{ flagName, file }]));
  if (insecurePlaintext) return given.map(({ flagName }) => `--${flagName}: has no effect with --insecure-plaintext`);
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    return ['--tls-cert-file and --tls-key-file: are required, unless --insecure-plaintext is given'];
  }
  return given
    .filter(({ file }) => !isReadable(file))
    .map(({ flagName, file }) => `--${flagName}: cannot read ${file}`);
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
