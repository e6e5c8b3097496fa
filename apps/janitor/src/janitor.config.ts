import { boolean, type ConfigOf, duration, flag } from '@fsb/component-base/config';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const janitorFlags = {
  ...kubeFlags,
  nodeName: flag(z.string().min(1), 'Name of the node to clean up'),
  containerdSocket: flag(z.string().default('/run/containerd/containerd.sock'), "Path of containerd's socket"),
  orphanTimeout: flag(duration().default(10_000), 'Minimum age of an orphan before it is removed'),
  scanInterval: flag(
    duration().default(120_000),
    'Time between two sweeps. What an ended agent Pod leaves is removed without waiting for the next.',
  ),
  leaderElectionNamespace: flag(z.string().default('kube-system'), "Namespace of the sandbox-controller's Lease"),
  logDir: flag(z.string().default('/var/log/fast-sandbox'), "Folder of the sandboxes' logs"),
  runDir: flag(z.string().default('/run/fast-sandbox'), "Folder of the sandboxes' own files"),
  cniDir: flag(z.string().optional(), "One-machine node's folder of IP addresses in use. Unset: none are swept."),
  dryRun: flag(boolean().default(false), 'Log what would be removed; remove nothing'),
};
export type JanitorConfig = ConfigOf<typeof janitorFlags>;
