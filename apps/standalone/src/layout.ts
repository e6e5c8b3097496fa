import { join, resolve } from 'node:path';
import { packageRoot } from '@fsb/component-base/package-root';

/** Folders of one installation on this machine. With `--root` all are below one folder. */
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
  /** configuration of fsb-ctl: the gateway's address, its CA and a token */
  fsbCtl: ({ state }: Layout) => join(state, 'fsb-ctl.json'),
  fsbCtlToken: ({ state }: Layout) => join(state, 'fsb-ctl.token'),
  /** configuration of fsb-ctl (--config) for a caller made by `token` */
  caller: ({ state }: Layout, user: string) => join(state, 'callers', `${user}.json`),
  callerToken: ({ state }: Layout, user: string) => join(state, 'callers', `${user}.token`),
  tokens: ({ state }: Layout) => join(state, 'tokens.json'),
  /** client certificate of a service for the agents */
  agentClient: ({ state }: Layout, service: string) => join(state, 'agent-clients', service),
  /** certificates of the agents, a folder for each */
  agentTls: ({ run }: Layout) => join(run, 'agent-tls'),
  pki: ({ state }: Layout, name: string) => join(state, 'pki', name),
  db: ({ state }: Layout) => join(state, 'db'),
  choice: ({ state }: Layout) => join(state, 'choice.json'),
  settings: ({ state }: Layout) => join(state, 'settings.json'),
  /** build id of the running supervisor and the services it started */
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
  /** audit logs; `down` keeps them */
  audit: ({ log }: Layout) => join(log, 'audit'),
  serviceLog: ({ log }: Layout, name: string) => join(log, `${name}.log`),
} as const;

/** Folder of package.json, for code in dist/ and for the sources. */
export const PACKAGE_ROOT = packageRoot();

/**
 * Flags of Node for a service. The semi-space is twice V8's default, so that a create's garbage dies before the next
 * scavenge; scavenges are a quarter of the gateway's and agent's work in a burst. It costs 32 MiB at most.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=32'];

/** Path of an app's built entry. */
export function appEntry(app: string): string {
  return join(PACKAGE_ROOT, 'dist/apps', app, 'src/main.js');
}
