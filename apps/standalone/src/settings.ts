import { type Address, address } from '@fsb/component-base/config';
import { z } from 'zod';
import { files, type Layout } from './layout';
import { readJson, writeJson } from './state-file';

export const DEFAULT_PORT_BASE = 9190;

/** of gateway and controllers; their ports lie between those of one stack's other processes */
const MAX_REPLICAS = 5;

const settings = z.object({
  /** auto: the machine's own containerd, where one was there before us and answers CRI */
  containerd: z.enum(['auto', 'private']).default('auto'),
  grpcAddress: z.string().default('127.0.0.1:9090'),
  apiAddress: z.string().default('127.0.0.1:6443'),
  /** the first port of those for probes and metrics */
  portBase: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535 - 10 * MAX_REPLICAS - 16)
    .default(DEFAULT_PORT_BASE),
  replicas: z.coerce.number().int().min(1).max(MAX_REPLICAS).default(1),
  /** that may wait for sandboxes on each agent; 0: every sandbox is made when it is asked for */
  warmContainers: z.coerce.number().int().min(0).max(9999).default(16),
  /** registries whose images sandboxes may run */
  allowedRegistries: z.string().default('*'),
  /** ranges of loopback, link-local and blocked addresses that registries may be at: a registry of the machine's own */
  registryAddresses: z.string().default('127.0.0.0/8,::1'),
  /** the original's wire: no TLS, and nobody is asked who they are */
  insecurePlaintext: z.union([z.boolean(), z.stringbool()]).default(false),
  /** where traces go, by OTLP over HTTP; empty: nowhere */
  otlpEndpoint: z.string().optional(),
  /** of another API server, which is there already and has the CRDs: none of our own is started */
  kubeconfig: z.string().min(1).optional(),
  /** what the kubeconfigs say, where a proxy stands before the API server */
  apiAdvertise: z.string().optional(),
});
export type Settings = z.infer<typeof settings>;
/** As they stand on the command line. */
export type GivenSettings = Readonly<Partial<Record<keyof Settings, string>>>;

/** What was given now, else what was given the last time, else the defaults: a plain `up` brings the same stack back. */
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

/** @throws z.ZodError naming what is allowed */
export function hostAndPort(text: string): Address {
  const parsed = address().safeParse(text);
  if (!parsed.success) throw new Error(`${text}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
