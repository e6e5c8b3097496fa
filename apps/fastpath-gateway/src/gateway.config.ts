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
    'Where fastpath.v1, health and reflection are served over gRPC',
  ),
  tlsCertFile: flag(z.string().optional(), 'Certificate of the gRPC server, PEM; read anew when it changes'),
  tlsKeyFile: flag(z.string().optional(), 'Its private key, PEM'),
  clientCaFile: flag(
    z.string().optional(),
    'CA whose client certificates are believed (CN is the user, each O a group), PEM; absent: tokens alone',
  ),
  tokenIssuers: flag(
    z
      .string()
      .default('')
      .transform((text) => text.split(',').filter((issuer) => issuer !== '')),
    "Issuers of the cluster's tokens (`--service-account-issuer` of its API server), separated by commas: tokens of others are refused without a review; none: each is reviewed",
  ),
  insecurePlaintext: flag(
    boolean().default(false),
    "The original's wire: no TLS, and nobody is asked who they are or what they may do",
  ),
  maxConnectionsPerAddress: flag(
    wholeNumber(1, 100_000).default(100),
    'Connections of one address whose callers have not shown who they are; more are closed at once',
  ),
  trustedProxyCidrs: flag(
    addressRanges().optional(),
    'Addresses that many callers share, such as a load balancer, as in 10.0.0.0/8,fd00::/8: limits of connections are not theirs',
  ),
  maxConnectionsPerUser: flag(
    wholeNumber(1, 1_000_000).default(1_000),
    'Connections of one user; on one more the first call is refused and the connection closed',
  ),
  maxCallsPerUser: flag(
    wholeNumber(1, 1_000_000).default(1_000),
    'Calls of one user under way, streams included; further ones are RESOURCE_EXHAUSTED',
  ),
  maxLogStreams: flag(
    wholeNumber(2, 1_000_000).default(1_024),
    'Logs read at once; a namespace has at most as many as are left for others',
  ),
  ...agentClientFlags,
  allowedRegistries: allowedRegistriesFlag,
  maxCreatesInFlight: flag(
    wholeNumber(2, 10_000).default(512),
    'Creates that are made at once; a namespace takes no more of them than are left for others, and waits for the rest',
  ),
  namespaceCreatesPerSecond: flag(
    wholeNumber(0, 1_000_000).default(0),
    'Creates a second of a namespace whose ResourceQuotas do not limit them; 0: any number',
  ),
  fastpathConsistencyMode: flag(
    z.enum(['fast', 'strong'], 'must be fast or strong').default('fast'),
    'Mode of creates that ask for none: fast makes the container first, strong the object',
  ),
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'How long this gateway alone tries to write the object of a sandbox; then others may adopt it, as in 10s',
  ),
};
export type GatewayConfig = ConfigOf<typeof gatewayFlags>;

/** What no single flag can say is wrong. */
export function gatewayProblems(config: GatewayConfig): string[] {
  return [...tlsProblems(config), ...auditProblems(config)];
}

/** @returns a schema of addresses and ranges, separated by commas */
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
  if (insecurePlaintext) return given.map(({ flagName }) => `--${flagName}: is of no use with --insecure-plaintext`);
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
