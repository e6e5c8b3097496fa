import { type Address, address } from '@fsb/component-base/config';
import { z } from 'zod';
import { files, type Layout } from './layout';
import { readJson, writeJson } from './state-file';

export const DEFAULT_PORT_BASE = 9190;

/** most gateways, and controllers of each kind; the range of `portBase` leaves room for their ports */
const MAX_REPLICAS = 5;

const settings = z.object({
  /** auto: the machine's own containerd where it runs before the first `up` and answers CRI, else a private one */
  containerd: z.enum(['auto', 'private']).default('auto'),
  grpcAddress: z.string().default('127.0.0.1:9090'),
  apiAddress: z.string().default('127.0.0.1:6443'),
  /** first of the ports for probes and metrics */
  portBase: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535 - 10 * MAX_REPLICAS - 16)
    .default(DEFAULT_PORT_BASE),
  replicas: z.coerce.number().int().min(1).max(MAX_REPLICAS).default(1),
  /** most standby containers of an agent; 0: every start is cold */
  warmContainers: z.coerce.number().int().min(0).max(9999).default(16),
  /** registries whose images sandboxes may run */
  allowedRegistries: z.string().default('*'),
  /** loopback, link-local and blocked ranges in which registries are allowed, such as one on this machine */
  registryAddresses: z.string().default('127.0.0.0/8,::1'),
  /** the Go predecessor's wire: no TLS, no authentication */
  insecurePlaintext: z.union([z.boolean(), z.stringbool()]).default(false),
  /** URL of the collector of traces, OTLP over HTTP; empty: no traces */
  otlpEndpoint: z.string().optional(),
  /** file of another API server, with the CRDs installed; the stack then starts none */
  kubeconfig: z.string().min(1).optional(),
  /** address of the API server in kubeconfigs, where it is behind a proxy */
  apiAdvertise: z.string().optional(),
});
export type Settings = z.infer<typeof settings>;
/** Settings as strings of the command line. */
export type GivenSettings = Readonly<Partial<Record<keyof Settings, string>>>;

/**
 * Precedence: `given`, the settings saved by the last `up`, defaults. An `up` without flags restores the same stack.
 * @throws Error naming the invalid setting
 */
export function resolveSettings(layout: Layout, given: GivenSettings): Settings {
  const before = readJson(files.settings(layout), settings) ?? {};
  const parsed = settings.safeParse({ ...before, ...given });
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  hostAndPort(parsed.data.grpcAddress);
  hostAndPort(parsed.data.apiAddress);
  if (parsed.data.apiAdvertise !== undefined) hostAndPort(parsed.data.apiAdvertise);
  return parsed.data;
}

export function saveSettings(layout: Layout, value: Settings): void {
  writeJson(files.settings(layout), value);
}

/** @throws Error with the text and what is allowed */
export function hostAndPort(text: string): Address {
  const parsed = address().safeParse(text);
  if (!parsed.success) throw new Error(`${text}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
