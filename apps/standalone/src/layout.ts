import { join, resolve } from 'node:path';
import { packageRoot } from '@fsb/component-base/package-root';

/** Where one installation on this machine keeps everything. With `--root` all of it is below one folder. */
export interface Layout {
  readonly root: string | undefined;
  /** survives `down`: keys, objects, images, choices */
  readonly state: string;
  /** emptied by `down`: sockets, records of processes, files of sandboxes */
  readonly run: string;
  readonly log: string;
}

export function layoutOf(root: string | undefined): Layout {
  if (root === undefined) {
    const name = 'fast-sandbox';
    return { root, state: `/var/lib/${name}`, run: `/run/${name}`, log: `/var/log/${name}` };
  }
  const folder = resolve(root);
  return { root: folder, state: join(folder, 'state'), run: join(folder, 'run'), log: join(folder, 'log') };
}

export const files = {
  kubeconfig: ({ state }: Layout) => join(state, 'kubeconfig'),
  kubeconfigOf: ({ state }: Layout, service: string) => join(state, 'kubeconfigs', `${service}.yaml`),
  /** what fsb-ctl reads: the gateway's address, its CA and a token */
  fsbCtl: ({ state }: Layout) => join(state, 'fsb-ctl.json'),
  fsbCtlToken: ({ state }: Layout) => join(state, 'fsb-ctl.token'),
  /** of a caller that `token` has made: what fsb-ctl reads with --config */
  caller: ({ state }: Layout, user: string) => join(state, 'callers', `${user}.json`),
  callerToken: ({ state }: Layout, user: string) => join(state, 'callers', `${user}.token`),
  tokens: ({ state }: Layout) => join(state, 'tokens.json'),
  /** what a service shows to the agents */
  agentClient: ({ state }: Layout, service: string) => join(state, 'agent-clients', service),
  /** the agents' own certificates, below a folder for each */
  agentTls: ({ run }: Layout) => join(run, 'agent-tls'),
  pki: ({ state }: Layout, name: string) => join(state, 'pki', name),
  db: ({ state }: Layout) => join(state, 'db'),
  choice: ({ state }: Layout) => join(state, 'choice.json'),
  settings: ({ state }: Layout) => join(state, 'settings.json'),
  /** of the supervisor that runs, and of what it has started */
  build: ({ run }: Layout) => join(run, 'build'),
  installation: ({ state }: Layout) => join(state, 'installation'),
  cni: ({ state }: Layout) => join(state, 'cni'),
  containerdRoot: ({ state }: Layout) => join(state, 'containerd'),
  containerdState: ({ run }: Layout) => join(run, 'containerd'),
  containerdSocket: ({ run }: Layout) => join(run, 'containerd.sock'),
  containerdConfig: ({ run }: Layout) => join(run, 'containerd.toml'),
  supervisor: ({ run }: Layout) => join(run, 'supervisor.json'),
  processes: ({ run }: Layout) => join(run, 'processes'),
  process: ({ run }: Layout, name: string) => join(run, 'processes', `${name}.json`),
  pods: ({ run }: Layout) => join(run, 'pods'),
  podLogs: ({ log }: Layout) => join(log, 'pods'),
  /** who did what: kept by `down` too */
  audit: ({ log }: Layout) => join(log, 'audit'),
  serviceLog: ({ log }: Layout, name: string) => join(log, `${name}.log`),
} as const;

/** The folder of package.json, whether this runs from dist/ or from the sources. */
export const PACKAGE_ROOT = packageRoot();

/**
 * What a service's Node is started with. Twice V8's own nursery: a create's garbage dies before the next scavenge, which is
 * a quarter of what the gateway and the agent do in a burst; it costs 32 MiB at most.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=32'];

/** The built entry of an app. */
export function appEntry(app: string): string {
  return join(PACKAGE_ROOT, 'dist/apps', app, 'src/main.js');
}
